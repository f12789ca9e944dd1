/* SPDX-License-Identifier: MIT */
/* Table hold_case. Its rows stay when a hold has ended: who held what, and when. */
#include "modules/hold/hold.h"

const struct xy_migration hold_schema[1] = {
    {1,
     "create table hold_case (id bigint primary key, name text not null, person text not null,"
     " peer text not null, room text not null, keyword text not null, since_at bigint not null,"
     " until_at bigint not null, reason text not null, created_by text not null,"
     " created_at bigint not null, released_by text not null, released_at bigint not null,"
     " phase smallint not null, position bigint not null)",
     NULL},
};

#define COLUMNS                                                                 \
    "select id, name, person, peer, room, keyword, since_at, until_at, reason," \
    " created_by, created_at, released_by, released_at, phase, position from hold_case"
static const struct xy_statement read_all = XY_SQL(COLUMNS " order by id");
static const struct xy_statement read_one = XY_SQL(COLUMNS " where id = ?");
static const struct xy_statement read_last = XY_SQL("select max(id) from hold_case");
static const struct xy_statement add =
    XY_SQL("insert into hold_case (id, name, person, peer, room, keyword, since_at, until_at,"
           " reason, created_by, created_at, released_by, released_at, phase, position)"
           " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, 0)");
static const struct xy_statement move =
    XY_SQL("update hold_case set phase = ?, position = ? where id = ?");
static const struct xy_statement set_mark =
    XY_SQL("update hold_case set position = ? where id = ? and phase = 1");
static const struct xy_statement release =
    XY_SQL("update hold_case set phase = 2, position = 0, released_by = ?, released_at = ?"
           " where id = ? and phase < 2");
const struct xy_statement *const hold_statements[] = {&read_all, &read_one, &read_last, &add,
                                                      &move,     &set_mark, &release};

const char *
hold_phase_name(enum phase phase)
{
    static const char *const names[] = {"gathering", "complete", "releasing", "released",
                                        "ended"};
    return names[phase];
}

static void
fill(const struct xy_rows *rows, struct case_row *row)
{
    *row = (struct case_row){
        .id = xy_rows_int(rows, 0),
        .name = xy_rows_text(rows, 1),
        .person = xy_rows_text(rows, 2),
        .with = xy_rows_text(rows, 3),
        .room = xy_rows_text(rows, 4),
        .keyword = xy_rows_text(rows, 5),
        .since_ms = xy_rows_int(rows, 6),
        .until_ms = xy_rows_int(rows, 7),
        .reason = xy_rows_text(rows, 8),
        .created_by = xy_rows_text(rows, 9),
        .created_ms = xy_rows_int(rows, 10),
        .released_by = xy_rows_text(rows, 11),
        .released_ms = xy_rows_int(rows, 12),
        .phase = (enum phase)xy_rows_int(rows, 13),
        .cursor = xy_rows_int(rows, 14),
    };
}

xy_status
hold_read_all(struct case_row **at, size_t *count)
{
    struct xy_rows *rows;
    *count = 0;
    xy_status status = xy_sql_read(&read_all, &rows);
    if (status != XY_OK)
        return status;
    *at = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**at));
    while (xy_rows_next(rows))
        fill(rows, &(*at)[(*count)++]);
    return XY_OK;
}

xy_status
hold_read_one(int64_t id, struct case_row *row)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_one, &rows, XY_INT(id));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    fill(rows, row);
    return XY_OK;
}

/* Also none of those that are just being added: what commits meanwhile is held by its number.
 */
xy_status
hold_next_id(const struct hold *self, int64_t *id)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_last, &rows);
    *id = status == XY_OK && xy_rows_next(rows) ? xy_rows_int(rows, 0) + 1 : 1;
    for (const struct legal_case *at = self->first; at; at = at->next)
        if (at->id >= *id)
            *id = at->id + 1;
    return status;
}

void
hold_row_add(struct xy_txn *txn, const struct case_row *row)
{
    xy_txn_add(txn, &add, XY_INT(row->id), XY_TEXT(row->name), XY_TEXT(row->person),
               XY_TEXT(row->with), XY_TEXT(row->room), XY_TEXT(row->keyword),
               XY_INT(row->since_ms), XY_INT(row->until_ms), XY_TEXT(row->reason),
               XY_TEXT(row->created_by), XY_INT(row->created_ms));
}

void
hold_row_move(struct xy_txn *txn, int64_t id, enum phase phase, xy_message_id cursor)
{
    xy_txn_add(txn, &move, XY_INT(phase), XY_INT(cursor), XY_INT(id));
    xy_txn_expect(txn, 1);
}

void
hold_row_mark(struct xy_txn *txn, int64_t id, xy_message_id through)
{
    xy_txn_add(txn, &set_mark, XY_INT(through), XY_INT(id));
}

void
hold_row_release(struct xy_txn *txn, int64_t id, struct xy_str by, int64_t now_ms)
{
    xy_txn_add(txn, &release, XY_TEXT(by), XY_INT(now_ms), XY_INT(id));
    xy_txn_expect(txn, 1);
}
