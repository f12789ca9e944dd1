/* SPDX-License-Identifier: MIT */
/*
 * One removal in its transaction: state, record, outcome for each party, the item done. What
 * the log does not take makes the transaction fail, so nothing is removed without its record.
 */
#include "modules/retract_admin/retract_admin.h"

/* A record that the log refuses makes the transaction fail: xy_txn_expect() of no row. */
static void
add_record(const struct act *act, size_t i, struct xy_txn *txn)
{
    const struct request *request = act->request;
    const struct xy_jid *room = act->parties.place;
    struct xy_buffer details = {0};
    xy_audit_detail(&details, "request", request->id);
    xy_audit_detail(&details, "plan", request->plan);
    xy_audit_detail(&details, "requester", request->requester);
    xy_audit_detail(&details, "approver", request->approver);
    xy_audit_detail(&details, "scope", request->foreign ? XY_STR("partial") : XY_STR("whole"));
    if (i)
        xy_audit_detail(&details, "follows", xy_temp_printf("%lld", (long long)act->record.id));
    struct xy_audit_record record = {.operation = request->operation,
                                     .actor = request->requester,
                                     .kind = XY_STR("remove"),
                                     .message = act->ids[i],
                                     .account = xy_jid_text(act->record.author),
                                     .room = room ? xy_jid_text(room) : XY_NO_STR,
                                     .reason = request->code,
                                     .words = request->words,
                                     .details = xy_buffer_str(&details)};
    if (xy_run_audit_add(NULL, txn, &record) == XY_OK)
        return;
    xy_error("retract_admin.unrecorded", "a removal cannot be recorded and is not done");
    xy_txn_add(txn, &rows_never, XY_TEXT(request->id));
    xy_txn_expect(txn, 1);
}

static void
add_outcomes(const struct act *act, struct xy_txn *txn)
{
    const struct parties *parties = &act->parties;
    struct xy_value request = XY_TEXT(act->request->id), message = XY_INT(act->record.id);
    if (parties->place)
        xy_txn_add(txn, &rows_add_outcome, request, message,
                   XY_TEXT(xy_jid_text(parties->place)), XY_TEXT(XY_STR("removed, room told")));
    for (size_t i = 0; i < parties->count; i++) {
        const struct party *party = &parties->at[i];
        struct xy_str outcome = !party->local    ? XY_STR("foreign: may keep it")
                                : parties->place ? XY_STR("removed")
                                : party->owner   ? XY_STR("removed, told")
                                                 : XY_STR("removed, account gone");
        xy_txn_add(txn, &rows_add_outcome, request, message, XY_TEXT(xy_jid_text(party->jid)),
                   XY_TEXT(outcome));
    }
}

void
act_add(struct act *act, struct xy_txn *txn)
{
    struct xy_value plan = XY_TEXT(act->request->plan);
    int64_t purge_at =
        xy_purge_at(act->record.class, act->self->purge_by_preset, act->self->purge_after.ms);
    for (size_t i = 0; i < act->count; i++) {
        xy_removal_add(txn, &(struct xy_removal){.message = act->ids[i],
                                                 .state = XY_MESSAGE_REMOVED,
                                                 .operation = act->request->operation,
                                                 .actor = act->request->requester,
                                                 .by = act->by,
                                                 .reason = act->request->code,
                                                 .notice_id = act->notice_id,
                                                 .purge_ms = purge_at});
        add_record(act, i, txn);
        xy_txn_add(txn, &rows_item_done, XY_INT(REMOVED), plan, XY_INT(act->ids[i]),
                   XY_INT(i ? ROLE_FOLLOWS : ROLE_CHOSEN));
        if (!i)
            xy_txn_expect(txn, 1);
    }
    add_outcomes(act, txn);
}
