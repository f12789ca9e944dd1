/* SPDX-License-Identifier: MIT */
/*
 * Tables muc_room, muc_affiliation, and what else hangs on a room. Invariant: that goes in the
 * transaction that removes the room, and a room's first owner comes in the one that makes it.
 */
#include "modules/muc/rows.h"

const struct xy_statement muc_sql_room = XY_SQL(
    "select number, created, version, removed, locked, config from muc_room where jid = ?");
const struct xy_statement muc_sql_insert_room =
    XY_SQL("insert into muc_room (number, jid, host, listed, persistent, locked, version, "
           "removed, created, config)"
           " values (?, ?, ?, ?, ?, ?, 0, 0, ?, ?)");
const struct xy_statement muc_sql_insert_owner =
    XY_SQL("insert into muc_affiliation (room, jid, affiliation, nick, reason, version)"
           " values (?, ?, 4, null, '', 0)");
const struct xy_statement muc_sql_update_room =
    XY_SQL("update muc_room set listed = ?, persistent = ?, locked = ?, config = ?"
           " where number = ?");
const struct xy_statement muc_sql_delete_room = XY_SQL("delete from muc_room where number = ?");
const struct xy_statement muc_sql_delete_affiliations =
    XY_SQL("delete from muc_affiliation where room = ?");
const struct xy_statement muc_sql_delete_hats = XY_SQL("delete from muc_hat where room = ?");
const struct xy_statement muc_sql_delete_worn =
    XY_SQL("delete from muc_hat_worn where room = ?");
const struct xy_statement muc_sql_delete_avatar =
    XY_SQL("delete from muc_avatar where room = ?");
const struct xy_statement muc_sql_delete_behind =
    XY_SQL("delete from muc_behind where room = ?");
const struct xy_statement muc_sql_delete_subject =
    XY_SQL("delete from muc_subject where room = ?");
const struct xy_statement muc_sql_count_rooms =
    XY_SQL("select count(*) from muc_room where host = ?");
const struct xy_statement muc_sql_count_owned =
    XY_SQL("select count(*) from muc_affiliation a join muc_room r on r.number = a.room"
           " where a.jid = ? and a.affiliation = 4 and r.host = ?");
const struct xy_statement muc_sql_temporary = XY_SQL(
    "select jid from muc_room where host = ? and (persistent = 0 or locked = 1) and created < ?"
    " order by jid");

/* muc_affiliation.affiliation is enum xy_affiliation; nick null: none registered. `listed`:
 * where anybody can find it. */
const struct xy_migration muc_schema[MUC_MIGRATIONS] = {
    {.number = 1,
     .sql = "create table muc_room (number bigint primary key, jid text not null unique,"
            " host text not null, listed smallint not null, persistent smallint not null,"
            " locked smallint not null,"
            " version bigint not null, removed bigint not null, created bigint not null,"
            " config text not null);"
            "create index muc_room_host on muc_room (host, persistent, created);"
            "create index muc_room_listed on muc_room (host, listed, jid);"
            "create table muc_affiliation (room bigint not null, jid text not null,"
            " affiliation smallint not null, nick text, reason text not null,"
            " version bigint not null, primary key (room, jid));"
            "create unique index muc_affiliation_nick on muc_affiliation (room, nick);"
            "create index muc_affiliation_jid on muc_affiliation (jid);"
            "create table muc_hat (room bigint not null, uri text not null,"
            " title text not null, hue text not null, primary key (room, uri));"
            "create table muc_hat_worn (room bigint not null, jid text not null,"
            " uri text not null, primary key (room, jid, uri));"
            "create table muc_avatar (room bigint primary key, xml text not null)"},
    {.number = 2,
     .sql = "create table muc_behind (room bigint not null, jid text not null,"
            " primary key (room, jid));"
            "create index muc_behind_jid on muc_behind (jid)"},
    {.number = 3,
     .sql = "create table muc_subject (room bigint primary key, message bigint,"
            " words text not null, nick text not null, at text not null,"
            " occupant text not null);"
            "create index muc_subject_message on muc_subject (message)"},
};

xy_status
room_row_read(const struct xy_jid *jid, struct room_row *row)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&muc_sql_room, &rows, XY_TEXT(xy_jid_text(jid)));
    if (status == XY_OK && !xy_rows_next(rows))
        status = XY_ABSENT;
    if (status != XY_OK)
        return status;
    *row = (struct room_row){
        .number = xy_rows_int(rows, 0),
        .created_ms = xy_rows_int(rows, 1),
        .version = xy_rows_int(rows, 2),
        .removed = xy_rows_int(rows, 3),
        .locked = xy_rows_int(rows, 4) != 0,
        .config = xy_rows_text(rows, 5),
    };
    return XY_OK;
}

xy_status
room_row_insert(const struct xy_jid *jid, const struct room_row *row,
                const struct xy_jid *owner)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &muc_sql_insert_room, XY_INT(row->number), XY_TEXT(xy_jid_text(jid)),
               XY_TEXT(xy_jid_domain(jid)), XY_INT(row->listed), XY_INT(row->persistent),
               XY_INT(row->locked), XY_INT(row->created_ms), XY_TEXT(row->config));
    if (owner)
        xy_txn_add(txn, &muc_sql_insert_owner, XY_INT(row->number),
                   XY_TEXT(xy_jid_text(xy_jid_bare(owner))));
    return xy_txn_commit(txn);
}

xy_status
room_row_update(const struct room_row *row)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &muc_sql_update_room, XY_INT(row->listed), XY_INT(row->persistent),
               XY_INT(row->locked), XY_TEXT(row->config), XY_INT(row->number));
    xy_txn_expect(txn, 1);
    return xy_txn_commit(txn);
}

xy_status
room_row_delete(int64_t number)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &muc_sql_delete_room, XY_INT(number));
    xy_txn_add(txn, &muc_sql_delete_affiliations, XY_INT(number));
    xy_txn_add(txn, &muc_sql_delete_hats, XY_INT(number));
    xy_txn_add(txn, &muc_sql_delete_worn, XY_INT(number));
    xy_txn_add(txn, &muc_sql_delete_avatar, XY_INT(number));
    xy_txn_add(txn, &muc_sql_delete_behind, XY_INT(number));
    xy_txn_add(txn, &muc_sql_delete_subject, XY_INT(number));
    return xy_txn_commit(txn);
}

static xy_status
read_count(xy_status status, struct xy_rows *rows, int64_t *count)
{
    if (status == XY_OK && !xy_rows_next(rows))
        status = XY_BROKEN;
    if (status == XY_OK)
        *count = xy_rows_int(rows, 0);
    return status;
}

xy_status
room_rows_count(const struct xy_jid *service, int64_t *count)
{
    struct xy_rows *rows = NULL;
    xy_status status = xy_sql_read(&muc_sql_count_rooms, &rows, XY_TEXT(xy_jid_text(service)));
    return read_count(status, rows, count);
}

xy_status
room_rows_owned(const struct xy_jid *service, const struct xy_jid *owner, int64_t *count)
{
    struct xy_rows *rows = NULL;
    xy_status status =
        xy_sql_read(&muc_sql_count_owned, &rows, XY_TEXT(xy_jid_text(xy_jid_bare(owner))),
                    XY_TEXT(xy_jid_text(service)));
    return read_count(status, rows, count);
}

xy_status
room_rows_temporary(const struct xy_jid *service, int64_t before_ms, struct xy_rows **rows)
{
    return xy_sql_read(&muc_sql_temporary, rows, XY_TEXT(xy_jid_text(service)),
                       XY_INT(before_ms));
}
