/* SPDX-License-Identifier: MIT */
/*
 * Statements that read archives. Each runs along an index with a limit, whatever statistics
 * say (asserted in the tests). On SQLite an archive is two tables (staging.c), which the engine
 * merges as it goes, each along its own index.
 */
#include "core/store/archive.h"

#define COLUMNS "select e.message, e.flags, m.state, m.stanza from "

/* ---- ranges ------------------------------------------------------------------------------ */
#define ARM(table)                                                                \
    COLUMNS table " e cross join message m where e.owner = ?1 and e.message > ?2" \
                  " and e.message < ?3 and m.id = e.message and e.flags & 1 = 1"
#define PEER_ARM(table)                                                      \
    COLUMNS table " cross join message m where e.owner = ?1 and e.peer = ?2" \
                  " and e.message > ?3 and e.message < ?4"                   \
                  " and m.id = e.message and e.flags & 1 = 1"
#define RANGE(order)                                                                        \
    {                                                                                       \
        .sql = ARM("entry") " union all " ARM("entry_new") " order by 1" order " limit ?4", \
        .pgsql = COLUMNS "entry e cross join message m where e.owner = ? and e.message > ?" \
                         " and e.message < ? and m.id = e.message and e.flags & 1 = 1"      \
                         " order by e.message" order " limit ?"                             \
    }
#define PEER_RANGE(order)                                                                \
    {                                                                                    \
        .sql = PEER_ARM("entry e indexed by entry_peer") " union all " PEER_ARM(         \
            "entry_new e") " order by 1" order " limit ?5",                              \
        .pgsql = COLUMNS "entry e cross join message m where e.owner = ? and e.peer = ?" \
                         " and e.message > ? and e.message < ? and m.id = e.message"     \
                         " and e.flags & 1 = 1 order by e.message" order " limit ?"      \
    }
static const struct xy_statement read_forward = RANGE("");
static const struct xy_statement read_backward = RANGE(" desc");
static const struct xy_statement read_peer_forward = PEER_RANGE("");
static const struct xy_statement read_peer_backward = PEER_RANGE(" desc");

/* ---- single entries ---------------------------------------------------------------------- */
#define SOME(table)                                                                          \
    COLUMNS "json_each(?1) r cross join " table " e cross join message m where e.owner = ?2" \
            " and e.message = r.value and m.id = e.message and e.flags & 1 = 1"
/* On PostgreSQL `offset 0` keeps it from reading all entries of the owner to compare them. */
static const struct xy_statement read_some = {
    .sql = SOME("entry") " union all " SOME("entry_new"),
    .pgsql = COLUMNS "json_array_elements_text(?::json) r"
                     " cross join lateral (select * from entry where owner = ?"
                     " and message = r.value::bigint and flags & 1 = 1 offset 0) e"
                     " cross join lateral (select state, stanza from message"
                     " where id = e.message offset 0) m"};
#define FIND(table, owner, id) \
    "select 1 from " table " where owner = " owner " and message = " id " and flags & 1 = 1"
static const struct xy_statement find = {
    .sql = FIND("entry", "?1", "?2") " union all " FIND("entry_new", "?1", "?2"),
    .pgsql = FIND("entry", "?", "?")};

/* ---- ends -------------------------------------------------------------------------------- */
#define ID(table, owner, before)                         \
    "select message from " table " where owner = " owner \
    " and message > 0 and message < " before " and flags & 1 = 1 "
#define EITHER(owner, before) \
    ID("entry", owner, before) "union all " ID("entry_new", owner, before)
#define FIRST "order by 1 limit 1"
#define LAST  "order by 1 desc limit 1"
static const struct xy_statement read_bounds = {
    .sql = "select (" EITHER("?1", "?2") FIRST "), (" EITHER("?3", "?4") LAST ")",
    .pgsql = "select (" ID("entry", "?", "?") FIRST "), (" ID("entry", "?", "?") LAST ")"};
static const struct xy_statement find_from_oldest = {
    .sql = EITHER("?1", "?2") FIRST " offset ?3",
    .pgsql = ID("entry", "?", "?") FIRST " offset ?"};
static const struct xy_statement find_from_newest = {
    .sql = EITHER("?1", "?2") LAST " offset ?3",
    .pgsql = ID("entry", "?", "?") LAST " offset ?"};

#define IN_RANGE                                         \
    "PRIMARY KEY (owner=? AND message>? AND message<?)", \
        "(owner = $1) AND (message > $2) AND (message < $3)"
#define IN_PEER                                                    \
    "entry_peer (owner=? AND peer=? AND message>? AND message<?)", \
        "(peer = $2) AND (owner = $1) AND (message > $3) AND (message < $4)"
#define FROM_END                                         \
    "PRIMARY KEY (owner=? AND message>? AND message<?)", \
        "(owner = $1) AND (message > 0) AND (message < $2)"
const struct xyi_planned xyi_archive_planned[] = {
    XYI_PLANNED_BY(read_forward, "iiii", IN_RANGE),
    XYI_PLANNED_BY(read_backward, "iiii", IN_RANGE),
    XYI_PLANNED_BY(read_peer_forward, "iiiii", IN_PEER),
    XYI_PLANNED_BY(read_peer_backward, "iiiii", IN_PEER),
    XYI_PLANNED_BY(read_some, "ti", "PRIMARY KEY (owner=? AND message=?)",
                   "(owner = $2) AND (message = (r.value)::bigint)"),
    XYI_PLANNED_BY(find, "ii", "PRIMARY KEY (owner=? AND message=?)",
                   "(owner = $1) AND (message = $2)"),
    XYI_PLANNED_BY(read_bounds, "iiii", FROM_END),
    XYI_PLANNED_BY(find_from_oldest, "iii", FROM_END),
    XYI_PLANNED_BY(find_from_newest, "iii", FROM_END),
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
    struct xy_value whose = XY_INT(owner), below = XY_INT(before ? before : INT64_MAX);
    *oldest = *newest = 0;
    xy_status status = xy_sql_read(&read_bounds, &rows, whose, below, whose, below);
    if (status == XY_OK && xy_rows_next(rows)) {
        *oldest = xy_rows_int(rows, 0);
        *newest = xy_rows_int(rows, 1);
    }
    return status;
}

xy_status
xyi_entry_find_nth(struct xyi_arena *arena, xy_owner owner, xy_message_id before, int64_t nth,
                   bool from_newest, xy_message_id *id)
{
    struct xy_rows *rows;
    *id = 0;
    xy_status status =
        xyi_sql_read_into(arena, from_newest ? &find_from_newest : &find_from_oldest, &rows,
                          XY_VALUES(XY_INT(owner), XY_INT(before), XY_INT(nth)));
    if (status == XY_OK && xy_rows_next(rows))
        *id = xy_rows_int(rows, 0);
    return status;
}
