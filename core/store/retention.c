/* SPDX-License-Identifier: MIT */
/*
 * Taking messages out of archives, oldest first, in transactions small enough for others to get
 * between. Invariant: a content row goes with the last entry if nothing waits for it; otherwise
 * it loses the bit of the archive that no longer shows it. Entries go last, because they say
 * what is meant.
 */
#include "core/store/archive.h"
#include "core/store/driver.h"

enum { LOT = 100 };

/* The bits of the content row that stay when entry e goes. */
#define REST(message)                                                     \
    "case when e.flags & 2 = 0 then 1 when " message ".sender = " message \
    ".rcpt then 0 else 2 end"
#define RANGE "e.owner = ? and e.message > 0 and e.message <= ?"

static const struct xy_statement drop_messages = {
    .sql =
        "delete from message where id in (select e.message from entry e where " RANGE ")"
        " and archived & (select " REST(
            "message") " from entry e where e.owner = ?"
                       " and e.message = message.id) = 0"
                       " and not exists (select 1 from pending q where q.message = message.id)"
                       " and not exists (select 1 from held h where h.message = message.id)",
    .pgsql = "delete from message m using entry e where " RANGE " and e.owner = ?"
             " and m.id = e.message and m.archived & " REST(
                 "m") " = 0"
                      " and not exists (select 1 from pending q where q.message = e.message)"
                      " and not exists (select 1 from held h where h.message = e.message)"};
static const struct xy_statement clear_bits = XY_SQL(
    "update message as m set archived = m.archived & " REST("m") " from entry e"
                                                                 " where " RANGE
                                                                 " and m.id = e.message");
static const struct xy_statement drop_entries = XY_SQL("delete from entry as e where " RANGE);

#define UP_TO \
    "PRIMARY KEY (owner=? AND message>? AND message<?)", "(message > 0) AND (message <= $2)"
const struct xyi_planned xyi_retention_planned[] = {

    XYI_PLANNED_BY(drop_messages, "iii", UP_TO),
    XYI_PLANNED_BY(clear_bits, "ii", UP_TO),
    XYI_PLANNED_BY(drop_entries, "ii", UP_TO),
    {.statement = NULL},
};

static xy_status
trim_lot(struct xyi_arena *arena, xy_owner owner, xy_message_id before, int64_t size,
         int64_t *removed)
{
    xy_message_id last;
    xy_status status = xyi_entry_find_nth(arena, owner, before, size - 1, false, &last);
    if (status != XY_OK)
        return status;
    if (!last) /* fewer than that are left */
        last = before - 1;
    struct xy_txn *txn = xyi_txn_begin_in(arena);
    struct xy_value whose = XY_INT(owner), through = XY_INT(last);
    size_t moves = xyi_staged_move(txn, owner, last);
    xyi_txn_add_ranked(txn, &drop_messages, XYI_FENCE, 0, XY_VALUES(whose, through, whose));
    xyi_txn_add_ranked(txn, &clear_bits, XYI_FENCE, 0, XY_VALUES(whose, through));
    xyi_txn_add_ranked(txn, &drop_entries, XYI_FENCE, 0, XY_VALUES(whose, through));
    status = xy_txn_commit(txn);
    if (status == XY_OK)
        *removed = xy_txn_changed(txn, moves + 2);
    return status;
}

xy_status
xy_archive_trim(xy_owner owner, xy_message_id before, int64_t most, int64_t *removed)
{
    xy_status status = XY_OK;
    *removed = 0;
    while (status == XY_OK && *removed < most) {
        int64_t left = most - *removed, size = left < LOT ? left : LOT, gone = 0;
        struct xyi_arena *arena = xyi_arena_new(4096);
        status = trim_lot(arena, owner, before, size, &gone);
        xyi_arena_free(arena);
        *removed += gone;
        if (gone < size)
            break;
    }
    return status;
}

xy_status
xy_archive_nth(xy_owner owner, int64_t count, xy_message_id *id)
{
    return xyi_entry_find_nth(xyi_temp(), owner, INT64_MAX, count, true, id);
}
