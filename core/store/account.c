/* SPDX-License-Identifier: MIT */
/*
 * Account rows. The owner number comes from the engine's own never-falling sequence and goes
 * with the row, so a JID registered anew is somebody else.
 */
#include "core/store/hash.h"
#include "core/store/parts.h"
#include <xylem/session.h>

static const struct xy_statement find = XY_SQL(
    "select owner, state, created, last_login, passwords, disablings, hashes, kind from account"
    " where jid = ?");
static const struct xy_statement add =
    XY_SQL("insert into account (jid, host, state, created, last_login, hashes)"
           " values (?, ?, 0, ?, 0, ?)");
static const struct xy_statement count_password =
    XY_SQL("update account set passwords = passwords + 1, hashes = 7 where owner = ?");
static const struct xy_statement set_kind =
    XY_SQL("update account set kind = ? where owner = ?");
static const struct xy_statement set_state =
    XY_SQL("update account set state = ?, disablings = disablings + ? where owner = ?");
static const struct xy_statement set_login =
    XY_SQL("update account set last_login = ? where owner = ?");
static const struct xy_statement remove_account = XY_SQL("delete from account where owner = ?");
static const struct xy_statement remove_keys = XY_SQL("delete from scram where owner = ?");
static const struct xy_statement list_host =
    XY_SQL("select jid, owner, state, created, last_login from account"
           " where host = ? and jid > ? order by jid limit ?");
static const struct xy_statement list_all =
    XY_SQL("select jid, owner, state, created, last_login from account"
           " where jid > ? order by jid limit ?");
static const struct xy_statement list_owners =
    XY_SQL("select jid, owner from account where host = ? and jid > ? order by jid limit ?");

const struct xyi_planned xyi_account_planned[] = {
    XYI_PLANNED(find, "t"),          XYI_PLANNED(set_state, "iii"),
    XYI_PLANNED(set_login, "ii"),    XYI_PLANNED(remove_account, "i"),
    XYI_PLANNED(remove_keys, "i"),   XYI_PLANNED(count_password, "i"),
    XYI_PLANNED(list_host, "tti"),   XYI_PLANNED(list_all, "ti"),
    XYI_PLANNED(list_owners, "tti"), {.statement = NULL},
};

xy_status
xyi_account_read(const struct xy_jid *bare, struct xy_account *account)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find, &rows, XY_TEXT(xy_jid_text(bare)));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    *account = (struct xy_account){
        .owner = xy_rows_int(rows, 0),
        .jid = bare,
        .state = (enum xy_account_state)xy_rows_int(rows, 1),
        .created_ms = xy_rows_int(rows, 2),
        .last_login_ms = xy_rows_int(rows, 3),
        .passwords = xy_rows_int(rows, 4),
        .epoch = xy_rows_int(rows, 4) + xy_rows_int(rows, 5),
        .hashes = (unsigned)xy_rows_int(rows, 6),
        .kind = (enum xy_account_kind)xy_rows_int(rows, 7),
    };
    return XY_OK;
}

xy_status
xy_account_find(const struct xy_jid *bare, struct xy_account *account)
{
    return xyi_account_read(bare, account);
}

static void
sets_of(const struct xyi_keys *keys, struct xyi_key_set sets[XY_HASHES])
{
    for (unsigned hash = 0; hash < XY_HASHES; hash++) {
        struct xyi_key_set *set = &sets[hash];
        *set = (struct xyi_key_set){.hash = (enum xy_hash)hash, .iterations = keys->iterations};
        set->salt = xy_str_of((const char *)keys->salt[hash], sizeof(keys->salt[hash]));
        memcpy(set->stored_key, keys->stored_key[hash], sizeof(set->stored_key));
        memcpy(set->server_key, keys->server_key[hash], sizeof(set->server_key));
    }
}

xy_status
xyi_account_import(const struct xy_jid *bare, const struct xyi_key_set *sets, size_t count,
                   xy_owner *owner)
{
    unsigned hashes = 0;
    for (size_t i = 0; i < count; i++)
        hashes |= 1u << sets[i].hash;
    struct xy_txn *txn = xy_txn_begin();
    struct xy_value jid = XY_TEXT(xy_jid_text(bare));
    xy_txn_add(txn, &add, jid, XY_TEXT(xy_jid_domain(bare)), XY_INT(xy_now_ms()),
               XY_INT(hashes));
    for (size_t i = 0; i < count; i++)
        xyi_key_set_insert(txn, &sets[i], xy_jid_text(bare));
    xy_status status = xy_txn_commit(txn);
    struct xy_account account;
    if (status != XY_OK)
        return status;
    xyi_key_shares_moved(0, hashes);
    status = xyi_account_read(bare, &account);
    if (status == XY_OK)
        *owner = account.owner;
    return status;
}

xy_status
xyi_account_insert(const struct xy_jid *bare, const struct xyi_keys *keys, xy_owner *owner)
{
    struct xyi_key_set sets[XY_HASHES];
    sets_of(keys, sets);
    xy_status status = xyi_account_import(bare, sets, XY_HASHES, owner);
    explicit_bzero(sets, sizeof(sets));
    return status;
}

/* The only expectation these have is that the account is there. */
static xy_status
commit_to_account(struct xy_txn *txn)
{
    xy_status status = xy_txn_commit(txn);
    return status == XY_CONFLICT ? XY_ABSENT : status;
}

xy_status
xyi_account_update_keys(xy_owner owner, const struct xyi_keys *keys)
{
    struct xyi_key_set sets[XY_HASHES];
    unsigned before;
    xy_status status = xyi_key_shares_before(owner, &before);
    if (status != XY_OK)
        return status;
    sets_of(keys, sets);
    struct xy_txn *txn = xy_txn_begin();
    for (unsigned hash = 0; hash < XY_HASHES; hash++)
        xyi_key_set_replace(txn, &sets[hash], owner);
    explicit_bzero(sets, sizeof(sets));
    xy_txn_add(txn, &count_password, XY_INT(owner));
    status = commit_to_account(txn);
    if (status == XY_OK)
        xyi_key_shares_moved(before, XYI_ALL_HASHES);
    return status;
}

xy_status
xyi_account_update_state(xy_owner owner, enum xy_account_state state)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &set_state, XY_INT(state), XY_INT(state == XY_ACCOUNT_DISABLED),
               XY_INT(owner));
    xy_txn_expect(txn, 1);
    return commit_to_account(txn);
}

xy_status
xyi_account_update_kind(xy_owner owner, enum xy_account_kind kind)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &set_kind, XY_INT(kind), XY_INT(owner));
    xy_txn_expect(txn, 1);
    return commit_to_account(txn);
}

xy_status
xyi_account_remove(xy_owner owner, struct xy_str jid)
{
    unsigned before;
    xy_status status = xyi_key_shares_before(owner, &before);
    if (status != XY_OK)
        return status;
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &remove_account, XY_INT(owner));
    xy_txn_expect(txn, 1);
    xy_txn_add(txn, &remove_keys, XY_INT(owner));
    xyi_devices_remove(txn, owner);
    xyi_erase_mark(txn, owner, jid);
    status = commit_to_account(txn);
    if (status == XY_OK)
        xyi_key_shares_moved(before, 0);
    return status;
}

void
xyi_account_touch(xy_owner owner, int64_t now_ms)
{
    struct xy_txn *txn = xyi_txn_detached();
    xy_txn_add(txn, &set_login, XY_INT(now_ms), XY_INT(owner));
    xyi_txn_submit(txn, NULL, NULL);
}

xy_status
xyi_account_list(struct xy_str host, struct xy_str after, int64_t limit, struct xy_rows **rows)
{
    if (host.len)
        return xy_sql_read(&list_host, rows, XY_TEXT(host), XY_TEXT(after), XY_INT(limit));
    return xy_sql_read(&list_all, rows, XY_TEXT(after), XY_INT(limit));
}

xy_status
xy_account_list(const struct xy_host *host, struct xy_str after, int64_t limit,
                struct xy_rows **rows)
{
    return xy_sql_read(&list_owners, rows, XY_TEXT(xy_jid_text(xy_host_jid(host))),
                       XY_TEXT(after), XY_INT(limit));
}
