/* SPDX-License-Identifier: MIT */
/*
 * Counting and forgetting what waits: by the administrator, by age.
 */
#include "core/route/objects.h"

enum { PAGE = 100 };

xy_status
xy_pending_count(xy_owner owner, int64_t *count)
{
    struct xy_user *user = xyi_user_of_owner(owner);
    if (user)
        xyi_user_settle(user);
    return xyi_pending_count(owner, count);
}

xy_status
xy_pending_clear(xy_owner owner, int64_t *cleared)
{
    xy_status status = xy_pending_count(owner, cleared);
    if (status != XY_OK)
        return status;
    struct xy_txn *txn = xy_txn_begin();
    xyi_pending_discard(txn, owner, 0, INT64_MAX);
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
        while (xy_rows_next(rows)) {
            xy_owner owner = xy_rows_int(rows, 0);
            xy_message_id id = xy_rows_int(rows, 1);
            xyi_pending_remove(txn, owner, id);
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
