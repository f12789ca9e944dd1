/* SPDX-License-Identifier: MIT */
/* Table approvals_request. Its rows stay: who asked for what, and who agreed. */
#include "modules/approvals/approvals.h"

const struct xy_migration approvals_schema[1] = {
    {1,
     "create table approvals_request (id bigint primary key not null, act smallint not null,"
     " command text not null, facts text not null, asker text not null, approver text not null,"
     " operation text not null, at bigint not null, expires bigint not null,"
     " state smallint not null);"
     "create index approvals_request_open on approvals_request (expires) where state < 2",
     NULL},
};

#define COLUMNS                                                                      \
    "select id, act, command, facts, asker, approver, operation, at, expires, state" \
    " from approvals_request "
static const struct xy_statement find =
    XY_SQL(COLUMNS "where expires > ? and state < 2 and act = ? and asker = ? and command = ?"
                   " and facts = ? order by id desc limit 1");
static const struct xy_statement read_one = XY_SQL(COLUMNS "where id = ?");
static const struct xy_statement read_newest =
    XY_SQL(COLUMNS "where expires > ? and state <= ? order by id desc limit ?");
static const struct xy_statement read_last = XY_SQL("select max(id) from approvals_request");
static const struct xy_statement add = XY_SQL(
    "insert into approvals_request (id, act, command, facts, asker, approver, operation, at,"
    " expires, state) values (?, ?, ?, ?, ?, '', ?, ?, ?, 0)");
static const struct xy_statement decide =
    XY_SQL("update approvals_request set state = ?, approver = ?"
           " where id = ? and state = 0 and asker <> ?");
static const struct xy_statement use =
    XY_SQL("update approvals_request set state = 3"
           " where id = ? and state = 1 and approver <> asker and expires > ?");
const struct xy_statement *const approvals_statements[] = {
    &find, &read_one, &read_newest, &read_last, &add, &decide, &use};

static void
fill(const struct xy_rows *rows, struct request *request)
{
    *request = (struct request){
        .id = xy_rows_int(rows, 0),
        .act = xy_rows_int(rows, 1),
        .command = xy_rows_text(rows, 2),
        .facts = xy_rows_text(rows, 3),
        .asker = xy_rows_text(rows, 4),
        .approver = xy_rows_text(rows, 5),
        .operation = xy_rows_text(rows, 6),
        .at = xy_rows_int(rows, 7),
        .expires = xy_rows_int(rows, 8),
        .state = (enum state)xy_rows_int(rows, 9),
    };
}

static xy_status
first_of(struct xy_rows *rows, struct request *request)
{
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    fill(rows, request);
    return XY_OK;
}

xy_status
approvals_find(const struct request *like, struct request *found)
{
    struct xy_rows *rows;
    xy_status status =
        xy_sql_read(&find, &rows, XY_INT(xy_now_ms()), XY_INT(like->act), XY_TEXT(like->asker),
                    XY_TEXT(like->command), XY_TEXT(like->facts));
    return status == XY_OK ? first_of(rows, found) : status;
}

xy_status
approvals_read(int64_t id, struct request *request)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_one, &rows, XY_INT(id));
    return status == XY_OK ? first_of(rows, request) : status;
}

xy_status
approvals_list(bool open, int64_t limit, struct request **at, size_t *count)
{
    struct xy_rows *rows;
    *count = 0;
    xy_status status = xy_sql_read(&read_newest, &rows, XY_INT(open ? xy_now_ms() : 0),
                                   XY_INT(open ? APPROVED : USED), XY_INT(limit));
    if (status != XY_OK)
        return status;
    *at = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**at));
    while (xy_rows_next(rows))
        fill(rows, &(*at)[(*count)++]);
    return XY_OK;
}

/* Two who ask at once meet at the primary key. */
xy_status
approvals_next_id(int64_t *id)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_last, &rows);
    *id = status == XY_OK && xy_rows_next(rows) ? xy_rows_int(rows, 0) + 1 : 1;
    return status;
}

void
approvals_add(struct xy_txn *txn, const struct request *request)
{
    xy_txn_add(txn, &add, XY_INT(request->id), XY_INT(request->act), XY_TEXT(request->command),
               XY_TEXT(request->facts), XY_TEXT(request->asker), XY_TEXT(request->operation),
               XY_INT(request->at), XY_INT(request->expires));
}

void
approvals_decide(struct xy_txn *txn, const struct request *request, enum state state,
                 struct xy_str by)
{
    /* who asked may take it back */
    struct xy_str not_by = state == APPROVED ? by : XY_NO_STR;
    xy_txn_add(txn, &decide, XY_INT(state), XY_TEXT(by), XY_INT(request->id), XY_TEXT(not_by));
    xy_txn_expect(txn, 1);
}

void
approvals_use(struct xy_txn *txn, const struct request *request)
{
    xy_txn_add(txn, &use, XY_INT(request->id), XY_INT(xy_now_ms()));
    xy_txn_expect(txn, 1);
}

const char *
approvals_state_name(const struct request *request)
{
    static const char *const names[] = {"asked", "approved", "refused", "used"};
    bool open = request->state < REFUSED;
    return open && request->expires <= xy_now_ms() ? "expired" : names[request->state];
}
