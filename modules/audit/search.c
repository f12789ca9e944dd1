/* SPDX-License-Identifier: MIT */
/* Searching records: one statement for each column that has an index. */
#include "audit.h"

/* The first condition finds, the others sort out. A cast tells PostgreSQL the type. */
#define SEARCH(key)                                                              \
    XY_SQL(AUDIT_RECORD_WHERE key " seq < ? and at >= ? and at <= ?"             \
                                  " and (cast(? as text) = '' or operation = ?)" \
                                  " and (cast(? as text) = '' or kind = ?)"      \
                                  " and (cast(? as text) = '' or actor = ?)"     \
                                  " and (cast(? as text) = '' or account = ?)"   \
                                  " and (cast(? as text) = '' or room = ?)"      \
                                  " and (cast(? as bigint) = 0 or message = ?)"  \
                                  " order by seq desc limit ?")
enum { ANY, OPERATION, MESSAGE, ACCOUNT, ROOM, ACTOR, KIND };
const struct xy_statement audit_searches[AUDIT_SEARCHES] = {
    [ANY] = SEARCH(""),
    [OPERATION] = SEARCH("operation = ? and"),
    [MESSAGE] = SEARCH("message = ? and"),
    [ACCOUNT] = SEARCH("account = ? and"),
    [ROOM] = SEARCH("room = ? and"),
    [ACTOR] = SEARCH("actor = ? and"),
    [KIND] = SEARCH("kind = ? and"),
};

#define FILTER(text) XY_TEXT(text), XY_TEXT(text)
#define FILTERS(q)                                                                       \
    XY_INT((q)->before), XY_INT((q)->since), XY_INT((q)->until), FILTER((q)->operation), \
        FILTER((q)->kind), FILTER((q)->actor), FILTER((q)->account), FILTER((q)->room),  \
        XY_INT((q)->message), XY_INT((q)->message), XY_INT((q)->limit)

/* By what is likely to leave the fewest. */
static xy_status
search_rows(const struct audit_query *q, struct xy_rows **rows)
{
    if (q->operation.len)
        return xy_sql_read(&audit_searches[OPERATION], rows, XY_TEXT(q->operation), FILTERS(q));
    if (q->message)
        return xy_sql_read(&audit_searches[MESSAGE], rows, XY_INT(q->message), FILTERS(q));
    if (q->account.len)
        return xy_sql_read(&audit_searches[ACCOUNT], rows, XY_TEXT(q->account), FILTERS(q));
    if (q->room.len)
        return xy_sql_read(&audit_searches[ROOM], rows, XY_TEXT(q->room), FILTERS(q));
    if (q->actor.len)
        return xy_sql_read(&audit_searches[ACTOR], rows, XY_TEXT(q->actor), FILTERS(q));
    if (q->kind.len)
        return xy_sql_read(&audit_searches[KIND], rows, XY_TEXT(q->kind), FILTERS(q));
    return xy_sql_read(&audit_searches[ANY], rows, FILTERS(q));
}

xy_status
audit_search(const struct audit_query *query, struct record **at, size_t *count)
{
    struct xy_rows *rows;
    xy_status status = search_rows(query, &rows);
    if (status == XY_OK)
        audit_get_records(rows, true, at, count);
    return status;
}
