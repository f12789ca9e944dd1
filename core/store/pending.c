/* SPDX-License-Identifier: MIT */
/*
 * What waits for a device. Invariant: a content row lives while an archive or a pending row
 * refers to it; evidence stays. One row goes before its content is looked at; of many the
 * content goes first, while the pending rows still say what is meant.
 *
 * Every statement runs along an index whatever statistics say (asserted in the tests). SQLite
 * takes the order of a cross join as written.
 */
#include "core/store/driver.h"
#include "core/store/parts.h"

static const struct xy_statement read_page =
    XY_SQL("select p.message, m.stanza, m.archived / 2 from pending p cross join message m"
           " where p.owner = ? and p.device = ? and p.message > ? and p.message < ?"
           " and m.id = p.message and m.state = 0 order by p.message limit ?");
static const struct xy_statement count_each =
    XY_SQL("select count(*) from pending where owner = ? group by device");
static const struct xy_statement read_older =
    XY_SQL("select owner, message from pending where message < ?"
           " and (select host from account where account.owner = pending.owner) = ?"
           " group by message, owner order by message, owner limit ?");

static const struct xy_statement add_one =
    XY_SQL("insert into pending (owner, device, message)"
           " select cast(? as bigint), cast(? as bigint), id from message where id = ?"
           " on conflict (owner, device, message) do nothing");
static const struct xy_statement drop_one = {
    .sql = "delete from pending where owner = ? and device = ? and message = ?",
    .pgsql = "delete from pending p using unnest(?::bigint[], ?::bigint[], ?::bigint[])"
             " as r (owner, device, message) where p.owner = r.owner and p.device = r.device"
             " and p.message = r.message"};
static const struct xy_statement drop_message = {
    .sql = "delete from message where id = ? and archived = 0"
           " and not exists (select 1 from pending q where q.message = message.id)"
           " and not exists (select 1 from held h where h.message = message.id)",
    .pgsql = "delete from message m using unnest(?::bigint[]) as r (id) where m.id = r.id"
             " and m.archived = 0"
             " and not exists (select 1 from pending q where q.message = r.id)"
             " and not exists (select 1 from held h where h.message = r.id)"};
static const struct xy_statement drop_everywhere =
    XY_SQL("delete from pending where message = ? and owner = ?");

/* What waits for nobody but this device, and no archive has. */
static const struct xy_statement drop_messages = {
    .sql = "delete from message where id in (select p.message from pending p"
           " where p.owner = ? and p.device = ? and p.message > 0 and p.message < ?)"
           " and archived = 0 and not exists (select 1 from pending q"
           " where q.message = message.id and not (q.owner = ? and q.device = ?))"
           " and not exists (select 1 from held h where h.message = message.id)",
    .pgsql = "delete from message m using pending p"
             " where p.owner = ? and p.device = ? and p.message > 0 and p.message < ?"
             " and m.id = p.message and m.archived = 0 and not exists (select 1 from pending q"
             " where q.message = p.message and not (q.owner = ? and q.device = ?))"
             " and not exists (select 1 from held h where h.message = p.message)"};
static const struct xy_statement drop_below = XY_SQL(
    "delete from pending where owner = ? and device = ? and message > 0 and message < ?");

const struct xyi_planned xyi_pending_planned[] = {
    XYI_PLANNED(read_page, "iiiii"),    XYI_PLANNED(count_each, "i"),
    XYI_PLANNED(read_older, "iti"),     XYI_PLANNED(add_one, "iii"),
    XYI_PLANNED(drop_one, "III"),       XYI_PLANNED(drop_message, "I"),
    XYI_PLANNED(drop_everywhere, "ii"), XYI_PLANNED(drop_messages, "iiiii"),
    XYI_PLANNED(drop_below, "iii"),     {.statement = NULL},
};

xy_status
xyi_pending_read(xy_owner owner, int64_t device, xy_message_id after, xy_message_id before,
                 int64_t limit, struct xy_rows **rows)
{
    return xy_sql_read(&read_page, rows, XY_INT(owner), XY_INT(device), XY_INT(after),
                       XY_INT(before), XY_INT(limit));
}

xy_status
xyi_pending_count(xy_owner owner, int64_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&count_each, &rows, XY_INT(owner));
    if (status != XY_OK)
        return status;
    *count = 0;
    while (xy_rows_next(rows))
        if (xy_rows_int(rows, 0) > *count)
            *count = xy_rows_int(rows, 0);
    return XY_OK;
}

xy_status
xyi_pending_older(struct xy_str host, xy_message_id before, int64_t limit,
                  struct xy_rows **rows)
{
    return xy_sql_read(&read_older, rows, XY_INT(before), XY_TEXT(host), XY_INT(limit));
}

void
xyi_pending_add(struct xy_txn *txn, xy_owner owner, int64_t device, xy_message_id id)
{
    xyi_txn_add_ranked(txn, &add_one, XYI_FENCE, 1,
                       XY_VALUES(XY_INT(owner), XY_INT(device), XY_INT(id)));
}

void
xyi_pending_receive(struct xy_txn *txn, xy_owner owner, int64_t device, xy_message_id id,
                    bool archived)
{
    xyi_txn_add_ranked(txn, &drop_one, XYI_REMOVES_PENDING, -1,
                       XY_VALUES(XY_INT(owner), XY_INT(device), XY_INT(id)));
    if (!archived)
        xyi_txn_add_ranked(txn, &drop_message, XYI_REMOVES_MESSAGE, 0, XY_VALUES(XY_INT(id)));
}

void
xyi_pending_discard(struct xy_txn *txn, xy_owner owner, int64_t device, xy_message_id before)
{
    xyi_txn_add_ranked(txn, &drop_messages, XYI_FENCE, 0,
                       XY_VALUES(XY_INT(owner), XY_INT(device), XY_INT(before), XY_INT(owner),
                                 XY_INT(device)));
    xyi_txn_add_ranked(txn, &drop_below, XYI_FENCE, -1,
                       XY_VALUES(XY_INT(owner), XY_INT(device), XY_INT(before)));
}

void
xyi_pending_remove(struct xy_txn *txn, xy_owner owner, xy_message_id id)
{
    xyi_txn_add_ranked(txn, &drop_everywhere, XYI_FENCE, -1,
                       XY_VALUES(XY_INT(id), XY_INT(owner)));
    xyi_txn_add_ranked(txn, &drop_message, XYI_REMOVES_MESSAGE, 0, XY_VALUES(XY_INT(id)));
}
