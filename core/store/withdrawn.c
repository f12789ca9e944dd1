/* SPDX-License-Identifier: MIT */
/*
 * What archives no longer show, one row for a message and an archive that had it, written in
 * the transaction that takes it back or expires it. Clients that were away ask what is new of
 * it (requirements S1-15, N8).
 *
 * Invariants: `seq` rises in the order of commits, because one writer numbers the rows as it
 * applies them; only the lowest rows are deleted and never the newest. So who has seen all up
 * to some number misses nothing behind it, and sees by the lowest row whether some of it has
 * been forgotten.
 */
#include "core/store/withdrawn.h"
#include "core/store/driver.h"
#include "core/store/parts.h"

/* Whose archives can have it: those of its author, of its addressee, of its room. 2^47: room.c.
 * On PostgreSQL `collate` because the columns differ in that. */
#define HAS(table, owner)                                       \
    "(select e.message from " table " e where e.owner = " owner \
    " and e.message = m.id) is not null"
#define ONE_OF(owner, parties, jid, has)                                \
    "select " owner ", m.id, m.state, cast(? as bigint) from message m" \
    " cross join jid j cross join " parties " where m.id = ? and j.id = m." jid " and " has
#define SENDERS(collation, has) \
    ONE_OF("a.owner", "account a", "sender", "a.jid = j.text" collation " and " has)
#define RECIPIENTS(collation, has)         \
    ONE_OF("a.owner", "account a", "rcpt", \
           "m.rcpt <> m.sender and a.jid = j.text" collation " and " has)
#define ROOM "o.id + 140737488355328"
#define ROOMS(collation, has) \
    ONE_OF(ROOM, "room o", "rcpt", "o.jid = j.text" collation " and " has)
/* clang-format off: it would draw this to the right */
#define ALL_OF(collation, account_has, room_has)                                          \
    "insert into withdrawn (owner, message, state, at) " SENDERS(                         \
        collation,                                                                        \
        account_has) " union all " RECIPIENTS(collation,                                  \
                                              account_has) " union all " ROOMS(collation, \
                                                                               room_has)
/* clang-format on */
#define EITHER(owner) "(" HAS("entry", owner) " or " HAS("entry_new", owner) ")"
static const struct xy_statement add_taken_back = {
    .sql = ALL_OF("", EITHER("a.owner"), EITHER(ROOM)),
    .pgsql = ALL_OF(" collate \"C\"", HAS("entry", "a.owner"), HAS("entry", ROOM))};
static const struct xy_statement add_expired = {
    .sql = "insert into withdrawn (owner, message, state, at)"
           " select owner, message, ?3, ?4 from entry where owner = ?1 and message = ?2"
           " union all"
           " select owner, message, ?3, ?4 from entry_new where owner = ?1 and message = ?2",
    .pgsql = "with w as (select ?::bigint as owner, ?::bigint as id, ?::smallint as state,"
             " ?::bigint as at) insert into withdrawn (owner, message, state, at)"
             " select e.owner, e.message, w.state, w.at from w cross join entry e"
             " where e.owner = w.owner and e.message = w.id"};

static const struct xy_statement read_page =
    XY_SQL("select g.seq, g.message, g.state, g.at, x.notice_id from withdrawn g"
           " left join removal x on x.message = g.message"
           " where g.owner = ? and g.seq > ? order by g.seq limit ?");
static const struct xy_statement read_first = XY_SQL("select min(seq) from withdrawn");
static const struct xy_statement read_last = XY_SQL("select max(seq) from withdrawn");
static const struct xy_statement read_oldest =
    XY_SQL("select seq, at from withdrawn where seq > 0 order by seq limit ?");
static const struct xy_statement drop_oldest = XY_SQL("delete from withdrawn where seq <= ?");

const struct xyi_planned xyi_withdrawn_planned[] = {
    XYI_PLANNED(add_taken_back, "iiiiii"),
    XYI_PLANNED(add_expired, "iiii"),
    XYI_PLANNED(read_page, "iii"),
    XYI_PLANNED(read_first, ""),
    XYI_PLANNED(read_last, ""),
    XYI_PLANNED(read_oldest, "i"),
    XYI_PLANNED(drop_oldest, "i"),
    {.statement = NULL},
};

void
xyi_withdraw(struct xy_txn *txn, xy_message_id id)
{
    struct xy_value which = XY_INT(id), at = XY_INT(xy_now_ms());
    xy_txn_add(txn, &add_taken_back, at, which, at, which, at, which);
}

void
xyi_withdraw_expired(struct xy_txn *txn, xy_owner owner, xy_message_id id)
{
    xy_txn_add(txn, &add_expired, XY_INT(owner), XY_INT(id), XY_INT(XY_MESSAGE_EXPIRED),
               XY_INT(xy_now_ms()));
}

static xy_status
read_bound(const struct xy_statement *statement, int64_t *seq)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(statement, &rows);
    *seq = status == XY_OK && xy_rows_next(rows) ? xy_rows_int(rows, 0) : 0;
    return status;
}

static void
fill(struct xy_withdrawn_page *page, struct xy_rows *rows, int64_t limit)
{
    page->at = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(*page->at));
    page->more = (int64_t)xy_rows_count(rows) > limit;
    while (xy_rows_next(rows) && (int64_t)page->count < limit)
        page->at[page->count++] = (struct xy_withdrawn){
            .seq = xy_rows_int(rows, 0),
            .id = xy_rows_int(rows, 1),
            .state = (enum xy_message_state)xy_rows_int(rows, 2),
            .at_ms = xy_rows_int(rows, 3),
            .notice_id = xy_rows_text(rows, 4),
        };
}

/* The newest number before the rows: all up to it are among them. The oldest behind them: what
 * is not below it had not been forgotten. */
xy_status
xy_withdrawn_read(xy_owner owner, int64_t after, int64_t limit, struct xy_withdrawn_page *page)
{
    struct xy_rows *rows;
    *page = (struct xy_withdrawn_page){.at = NULL};
    xy_status status = read_bound(&read_last, &page->last);
    if (status == XY_OK)
        status =
            xy_sql_read(&read_page, &rows, XY_INT(owner), XY_INT(after), XY_INT(limit + 1));
    if (status == XY_OK)
        fill(page, rows, limit);
    return status == XY_OK ? read_bound(&read_first, &page->first) : status;
}

/* Of the oldest rows but the last of them; one younger than `before_ms` keeps those behind it,
 * for the clock may have been set. */
static int64_t
end_of(struct xy_rows *rows, int64_t before_ms, int64_t *count)
{
    int64_t end = 0, most = (int64_t)xy_rows_count(rows) - 1;
    for (*count = 0; *count < most && xy_rows_next(rows); ++*count) {
        if (xy_rows_int(rows, 1) >= before_ms)
            break;
        end = xy_rows_int(rows, 0);
    }
    return end;
}

xy_status
xy_withdrawn_trim(int64_t before_ms, int64_t most, int64_t *trimmed)
{
    struct xy_rows *rows;
    *trimmed = 0;
    xy_status status = xy_sql_read(&read_oldest, &rows, XY_INT(most + 1));
    if (status != XY_OK)
        return status;
    int64_t end = end_of(rows, before_ms, trimmed);
    return end ? xy_sql_write(&drop_oldest, XY_INT(end)) : XY_OK;
}
