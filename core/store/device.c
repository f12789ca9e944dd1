/* SPDX-License-Identifier: MIT */
/*
 * Devices of accounts. Invariant: what waits for an account waits for each of its known devices
 * that has not received it, or for device 0 while none is known. So a device that comes for the
 * first time takes a copy of whatever waits for another, and what waits for a device 0 that is
 * not known goes to those that are.
 */
#include "core/store/driver.h"
#include "core/store/parts.h"

static const struct xy_statement read_all =
    XY_SQL("select id, last_seen from device where owner = ? order by id");
static const struct xy_statement read_older =
    XY_SQL("select d.owner, d.id from device d where d.last_seen < ?"
           " and exists (select 1 from device o where o.owner = d.owner and o.last_seen >= ?)"
           " and (select host from account where account.owner = d.owner) = ?"
           " order by d.last_seen limit ?");

static const struct xy_statement copy_rows =
    XY_SQL("insert into pending (owner, device, message)"
           " select p.owner, cast(? as bigint), p.message from pending p where p.owner = ?"
           " and not exists (select 1 from device d where d.owner = ? and d.id = ?)"
           " on conflict (owner, device, message) do nothing");
static const struct xy_statement note =
    XY_SQL("insert into device (owner, id, last_seen, cursor) values (?, ?, ?, 0)"
           " on conflict (owner, id) do update set last_seen = excluded.last_seen");
static const struct xy_statement spread_rows =
    XY_SQL("insert into pending (owner, device, message)"
           " select d.owner, d.id, p.message from pending p cross join device d"
           " where p.owner = ? and p.device = 0 and d.owner = ?"
           " and not exists (select 1 from device z where z.owner = ? and z.id = 0)"
           " on conflict (owner, device, message) do nothing");
static const struct xy_statement drop_spread =
    XY_SQL("delete from pending where owner = ? and device = 0"
           " and not exists (select 1 from device z where z.owner = ? and z.id = 0)");
static const struct xy_statement forget =
    XY_SQL("delete from device where owner = ? and id = ?");

static const struct xy_statement forget_all = XY_SQL("delete from device where owner = ?");

const struct xyi_planned xyi_device_planned[] = {
    XYI_PLANNED(read_all, "i"),     XYI_PLANNED(read_older, "iiti"),
    XYI_PLANNED(copy_rows, "iiii"), XYI_PLANNED(spread_rows, "iii"),
    XYI_PLANNED(drop_spread, "ii"), XYI_PLANNED(forget, "ii"),
    XYI_PLANNED(forget_all, "i"),   {.statement = NULL},
};

xy_status
xyi_devices_read(xy_owner owner, struct xy_rows **rows)
{
    return xy_sql_read(&read_all, rows, XY_INT(owner));
}

xy_status
xyi_devices_older(struct xy_str host, int64_t before_ms, int64_t limit, struct xy_rows **rows)
{
    return xy_sql_read(&read_older, rows, XY_INT(before_ms), XY_INT(before_ms), XY_TEXT(host),
                       XY_INT(limit));
}

void
xyi_device_seen(struct xy_txn *txn, xy_owner owner, int64_t device, int64_t now_ms)
{
    struct xy_value whose = XY_INT(owner), which = XY_INT(device);
    xyi_txn_add_ranked(txn, &copy_rows, XYI_FENCE, 1, XY_VALUES(which, whose, whose, which));
    xy_txn_add(txn, &note, whose, which, XY_INT(now_ms));
    xyi_txn_add_ranked(txn, &spread_rows, XYI_FENCE, 1, XY_VALUES(whose, whose, whose));
    xyi_txn_add_ranked(txn, &drop_spread, XYI_FENCE, -1, XY_VALUES(whose, whose));
}

void
xyi_device_forget(struct xy_txn *txn, xy_owner owner, int64_t device)
{
    xyi_pending_discard(txn, owner, device, INT64_MAX);
    xy_txn_add(txn, &forget, XY_INT(owner), XY_INT(device));
}

void
xyi_devices_remove(struct xy_txn *txn, xy_owner owner)
{
    xy_txn_add(txn, &forget_all, XY_INT(owner));
}
