/* SPDX-License-Identifier: MIT */
/* xylemctl approval list|show|approve|refuse. */
#include "modules/approvals/approvals.h"

enum { LIMIT = 50, MOST = 1000 };

static xy_status
no_database(struct xy_command *command, xy_status status)
{
    return xy_fail(command, status, "the database does not answer: %s", xy_status_name(status));
}

static void
put_request(struct xy_command *command, const struct request *request)
{
    xy_put_int(command, "approval", request->id);
    xy_put_str(command, "state", xy_str_from(approvals_state_name(request)));
    xy_put_str(command, "act", xy_str_from(approvals_act_name(request->act)));
    xy_put_str(command, "asker", request->asker);
    xy_put_str(command, "approver", request->approver);
    xy_put_str(command, "asked", xy_time_format(request->at));
    xy_put_str(command, "expires", xy_time_format(request->expires));
    xy_put_str(command, "command", request->command);
}

/* In one line; values have no line ends. */
static void
put_facts(struct xy_command *command, const struct request *request)
{
    struct xy_buffer line = {0};
    for (struct xy_str rest = request->facts; rest.len;) {
        struct xy_str fact = xy_str_cut(&rest, '\n');
        xy_buffer_printf(&line, "%s" XY_FMT, line.len ? "; " : "", XY_ARG(fact));
    }
    if (line.len)
        xy_put_str(command, "facts", xy_buffer_str(&line));
    xy_put_str(command, "operation", request->operation);
}

static xy_status
find_request(struct xy_command *command, struct request *request)
{
    int64_t id;
    struct xy_str text = xy_arg(command, "ID");
    if (xy_str_to_int(text, 1, INT64_MAX, &id) != XY_OK)
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is not the number of a request",
                       XY_ARG(text));
    xy_status status = approvals_read(id, request);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "there is no request %lld", (long long)id);
    return status == XY_OK ? status : no_database(command, status);
}

xy_status
approvals_command_list(XY_SELF, struct xy_command *command)
{
    struct request *at;
    size_t count;
    int64_t limit;
    xy_status status = xy_arg_int(command, "limit", 1, MOST, LIMIT, &limit);
    if (status != XY_OK)
        return status;
    status = approvals_list(!xy_flag(command, "all"), limit, &at, &count);
    if (status != XY_OK)
        return no_database(command, status);
    for (size_t i = 0; i < count; i++) {
        xy_row(command);
        put_request(command, &at[i]);
    }
    return XY_OK;
}

xy_status
approvals_command_show(XY_SELF, struct xy_command *command)
{
    struct request request;
    xy_status status = find_request(command, &request);
    if (status != XY_OK)
        return status;
    put_request(command, &request);
    put_facts(command, &request);
    return XY_OK;
}

/* ---- yes, no ----------------------------------------------------------------------------- */

/* Whoever is refused is on record. */
static xy_status
deny(XY_SELF, struct xy_command *command, const struct request *request, const char *reason,
     const char *words)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_status status = approvals_record(command, txn, request, "refuse", reason);
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    xy_count(&self->refused);
    if (status != XY_OK)
        return no_database(command, status);
    return xy_fail(command, XY_DENIED, "%s", words);
}

static xy_status
may_decide(XY_SELF, struct xy_command *command, const struct request *request, bool yes)
{
    struct xy_str actor = xy_command_actor(command);
    bool own = xy_str_equal(request->asker, actor);
    if (own && yes)
        return deny(self, command, request, "own-request",
                    "the one who asks cannot approve: it takes somebody else");
    if (!own && !xy_list_has(&self->approvers, actor))
        return deny(self, command, request, "no-approver",
                    "you may not decide this: approvals.approvers names who may");
    if (request->state == ASKED && request->expires <= xy_now_ms())
        return deny(self, command, request, "expired", "the request has expired");
    if (request->state != ASKED)
        return xy_fail(command, XY_CONFLICT, "the request is %s already",
                       approvals_state_name(request));
    return XY_OK;
}

static xy_status
decide(XY_SELF, struct xy_command *command, enum state state)
{
    struct request request;
    xy_status status = find_request(command, &request);
    if (status == XY_OK)
        status = may_decide(self, command, &request, state == APPROVED);
    if (status != XY_OK)
        return status;
    request.approver = xy_command_actor(command);
    struct xy_txn *txn = xy_txn_begin();
    approvals_decide(txn, &request, state, request.approver);
    status = approvals_record(command, txn, &request, state == APPROVED ? "approve" : "refuse",
                              approvals_act_name(request.act));
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    if (status == XY_CONFLICT)
        return xy_fail(command, status, "somebody has decided it meanwhile");
    if (status != XY_OK)
        return no_database(command, status);
    xy_count(state == APPROVED ? &self->approved : &self->refused);
    request.state = state;
    put_request(command, &request);
    return XY_OK;
}

xy_status
approvals_command_approve(XY_SELF, struct xy_command *command)
{
    return decide(self, command, APPROVED);
}

xy_status
approvals_command_refuse(XY_SELF, struct xy_command *command)
{
    if (!xy_arg(command, "reason").len)
        return xy_fail(command, XY_INVALID, "--reason: why?");
    return decide(self, command, REFUSED);
}
