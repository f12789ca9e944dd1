/* SPDX-License-Identifier: MIT */
/*
 * One admin request, from JSON document to JSON document:
 *
 *   {"words": ["user", "create", "a@b"], "options": {"force": true}, "input": "…"}
 *   {"status": "ok", "exit": 0, "fields": {…}, "rows": […], "notes": […], "error": "…"}
 *
 * With "describe": true the answer is the command's own row, for a client that must know
 * whether it reads input before it sends any. The core's commands and the modules' come from
 * the same kind of table and are found and called the same way.
 */
#include "core/server/server.h"

struct target {
    const struct xy_command_row *row;
    struct xy_instance *instance; /* NULL: the core's */
    size_t words;                 /* of its name */
};

/* ---- finding
 * -------------------------------------------------------------------------------------------
 */

struct search {
    struct xy_str name;
    const struct xy_command_row *row;
};

static void
match(void *argument, const struct xy_command_row *row)
{
    struct search *search = argument;
    if (xy_str_equal(search->name, xy_str_from(row->name)))
        search->row = row;
}

static const struct xy_command_row *
find_core(struct xy_str name)
{
    struct search search = {name, NULL};
    xyi_each_core_command(match, &search);
    return search.row;
}

static bool
find_exact(struct xy_str name, struct target *target)
{
    target->row = find_core(name);
    target->instance = NULL;
    if (target->row)
        return true;
    const struct xy_command_row *row = xyi_bus_command_at(name, NULL, &target->instance);
    if (!row || !xy_str_equal(xy_str_from(row->name), name))
        return false;
    target->row = row;
    return true;
}

/* The longest name that the words begin with. */
static bool
find_target(const json_t *words, struct target *target)
{
    size_t count = json_array_size(words);
    for (size_t n = count < 3 ? count : 3; n > 0; n--) {
        struct xy_str parts[3];
        for (size_t i = 0; i < n; i++)
            parts[i] = xyi_json_str(json_array_get(words, i));
        target->words = n;
        if (find_exact(xy_temp_join(parts, n, " "), target))
            return true;
    }
    return false;
}

struct names {
    struct xy_str at[256], noun;
    size_t count;
    struct xy_buffer verbs; /* of the noun */
};

static void
note_name(void *argument, const struct xy_command_row *row)
{
    struct names *names = argument;
    struct xy_str name = xy_str_from(row->name), rest = name, noun = xy_str_cut(&rest, ' ');
    if (names->count < 256)
        names->at[names->count++] = name;
    if (rest.len && xy_str_equal(noun, names->noun))
        xy_buffer_printf(&names->verbs, "%s" XY_FMT, names->verbs.len ? ", " : "",
                         XY_ARG(rest));
}

struct owner {
    struct xy_str asked;
    const char *module;
};

static void
find_owner(void *argument, const struct xy_module *module)
{
    struct owner *owner = argument;
    for (size_t i = 0; i < module->commands_count; i++)
        if (xy_str_equal(owner->asked, xy_str_from(module->commands[i].name)))
            owner->module = module->name;
}

static xy_status
complain_of_words(struct xy_command *command, const json_t *words)
{
    struct names *names = xy_temp_alloc(sizeof(*names));
    struct xy_str first = xyi_json_str(json_array_get(words, 0));
    struct xy_str parts[2] = {first, xyi_json_str(json_array_get(words, 1))};
    struct xy_str asked = xy_temp_join(parts, parts[1].len ? 2 : 1, " ");
    names->noun = first;
    xyi_each_command(note_name, names);
    struct xy_str meant = xyi_did_you_mean(asked, names->at, names->count);
    if (!first.len)
        return xy_fail(command, XY_INVALID, "no command; `help` lists them");
    struct owner owner = {asked, NULL};
    xyi_each_module_file(find_owner, &owner);
    if (owner.module)
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is of the module %s, which is off",
                       XY_ARG(asked), owner.module);
    if (meant.len)
        return xy_fail(command, XY_INVALID,
                       "unknown command `" XY_FMT "`; did you mean `" XY_FMT "`?",
                       XY_ARG(asked), XY_ARG(meant));
    if (names->verbs.len)
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` takes one of: " XY_FMT, XY_ARG(first),
                       XY_ARG(xy_buffer_str(&names->verbs)));
    return xy_fail(command, XY_INVALID, "unknown command `" XY_FMT "`; `help` lists them",
                   XY_ARG(asked));
}

/* ---- calling
 * -------------------------------------------------------------------------------------------
 */

/* A module has an instance per host: that of --host or of the first address among the
 * arguments, where an address of a service is one of its host. */
static struct xy_host *
find_host(const struct xy_command *command)
{
    struct xy_str named = xy_arg(command, "host");
    const struct xy_jid *jid = named.len ? xy_jid_parse(named) : NULL;
    for (size_t i = 0; i < command->arguments_count && !jid; i++)
        if (command->arguments[i].value.len &&
            memchr(command->arguments[i].value.at, '@', command->arguments[i].value.len))
            jid = xy_jid_parse(command->arguments[i].value);
    struct xy_host *host = jid ? xy_host_find(jid) : NULL;
    return jid && !host ? xy_service_host(jid) : host;
}

static xy_status
call(struct xy_command *command, struct target *target)
{
    xy_command_fn *handler = (xy_command_fn *)target->row->handler;
    struct xy_host *host = target->instance ? find_host(command) : NULL;
    if (!target->instance)
        return handler(NULL, command);
    if (host)
        target->row = xyi_bus_command_at(command->words, host, &target->instance);
    struct xy_instance *instance = target->instance;
    struct xy_instance *former = xyi_instance_enter(instance);
    handler = (xy_command_fn *)target->row->handler;
    xy_status status = handler(xyi_instance_state(instance), command);
    xyi_instance_leave(instance, former);
    return status;
}

static xy_status
describe(struct xy_command *command, const struct xy_command_row *row)
{
    xy_put_str(command, "name", xy_str_from(row->name));
    xy_put_str(command, "arguments", xy_str_from(row->arguments));
    xy_put_str(command, "about", xy_str_from(row->about));
    xy_put_bool(command, "input", row->input);
    xy_put_bool(command, "stopped", row->stopped);
    return XY_OK;
}

static xy_status
check_form(struct xy_command *command, const json_t *request)
{
    const json_t *words = json_object_get(request, "words");
    const json_t *options = json_object_get(request, "options");
    const json_t *input = json_object_get(request, "input");
    if (!json_is_array(words))
        return xy_fail(command, XY_INVALID, "a request is an object with an array of `words`");
    for (size_t i = 0; i < json_array_size(words); i++)
        if (!json_is_string(json_array_get(words, i)))
            return xy_fail(command, XY_INVALID, "`words` must be texts");
    if (options && !json_is_object(options))
        return xy_fail(command, XY_INVALID, "`options` must be an object");
    if (input && !json_is_string(input))
        return xy_fail(command, XY_INVALID, "`input` must be a text");
    return XY_OK;
}

static xy_status
carry_out(struct xy_command *command, const json_t *request, bool stopped)
{
    const json_t *words = json_object_get(request, "words");
    struct target target;
    xy_status status = check_form(command, request);
    if (status != XY_OK)
        return status;
    if (!find_target(words, &target))
        return complain_of_words(command, words);
    command->row = target.row;
    command->words = xy_str_from(target.row->name);
    command->input = xyi_json_str(json_object_get(request, "input"));
    if (json_is_true(json_object_get(request, "describe")))
        return describe(command, target.row);
    if (stopped && !target.row->stopped)
        return xy_fail(command, XY_UNSUPPORTED, "the server is not running");
    status =
        xyi_arguments_parse(command, words, target.words, json_object_get(request, "options"));
    return status == XY_OK ? call(command, &target) : status;
}

json_t *
xyi_request(const json_t *request, struct xy_str by, bool stopped)
{
    struct xy_command command = {
        .actor = by, .fields = json_object(), .rows = json_array(), .notes = json_array()};
    xy_status status = carry_out(&command, request, stopped);
    json_t *answer = json_pack("{s:s, s:i, s:o, s:o, s:o}", "status", xy_status_name(status),
                               "exit", xyi_exit_code(status), "fields", command.fields, "rows",
                               command.rows, "notes", command.notes);
    xy_assert(answer);
    if (status != XY_OK)
        json_object_set_new(answer, "error",
                            xyi_json_text(command.error.len
                                              ? command.error
                                              : xy_str_from(xy_status_name(status))));
    return answer;
}
