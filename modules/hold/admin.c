/* SPDX-License-Identifier: MIT */
/* xylemctl hold add|list|show. */
#include "modules/hold/hold.h"

enum { SHOWN = 1000 };

static xy_status
no_database(struct xy_command *command, xy_status status)
{
    return xy_fail(command, status, "the database does not answer: %s", xy_status_name(status));
}

/* ---- add --------------------------------------------------------------------------------- */

static xy_status
read_jid(struct xy_command *command, const char *name, struct xy_str *text)
{
    struct xy_str said = xy_arg(command, name);
    const struct xy_jid *jid = said.len ? xy_jid_parse(said) : NULL;
    if (said.at && (!jid || !xy_jid_is_bare(jid)))
        return xy_fail(command, XY_INVALID, "--%s: `" XY_FMT "` is not a bare JID", name,
                       XY_ARG(said));
    *text = jid ? xy_jid_text(jid) : XY_NO_STR;
    return XY_OK;
}

static xy_status
read_time(struct xy_command *command, const char *name, int64_t *ms)
{
    struct xy_str said = xy_arg(command, name);
    *ms = 0;
    if (said.at && xy_time_parse(said, ms) != XY_OK)
        return xy_fail(command, XY_INVALID, "--%s must be a time like 2026-11-21T08:00:00Z",
                       name);
    return XY_OK;
}

static xy_status
read_scope(struct xy_command *command, struct case_row *row)
{
    xy_status status = read_jid(command, "person", &row->person);
    if (status == XY_OK)
        status = read_jid(command, "with", &row->with);
    if (status == XY_OK)
        status = read_jid(command, "room", &row->room);
    if (status == XY_OK)
        status = read_time(command, "since", &row->since_ms);
    if (status == XY_OK)
        status = read_time(command, "until", &row->until_ms);
    if (status != XY_OK)
        return status;
    row->keyword = xy_arg(command, "keyword");
    if (row->with.len && (!row->person.len || row->room.len))
        return xy_fail(command, XY_INVALID, "--with goes with --person, not with --room");
    if (row->until_ms && row->until_ms <= row->since_ms)
        return xy_fail(command, XY_INVALID, "--until is not behind --since");
    if (!row->person.len && !row->room.len && !row->keyword.len && !row->since_ms &&
        !row->until_ms)
        return xy_fail(command, XY_INVALID,
                       "what is held? --person, --room, --keyword, --since or --until");
    return XY_OK;
}

static struct xy_str
scope_details(const struct case_row *row)
{
    struct xy_buffer details = {0};
    xy_buffer_printf(&details, "hold=%lld\n", (long long)row->id);
    xy_audit_detail(&details, "name", row->name);
    if (row->with.len)
        xy_audit_detail(&details, "with", row->with);
    if (row->keyword.len)
        xy_audit_detail(&details, "keyword", row->keyword);
    if (row->since_ms)
        xy_audit_detail(&details, "since", xy_time_format(row->since_ms));
    if (row->until_ms)
        xy_audit_detail(&details, "until", xy_time_format(row->until_ms));
    return xy_buffer_str(&details);
}

struct xy_audit_record
hold_record(const struct xy_command *command, const struct case_row *row, const char *kind)
{
    return (struct xy_audit_record){.actor = xy_command_actor(command),
                                    .kind = xy_str_from(kind),
                                    .account = row->person,
                                    .room = row->room,
                                    .reason = XY_STR("legal"),
                                    .words = xy_arg(command, "reason"),
                                    .details = scope_details(row)};
}

/* In memory first, so that no message slips between. */
static xy_status
begin(XY_SELF, struct xy_command *command, const struct case_row *row)
{
    struct legal_case *legal;
    struct xy_audit_record record = hold_record(command, row, "hold");
    xy_status status = hold_know(self, row, &legal);
    if (status != XY_OK)
        return status;
    legal->coming = true; /* nobody gathers before the row is there */
    struct xy_txn *txn = xy_txn_begin();
    hold_row_add(txn, row);
    status = xy_run_audit_add(NULL, txn, &record);
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    legal->coming = false;
    legal->fenced = true;
    if (status != XY_OK)
        hold_forget(self, legal);
    return status;
}

xy_status
hold_command_add(XY_SELF, struct xy_command *command)
{
    struct case_row row = {.name = xy_arg(command, "name"),
                           .reason = xy_arg(command, "reason"),
                           .created_by = xy_command_actor(command),
                           .created_ms = xy_now_ms()};
    if (!row.name.len || !row.reason.len)
        return xy_fail(command, XY_INVALID, "--name and --reason are needed");
    xy_status status = read_scope(command, &row);
    if (status != XY_OK)
        return status;
    status = hold_next_id(self, &row.id);
    if (status == XY_OK)
        status = begin(self, command, &row);
    if (status != XY_OK)
        return xy_fail(command, status, "nothing is held: %s", xy_status_name(status));
    xy_notice("hold.added", "messages are held", XY_F_INT_AS("hold", row.id));
    hold_work_soon(self);
    xy_put_int(command, "hold", row.id);
    xy_put_str(command, "state", xy_str_from(hold_phase_name(GATHERING)));
    xy_say(command, "Messages to come are held from now on; those there are come under it one "
                    "after the other: `hold show` says when all of them are.");
    return XY_OK;
}

/* ---- list, show -------------------------------------------------------------------------- */

static void
put_if(struct xy_command *command, const char *key, struct xy_str text)
{
    if (text.len)
        xy_put_str(command, key, text);
}

static void
put_case(struct xy_command *command, const struct case_row *row)
{
    xy_put_int(command, "hold", row->id);
    xy_put_str(command, "name", row->name);
    xy_put_str(command, "state", xy_str_from(hold_phase_name(row->phase)));
    put_if(command, "person", row->person);
    put_if(command, "with", row->with);
    put_if(command, "room", row->room);
    put_if(command, "keyword", row->keyword);
    if (row->since_ms)
        xy_put_str(command, "since", xy_time_format(row->since_ms));
    if (row->until_ms)
        xy_put_str(command, "until", xy_time_format(row->until_ms));
    xy_put_str(command, "by", row->created_by);
    xy_put_str(command, "at", xy_time_format(row->created_ms));
    xy_put_str(command, "reason", row->reason);
    put_if(command, "released_by", row->released_by);
    if (row->released_ms)
        xy_put_str(command, "released_at", xy_time_format(row->released_ms));
}

xy_status
hold_command_list(XY_SELF, struct xy_command *command)
{
    struct case_row *rows;
    size_t count;
    xy_status status = hold_read_all(&rows, &count);
    if (status != XY_OK)
        return no_database(command, status);
    for (size_t i = 0; i < count; i++) {
        xy_row(command);
        put_case(command, &rows[i]);
    }
    return XY_OK;
}

xy_status
hold_argument(struct xy_command *command, struct case_row *row)
{
    int64_t id;
    struct xy_str text = xy_arg(command, "ID");
    if (xy_str_to_int(text, 1, INT64_MAX, &id) != XY_OK)
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is not the number of a hold",
                       XY_ARG(text));
    xy_status status = hold_read_one(id, row);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "there is no hold %lld", (long long)id);
    return status == XY_OK ? status : no_database(command, status);
}

struct xy_str
hold_fate(const struct xy_message_found *found)
{
    static const char *const states[] = {"", "retracted", "moderated", "removed", "expired"};
    if (found->purged)
        return XY_STR("purged before");
    if (found->state != XY_MESSAGE_LIVE)
        return found->purge_ms != XY_NONE && found->purge_ms <= xy_now_ms()
                   ? xy_temp_printf("%s, due to be purged", states[found->state])
                   : xy_str_from(states[found->state]);
    return found->archived || found->waits ? XY_NO_STR : XY_STR("in no archive any more");
}

static void
put_message(struct xy_command *command, const struct xy_message_found *found)
{
    xy_row(command);
    xy_put_int(command, "message", found->id);
    xy_put_str(command, "at", xy_time_format(xy_message_id_ms(found->id)));
    xy_put_str(command, "from", found->author);
    xy_put_str(command, "to", found->addressee);
    xy_put_str(command, "for_users", hold_fate(found));
}

/* All of them are counted; those that users believe to be gone are shown, behind --after. */
xy_status
hold_command_show(XY_SELF, struct xy_command *command)
{
    struct case_row row;
    int64_t after, limit, held = 0, destroyed = 0;
    xy_message_id cursor = 0;
    xy_status status = hold_argument(command, &row);
    if (status == XY_OK)
        status = xy_arg_int(command, "after", 0, INT64_MAX, 0, &after);
    if (status == XY_OK)
        status = xy_arg_int(command, "limit", 0, 100000, SHOWN, &limit);
    if (status != XY_OK)
        return status;
    put_case(command, &row);
    struct xy_message_found *shown = xy_temp_alloc((size_t)(limit + 1) * sizeof(*shown));
    for (int64_t count_shown = 0;;) {
        struct xy_message_found *at;
        size_t count;
        status = xy_hold_read(row.id, cursor, SHOWN, &at, &count);
        if (status != XY_OK)
            return no_database(command, status);
        for (size_t i = 0; i < count; i++) {
            bool gone = hold_fate(&at[i]).len > 0;
            destroyed += gone;
            if (gone && at[i].id > after && count_shown < limit)
                shown[count_shown++] = at[i];
        }
        held += (int64_t)count;
        if (count < SHOWN) {
            xy_put_int(command, "messages", held);
            xy_put_int(command, "destroyed_for_users", destroyed);
            for (int64_t i = 0; i < count_shown; i++)
                put_message(command, &shown[i]);
            return XY_OK;
        }
        cursor = at[count - 1].id;
    }
}
