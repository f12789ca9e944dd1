/* SPDX-License-Identifier: MIT */
/*
 * xylemctl hold export: the messages of a hold with their content, live or sealed, and what
 * proves it, a JSON line each. It is reading by privilege: recorded before anything is shown,
 * with the ids; the last line has a hash over all before it.
 */
#include "modules/hold/hold.h"

enum { MESSAGES = 1000, MOST = 10000, DIGEST = 32 };

static void
add_text(struct xy_buffer *to, const char *name, struct xy_str text)
{
    xy_buffer_printf(to, ", \"%s\": \"", name);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '"' || c == '\\')
            xy_buffer_printf(to, "\\%c", c);
        else if (c < 0x20)
            xy_buffer_printf(to, "\\u%04x", c);
        else
            xy_buffer_add(to, xy_str_of(text.at + i, 1));
    }
    xy_buffer_printf(to, "\"");
}

static struct xy_str
digest_of(struct xy_str bytes)
{
    unsigned char digest[XY_HASH_MAX];
    xy_hash_digest(XY_SHA256, bytes, digest);
    return xy_temp_hex(xy_str_of((const char *)digest, DIGEST));
}

static xy_status
add_content(struct xy_buffer *to, const struct xy_message_found *found)
{
    struct xy_stanza *stanza;
    struct xy_str purpose = XY_STR("legal hold");
    xy_status status = xy_privileged_read(found->id, purpose, &stanza);
    if (status == XY_OK) {
        add_text(to, "stanza", xy_stanza_text(stanza));
        add_text(to, "stanza_sha256", digest_of(xy_stanza_text(stanza)));
    }
    return status == XY_GONE || status == XY_ABSENT ? XY_OK : status;
}

static xy_status
add_line(struct xy_buffer *to, const struct xy_message_found *found)
{
    struct xy_evidence evidence;
    xy_buffer_printf(to, "{\"message\": %lld", (long long)found->id);
    add_text(to, "at", xy_time_format(xy_message_id_ms(found->id)));
    add_text(to, "from", found->author);
    add_text(to, "to", found->addressee);
    add_text(to, "for_users", hold_fate(found));
    xy_status status = add_content(to, found);
    if (status == XY_OK)
        status = xy_evidence_find(found->id, &evidence);
    if (status == XY_OK) {
        add_text(to, "commitment", xy_temp_hex(evidence.commitment));
        add_text(to, "salt", xy_temp_hex(evidence.salt));
    }
    xy_buffer_printf(to, "}\n");
    return status == XY_ABSENT ? XY_OK : status;
}

/* Before anything is read: who, why and which. */
static xy_status
record(struct xy_command *command, const struct case_row *row,
       const struct xy_message_found *at, size_t count)
{
    const struct xy_act act = {.kind = XY_ACT_PRIVILEGED_READ};
    struct xy_buffer details = {0}, ids = {0};
    for (size_t i = 0; i < count; i++)
        xy_buffer_printf(&ids, "%lld\n", (long long)at[i].id);
    xy_buffer_printf(&details, "hold=%lld\ncount=%zu\n", (long long)row->id, count);
    if (count)
        xy_buffer_printf(&details, "first=%lld\nlast=%lld\n", (long long)at[0].id,
                         (long long)at[count - 1].id);
    xy_audit_detail(&details, "ids_sha256", digest_of(xy_buffer_str(&ids)));
    return xy_privileged(command, &act,
                         &(struct xy_audit_record){.account = row->person,
                                                   .room = row->room,
                                                   .reason = XY_STR("hold_export"),
                                                   .words = xy_arg(command, "reason"),
                                                   .details = xy_buffer_str(&details)});
}

static void
add_title(struct xy_buffer *to, const struct case_row *row, int64_t after,
          struct xy_str purpose)
{
    xy_buffer_printf(to, "{\"xylem-hold\": 1, \"hold\": %lld, \"after\": %lld",
                     (long long)row->id, (long long)after);
    add_text(to, "name", row->name);
    add_text(to, "purpose", purpose);
    add_text(to, "privileged",
             xy_temp_printf("sealed content, purpose " XY_FMT, XY_ARG(purpose)));
    xy_buffer_printf(to, "}\n");
}

xy_status
hold_command_export(XY_SELF, struct xy_command *command)
{
    struct case_row row;
    struct xy_message_found *at;
    size_t count;
    int64_t after, limit;
    struct xy_buffer lines = {0};
    xy_status status = hold_argument(command, &row);
    if (status == XY_OK)
        status = xy_arg_int(command, "after", 0, INT64_MAX, 0, &after);
    if (status == XY_OK)
        status = xy_arg_int(command, "limit", 1, MOST, MESSAGES, &limit);
    if (status != XY_OK)
        return status;
    if (!xy_arg(command, "reason").len)
        return xy_fail(command, XY_INVALID, "--reason: what for? It is recorded");
    status = xy_hold_read(row.id, after, limit, &at, &count);
    if (status != XY_OK)
        return xy_fail(command, status, "nothing is shown: %s", xy_status_name(status));
    status = record(command, &row, at, count);
    if (status != XY_OK)
        return status;
    add_title(&lines, &row, after, xy_arg(command, "reason"));
    for (size_t i = 0; status == XY_OK && i < count; i++)
        status = add_line(&lines, &at[i]);
    if (status != XY_OK)
        return xy_fail(command, status, "not all of it could be read: %s",
                       xy_status_name(status));
    struct xy_str digest = digest_of(xy_buffer_str(&lines));
    xy_buffer_printf(&lines, "{\"count\": %zu, \"sha256\": \"" XY_FMT "\"", count,
                     XY_ARG(digest));
    if ((int64_t)count == limit)
        xy_buffer_printf(&lines, ", \"more\": \"--after %lld\"", (long long)at[count - 1].id);
    xy_buffer_printf(&lines, "}\n");
    xy_put_str(command, "export", xy_buffer_str(&lines));
    return XY_OK;
}
