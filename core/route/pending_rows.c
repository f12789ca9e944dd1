/* SPDX-License-Identifier: MIT */
/*
 * Counting and forgetting what waits: by the administrator, by age; and devices nobody uses.
 */
#include "core/route/objects.h"

enum { PAGE = 100 };

xy_status
xy_pending_count(xy_owner owner, int64_t *count)
{
    struct xy_user *user = xyi_user_of_owner(owner);
    if (user)
        xy_user_settle(user);
    uint64_t changes = user ? user->changes : 0;
    xy_status status = xyi_pending_count(owner, count);
    if (status == XY_OK && user && user->changes == changes)
        user->pending = *count;
    return status;
}

xy_status
xy_pending_clear(xy_owner owner, int64_t *cleared)
{
    xy_status status = xy_pending_count(owner, cleared);
    struct xy_rows *devices;
    if (status == XY_OK)
        status = xyi_devices_read(owner, &devices);
    if (status != XY_OK)
        return status;
    struct xy_txn *txn = xy_txn_begin();
    xyi_txn_removes(txn, XYI_CLEARED);
    xyi_pending_discard(txn, owner, 0, INT64_MAX);
    while (xy_rows_next(devices))
        xyi_pending_discard(txn, owner, xy_rows_int(devices, 0), INT64_MAX);
    status = xy_txn_commit(txn);
    xyi_users_forget_counts(owner);
    return status;
}

xy_status
xy_pending_expire(struct xy_host *host, int64_t before_ms, int64_t *expired)
{
    *expired = 0;
    for (;;) {
        struct xy_rows *rows;
        xy_status status = xyi_pending_older(xy_jid_text(xy_host_jid(host)),
                                             xy_message_id_at(before_ms), PAGE, &rows);
        if (status != XY_OK || xy_rows_count(rows) == 0)
            return status;
        struct xy_txn *txn = xy_txn_begin();
        xyi_txn_removes(txn, XYI_EXPIRED);
        while (xy_rows_next(rows)) {
            xy_owner owner = xy_rows_int(rows, 0);
            xy_message_id id = xy_rows_int(rows, 1);
            xyi_pending_remove(txn, owner, id);
            xyi_trace(XYI_TRACE_EXPIRED, id, owner, 0);
            xy_info("message.expired", "nobody fetched it in time", XY_F_INT(owner),
                    XY_F_INT(id));
        }
        status = xy_txn_commit(txn);
        if (status != XY_OK)
            return status;
        xyi_users_forget_counts(0);
        *expired += (int64_t)xy_rows_count(rows);
    }
}

/* Who has been logged in all the time is not absent. */
static bool
is_here(const struct xy_user *user, int64_t device)
{
    for (struct xy_session *s = user ? xy_user_first(user) : NULL; s; s = xy_session_next(s))
        if (s->device == device)
            return true;
    return false;
}

static int64_t
forget_device(struct xy_txn *txn, xy_owner owner, int64_t device)
{
    struct xy_user *user = xyi_user_of_owner(owner);
    if (is_here(user, device)) {
        xyi_device_seen(txn, owner, device, xy_now_ms());
        return 0;
    }
    xyi_device_forget(txn, owner, device);
    if (user)
        xyi_devices_unknown(user);
    xy_notice("device.forgotten", "not seen for long: nothing waits for it any more",
              XY_F_INT(owner), XY_F_INT(device));
    return 1;
}

xy_status
xy_devices_expire(struct xy_host *host, int64_t before_ms, int64_t *forgotten)
{
    *forgotten = 0;
    for (;;) {
        struct xy_rows *rows;
        xy_status status =
            xyi_devices_older(xy_jid_text(xy_host_jid(host)), before_ms, PAGE, &rows);
        if (status != XY_OK || xy_rows_count(rows) == 0)
            return status;
        struct xy_txn *txn = xy_txn_begin();
        while (xy_rows_next(rows)) {
            xy_owner owner = xy_rows_int(rows, 0);
            int64_t device = xy_rows_int(rows, 1);
            *forgotten += forget_device(txn, owner, device);
        }
        status = xy_txn_commit(txn);
        if (status != XY_OK)
            return status;
        xyi_users_forget_counts(0);
    }
}
