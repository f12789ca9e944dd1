/* SPDX-License-Identifier: MIT */
/*
 * What an admin command sees of its request and how it builds its answer (xylem/command.h). The
 * answer is JSON from the beginning; text is made from it by whoever shows it.
 */
#include "core/server/server.h"

struct xy_str
xyi_json_str(const json_t *text)
{
    return xy_str_of(json_string_value(text), json_string_length(text));
}

/* JSON is UTF-8: bytes that are not are shown in hex. */
json_t *
xyi_json_text(struct xy_str text)
{
    json_t *made = json_stringn(text.at ? text.at : "", text.len);
    if (made)
        return made;
    struct xy_str hex = xy_temp_hex(text);
    return json_stringn(hex.at, hex.len);
}

/* ---- the request
 * --------------------------------------------------------------------------------------- */

static const struct xyi_argument *
find(const struct xy_command *command, const char *name)
{
    for (size_t i = 0; i < command->arguments_count; i++)
        if (xy_str_equal(command->arguments[i].name, xy_str_from(name)))
            return &command->arguments[i];
    return NULL;
}

struct xy_str
xy_arg(const struct xy_command *command, const char *name)
{
    const struct xyi_argument *argument = find(command, name);
    return argument ? argument->value : XY_NO_STR;
}

bool
xy_flag(const struct xy_command *command, const char *name)
{
    return find(command, name) != NULL;
}

struct xy_str
xy_command_input(const struct xy_command *command)
{
    return command->input;
}

struct xy_str
xy_command_actor(const struct xy_command *command)
{
    return command->actor;
}

const struct xy_jid *
xyi_account_argument(struct xy_command *command, const char *name)
{
    struct xy_str text = xy_arg(command, name);
    const struct xy_jid *jid = xy_jid_parse(text);
    if (jid && xy_jid_is_bare(jid) && xy_jid_local(jid).len && xy_host_find(jid))
        return jid;
    const char *problem = !jid                     ? "is not a JID"
                          : !xy_jid_local(jid).len ? "has no name before the @"
                          : !xy_jid_is_bare(jid)   ? "has a resource; accounts have none"
                                                   : "is of a domain that is not served here";
    (void)xy_fail(command, XY_INVALID, "`" XY_FMT "` %s", XY_ARG(text), problem);
    return NULL;
}

xy_status
xy_arg_int(struct xy_command *command, const char *name, int64_t min, int64_t max,
           int64_t otherwise, int64_t *number)
{
    struct xy_str text = xy_arg(command, name);
    *number = otherwise;
    if (!text.at || xy_str_to_int(text, min, max, number) == XY_OK)
        return XY_OK;
    return xy_fail(command, XY_INVALID,
                   "--%s must be a number from %lld to %lld, not `" XY_FMT "`", name,
                   (long long)min, (long long)max, XY_ARG(text));
}

/* ---- the answer
 * ---------------------------------------------------------------------------------------- */

static void
put(struct xy_command *command, const char *key, json_t *value)
{
    json_t *into = command->row_open ? command->row_open : command->fields;
    int failed = json_object_set_new(into, key, value);
    xy_assert(!failed);
}

void
xy_put_str(struct xy_command *command, const char *key, struct xy_str value)
{
    put(command, key, xyi_json_text(value));
}

void
xy_put_int(struct xy_command *command, const char *key, int64_t value)
{
    put(command, key, json_integer(value));
}

void
xy_put_bool(struct xy_command *command, const char *key, bool value)
{
    put(command, key, json_boolean(value));
}

void
xy_row(struct xy_command *command)
{
    command->row_open = json_object();
    json_array_append_new(command->rows, command->row_open);
}

void
xy_say(struct xy_command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct xy_str line = xyi_arena_vprintf(xyi_temp(), format, arguments);
    va_end(arguments);
    json_array_append_new(command->notes, xyi_json_text(line));
}

xy_status
xy_fail(struct xy_command *command, xy_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    command->error = xyi_arena_vprintf(xyi_temp(), format, arguments);
    va_end(arguments);
    return status;
}

/* "name: reason" or "name". */
void
xyi_put_lines(struct xy_command *command, struct xy_str lines, const char *what,
              const char *key)
{
    while (lines.len) {
        struct xy_str rest = xy_str_cut(&lines, '\n');
        const char *colon = memmem(rest.at, rest.len, ": ", 2);
        struct xy_str name = colon ? xy_str_of(rest.at, (size_t)(colon - rest.at)) : rest;
        xy_row(command);
        xy_put_str(command, "what", xy_str_from(what));
        xy_put_str(command, "change", xy_str_from(key));
        xy_put_str(command, "name", name);
        if (colon)
            xy_put_str(command, "detail", xy_str_of(colon + 2, rest.len - name.len - 2));
    }
}

void
xyi_put_diagnostics(struct xy_command *command, const struct xy_diagnostics *of)
{
    for (const struct xyi_diagnostic *at = xyi_diagnostics_first(of); at; at = at->next) {
        xy_row(command);
        xy_put_str(command, "where", at->where);
        xy_put_str(command, "severity", at->is_caution ? XY_STR("caution") : XY_STR("error"));
        xy_put_str(command, "text", at->text);
    }
}

int
xyi_exit_code(xy_status status)
{
    switch (status) {
    case XY_OK:
        return 0;
    case XY_INVALID:
        return 2;
    case XY_ABSENT:
        return 3;
    case XY_CONFLICT:
        return 4;
    case XY_DENIED:
        return 5;
    case XY_FULL:
    case XY_GONE:
    case XY_CANCELLED:
    case XY_TIMEOUT:
    case XY_BROKEN:
    case XY_UNKNOWN:
    case XY_UNSUPPORTED:
        break;
    }
    return 1;
}
