/* SPDX-License-Identifier: MIT */
/*
 * xylemctl room history: what was said in a room, read by privilege. Whoever reads it and why
 * is recorded before anything is shown.
 */
#include "modules/muc/commands.h"

enum { LIMIT = 50, LIMIT_MOST = 1000 };

static void
put_message(struct xy_command *command, const struct xy_archived *entry)
{
    const struct xy_stanza *stanza = entry->stanza;
    const struct xy_node *body = xy_stanza_child(stanza, XY_STR(XY_NS_CLIENT), XY_STR("body")),
                         *subject =
                             xy_stanza_child(stanza, XY_STR(XY_NS_CLIENT), XY_STR("subject"));
    const struct xy_jid *from = xy_stanza_from(stanza);
    xy_row(command);
    xy_put_str(command, "at", xy_time_format(xy_message_id_ms(entry->id)));
    xy_put_str(command, "nick", from ? xy_jid_resource(from) : XY_NO_STR);
    xy_put_str(command, "author", entry->author ? xy_jid_text(entry->author) : XY_NO_STR);
    xy_put_str(command, "text",
               body      ? xy_node_text(body)
               : subject ? xy_temp_printf("(subject) " XY_FMT, XY_ARG(xy_node_text(subject)))
                         : XY_STR("(no text)"));
    xy_put_str(command, "id", entry->stanza_id);
}

static xy_status
read_before(struct xy_command *command, xy_owner owner, xy_message_id *before)
{
    struct xy_str text = xy_arg(command, "before");
    *before = 0;
    if (!text.at || xy_stanza_id_parse(owner, text, before) == XY_OK)
        return XY_OK;
    return xy_fail(command, XY_ABSENT, "the archive has no message `" XY_FMT "`", XY_ARG(text));
}

/* The owner's number: a room of the same name may be another one by then. */
static xy_status
begin(struct xy_command *command, struct xy_room *room)
{
    const struct xy_act act = {
        .kind = XY_ACT_PRIVILEGED_READ,
        .facts = xy_temp_printf("archive=%lld\n", (long long)xy_room_owner(room)),
    };
    struct xy_audit_record record = {.room = xy_jid_text(xy_room_jid(room)),
                                     .reason = XY_STR("room_history"),
                                     .words = xy_arg(command, "reason")};
    command_log(command, record.room, record.reason);
    return xy_privileged(command, &act, &record);
}

/* Whose archive, and that it may be read; everything accepted so far is in it then. */
static xy_status
open_archive(struct xy_command *command, struct xy_room *room, struct xy_archive_query *query)
{
    xy_status status = xy_room_identify(room, false);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "the room has no archive");
    if (status != XY_OK)
        return command_broken(command, status);
    query->owner = xy_room_owner(room);
    status = read_before(command, query->owner, &query->before);
    if (status == XY_OK)
        status = begin(command, room);
    if (status == XY_OK)
        xy_room_settle(room);
    return status;
}

xy_status
command_history(XY_SELF, struct xy_command *command)
{
    struct xy_room *room;
    struct xy_archive_query query = {.newest = true};
    struct xy_archive_page page;
    struct xy_str purpose = xy_str_trim(xy_arg(command, "reason"));
    if (!purpose.len)
        return xy_fail(command, XY_INVALID, "--reason: what for? It is recorded");
    xy_status status = xy_arg_int(command, "limit", 1, LIMIT_MOST, LIMIT, &query.limit);
    if (status == XY_OK)
        status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    status = open_archive(command, room, &query);
    xy_room_leave(room);
    if (status != XY_OK)
        return status;
    status = xy_archive_read(&query, &page);
    if (status == XY_OK)
        status = xy_archive_authors(&page);
    if (status != XY_OK)
        return command_broken(command, status);
    xy_put_str(command, "privileged",
               xy_temp_printf("content of a room, purpose " XY_FMT, XY_ARG(purpose)));
    for (size_t i = 0; i < page.count; i++)
        put_message(command, &page.at[i]);
    if (page.more)
        xy_say(command, "There are older ones: --before the first of these shows them.");
    return XY_OK;
}
