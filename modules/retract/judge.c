/* SPDX-License-Identifier: MIT */
/*
 * Whether an author may take back what he wrote to somebody (requirements S0-22 to S0-27,
 * S0-35, S1-11). Decided from what the server knows: who is logged in and as what, when it
 * received the original, what class it has; never from what the client says of time.
 */
#include "modules/retract/retract.h"

enum { LOOK_BACK_MS = 7 * 24 * 3600 * 1000 }; /* older ones are "not found", not "too late" */

static void
refuse(struct judgement *j, xy_condition condition, const char *why, const char *text)
{
    j->condition = condition;
    j->why = why;
    j->text = text;
}

static const char *const class_names[] = {[XY_USER_MESSAGE] = "user",
                                          [XY_ADMIN_NOTICE] = "notice",
                                          [XY_NEWS] = "news",
                                          [XY_SERVICE_MESSAGE] = "service",
                                          [XY_INTEGRATION_MESSAGE] = "integration"};

bool
retract_allows_class(const struct retract *self, enum xy_message_class class)
{
    for (size_t i = 0; i < self->classes.count; i++)
        if (xy_str_equal(self->classes.at[i], xy_str_from(class_names[class])))
            return true;
    return false;
}

/* ---- the request itself
 * ------------------------------------------------------------------------- */

static void
read_request(struct judgement *j)
{
    const struct xy_node *node =
        xy_stanza_child(j->message, XY_STR(NS_RETRACT), XY_STR("retract"));
    j->id = node ? xy_node_attr(node, "id") : XY_NO_STR;
    if (!node)
        refuse(j, XY_FEATURE_NOT_IMPLEMENTED, "version",
               "Only " NS_RETRACT " is understood here");
    else if (!j->id.len)
        refuse(j, XY_BAD_REQUEST, "no-id", "Which message is meant?");
    else if (!xy_host_find(xy_stanza_to(j->message)) ||
             !xy_jid_local(xy_stanza_to(j->message)).len)
        refuse(j, XY_NOT_ALLOWED, "elsewhere",
               "It has no effect on other servers, so it is not sent there");
    else if (xy_session_class(j->session) != XY_INTERACTIVE)
        refuse(j, XY_FORBIDDEN, "not-interactive", "Only a person at a client may do that");
}

/* ---- the message meant
 * -------------------------------------------------------------------------- */

/* Also what was sent a moment ago and is being committed. */
static xy_status
find(struct judgement *j, xy_message_id *id)
{
    const struct xy_jid *author = xy_jid_bare(xy_session_jid(j->session));
    const struct xy_jid *peer = xy_jid_bare(xy_stanza_to(j->message));
    xy_user_settle(xy_session_user(j->session));
    int64_t since = xy_now_ms() - LOOK_BACK_MS;
    xy_status status = xy_message_find(author, peer, j->id, since, id);
    if (status != XY_ABSENT)
        return status;
    status = xy_message_find(peer, author, j->id, since, id);
    if (status == XY_OK) {
        refuse(j, XY_FORBIDDEN, "not-author", "Somebody else wrote that");
        return XY_DENIED;
    }
    if (status == XY_ABSENT)
        refuse(j, XY_ITEM_NOT_FOUND, "not-found", "There is no such message of yours");
    return status;
}

static void
judge_original(const struct retract *self, struct judgement *j)
{
    const struct xy_message_record *original = &j->original;
    if (original->state != XY_MESSAGE_LIVE)
        refuse(j, XY_ERROR_CONFLICT, "already", "It was taken back already");
    else if (!retract_allows_class(self, original->class))
        refuse(j, XY_FORBIDDEN, "protected-class", "Messages of this kind stay");
    else if (self->window.ms != XY_NONE && xy_now_ms() - original->at_ms > self->window.ms)
        refuse(j, XY_NOT_ACCEPTABLE, "too-late", "It is too late to take that back");
}

static xy_status
judge_count(const struct retract *self, struct judgement *j)
{
    int64_t count = 0;
    if (self->count == XY_NONE)
        return XY_OK;
    xy_status status = retract_count(xy_user_owner(xy_session_user(j->session)),
                                     xy_now_ms() - self->per.ms, &count);
    if (status == XY_OK && count >= self->count)
        refuse(j, XY_POLICY_VIOLATION, "too-many", "You have taken back as much as you may");
    return status;
}

static void
judge(struct retract *self, struct judgement *j)
{
    xy_message_id id;
    xy_status status = find(j, &id);
    if (status == XY_OK)
        status = xy_message_look(id, &j->original);
    if (status == XY_OK)
        judge_original(self, j);
    if (status == XY_OK && !j->why)
        status = judge_count(self, j);
    if (status != XY_OK && !j->why)
        refuse(j, xy_status_condition(status), "failed", "It could not be looked up");
}

void
retract_judge(struct retract *self, struct judgement *j)
{
    read_request(j);
    if (!j->why)
        judge(self, j);
}
