/* SPDX-License-Identifier: MIT */
/*
 * What waits for a reader. Invariant: a content row lives while an archive or a pending row
 * refers to it; evidence stays. So an acknowledgement deletes from the content outwards, while
 * the pending rows still say what is meant: message, entry, pending.
 *
 * Every statement runs along an index whatever statistics say (asserted in the tests). SQLite
 * takes the order of a cross join as written.
 */
#include "core/store/parts.h"

static const struct xy_statement read_page = XY_SQL(
    "select p.message, m.stanza from pending p cross join message m"
    " where p.owner = ? and p.device = 0 and p.message > ? and m.id = p.message and m.state = 0"
    " order by p.message limit ?");
static const struct xy_statement count_all =
    XY_SQL("select count(*) from pending where owner = ? and device = 0");
static const struct xy_statement read_older =
    XY_SQL("select owner, message from pending where device = 0 and message < ?"
           " and (select host from account where account.owner = pending.owner) = ?"
           " order by message limit ?");

/* Nobody else waits for it and no archive has it. */
static const struct xy_statement drop_messages = {
    .sql = "delete from message where id in (select p.message from pending p"
           " where p.owner = ? and p.device = 0 and p.message > ? and p.message <= ?)"
           " and archived = 0 and not exists (select 1 from pending q"
           " where q.message = message.id and not (q.owner = ? and q.device = 0))",
    .pgsql = "delete from message m using pending p"
             " where p.owner = ? and p.device = 0 and p.message > ? and p.message <= ?"
             " and m.id = p.message and m.archived = 0 and not exists (select 1 from pending q"
             " where q.message = p.message and not (q.owner = ? and q.device = 0))"};
static const struct xy_statement drop_entries = {
    .sql = "delete from entry where owner = ? and message in (select p.message from pending p"
           " where p.owner = ? and p.device = 0 and p.message > ? and p.message <= ?)"
           " and flags & 1 = 0 and not exists (select 1 from pending q"
           " where q.message = entry.message and q.owner = ? and q.device <> 0)",
    .pgsql = "delete from entry e using pending p where e.owner = ?"
             " and p.owner = ? and p.device = 0 and p.message > ? and p.message <= ?"
             " and e.message = p.message and e.flags & 1 = 0"
             " and not exists (select 1 from pending q"
             " where q.message = p.message and q.owner = ? and q.device <> 0)"};
static const struct xy_statement drop_pending = XY_SQL(
    "delete from pending where owner = ? and device = 0 and message > ? and message <= ?");

const struct xyi_planned xyi_pending_planned[] = {
    {&read_page, "iii"},
    {&count_all, "i"},
    {&read_older, "iti"},
    {&drop_messages, "iiii"},
    {&drop_entries, "iiiii"},
    {&drop_pending, "iii"},
    {NULL, NULL},
};

xy_status
xyi_pending_read(xy_owner owner, xy_message_id after, int64_t limit, struct xy_rows **rows)
{
    return xy_sql_read(&read_page, rows, XY_INT(owner), XY_INT(after), XY_INT(limit));
}

xy_status
xyi_pending_count(xy_owner owner, int64_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&count_all, &rows, XY_INT(owner));
    if (status == XY_OK)
        *count = xy_rows_next(rows) ? xy_rows_int(rows, 0) : 0;
    return status;
}

xy_status
xyi_pending_older(struct xy_str host, xy_message_id before, int64_t limit,
                  struct xy_rows **rows)
{
    return xy_sql_read(&read_older, rows, XY_INT(before), XY_TEXT(host), XY_INT(limit));
}

void
xyi_pending_acknowledge(struct xy_txn *txn, xy_owner owner, xy_message_id after,
                        xy_message_id through)
{
    xy_txn_add(txn, &drop_messages, XY_INT(owner), XY_INT(after), XY_INT(through),
               XY_INT(owner));
    xy_txn_add(txn, &drop_entries, XY_INT(owner), XY_INT(owner), XY_INT(after), XY_INT(through),
               XY_INT(owner));
    xy_txn_add(txn, &drop_pending, XY_INT(owner), XY_INT(after), XY_INT(through));
}

void
xyi_pending_remove(struct xy_txn *txn, xy_owner owner, xy_message_id id)
{
    xyi_pending_acknowledge(txn, owner, id - 1, id);
}
