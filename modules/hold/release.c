/* SPDX-License-Identifier: MIT */
/*
 * xylemctl hold release. Destroys nothing by itself (work.c), and takes a second person where
 * the module approvals says so.
 */
#include "modules/hold/hold.h"

static xy_status
may_release(struct xy_command *command, struct case_row *row)
{
    xy_status status = hold_argument(command, row);
    if (status != XY_OK)
        return status;
    if (!xy_arg(command, "reason").len)
        return xy_fail(command, XY_INVALID, "--reason: why?");
    if (row->phase >= RELEASING)
        return xy_fail(command, XY_CONFLICT, "it was released already");
    return XY_OK;
}

static xy_status
find_ready(const struct hold *self, struct xy_command *command, int64_t id,
           struct legal_case **legal)
{
    *legal = hold_find(self, id);
    if (!*legal)
        return xy_fail(command, XY_CONFLICT, "it was released already");
    if ((*legal)->phase == GATHERING || self->busy)
        return xy_fail(command, XY_CONFLICT,
                       "its messages are still being gathered; try again in a moment");
    return XY_OK;
}

static xy_status
commit(struct xy_command *command, const struct case_row *row, struct xy_txn *txn,
       const struct xy_approval *approval, int64_t now)
{
    struct xy_buffer details = {0};
    struct xy_audit_record record = hold_record(command, row, "release");
    xy_buffer_add(&details, record.details);
    xy_approval_put(&details, approval);
    record.operation = approval->operation;
    record.details = xy_buffer_str(&details);
    hold_row_release(txn, row->id, record.actor, now);
    xy_status status = xy_run_audit_add(NULL, txn, &record);
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    return status == XY_OK
               ? status
               : xy_fail(command, status, "not released: %s", xy_status_name(status));
}

static struct xy_str
facts_of(const struct xy_command *command, const struct case_row *row)
{
    struct xy_buffer facts = {0};
    xy_buffer_add(&facts, hold_record(command, row, "release").details);
    if (row->person.len)
        xy_audit_detail(&facts, "person", row->person);
    if (row->room.len)
        xy_audit_detail(&facts, "room", row->room);
    return xy_buffer_str(&facts);
}

xy_status
hold_command_release(XY_SELF, struct xy_command *command)
{
    struct case_row row;
    struct legal_case *legal;
    struct xy_approval approval;
    struct xy_txn *txn = xy_txn_begin();
    struct xy_act act = {.kind = XY_ACT_HOLD_RELEASE};
    xy_status status = may_release(command, &row);
    if (status != XY_OK)
        return status;
    act.facts = facts_of(command, &row);
    status = xy_approved(command, &act, txn, &approval);
    if (status == XY_OK)
        status = find_ready(self, command, row.id, &legal);
    int64_t now = xy_now_ms();
    if (status == XY_OK)
        status = commit(command, &row, txn, &approval, now);
    if (status != XY_OK)
        return status;
    legal->released_ms = now;
    legal->cursor = 0;
    legal->phase = RELEASING;
    hold_work_soon(self);
    xy_put_int(command, "released", row.id);
    xy_put_str(command, "kept_until", xy_time_format(now + self->keep_released.ms));
    xy_say(command, "Its messages age again. What nothing else keeps stays until then.");
    return XY_OK;
}
