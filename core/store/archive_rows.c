/* SPDX-License-Identifier: MIT */
/*
 * Statements that read archives. Each runs along an index with a limit, whatever statistics
 * say (asserted in the tests).
 */
#include "core/store/archive.h"

#define COLUMNS "select e.message, e.flags, m.state, m.stanza from "
#define ENTRIES                                                                     \
    " e cross join message m where e.owner = ? and e.message > ? and e.message < ?" \
    " and m.id = e.message and e.flags & 1 = 1 "
#define OF_PEER                                                                \
    " cross join message m where e.owner = ? and e.peer = ? and e.message > ?" \
    " and e.message < ? and m.id = e.message and e.flags & 1 = 1 "
#define BY_PEER(order)                                                \
    {                                                                 \
        .sql = COLUMNS "entry e indexed by entry_peer" OF_PEER order, \
        .pgsql = COLUMNS "entry e" OF_PEER order                      \
    }

static const struct xy_statement read_forward =
    XY_SQL(COLUMNS "entry" ENTRIES "order by e.message limit ?");
static const struct xy_statement read_backward =
    XY_SQL(COLUMNS "entry" ENTRIES "order by e.message desc limit ?");
/* SQLite takes the other index for a peer when it has no statistics, or those of a store in
 * which most messages are of few pairs. */
static const struct xy_statement read_peer_forward = BY_PEER("order by e.message limit ?");
static const struct xy_statement read_peer_backward =
    BY_PEER("order by e.message desc limit ?");

/* On PostgreSQL `offset 0` keeps it from reading all entries of the owner to compare them. */
static const struct xy_statement read_some = {
    .sql = COLUMNS "json_each(?) r cross join entry e cross join message m where e.owner = ?"
                   " and e.message = r.value and m.id = e.message and e.flags & 1 = 1",
    .pgsql = COLUMNS "json_array_elements_text(?::json) r"
                     " cross join lateral (select * from entry where owner = ?"
                     " and message = r.value::bigint and flags & 1 = 1 offset 0) e"
                     " cross join lateral (select state, stanza from message"
                     " where id = e.message offset 0) m"};
static const struct xy_statement find =
    XY_SQL("select 1 from entry where owner = ? and message = ? and flags & 1 = 1");
static const struct xy_statement read_bounds =
    XY_SQL("select (select message from entry where owner = ? and message > 0 and message < ?"
           " and flags & 1 = 1 order by message limit 1),"
           " (select message from entry where owner = ? and message > 0 and message < ?"
           " and flags & 1 = 1 order by message desc limit 1)");

#define IN_RANGE                                         \
    "PRIMARY KEY (owner=? AND message>? AND message<?)", \
        "(owner = $1) AND (message > $2) AND (message < $3)"
#define IN_PEER                                                    \
    "entry_peer (peer=? AND owner=? AND message>? AND message<?)", \
        "(peer = $2) AND (owner = $1) AND (message > $3) AND (message < $4)"
const struct xyi_planned xyi_archive_planned[] = {
    XYI_PLANNED_BY(read_forward, "iiii", IN_RANGE),
    XYI_PLANNED_BY(read_backward, "iiii", IN_RANGE),
    XYI_PLANNED_BY(read_peer_forward, "iiiii", IN_PEER),
    XYI_PLANNED_BY(read_peer_backward, "iiiii", IN_PEER),
    XYI_PLANNED_BY(read_some, "ti", "PRIMARY KEY (owner=? AND message=?)",
                   "(owner = $2) AND (message = (r.value)::bigint)"),
    XYI_PLANNED_BY(find, "ii", "PRIMARY KEY (owner=? AND message=?)",
                   "(owner = $1) AND (message = $2)"),
    XYI_PLANNED_BY(read_bounds, "iiii", "PRIMARY KEY (owner=? AND message>? AND message<?)",
                   "(owner = $1) AND (message > 0) AND (message < $2)"),
    {.statement = NULL},
};

xy_status
xyi_entries_read(struct xyi_arena *arena, const struct xyi_range *range, int64_t limit,
                 struct xy_rows **rows)
{
    struct xy_value owner = XY_INT(range->owner), after = XY_INT(range->after),
                    before = XY_INT(range->before), most = XY_INT(limit);
    if (range->peer)
        return xyi_sql_read_into(arena,
                                 range->newest ? &read_peer_backward : &read_peer_forward, rows,
                                 XY_VALUES(owner, XY_INT(range->peer), after, before, most));
    return xyi_sql_read_into(arena, range->newest ? &read_backward : &read_forward, rows,
                             XY_VALUES(owner, after, before, most));
}

xy_status
xyi_entries_read_ids(xy_owner owner, const xy_message_id *ids, size_t count,
                     struct xy_rows **rows)
{
    return xy_sql_read(&read_some, rows, XY_TEXT(xyi_message_id_list(ids, count)),
                       XY_INT(owner));
}

xy_status
xy_archive_has(xy_owner owner, xy_message_id id)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find, &rows, XY_INT(owner), XY_INT(id));
    return status == XY_OK && !xy_rows_count(rows) ? XY_ABSENT : status;
}

xy_status
xy_archive_bounds(xy_owner owner, xy_message_id before, xy_message_id *oldest,
                  xy_message_id *newest)
{
    struct xy_rows *rows;
    struct xy_value below = XY_INT(before ? before : INT64_MAX);
    *oldest = *newest = 0;
    xy_status status =
        xy_sql_read(&read_bounds, &rows, XY_INT(owner), below, XY_INT(owner), below);
    if (status == XY_OK && xy_rows_next(rows)) {
        *oldest = xy_rows_int(rows, 0);
        *newest = xy_rows_int(rows, 1);
    }
    return status;
}
