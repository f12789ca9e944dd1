/* SPDX-License-Identifier: MIT */
/*
 * Destroys the content of what was taken back when its time has come (requirement S1-6), with a
 * record for each message in the very transaction. Then the bytes leave the files as well.
 */
#include "modules/retention/retention.h"

enum { LOT = 50 };

static xy_status
commit(XY_SELF, struct xy_txn *txn, const xy_message_id *ids, size_t count,
       struct xy_audit_record *record)
{
    for (size_t i = 0; i < count; i++) {
        record->message = ids[i];
        xy_status status = xy_run_audit_add(NULL, txn, record);
        if (status != XY_OK)
            return status;
    }
    xy_status status = xy_txn_commit(txn);
    if (status == XY_OK) {
        xy_count_by(&self->purged, count);
        self->unscrubbed |= count > 0;
    }
    return status;
}

/* *more: there may be others. A message that is held by now costs its lot a turn. */
static xy_status
purge_lot(XY_SELF, struct xy_audit_record *record, int64_t *purged, bool *more)
{
    struct xy_txn *txn;
    xy_message_id *ids;
    size_t count;
    *more = false;
    xy_status status = xy_purge_prepare(xy_now_ms(), LOT, &txn, &ids, &count);
    if (status != XY_OK || !txn)
        return status;
    status = commit(self, txn, ids, count, record);
    *more = status == XY_OK || status == XY_CONFLICT;
    if (status == XY_OK)
        *purged += (int64_t)count;
    return status == XY_CONFLICT ? XY_OK : status;
}

xy_status
retention_purge(XY_SELF, struct xy_str actor, int64_t *purged)
{
    struct xy_audit_record record = {.operation = xy_audit_operation(),
                                     .actor = actor,
                                     .kind = XY_STR("purge"),
                                     .reason = XY_STR("due")};
    bool more = true;
    xy_status status = XY_OK;
    *purged = 0;
    while (status == XY_OK && more) {
        xy_temp_open();
        status = purge_lot(self, &record, purged, &more);
        xy_temp_close();
    }
    if (*purged)
        xy_notice("retention.purged", "content of what was taken back was destroyed",
                  XY_F_INT_AS("messages", *purged));
    return status;
}

void
retention_scrub(XY_SELF)
{
    if (!self->unscrubbed)
        return;
    xy_status status = xy_store_scrub();
    self->unscrubbed = status != XY_OK;
    if (status != XY_OK)
        xy_warn("retention.not_scrubbed", "bytes of what was destroyed may still be in files",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}
