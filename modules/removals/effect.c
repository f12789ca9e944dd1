/* SPDX-License-Identifier: MIT */
/*
 * What an approval does: states, records and counts in the transaction that stores its notice,
 * and what follows when that is durable.
 */
#include "modules/removals/removals.h"

/* An act that the log refuses makes the transaction fail: a delete of no row. */
static void
add_records(const struct removals *removals, const struct approval *approval,
            struct xy_txn *txn)
{
    for (size_t i = 0; i < approval->count; i++) {
        struct xy_audit_record record = {.operation = approval->operation,
                                         .actor = approval->actor,
                                         .kind = xy_str_from(approval->kind),
                                         .message = approval->ids[i],
                                         .words = approval->reason,
                                         .reason = i < approval->originals ? XY_STR("original")
                                                                           : XY_STR("follows")};
        if (xy_run_audit_add(NULL, txn, &record) == XY_OK)
            continue;
        xy_error("retract.unrecorded", "an act cannot be recorded and is not done");
        xy_txn_add(txn, removals->rows->drop, XY_INT(-1));
        xy_txn_expect(txn, 1);
    }
}

struct applying { /* the instance's, from the submission until it is durable */
    struct applying *next;
    struct xy_str actor_bare, room;
    size_t count;
    xy_message_id ids[];
};

/* The notice's transaction is the room's, or the author's. */
static void
settle(const struct applying *applying)
{
    struct xy_user *user;
    struct xy_room *room;
    const struct xy_jid *of =
        xy_jid_parse(applying->room.len ? applying->room : applying->actor_bare);
    if (of && applying->room.len) {
        if (xy_room_known(of) && xy_room_enter(of, &room) == XY_OK) {
            xy_room_settle(room);
            xy_room_leave(room);
        }
    } else if (of && xy_user_get(of, &user) == XY_OK) {
        xy_user_settle(user);
    }
}

static void
apply(struct removals *removals, struct applying *applying)
{
    struct xy_message_record original;
    settle(applying);
    if (xy_message_look(applying->ids[0], &original) == XY_OK &&
        original.state != XY_MESSAGE_LIVE) {
        xy_removal_apply(applying->ids, applying->count);
        xy_count(removals->accepted);
    }
    xy_keep_free(removals->self, applying->actor_bare.at);
    xy_keep_free(removals->self, applying->room.at);
    xy_keep_free(removals->self, applying);
}

void
removals_apply_all(void *self, void *argument)
{
    (void)self;
    struct removals *removals = argument;
    struct applying *applying;
    while ((applying = removals->applying)) {
        removals->applying = applying->next;
        apply(removals, applying);
    }
}

static void
apply_later(struct removals *removals, const struct approval *approval)
{
    void *self = removals->self;
    size_t bytes = approval->count * sizeof(approval->ids[0]);
    struct applying *applying = xy_keep_alloc(self, sizeof(*applying) + bytes);
    applying->actor_bare = xy_keep_str(self, approval->actor_bare);
    applying->room = approval->room.len ? xy_keep_str(self, approval->room) : XY_NO_STR;
    applying->count = approval->count;
    memcpy(applying->ids, approval->ids, bytes);
    applying->next = removals->applying;
    removals->applying = applying;
    (void)xy_after(self, 0, removals_apply_all, removals);
}

/* However many of its clients ask at the same moment. */
static void
count_in(const struct removals *removals, const struct approval *approval, struct xy_txn *txn)
{
    int64_t now = xy_now_ms();
    for (size_t i = 0; i < approval->originals; i++) {
        struct xy_value owner = XY_INT(approval->owner), at = XY_INT(now),
                        message = XY_INT(approval->ids[i]);
        if (approval->quota.most == XY_NONE) {
            xy_txn_add(txn, removals->rows->add, owner, at, message);
            continue;
        }
        xy_txn_add(txn, removals->rows->add_below, owner, at, message, owner,
                   XY_INT(now - approval->quota.per_ms), XY_INT(approval->quota.most));
        xy_txn_expect(txn, 1);
    }
}

void
removals_commit(struct removals *removals, struct approval *approval, int64_t purge_ms,
                struct xy_txn *txn)
{
    for (size_t i = 0; i < approval->count; i++)
        xy_removal_add(txn, &(struct xy_removal){
                                .message = approval->ids[i],
                                .state = approval->state,
                                .operation = approval->operation,
                                .actor = approval->actor_bare,
                                .by = approval->by,
                                .reason = approval->reason,
                                .notice_id = approval->notice_id,
                                .purge_ms = purge_ms,
                            });
    if (approval->owner)
        count_in(removals, approval, txn);
    add_records(removals, approval, txn);
    apply_later(removals, approval);
    removals_forget(removals, approval);
}
