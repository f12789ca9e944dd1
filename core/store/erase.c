/* SPDX-License-Identifier: MIT */
/*
 * Erasing what was kept for an account that is no more: its archive, what waited for it, and
 * the content that nobody else has. Invariant: from the commit that removes the account until
 * the last row has gone a mark says that there is something to do, so a crash leaves nothing
 * for ever. An owner number is never used again, so there is no hurry and nothing to mix up.
 * A second mark does the same for what modules keep for him: they are told, if need be by the
 * next start before it serves anybody.
 */
#include "core/store/driver.h"
#include "core/store/parts.h"
#include <xylem/archive.h>

enum { LOT = 100 };
static const char mark[] = "erase.", departed[] = "departed.";

static const struct xy_statement read_pending =
    XY_SQL("select device, message from pending where owner = ? order by device limit ?");
static const struct xy_statement read_marks =
    XY_SQL("select name from xylem_meta where name > 'erase.' and name < 'erase/'");
static const struct xy_statement read_departed =
    XY_SQL("select cast(substr(name, 10) as bigint), value from xylem_meta"
           " where name > 'departed.' and name < 'departed/'");
static const struct xy_statement drop_mark = XY_SQL("delete from xylem_meta where name = ?");

const struct xyi_planned xyi_erase_planned[] = {XYI_PLANNED(read_pending, "ii"),
                                                XYI_PLANNED(read_marks, ""),
                                                XYI_PLANNED(read_departed, ""),
                                                XYI_PLANNED(drop_mark, "t"),
                                                {.statement = NULL}};

static struct xy_str
mark_of(const char *kind, xy_owner owner)
{
    return xy_temp_printf("%s%lld", kind, (long long)owner);
}

void
xyi_erase_mark(struct xy_txn *txn, xy_owner owner, struct xy_str jid)
{
    xyi_meta_set(txn, mark_of(mark, owner).at, XY_NO_STR);
    if (jid.len)
        xyi_meta_set(txn, mark_of(departed, owner).at, jid);
}

xy_status
xyi_departures_read(struct xy_rows **rows)
{
    return xy_sql_read(&read_departed, rows);
}

xy_status
xyi_departure_end(xy_owner owner)
{
    return xy_sql_write(&drop_mark, XY_TEXT(mark_of(departed, owner)));
}

static xy_status
drop_lot(struct xyi_arena *arena, xy_owner owner, bool *more)
{
    struct xy_rows *rows;
    xy_status status =
        xyi_sql_read_into(arena, &read_pending, &rows, XY_VALUES(XY_INT(owner), XY_INT(LOT)));
    if (status != XY_OK)
        return status;
    *more = xy_rows_count(rows) == LOT;
    struct xy_txn *txn = xyi_txn_begin_in(arena);
    while (xy_rows_next(rows))
        xyi_pending_receive(txn, owner, xy_rows_int(rows, 0), xy_rows_int(rows, 1), false);
    return xy_txn_commit(txn);
}

static xy_status
drop_pending(xy_owner owner)
{
    bool more = true;
    xy_status status = XY_OK;
    while (status == XY_OK && more) {
        struct xyi_arena *arena = xyi_arena_new(16384);
        status = drop_lot(arena, owner, &more);
        xyi_arena_free(arena);
    }
    return status;
}

xy_status
xyi_account_erase(xy_owner owner)
{
    int64_t removed;
    xy_status status = drop_pending(owner);
    if (status == XY_OK)
        status = xy_archive_trim(owner, INT64_MAX, INT64_MAX, &removed);
    if (status != XY_OK)
        return status;
    struct xy_txn *txn = xy_txn_begin();
    xyi_devices_remove(txn, owner); /* one may have logged in while the account was going */
    xy_txn_add(txn, &drop_mark, XY_TEXT(mark_of(mark, owner)));
    return xy_txn_commit(txn);
}

xy_status
xyi_erasures_finish(void)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_marks, &rows);
    while (status == XY_OK && xy_rows_next(rows)) {
        struct xy_str name = xy_rows_text(rows, 0);
        struct xy_str number = xy_str_of(name.at + strlen(mark), name.len - strlen(mark));
        xy_owner owner;
        if (xy_str_to_int(number, 1, INT64_MAX, &owner) == XY_OK)
            status = xyi_account_erase(owner);
    }
    return status;
}
