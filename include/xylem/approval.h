/* SPDX-License-Identifier: MIT */
/*
 * Four eyes (requirement N3): what one administrator alone must not do. A command asks before it
 * acts; where the module approvals is on and its option `acts` has the act, the first attempt
 * becomes a request, somebody else approves it, and the same command given again by the same
 * administrator is carried out, once:
 *
 *     struct xy_approval approval;
 *     struct xy_txn *txn = xy_txn_begin();
 *     xy_status status = xy_approved(command, &(struct xy_act){.kind = XY_ACT_ERASE}, txn, &approval);
 *     if (status != XY_OK)
 *         return status;
 *     … the act, and its record with xy_approval_put() in its details, into txn …
 *
 * With the module off one person is enough. Removal of messages has a procedure of its own, with a
 * plan that is approved (module retract_admin).
 */
#ifndef XYLEM_APPROVAL_H
#define XYLEM_APPROVAL_H

#include <xylem/audit.h>
#include <xylem/command.h>
#include <xylem/hook.h>
#include <xylem/sql.h>

enum xy_act_kind {
    XY_ACT_HOLD_RELEASE,
    XY_ACT_RETENTION_SHORTEN, /* messages may be kept for less long than before */
    XY_ACT_PRIVILEGED_READ,   /* a command that writes such a record (xylem/audit.h) */
    XY_ACT_ERASE,
};
enum { XY_ACTS = XY_ACT_ERASE + 1 };

/* An approval is for one command with these very arguments, and for these facts. */
struct xy_act {
    enum xy_act_kind kind;
    struct xy_str facts; /* lines of xy_audit_detail(): what the command means and does not say */
    const char *unsaid;  /* the argument that is not to be written down; NULL: all may be */
};
struct xy_approval {
    struct xy_str operation; /* for the record of the act: joins it to request and consent */
    struct xy_str approver;  /* absent: it took nobody else */
    int64_t request;
};

/* XY_OK: go ahead; a consent it took is used up with `txn`, or NULL: now. XY_DENIED or another: the
 * command has failed, the attempt is recorded. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_approved(struct xy_command *command, const struct xy_act *act,
                                                  struct xy_txn *txn, struct xy_approval *approval);
XY_API void xy_approval_put(struct xy_buffer *details, const struct xy_approval *approval);

/* Before a command shows what only privilege may see: the consent it takes is used up and `record`
 * written in one transaction; kind, actor, operation and approver are filled in. Not XY_OK: the command
 * has failed, show nothing. With the module audit off nobody is asked and nothing recorded. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_privileged(struct xy_command *command,
                                                    const struct xy_act *act,
                                                    struct xy_audit_record *record);
/* Says in the answer that it has sealed content, and why it is shown (requirement S1-10). */
XY_API void xy_mark_sealed(struct xy_command *command, struct xy_str purpose);

/* The module approvals provides it; xy_approved() asks it. */
XY_SERVICE(approval_take, (struct xy_command *command, const struct xy_act *act, struct xy_txn *txn,
                           struct xy_approval *approval),
           (command, act, txn, approval))

#endif
