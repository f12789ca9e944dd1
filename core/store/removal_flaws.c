/* SPDX-License-Identifier: MIT */
/*
 * Looking for removals that do not hold, and mending them (requirements S1-19, N21): a former
 * release's fault, or somebody who changed rows by hand. Invariant: mending takes nothing from
 * a message that nobody took back.
 */
#include <xylem/removal.h>
#include "core/store/driver.h"
#include "core/store/parts.h"
#include "core/store/withdrawn.h"

static const struct xy_statement read_devices =
    XY_SQL("select d.id, d.last_seen, (select count(*) from pending p where p.owner = d.owner"
           " and p.device = d.id and p.message = ?) from device d where d.owner = ?"
           " union all select 0, 0, 1 from pending q where q.owner = ? and q.device = 0"
           " and q.message = ? and not exists (select 1 from device e where e.owner = q.owner"
           " and e.id = 0)");

static const struct xy_statement find_unmarked =
    XY_SQL("select x.message from removal x cross join message m where m.id = x.message"
           " and x.message > ? and m.state = 0 order by x.message limit ?");
static const struct xy_statement find_waiting =
    XY_SQL("select distinct x.message from removal x cross join pending p"
           " where p.message = x.message and x.message > ? order by x.message limit ?");
static const struct xy_statement find_overdue =
    XY_SQL("select x.message from removal x where x.purged = 0 and x.message > ?"
           " and x.purge_at <= ? and not exists (select 1 from held h"
           " where h.message = x.message) order by x.message limit ?");

static const struct xy_statement mark =
    XY_SQL("update message set state = (select x.state from removal x"
           " where x.message = message.id) where id = ? and state = 0");
static const struct xy_statement record =
    XY_SQL("insert into removal (message, state, operation, at, by_jid, reason, notice_id,"
           " purge_at, purged) select m.id, m.state, ?, cast(? as bigint), null, null, null,"
           " cast(? as bigint), 0 from message m where m.id = ? and m.state <> 0");
static const struct xy_statement drop_pending = XY_SQL("delete from pending where message = ?");

/* ---- looking ----------------------------------------------------------------------------- */

xy_status
xy_message_devices(xy_message_id id, xy_owner owner, struct xy_rows **rows)
{
    return xy_sql_read(&read_devices, rows, XY_INT(id), XY_INT(owner), XY_INT(owner),
                       XY_INT(id));
}

static xy_status
read_ids(const struct xy_statement *statement, struct xy_values values, xy_message_id **ids,
         size_t *count)
{
    struct xy_rows *rows;
    *count = 0;
    xy_status status = xy_sql_read_values(statement, &rows, values);
    if (status != XY_OK)
        return status;
    *ids = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**ids));
    while (xy_rows_next(rows))
        (*ids)[(*count)++] = xy_rows_int(rows, 0);
    return XY_OK;
}

/* *after moves on; 0: that was all. */
static xy_status
read_leaks(xy_message_id *after, int64_t most, xy_message_id **ids, size_t *count)
{
    struct xyi_purged *all;
    size_t seen;
    *count = 0;
    xy_status status = xyi_purged_read(*after, most, &all, &seen);
    if (status != XY_OK)
        return status;
    *ids = xy_temp_alloc((seen + 1) * sizeof(**ids));
    for (size_t i = 0; i < seen; i++)
        if (all[i].leaks)
            (*ids)[(*count)++] = all[i].id;
    *after = seen == (size_t)most ? all[seen - 1].id : 0;
    return XY_OK;
}

xy_status
xy_removal_flaws(enum xy_removal_flaw flaw, xy_message_id *after, int64_t most,
                 xy_message_id **ids, size_t *count)
{
    struct xy_value behind = XY_INT(*after), limit = XY_INT(most);
    xy_status status = XY_INVALID; /* unrecorded: seen by looking at each message */
    if (flaw == XY_FLAW_UNPURGED)
        return read_leaks(after, most, ids, count);
    if (flaw == XY_FLAW_UNMARKED)
        status = read_ids(&find_unmarked, XY_VALUES(behind, limit), ids, count);
    if (flaw == XY_FLAW_WAITING)
        status = read_ids(&find_waiting, XY_VALUES(behind, limit), ids, count);
    if (flaw == XY_FLAW_OVERDUE)
        status =
            read_ids(&find_overdue, XY_VALUES(behind, XY_INT(xy_now_ms()), limit), ids, count);
    if (status == XY_OK)
        *after = *count == (size_t)most ? (*ids)[*count - 1] : 0;
    return status;
}

/* ---- mending ----------------------------------------------------------------------------- */

xy_status
xy_removal_mend(struct xy_txn *txn, enum xy_removal_flaw flaw, xy_message_id id,
                struct xy_str operation, int64_t purge_ms)
{
    struct xy_value message = XY_INT(id);
    struct xyi_purged *purged;
    size_t count;
    if (flaw == XY_FLAW_UNPURGED) {
        xy_status status = xyi_purged_read(id - 1, 1, &purged, &count);
        if (status != XY_OK)
            return status;
        if (count && purged->id == id)
            xyi_purge_again(txn, purged);
    }
    if (flaw == XY_FLAW_UNMARKED)
        xy_txn_add(txn, &mark, message);
    if (flaw == XY_FLAW_UNRECORDED)
        xy_txn_add(txn, &record, XY_TEXT(operation), XY_INT(xy_now_ms()),
                   purge_ms == XY_NONE ? XY_NULL : XY_INT(purge_ms), message);
    if (flaw == XY_FLAW_UNMARKED || flaw == XY_FLAW_UNRECORDED)
        xyi_withdraw(txn, id);
    xyi_txn_add_ranked(txn, &drop_pending, XYI_FENCE, -1, XY_VALUES(message));
    xyi_txn_removes(txn, XYI_TAKEN_BACK);
    return XY_OK;
}
