/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module approvals share (requirement N3). A request is one command of one
 * administrator, as he gave it; somebody else approves it; the command given again uses it up.
 * rows.c keeps the requests, take.c stands before the acts, admin.c is for the approvers.
 */
#ifndef APPROVALS_H
#define APPROVALS_H

#define XY_STATE approvals
#include <xylem/xylem.h>

struct approvals {
    const xy_list acts, approvers;
    const xy_duration valid_for;
    xy_counter asked, approved, refused, used;
};

/* As the option `acts` has it, and records have it as reason. */
const char *approvals_act_name(int64_t act);
XY_CHECK bool approvals_act_parse(struct xy_str name, int64_t *act);

/* ---- rows.c ---------------------------------------------------------------------------------- */
enum state { ASKED, APPROVED, REFUSED, USED };
struct request {
    int64_t id, act, at, expires; /* ms */
    enum state state;
    struct xy_str command, facts, asker, approver, operation;
};
extern const struct xy_migration approvals_schema[1];
extern const struct xy_statement *const approvals_statements[];
enum { APPROVALS_STATEMENTS = 7 };
/* The newest that can still be used for it. XY_ABSENT. */
XY_SUSPENDS XY_CHECK xy_status approvals_find(const struct request *like, struct request *found);
XY_SUSPENDS XY_CHECK xy_status approvals_read(int64_t id, struct request *request);
/* The newest first; `open`: those that wait for somebody or can be used. */
XY_SUSPENDS XY_CHECK xy_status approvals_list(bool open, int64_t limit, struct request **at,
                                              size_t *count);
XY_SUSPENDS XY_CHECK xy_status approvals_next_id(int64_t *id);
void approvals_add(struct xy_txn *txn, const struct request *request);
/* From ASKED, by somebody who is not the asker; else the transaction fails. */
void approvals_decide(struct xy_txn *txn, const struct request *request, enum state state,
                      struct xy_str by);
void approvals_use(struct xy_txn *txn, const struct request *request);
const char *approvals_state_name(const struct request *request);

/* ---- take.c ---------------------------------------------------------------------------------- */
xy_status approvals_take(XY_SELF, struct xy_command *command, const struct xy_act *act,
                         struct xy_txn *txn, struct xy_approval *approval);
/* Adds what is done with a request. `kind`, `reason` as in xylem/audit.h. */
XY_CHECK xy_status approvals_record(const struct xy_command *command, struct xy_txn *txn,
                                    const struct request *request, const char *kind,
                                    const char *reason);

/* ---- admin.c --------------------------------------------------------------------------------- */
xy_command_fn approvals_command_list, approvals_command_show, approvals_command_approve,
    approvals_command_refuse;

#endif
