/* SPDX-License-Identifier: MIT */
/*
 * xylemctl retract request, approve, apply: asking with a reason, consent of somebody else
 * where it takes two (requirements S0-18, S0-21, N3), and the word that begins it.
 */
#include "modules/retract_admin/retract_admin.h"

enum { AT_ONCE = 10, MOST_CODE = 32, MOST_WORDS = 1024 };

/* A step of the procedure, its record in the same transaction. */
static xy_status
commit(struct xy_command *command, struct xy_txn *txn, const struct request *request,
       const char *kind)
{
    struct xy_buffer details = {0};
    xy_audit_detail(&details, "request", request->id);
    xy_audit_detail(&details, "plan", request->plan);
    xy_audit_detail(&details, "requester", request->requester);
    xy_status status =
        xy_run_audit_add(NULL, txn,
                         &(struct xy_audit_record){.operation = request->operation,
                                                   .actor = xy_command_actor(command),
                                                   .kind = xy_str_from(kind),
                                                   .reason = request->code,
                                                   .words = request->words,
                                                   .details = xy_buffer_str(&details)});
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    return status == XY_CONFLICT ? xy_fail(command, status, "somebody has done that meanwhile")
                                 : status;
}

/* ---- request
 * ------------------------------------------------------------------------------------ */

static bool
is_code(struct xy_str code)
{
    for (size_t i = 0; i < code.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", code.at[i]))
            return false;
    return code.len && code.len <= MOST_CODE;
}

static xy_status
read_reason(struct xy_command *command, struct request *request)
{
    request->code = xy_str_trim(xy_arg(command, "reason-code"));
    request->words = xy_str_trim(xy_arg(command, "reason"));
    if (!is_code(request->code))
        return xy_fail(command, XY_INVALID,
                       "--reason-code is mandatory: lower case letters, digits, - and _");
    if (!request->words.len || request->words.len > MOST_WORDS)
        return xy_fail(command, XY_INVALID, "--reason is mandatory: why, in a sentence or two");
    return XY_OK;
}

xy_status
command_request(XY_SELF, struct xy_command *command)
{
    struct xy_rows *rows;
    struct request request = {.id = xy_audit_operation(),
                              .plan = xy_arg(command, "PLAN"),
                              .requester = xy_command_actor(command),
                              .operation = xy_audit_operation(),
                              .at = xy_now_ms()};
    xy_status status = grant_check(self, command, RIGHT_REMOVE);
    if (status == XY_OK)
        status = read_reason(command, &request);
    if (status == XY_OK)
        status = xy_sql_read(&rows_plan, &rows, XY_TEXT(request.plan));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return xy_fail(command, XY_ABSENT, "there is no such plan");
    request.foreign = xy_rows_int(rows, 4);
    request.expires = request.at + self->approval_for.ms;
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &rows_add_request, XY_TEXT(request.id), XY_TEXT(request.requester),
               XY_TEXT(request.code), XY_TEXT(request.words), XY_TEXT(request.operation),
               XY_INT(request.at), XY_INT(request.expires), XY_TEXT(request.plan));
    xy_txn_expect(txn, 1);
    status = commit(command, txn, &request, "request");
    if (status == XY_OK)
        request_put(command, &request);
    if (status == XY_OK && self->approvals > 1)
        xy_say(command, "Somebody else must approve it: xylemctl retract approve " XY_FMT,
               XY_ARG(request.id));
    return status;
}

/* ---- approve
 * -------------------------------------------------------------------------------------- */

static bool
has_expired(const struct request *request)
{
    return request->state < APPLYING && xy_now_ms() > request->expires;
}

xy_status
command_approve(XY_SELF, struct xy_command *command)
{
    struct request request;
    struct xy_str actor = xy_command_actor(command);
    xy_status status = grant_check(self, command, RIGHT_APPROVE);
    if (status == XY_OK)
        status = request_find(command, &request);
    if (status != XY_OK)
        return status;
    if (xy_str_equal(request.requester, actor))
        return grant_refuse(self, command, "own-request",
                            "the one who asks cannot approve: it takes somebody else");
    if (has_expired(&request))
        return grant_refuse(self, command, "expired", "the request has expired");
    if (request.state != ASKED)
        return xy_fail(command, XY_CONFLICT, "the request is %s already",
                       request_state_name(&request));
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &rows_approve, XY_TEXT(actor), XY_TEXT(request.id), XY_TEXT(actor));
    xy_txn_expect(txn, 1);
    status = commit(command, txn, &request, "approve");
    if (status == XY_OK)
        status = request_find(command, &request);
    if (status == XY_OK)
        request_put(command, &request);
    return status;
}

/* ---- apply
 * ------------------------------------------------------------------------------------------ */

static xy_status
name_foreign(struct xy_command *command, const struct request *request)
{
    struct xy_rows *rows;
    struct xy_buffer names = {0};
    xy_status status = xy_sql_read(&rows_next_items, &rows, XY_TEXT(request->plan), XY_INT(20));
    while (status == XY_OK && xy_rows_next(rows)) {
        struct xy_message_record record;
        struct parties parties = {.count = 0};
        if (xy_message_look(xy_rows_int(rows, 0), &record) == XY_OK)
            status = parties_of(&record, &parties);
        for (size_t i = 0; status == XY_OK && i < parties.count; i++) {
            struct xy_str name = xy_jid_text(parties.at[i].jid);
            if (!parties.at[i].local && !(names.len && strstr(names.text, name.at)))
                xy_buffer_printf(&names, "%s" XY_FMT, names.len ? ", " : "", XY_ARG(name));
        }
    }
    if (status != XY_OK)
        return status;
    return xy_fail(command, XY_DENIED,
                   "people of other servers have it: %s; nobody here can make them forget it. "
                   "--despite-foreign removes it here, and the report says partial",
                   names.len ? names.text : "see the plan");
}

static xy_status
may_begin(XY_SELF, struct xy_command *command, const struct request *request)
{
    if (has_expired(request))
        return grant_refuse(self, command, "expired", "the request has expired");
    if (request->state == DONE)
        return xy_fail(command, XY_CONFLICT, "the request is done already");
    if (request->state == ASKED && self->approvals > 1)
        return grant_refuse(self, command, "not-approved",
                            "somebody else must approve the request first");
    if (request->foreign && !xy_flag(command, "despite-foreign") && request->state != APPLYING)
        return name_foreign(command, request);
    return XY_OK;
}

static xy_status
begin(struct xy_command *command, const struct request *request)
{
    if (request->state == APPLYING)
        return XY_OK; /* goes on */
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &rows_start, XY_INT(xy_flag(command, "despite-foreign")),
               XY_TEXT(request->id));
    xy_txn_expect(txn, 1);
    return commit(command, txn, request, "apply");
}

/* What is little is done when the answer comes. */
static xy_status
work(XY_SELF, struct xy_command *command, struct request *request)
{
    bool more = true;
    xy_status status = XY_OK;
    for (int i = 0; status == XY_OK && more && i < AT_ONCE; i++)
        status = job_step(self, request, &more);
    if (status == XY_CONFLICT)
        status = XY_OK; /* somebody is at it */
    if (more || status != XY_OK)
        job_continue(self);
    if (status != XY_OK)
        return xy_fail(command, status, "it stopped half way and is tried again: %s",
                       xy_status_name(status));
    status = request_find(command, request);
    if (status == XY_OK)
        request_put(command, request);
    if (status == XY_OK && more)
        xy_say(command, "It goes on by itself: xylemctl retract status " XY_FMT,
               XY_ARG(request->id));
    return status;
}

xy_status
command_apply(XY_SELF, struct xy_command *command)
{
    struct request request;
    xy_status status = grant_check(self, command, RIGHT_REMOVE);
    if (status == XY_OK)
        status = request_find(command, &request);
    if (status == XY_OK)
        status = may_begin(self, command, &request);
    if (status == XY_OK)
        status = begin(command, &request);
    if (status == XY_OK)
        status = request_read(request.id, &request);
    return status == XY_OK ? work(self, command, &request) : status;
}
