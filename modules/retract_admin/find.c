/* SPDX-License-Identifier: MIT */
/*
 * xylemctl message find, who-can-read: what is known of messages (requirements S0-2, N27).
 * Their text only for a purpose, which is recorded before it is shown, and said in the answer
 * (S1-10).
 */
#include "modules/retract_admin/retract_admin.h"

enum { LIMIT = 50, MOST = 1000, LOT = 500 };

/* What the text is read for, and who agreed. */
struct reading {
    struct xy_str purpose; /* absent: no text is asked for */
    struct xy_approval approval;
};

static struct xy_str
facts_of(xy_message_id id)
{
    return id ? xy_temp_printf("message=%lld\n", (long long)id) : XY_NO_STR;
}

static xy_status
begin_reading(struct xy_command *command, xy_message_id one, struct reading *reading)
{
    const struct xy_act act = {.kind = XY_ACT_PRIVILEGED_READ, .facts = facts_of(one)};
    if (!reading->purpose.len)
        return XY_OK;
    xy_status status = xy_approved(command, &act, NULL, &reading->approval);
    if (status == XY_OK)
        xy_mark_sealed(command, reading->purpose);
    return status;
}

static xy_status
record_read(struct xy_command *command, const struct reading *reading, xy_message_id id)
{
    struct xy_buffer details = {0};
    xy_approval_put(&details, &reading->approval);
    struct xy_audit_record record = {.operation = reading->approval.operation,
                                     .actor = xy_command_actor(command),
                                     .kind = XY_STR("privileged_read"),
                                     .message = id,
                                     .reason = XY_STR("message-find"),
                                     .words = reading->purpose,
                                     .details = xy_buffer_str(&details)};
    return grant_record(command, &record);
}

static xy_status
put_text(struct xy_command *command, xy_message_id id, const struct reading *reading)
{
    struct xy_stanza *stanza;
    xy_status status = record_read(command, reading, id);
    if (status == XY_OK)
        status = xy_privileged_read(id, reading->purpose, &stanza);
    if (status == XY_GONE)
        xy_put_str(command, "text", XY_STR("purged"));
    if (status != XY_OK)
        return status == XY_GONE || status == XY_ABSENT ? XY_OK : status;
    const struct xy_node *body = xy_stanza_child(stanza, XY_STR(XY_NS_CLIENT), XY_STR("body"));
    xy_put_str(command, "text", body ? xy_node_text(body) : XY_STR("(no text)"));
    xy_put_str(command, "read_for", reading->purpose);
    return XY_OK;
}

static xy_status
put_message(struct xy_command *command, xy_message_id id, const struct reading *reading)
{
    struct xy_message_record record;
    xy_status status = xy_message_look(id, &record);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    xy_row(command);
    xy_put_int(command, "message", id);
    xy_put_str(command, "at", xy_time_format(record.at_ms));
    xy_put_str(command, "from", xy_jid_text(record.author));
    xy_put_str(command, "to", xy_jid_text(record.addressee));
    xy_put_str(command, "client_id", record.client_id);
    xy_put_str(command, "class", xy_message_class_name(record.class));
    xy_put_str(command, "state", xy_message_state_name(record.state));
    xy_put_bool(command, "held", record.held);
    xy_put_str(command, "actor", record.actor);
    xy_put_str(command, "removed",
               record.removed_ms ? xy_time_format(record.removed_ms) : XY_NO_STR);
    xy_put_str(command, "reason", record.reason);
    xy_put_str(command, "operation", record.operation);
    return reading->purpose.len ? put_text(command, id, reading) : XY_OK;
}

/* Looks at a lot behind *after, which moves on; *left is how many may still be shown. */
static xy_status
put_lot(struct xy_command *command, const struct choice *choice, const struct reading *reading,
        xy_message_id *after, int64_t *left)
{
    const struct xy_message_scope range = {.after = *after, .before = choice->before};
    struct xy_message_found *found;
    size_t count;
    xy_message_id through = 0;
    xy_status status = xy_scope_read(&range, LOT, &found, &count, &through);
    for (size_t i = 0; status == XY_OK && *left > 0 && i < count; i++) {
        const struct xy_jid *author = xy_jid_parse(found[i].author),
                            *addressee = xy_jid_parse(found[i].addressee);
        *after = found[i].id;
        if (!chosen(choice, found[i].id, author, addressee))
            continue;
        --*left;
        status = put_message(command, found[i].id, reading);
    }
    if (*left > 0)
        *after = through; /* 0: that was all */
    return status;
}

static xy_status
put_all(struct xy_command *command, const struct choice *choice, const struct reading *reading,
        int64_t limit)
{
    xy_message_id after = choice->after;
    xy_status status = XY_OK;
    do
        status = put_lot(command, choice, reading, &after, &limit);
    while (status == XY_OK && after && limit > 0);
    if (status == XY_OK && after)
        xy_say(command, "There may be more: --since the last of these, or --limit.");
    return status;
}

xy_status
command_find(XY_SELF, struct xy_command *command)
{
    struct choice choice;
    int64_t limit;
    struct reading reading = {.purpose = xy_str_trim(xy_arg(command, "purpose"))};
    struct xy_message_record record;
    (void)self;
    xy_status status = choose(command, &choice);
    if (status == XY_OK)
        status = xy_arg_int(command, "limit", 1, MOST, LIMIT, &limit);
    if (status != XY_OK)
        return status;
    if (xy_arg(command, "purpose").at && !reading.purpose.len)
        return xy_fail(command, XY_INVALID, "--purpose must say what the text is read for");
    if (choice.one && xy_message_look(choice.one, &record) == XY_ABSENT)
        return xy_fail(command, XY_ABSENT,
                       "there is no such message now: `audit message` says "
                       "what is known of one that was there");
    status = begin_reading(command, choice.one, &reading);
    if (status != XY_OK)
        return status;
    return choice.one ? put_message(command, choice.one, &reading)
                      : put_all(command, &choice, &reading, limit);
}

xy_status
command_who(XY_SELF, struct xy_command *command)
{
    struct choice choice = {.one = 0};
    struct survey survey = {.choice = &choice};
    struct xy_message_record record;
    xy_status status = choose_one(command, xy_arg(command, "ID"), &choice.one);
    if (status == XY_OK)
        status = xy_message_look(choice.one, &record);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "there is no such message");
    struct xy_audit_record read = {.message = choice.one,
                                   .reason = XY_STR("message-find"),
                                   .words = XY_STR("who can read a message")};
    const struct xy_act act = {.kind = XY_ACT_PRIVILEGED_READ, .facts = facts_of(choice.one)};
    if (status == XY_OK)
        status = xy_privileged(command, &act, &read);
    if (status == XY_OK)
        status = survey_make(self, &survey);
    if (status != XY_OK)
        return status;
    xy_put_str(command, "state", xy_message_state_name(record.state));
    return plan_show_one(self, command, choice.one, survey.items, survey.count);
}
