/* SPDX-License-Identifier: MIT */
/*
 * What follows from a retraction that is allowed: it is stored as the message it is wherever
 * the original was kept, and with it, in one transaction, the state of the original and of what
 * goes with it, the record and the count.
 */
#include "modules/retract/retract.h"

enum { STALE_MS = 60 * 1000, REFUSALS = 20, REFUSALS_PER_MS = 60 * 60 * 1000 };

struct approved *
retract_find(const struct retract *self, const struct xy_stanza *message)
{
    return xy_map_get(self->approved, XY_KEY(message));
}

static void
forget(struct retract *self, struct approved *approved)
{
    const struct xy_stanza *stanza = approved->stanza;
    (void)xy_map_remove(self->approved, XY_KEY(stanza));
    xy_stanza_drop(stanza);
    xy_keep_free(self, approved->operation.at);
    xy_keep_free(self, approved->author_jid.at);
    xy_keep_free(self, approved->notice_id.at);
    xy_keep_free(self, approved->reason.at);
    xy_keep_free(self, approved);
}

static void
forget_older(struct retract *self, int64_t than_ms)
{
    size_t at = 0;
    struct xy_str key;
    void *value;
    while (xy_map_next(self->approved, &at, &key, &value)) {
        struct approved *approved = value;
        if (xy_monotonic_ms() - approved->at_ms >= than_ms)
            forget(self, approved);
    }
}

void
retract_forget_all(struct retract *self)
{
    forget_older(self, 0);
}

xy_status
retract_approve(struct retract *self, struct judgement *j)
{
    xy_message_id *followers;
    size_t count;
    struct xy_user *peer;
    xy_status status = xy_message_followers(&j->original, &followers, &count);
    if (status == XY_OK)
        status = xy_user_get(xy_stanza_to(j->message), &peer);
    if (status != XY_OK)
        return status;
    forget_older(self, STALE_MS); /* those that came to nothing on their way */
    struct approved *approved =
        xy_keep_alloc(self, sizeof(*approved) + (count + 1) * sizeof(approved->ids[0]));
    const struct xy_stanza *stanza = xy_stanza_keep(j->message);
    approved->stanza = stanza;
    approved->at_ms = xy_monotonic_ms();
    approved->author = xy_user_owner(xy_session_user(j->session));
    approved->addressee = xy_user_owner(peer);
    approved->operation = xy_keep_str(self, xy_audit_operation());
    approved->author_jid = xy_keep_str(self, xy_jid_text(xy_session_jid(j->session)));
    approved->notice_id = xy_keep_str(self, xy_stanza_id(stanza));
    approved->archive_out = j->original.in_senders_archive;
    approved->archive_in = j->original.in_recipients_archive || !approved->archive_out;
    approved->ids[approved->count++] = j->original.id;
    for (size_t i = 0; i < count; i++)
        approved->ids[approved->count++] = followers[i];
    (void)xy_map_put(self->approved, XY_KEY(stanza), approved);
    return XY_OK;
}

/* Wherever the original was kept, and for the devices of the other that are away (S0-19). */
void
retract_keeping(XY_SELF, struct xy_user *owner, const struct xy_stanza *message, bool outgoing,
                unsigned *keep)
{
    (void)owner;
    const struct approved *approved = retract_find(self, message);
    if (!approved)
        return;
    if (outgoing ? approved->archive_out : approved->archive_in)
        *keep |= XY_KEEP_ARCHIVED;
    if (!outgoing)
        *keep |= XY_KEEP_QUEUED;
}

/* ---- in the transaction
 * --------------------------------------------------------------------------- */

static int64_t
purge_at(const struct retract *self)
{
    int64_t delay = self->purge_by_preset ? xy_governance_purge_ms() : self->purge_after.ms;
    return delay == XY_NONE ? XY_NONE : xy_now_ms() + delay;
}

static void
add_records(const struct approved *approved, struct xy_txn *txn)
{
    struct xy_audit_record record = {
        .operation = approved->operation,
        .actor = approved->author_jid,
        .kind = XY_STR("retract"),
        .reason = XY_STR("author"),
    };
    for (size_t i = 0; i < approved->count; i++) {
        record.message = approved->ids[i];
        record.reason = i ? XY_STR("follows") : XY_STR("author");
        if (xy_run_audit_add(NULL, txn, &record) != XY_OK)
            xy_error("retract.unrecorded", "a retraction could not be recorded");
    }
}

struct applying { /* the instance's, between the commit's submission and its end */
    struct xy_host *host;
    struct xy_str author;
    size_t count;
    xy_message_id ids[];
};

static void
apply(void *instance, void *argument)
{
    struct retract *self = instance;
    struct applying *applying = argument;
    struct xy_message_record original;
    struct xy_user *user;
    const struct xy_jid *author = xy_jid_parse(applying->author);
    if (xy_user_get(author, &user) == XY_OK)
        xy_user_settle(user);
    if (xy_message_look(applying->ids[0], &original) == XY_OK &&
        original.state != XY_MESSAGE_LIVE) {
        xy_removal_apply(applying->host, applying->ids, applying->count);
        xy_count(&self->accepted);
    }
    xy_keep_free(self, applying->author.at);
    xy_keep_free(self, applying);
}

static void
apply_later(struct retract *self, const struct approved *approved)
{
    size_t bytes = approved->count * sizeof(approved->ids[0]);
    struct applying *applying = xy_keep_alloc(self, sizeof(*applying) + bytes);
    applying->host = xy_host_of(self);
    applying->author = xy_keep_str(self, approved->author_jid);
    applying->count = approved->count;
    memcpy(applying->ids, approved->ids, bytes);
    (void)xy_after(self, 0, apply, applying);
}

void
retract_committing(XY_SELF, const struct xy_stanza *message, xy_message_id id,
                   struct xy_txn *txn)
{
    struct approved *approved = retract_find(self, message);
    if (!approved) {
        retract_look_whether_awaited(self, message);
        return;
    }
    for (size_t i = 0; i < approved->count; i++)
        xy_removal_add(txn, &(struct xy_removal){
                                .message = approved->ids[i],
                                .state = XY_MESSAGE_RETRACTED,
                                .operation = approved->operation,
                                .notice_id = approved->notice_id,
                                .purge_ms = purge_at(self),
                            });
    retract_add(txn, approved->author, id, xy_now_ms());
    add_records(approved, txn);
    apply_later(self, approved);
    forget(self, approved);
}

/* ---- refusals
 * ---------------------------------------------------------------------------------------- */

void
retract_record_refusal(struct retract *self, const struct judgement *j)
{
    xy_count(&self->refused);
    struct xy_str who = xy_jid_text(xy_jid_bare(xy_session_jid(j->session)));
    if (!xy_throttle_take(self->refusals, who, REFUSALS, REFUSALS_PER_MS))
        return;
    struct xy_audit_record record = {.actor = xy_jid_text(xy_session_jid(j->session)),
                                     .kind = XY_STR("refuse"),
                                     .message = j->original.id,
                                     .reason = xy_str_from(j->why)};
    if (xy_run_audit_write(NULL, &record) != XY_OK)
        xy_warn("retract.unrecorded", "a refusal could not be recorded");
}
