/* SPDX-License-Identifier: MIT */
/*
 * What stands before an act: consent that is there is used up with it, otherwise the command
 * has asked for it. Invariant: whatever goes wrong here, the act does not happen.
 */
#include "modules/approvals/approvals.h"

xy_status
approvals_record(const struct xy_command *command, struct xy_txn *txn,
                 const struct request *request, const char *kind, const char *reason)
{
    struct xy_buffer details = {0};
    xy_buffer_printf(&details, "approval=%lld\n", (long long)request->id);
    xy_audit_detail(&details, "act", xy_str_from(approvals_act_name(request->act)));
    xy_audit_detail(&details, "asker", request->asker);
    xy_audit_detail(&details, "command", request->command);
    xy_buffer_add(&details, request->facts);
    return xy_run_audit_add(NULL, txn,
                            &(struct xy_audit_record){.operation = request->operation,
                                                      .actor = xy_command_actor(command),
                                                      .kind = xy_str_from(kind),
                                                      .reason = xy_str_from(reason),
                                                      .words = xy_arg(command, "reason"),
                                                      .details = xy_buffer_str(&details)});
}

/* Not XY_UNSUPPORTED: that is what a module that is off would say. */
static xy_status
broken(struct xy_command *command, xy_status status)
{
    return xy_fail(command, status == XY_UNSUPPORTED ? XY_BROKEN : status,
                   "it takes a second person, and that cannot be looked up or recorded: %s",
                   xy_status_name(status));
}

/* The answer has the number for programs, too. */
static xy_status
wait_for(struct xy_command *command, const struct request *request)
{
    xy_put_int(command, "approval", request->id);
    xy_put_str(command, "approval_state", xy_str_from(approvals_state_name(request)));
    xy_put_str(command, "expires", xy_time_format(request->expires));
    return xy_fail(command, XY_DENIED,
                   "it takes a second person: request %lld. When one of the approvers has said "
                   "`xylemctl approval approve %lld`, give the same command again",
                   (long long)request->id, (long long)request->id);
}

static xy_status
ask(XY_SELF, struct xy_command *command, struct request *request)
{
    request->operation = xy_audit_operation();
    request->at = xy_now_ms();
    request->expires = request->at + self->valid_for.ms;
    xy_status status = approvals_next_id(&request->id);
    if (status != XY_OK)
        return broken(command, status);
    struct xy_txn *txn = xy_txn_begin();
    approvals_add(txn, request);
    status =
        approvals_record(command, txn, request, "request", approvals_act_name(request->act));
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    if (status != XY_OK)
        return broken(command, status);
    xy_count(&self->asked);
    xy_notice("approvals.asked", "an administrator asks for the consent of another",
              XY_F_STR_AS("actor", request->asker), XY_F_INT_AS("request", request->id));
    return wait_for(command, request);
}

static xy_status
still_waits(XY_SELF, struct xy_command *command, const struct request *request)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_status status = approvals_record(command, txn, request, "refuse", "not-approved");
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    xy_count(&self->refused);
    return status == XY_OK ? wait_for(command, request) : broken(command, status);
}

static xy_status
use_up(XY_SELF, struct xy_command *command, const struct request *request, struct xy_txn *txn)
{
    struct xy_txn *own = txn ? NULL : xy_txn_begin();
    approvals_use(own ? own : txn, request);
    xy_status status = own ? xy_txn_commit(own) : XY_OK;
    if (status == XY_CONFLICT)
        return xy_fail(command, XY_DENIED, "the approval was used up meanwhile");
    if (status != XY_OK)
        return broken(command, status);
    xy_count(&self->used);
    return XY_OK;
}

xy_status
approvals_take(XY_SELF, struct xy_command *command, const struct xy_act *act,
               struct xy_txn *txn, struct xy_approval *approval)
{
    struct request found, request = {.act = act->kind,
                                     .command = xy_command_text(command, act->unsaid),
                                     .facts = act->facts,
                                     .asker = xy_command_actor(command)};
    if (!xy_list_has(&self->acts, xy_str_from(approvals_act_name(act->kind))))
        return XY_OK;
    xy_status status = approvals_find(&request, &found);
    if (status == XY_ABSENT)
        return ask(self, command, &request);
    if (status != XY_OK)
        return broken(command, status);
    if (found.state != APPROVED)
        return still_waits(self, command, &found);
    status = use_up(self, command, &found, txn);
    if (status == XY_OK)
        *approval = (struct xy_approval){
            .operation = found.operation, .approver = found.approver, .request = found.id};
    return status;
}
