/* SPDX-License-Identifier: MIT */
/*
 * Table muc_affiliation: one row per room and bare JID (or domain, for a ban) that is anything
 * to the room. Invariant: nobody unaffiliated has a row, so nothing is kept of who once was
 * there.
 */
#include "modules/muc/rows.h"

const struct xy_statement muc_sql_affiliation =
    XY_SQL("select jid, affiliation, nick, reason, version from muc_affiliation"
           " where room = ? and jid in (?, ?)");
const struct xy_statement muc_sql_affiliations =
    XY_SQL("select jid, affiliation, nick, reason, version from muc_affiliation"
           " where room = ? and affiliation = ? order by jid");
const struct xy_statement muc_sql_affiliations_since =
    XY_SQL("select jid, affiliation, nick, reason, version from muc_affiliation"
           " where room = ? and (version > ? or affiliation = 0) order by version, jid");
const struct xy_statement muc_sql_nick_owner =
    XY_SQL("select jid from muc_affiliation where room = ? and nick = ?");
const struct xy_statement muc_sql_count_affiliations =
    XY_SQL("select count(*) from muc_affiliation where room = ?");
const struct xy_statement muc_sql_save_affiliation =
    XY_SQL("insert into muc_affiliation (room, jid, affiliation, nick, reason, version)"
           " values (?, ?, ?, ?, ?, ?) on conflict (room, jid) do update set"
           " affiliation = excluded.affiliation, nick = excluded.nick,"
           " reason = excluded.reason, version = excluded.version");
const struct xy_statement muc_sql_delete_affiliation =
    XY_SQL("delete from muc_affiliation where room = ? and jid = ?");
const struct xy_statement muc_sql_room_version =
    XY_SQL("update muc_room set version = ?, removed = ? where number = ?");
const struct xy_statement muc_sql_rooms_of =
    XY_SQL("select r.jid from muc_affiliation a join muc_room r on r.number = a.room"
           " where a.jid = ? order by r.jid");
const struct xy_statement muc_sql_affiliates =
    XY_SQL("select a.jid, a.affiliation from muc_room r join muc_affiliation a"
           " on a.room = r.number where r.jid = ? and a.affiliation > 1 order by a.jid");
const struct xy_statement muc_sql_forget_affiliations =
    XY_SQL("delete from muc_affiliation where jid = ?");

static struct affiliation_row
row_of(const struct xy_rows *rows)
{
    return (struct affiliation_row){
        .is = {.jid = xy_jid_parse(xy_rows_text(rows, 0)),
               .affiliation = (enum xy_affiliation)xy_rows_int(rows, 1),
               .nick = xy_rows_text(rows, 2),
               .reason = xy_rows_text(rows, 3)},
        .version = xy_rows_int(rows, 4),
    };
}

/* The row of the JID itself goes before that of its banned domain. */
xy_status
muc_affiliation(struct muc *self, struct xy_room *room, const struct xy_jid *who,
                struct affiliated *found)
{
    const struct xy_jid *bare = xy_jid_bare(who), *domain = xy_jid_host(who);
    struct xy_rows *rows;
    bool own = false;
    *found = (struct affiliated){.jid = bare, .affiliation = XY_UNAFFILIATED};
    xy_status status = xy_sql_read(&muc_sql_affiliation, &rows, XY_INT(muc_state(room)->number),
                                   XY_TEXT(xy_jid_text(bare)), XY_TEXT(xy_jid_text(domain)));
    while (status == XY_OK && xy_rows_next(rows)) {
        struct affiliation_row row = row_of(rows);
        if (row.is.jid == bare || (!own && row.is.affiliation == XY_OUTCAST))
            *found = row.is;
        own = own || row.is.jid == bare;
    }
    found->jid = bare;
    if (status == XY_OK && muc_is_service_admin(self, who))
        found->affiliation = XY_OWNER;
    return status;
}

xy_status
affiliation_row_read(int64_t room, const struct xy_jid *bare, struct affiliation_row *row)
{
    struct xy_rows *rows;
    struct xy_str jid = xy_jid_text(bare);
    xy_status status =
        xy_sql_read(&muc_sql_affiliation, &rows, XY_INT(room), XY_TEXT(jid), XY_TEXT(jid));
    if (status == XY_OK && !xy_rows_next(rows))
        status = XY_ABSENT;
    if (status == XY_OK)
        *row = row_of(rows);
    return status;
}

xy_status
affiliation_rows_read(int64_t room, enum xy_affiliation which, int64_t since,
                      struct affiliation_row **list, size_t *count)
{
    struct xy_rows *rows;
    bool changed = which == XY_UNAFFILIATED;
    xy_status status =
        xy_sql_read(changed ? &muc_sql_affiliations_since : &muc_sql_affiliations, &rows,
                    XY_INT(room), XY_INT(changed ? since : (int64_t)which));
    *count = 0;
    if (status != XY_OK)
        return status;
    *list = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**list));
    while (xy_rows_next(rows)) {
        struct affiliation_row row = row_of(rows);
        if (row.is.jid)
            (*list)[(*count)++] = row;
    }
    return XY_OK;
}

xy_status
muc_affiliated(struct xy_room *room, enum xy_affiliation which, struct affiliated **list,
               size_t *count)
{
    struct affiliation_row *rows;
    xy_status status = affiliation_rows_read(muc_state(room)->number, which, 0, &rows, count);
    if (status != XY_OK)
        return status;
    *list = xy_temp_alloc((*count + 1) * sizeof(**list));
    for (size_t i = 0; i < *count; i++)
        (*list)[i] = rows[i].is;
    return XY_OK;
}

xy_status
muc_nick_owner(struct xy_room *room, struct xy_str nick, const struct xy_jid **bare)
{
    struct xy_rows *rows;
    xy_status status =
        xy_sql_read(&muc_sql_nick_owner, &rows, XY_INT(muc_state(room)->number), XY_TEXT(nick));
    if (status != XY_OK)
        return status;
    *bare = xy_rows_next(rows) ? xy_jid_parse(xy_rows_text(rows, 0)) : NULL;
    return *bare ? XY_OK : XY_ABSENT;
}

xy_status
affiliation_rows_count(int64_t room, int64_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&muc_sql_count_affiliations, &rows, XY_INT(room));
    if (status == XY_OK && !xy_rows_next(rows))
        status = XY_BROKEN;
    if (status == XY_OK)
        *count = xy_rows_int(rows, 0);
    return status;
}

void
affiliation_row_add(struct xy_txn *txn, int64_t room, const struct affiliated *row,
                    int64_t version)
{
    struct xy_value nick = row->nick.len ? XY_TEXT(row->nick) : XY_NULL;
    if (row->affiliation == XY_UNAFFILIATED)
        xy_txn_add(txn, &muc_sql_delete_affiliation, XY_INT(room),
                   XY_TEXT(xy_jid_text(row->jid)));
    else
        xy_txn_add(txn, &muc_sql_save_affiliation, XY_INT(room), XY_TEXT(xy_jid_text(row->jid)),
                   XY_INT(row->affiliation), nick, XY_TEXT(row->reason), XY_INT(version));
}

xy_status
affiliation_rows_rooms(const struct xy_jid *bare, struct xy_rows **rows)
{
    return xy_sql_read(&muc_sql_rooms_of, rows, XY_TEXT(xy_jid_text(bare)));
}

xy_status
affiliation_rows_forget(const struct xy_jid *bare)
{
    return xy_sql_write(&muc_sql_forget_affiliations, XY_TEXT(xy_jid_text(bare)));
}
