/* SPDX-License-Identifier: MIT */
/*
 * xylemctl retract verify, repair: what was taken back and can still be reached, after a fault
 * of a former release or somebody's changes by hand (requirements S1-19, N21).
 */
#include "modules/retract_admin/retract_admin.h"

enum { LOT = 500 };

static const char *const flaw_names[] = {[XY_FLAW_UNMARKED] = "shown as live",
                                         [XY_FLAW_WAITING] = "waits for a device",
                                         [XY_FLAW_UNPURGED] = "purged but has content",
                                         [XY_FLAW_OVERDUE] = "due to be purged",
                                         [XY_FLAW_UNRECORDED] = "no record of its removal"};
#define LATE_FOLLOWER "what goes with it is live"

struct finding {
    struct finding *next;
    xy_message_id id;
    const char *what;
};
struct checking {
    struct finding *first, **last;
    struct retract_admin *self;
    struct xy_command *command;
    struct xy_str operation;
    bool mends;
    int64_t found, mended;
    xy_message_id *removed; /* all that were taken back, for what refers to them */
    size_t count, room;
};

static void
put(struct checking *checking, xy_message_id id, const char *what)
{
    struct finding *finding = xy_temp_alloc(sizeof(*finding));
    *finding = (struct finding){NULL, id, what};
    *checking->last = finding;
    checking->last = &finding->next;
    checking->found++;
}

static void
show(const struct checking *checking)
{
    xy_put_int(checking->command, "flaws", checking->found);
    xy_put_int(checking->command, "mended", checking->mended);
    for (const struct finding *at = checking->first; at; at = at->next) {
        xy_row(checking->command);
        xy_put_int(checking->command, "message", at->id);
        xy_put_str(checking->command, "flaw", xy_str_from(at->what));
    }
}

static xy_status
add_record(const struct checking *checking, struct xy_txn *txn, xy_message_id id,
           const char *what)
{
    return xy_run_audit_add(
        NULL, txn,
        &(struct xy_audit_record){.operation = checking->operation,
                                  .actor = xy_command_actor(checking->command),
                                  .kind = XY_STR("repair"),
                                  .message = id,
                                  .words = xy_str_from(what)});
}

static xy_status
end(struct checking *checking, xy_status status, struct xy_txn *txn, xy_message_id id)
{
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    if (status != XY_OK)
        return status;
    checking->mended++;
    xy_count(&checking->self->mended);
    xy_removal_apply(&id, 1);
    return XY_OK;
}

/* ---- by looking at the rows
 * -------------------------------------------------------------------- */

static xy_status
mend(struct checking *checking, enum xy_removal_flaw flaw, xy_message_id id)
{
    const struct retract_admin *self = checking->self;
    struct xy_message_record record = {.class = XY_USER_MESSAGE};
    struct xy_txn *txn = xy_txn_begin();
    xy_status status = xy_message_look(id, &record);
    if (status == XY_OK || status == XY_ABSENT)
        status = xy_removal_mend(
            txn, flaw, id, checking->operation,
            xy_purge_at(record.class, self->purge_by_preset, self->purge_after.ms));
    if (status == XY_OK)
        status = add_record(checking, txn, id, flaw_names[flaw]);
    return end(checking, status, txn, id);
}

static xy_status
purge_overdue(struct checking *checking)
{
    struct xy_txn *txn;
    xy_message_id *ids;
    size_t count;
    xy_status status = xy_purge_prepare(xy_now_ms(), LOT, &txn, &ids, &count);
    for (size_t i = 0; status == XY_OK && i < count; i++)
        status = add_record(checking, txn, ids[i], flaw_names[XY_FLAW_OVERDUE]);
    if (status == XY_OK && txn)
        status = xy_txn_commit(txn);
    if (status == XY_OK)
        checking->mended += (int64_t)count;
    return status;
}

static xy_status
check_flaw(struct checking *checking, enum xy_removal_flaw flaw)
{
    xy_message_id after = 0, *ids;
    size_t count;
    xy_status status;
    do {
        status = xy_removal_flaws(flaw, &after, LOT, &ids, &count);
        for (size_t i = 0; status == XY_OK && i < count; i++) {
            put(checking, ids[i], flaw_names[flaw]);
            if (checking->mends && flaw != XY_FLAW_OVERDUE)
                status = mend(checking, flaw, ids[i]);
        }
        if (status == XY_OK && checking->mends && count && flaw == XY_FLAW_OVERDUE)
            status = purge_overdue(checking);
    } while (status == XY_OK && after);
    return status;
}

/* ---- by looking at each message
 * ------------------------------------------------------------------ */

static void
note_removed(struct checking *checking, xy_message_id id)
{
    if (checking->count == checking->room) {
        size_t room = checking->room * 2 + 64;
        xy_message_id *more = xy_temp_alloc(room * sizeof(*more));
        if (checking->count)
            memcpy(more, checking->removed, checking->count * sizeof(*more));
        checking->removed = more;
        checking->room = room;
    }
    checking->removed[checking->count++] = id;
}

static xy_status
check_removed(struct checking *checking, xy_message_id id)
{
    struct xy_message_record record;
    xy_status status = xy_message_look(id, &record);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    note_removed(checking, id);
    if (record.operation.len)
        return XY_OK;
    put(checking, id, flaw_names[XY_FLAW_UNRECORDED]);
    return checking->mends ? mend(checking, XY_FLAW_UNRECORDED, id) : XY_OK;
}

static xy_status
check_each(struct checking *checking)
{
    struct xy_message_scope range = {.after = 0};
    xy_status status;
    do {
        struct xy_message_found *found;
        size_t count;
        status = xy_scope_read(&range, LOT, &found, &count, &range.after);
        for (size_t i = 0; status == XY_OK && i < count; i++)
            if (found[i].state != XY_MESSAGE_LIVE)
                status = check_removed(checking, found[i].id);
    } while (status == XY_OK && range.after);
    return status;
}

/* ---- what goes with them
 * --------------------------------------------------------------------------- */

static xy_status
mend_follower(struct checking *checking, const struct item *item)
{
    struct xy_message_record original;
    xy_status status = xy_message_look(item->of, &original);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    struct xy_txn *txn = xy_txn_begin();
    xy_removal_add(
        txn,
        &(struct xy_removal){
            .message = item->id,
            .state = original.state,
            .operation = original.operation.len ? original.operation : checking->operation,
            .actor = original.actor.len ? original.actor : xy_command_actor(checking->command),
            .by = original.by,
            .reason = original.reason,
            .notice_id = original.notice_id,
            .purge_ms = original.purge_ms});
    return end(checking, add_record(checking, txn, item->id, LATE_FOLLOWER), txn, item->id);
}

static xy_status
check_followers(struct checking *checking)
{
    struct survey survey = {.count = 0};
    if (!checking->count)
        return XY_OK;
    xy_status status = survey_again(checking->self, &survey, checking->removed, checking->count,
                                    checking->removed[0]);
    for (size_t i = 0; status == XY_OK && i < survey.count; i++) {
        if (survey.items[i].role != ROLE_FOLLOWS)
            continue;
        put(checking, survey.items[i].id, LATE_FOLLOWER);
        if (checking->mends)
            status = mend_follower(checking, &survey.items[i]);
    }
    return status;
}

/* ---- both
 * -------------------------------------------------------------------------------------------
 */

static xy_status
check_all(XY_SELF, struct xy_command *command, bool mends)
{
    static const enum xy_removal_flaw flaws[] = {XY_FLAW_UNMARKED, XY_FLAW_WAITING,
                                                 XY_FLAW_UNPURGED, XY_FLAW_OVERDUE};
    struct checking checking = {
        .self = self, .command = command, .operation = xy_audit_operation(), .mends = mends};
    checking.last = &checking.first;
    struct xy_audit_record record = {.operation = checking.operation,
                                     .actor = xy_command_actor(command),
                                     .kind = XY_STR("privileged_read"),
                                     .reason = mends ? XY_STR("repair") : XY_STR("verify"),
                                     .words = XY_STR("looking for what was taken back and can "
                                                     "still be reached")};
    xy_status status = grant_record(command, &record);
    for (size_t i = 0; status == XY_OK && i < sizeof(flaws) / sizeof(flaws[0]); i++)
        status = check_flaw(&checking, flaws[i]);
    if (status == XY_OK)
        status = check_each(&checking);
    if (status == XY_OK)
        status = check_followers(&checking);
    if (status != XY_OK)
        return xy_fail(command, status, "the check stopped half way: %s",
                       xy_status_name(status));
    show(&checking);
    if (checking.found && !mends)
        return xy_fail(command, XY_BROKEN,
                       "%lld removals do not hold; xylemctl retract repair mends them",
                       (long long)checking.found);
    return XY_OK;
}

xy_status
command_verify(XY_SELF, struct xy_command *command)
{
    return check_all(self, command, false);
}

xy_status
command_repair(XY_SELF, struct xy_command *command)
{
    xy_status status = grant_check(self, command, RIGHT_REMOVE);
    return status == XY_OK ? check_all(self, command, true) : status;
}
