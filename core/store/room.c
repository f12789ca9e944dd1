/* SPDX-License-Identifier: MIT */
/*
 * Rooms as owners of archives. Their numbers lie above those of all accounts and are never used
 * again, so nothing of a destroyed room is seen in one of the same name.
 */
#include <xylem/account.h>
#include <xylem/archive.h>
#include "core/store/driver.h"
#include "core/store/parts.h"

enum { FIRST_BIT = 47 }; /* an owner has 48 bits in a stanza-id */

static const struct xy_statement find = XY_SQL("select id from room where jid = ?");
static const struct xy_statement add =
    XY_SQL("insert into room (jid, host) values (?, ?) on conflict (jid) do nothing");
static const struct xy_statement drop = XY_SQL("delete from room where id = ?");
static const struct xy_statement list = /* 2^47: FIRST_BIT */
    XY_SQL("select jid, id + 140737488355328 from room where host = ? and jid > ?"
           " order by jid limit ?");
static const struct xy_statement read_authors = {
    .sql = "select m.id, j.text from json_each(?) r cross join message m cross join jid j"
           " where m.id = r.value and j.id = m.sender",
    .pgsql = "select m.id, j.text from json_array_elements_text(?::json) r"
             " cross join message m cross join jid j"
             " where m.id = r.value::bigint and j.id = m.sender"};

const struct xyi_planned xyi_room_planned[] = {XYI_PLANNED(find, "t"),
                                               XYI_PLANNED(drop, "i"),
                                               XYI_PLANNED(list, "tti"),
                                               XYI_PLANNED(read_authors, "t"),
                                               {.statement = NULL}};

bool
xyi_owner_is_room(xy_owner owner)
{
    return owner >> FIRST_BIT & 1;
}

xy_status
xyi_room_find(const struct xy_jid *bare, xy_owner *owner)
{
    struct xy_rows *rows;
    *owner = 0;
    xy_status status = xy_sql_read(&find, &rows, XY_TEXT(xy_jid_text(bare)));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    *owner = INT64_C(1) << FIRST_BIT | xy_rows_int(rows, 0);
    return XY_OK;
}

xy_status
xy_archive_owner(const struct xy_jid *bare, xy_owner *owner)
{
    struct xy_account account;
    xy_status status = xy_account_find(bare, &account);
    *owner = status == XY_OK ? account.owner : 0;
    return status == XY_ABSENT ? xyi_room_find(bare, owner) : status;
}

xy_status
xyi_room_add(const struct xy_jid *bare, const struct xy_jid *host, xy_owner *owner)
{
    xy_status status = xyi_room_find(bare, owner);
    if (status != XY_ABSENT)
        return status;
    status = xy_sql_write(&add, XY_TEXT(xy_jid_text(bare)), XY_TEXT(xy_jid_text(host)));
    return status == XY_OK ? xyi_room_find(bare, owner) : status;
}

/* As an account goes: what is left half way, the next start ends. */
xy_status
xyi_room_remove(xy_owner owner)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &drop, XY_INT(owner & ((INT64_C(1) << FIRST_BIT) - 1)));
    xyi_erase_mark(txn, owner, XY_NO_STR);
    xy_status status = xy_txn_commit(txn);
    return status == XY_OK ? xyi_account_erase(owner) : status;
}

xy_status
xyi_room_list(const struct xy_jid *host, struct xy_str after, int64_t limit,
              struct xy_rows **rows)
{
    return xy_sql_read(&list, rows, XY_TEXT(xy_jid_text(host)), XY_TEXT(after), XY_INT(limit));
}

xy_status
xy_archive_authors(const struct xy_archive_page *page)
{
    struct xy_rows *rows;
    xy_message_id *ids = xy_temp_alloc((page->count + 1) * sizeof(*ids));
    for (size_t i = 0; i < page->count; i++)
        ids[i] = page->at[i].id;
    xy_status status = page->count ? xy_sql_read(&read_authors, &rows,
                                                 XY_TEXT(xyi_message_id_list(ids, page->count)))
                                   : XY_ABSENT;
    while (status == XY_OK && xy_rows_next(rows))
        for (size_t i = 0; i < page->count; i++)
            if (page->at[i].id == xy_rows_int(rows, 0))
                page->at[i].author = xy_jid_parse(xy_rows_text(rows, 1));
    return status == XY_ABSENT ? XY_OK : status;
}
