/* SPDX-License-Identifier: MIT */
/*
 * Whether an author may take back what he wrote to somebody (requirements S0-22 to S0-27,
 * S0-35, S1-11). Decided from what the server knows: who is logged in and as what, when it
 * received the original, what class it has; never from what the client says of time.
 */
#include "modules/retract/retract.h"

enum {
    LOOK_BACK_MS = 7 * 24 * 3600 * 1000, /* older ones are "not found", not "too late" */
    MOST_ALIKE = 50,                     /* messages that bear one id */
};

static void
read_request(struct judgement *j)
{
    removals_judge_form(j->message, false, &j->id, &j->verdict);
    if (j->verdict.why)
        return;
    if (!xy_host_find(xy_stanza_to(j->message)) || !xy_jid_local(xy_stanza_to(j->message)).len)
        removals_deny(&j->verdict, XY_NOT_ALLOWED, "elsewhere",
                      "It has no effect on other servers, so it is not sent there");
    else if (xy_session_class(j->session) != XY_INTERACTIVE)
        removals_deny(&j->verdict, XY_FORBIDDEN, "not-interactive",
                      "Only a person at a client may do that");
}

/* ---- the message meant
 * -------------------------------------------------------------------------- */

/* Also what was sent a moment ago and is being committed. */
static xy_status
find(struct judgement *j, xy_message_id **ids, size_t *count)
{
    const struct xy_jid *author = xy_jid_bare(xy_session_jid(j->session));
    const struct xy_jid *peer = xy_jid_bare(xy_stanza_to(j->message));
    xy_user_settle(xy_session_user(j->session));
    int64_t since = xy_now_ms() - LOOK_BACK_MS;
    xy_status status = xy_message_find(author, peer, j->id, since, ids, count);
    if (status != XY_ABSENT)
        return status;
    status = xy_message_find(peer, author, j->id, since, ids, count);
    if (status == XY_OK) {
        j->about = **ids;
        removals_deny(&j->verdict, XY_FORBIDDEN, "not-author", "Somebody else wrote that");
        return XY_DENIED;
    }
    if (status == XY_ABSENT)
        removals_deny(&j->verdict, XY_ITEM_NOT_FOUND, "not-found",
                      "There is no such message of yours");
    return status;
}

/* What was taken back already, and what an account of that name wrote that has gone, is left
 * out; *former is why. */
static xy_status
judge_one(struct retract *self, struct judgement *j, xy_message_id id, struct verdict *former)
{
    struct xy_message_record *original = &j->originals[j->count];
    struct verdict verdict = {.why = NULL};
    xy_status status = xy_message_look(id, original);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    status = removals_judge_author(original, j->session, &verdict);
    bool his = !verdict.why;
    if (status == XY_OK && his)
        removals_judge(original, &self->classes, self->window.ms, &verdict);
    j->about = id;
    if (!his || original->state != XY_MESSAGE_LIVE)
        *former = verdict;
    else if (verdict.why)
        j->verdict = verdict;
    else
        j->count++;
    return status;
}

/* All that bear the id are meant, for his clients and the other's take it for all of them: one
 * that is too old is not taken back under cover of a newer one, nor left where one was sent
 * twice. */
static xy_status
judge_all(struct retract *self, struct judgement *j, const xy_message_id *ids, size_t count)
{
    struct verdict former = {XY_ITEM_NOT_FOUND, "not-found",
                             "There is no such message of yours"};
    xy_status status = XY_OK;
    j->originals = xy_temp_alloc((count + 1) * sizeof(*j->originals));
    for (size_t i = 0; status == XY_OK && !j->verdict.why && i < count; i++)
        status = judge_one(self, j, ids[i], &former);
    if (status == XY_OK && !j->verdict.why && !j->count)
        j->verdict = former;
    return status;
}

static struct quota
quota_of(const struct retract *self)
{
    return (struct quota){self->count, self->per.ms};
}

static void
judge(struct retract *self, struct judgement *j)
{
    xy_message_id *ids;
    size_t count;
    xy_status status = find(j, &ids, &count);
    if (status == XY_OK && count > MOST_ALIKE)
        removals_deny(&j->verdict, XY_POLICY_VIOLATION, "too-many",
                      "Too many of your messages bear that id");
    else if (status == XY_OK)
        status = judge_all(self, j, ids, count);
    if (status == XY_OK && !j->verdict.why)
        status =
            removals_judge_count(&self->removals, xy_user_owner(xy_session_user(j->session)),
                                 quota_of(self), j->count, &j->verdict);
    if (status != XY_OK && !j->verdict.why)
        removals_deny(&j->verdict, xy_status_condition(status), "failed",
                      "It could not be looked up");
}

void
retract_judge(struct retract *self, struct judgement *j)
{
    read_request(j);
    if (!j->verdict.why)
        judge(self, j);
}

void
retract_approve(struct retract *self, struct judgement *j)
{
    struct approval *approval;
    struct approving approving = {
        .key = XY_KEY(j->message),
        .stanza = j->message,
        .notice_id = xy_stanza_id(j->message),
        .session = j->session,
        .state = XY_MESSAGE_RETRACTED,
        .kind = "retract",
        .counts = true,
        .quota = quota_of(self),
        .originals = j->originals,
        .count = j->count,
    };
    xy_status status = removals_approve(&self->removals, &approving, &approval);
    if (status != XY_OK)
        removals_deny(&j->verdict, xy_status_condition(status), "failed",
                      "It could not be done just now");
}

void
retract_refuse(struct retract *self, const struct judgement *j)
{
    removals_record_refusal(&self->removals, j->session, j->about, j->verdict.why);
    xy_retraction_refuse(j->message, j->verdict.condition, j->verdict.why,
                         xy_str_from(j->verdict.text));
}
