/* SPDX-License-Identifier: MIT */
/*
 * Rows of tokens: per account and client one in use and one given out and not used yet
 * (XEP-0484, implementation notes). Invariant: a row lets in only while its epoch is the
 * account's. A new password and a disabling therefore void tokens in their own transaction,
 * also while this module is off; a voided or expired row stays for a while, so that its client
 * is told `credentials-expired` and not that it guesses.
 */
#include "modules/fast/fast.h"

enum { MOST_PER_ACCOUNT = 200 };

static const struct xy_statement find =
    XY_SQL("select slot, mechanism, secret, counter, issued, expires, epoch from fast_token"
           " where owner = ? and client = ? order by slot desc");
static const struct xy_statement save = XY_SQL(
    "insert into fast_token (owner, client, slot, mechanism, secret, counter, issued, expires,"
    " epoch) values (?, ?, ?, ?, ?, 0, ?, ?, ?) on conflict (owner, client, slot) do update set"
    " mechanism = excluded.mechanism, secret = excluded.secret, counter = 0,"
    " issued = excluded.issued, expires = excluded.expires, epoch = excluded.epoch");
static const struct xy_statement trim =
    XY_SQL("delete from fast_token where owner = ? and issued < (select issued from fast_token"
           " where owner = ? order by issued desc limit 1 offset ?)");
static const struct xy_statement drop_slot =
    XY_SQL("delete from fast_token where owner = ? and client = ? and slot = ?");
static const struct xy_statement use =
    XY_SQL("update fast_token set slot = ?, counter = ? where owner = ? and client = ?"
           " and slot = ? and secret = ? and epoch = ? and counter = ?");
static const struct xy_statement make_void =
    XY_SQL("update fast_token set epoch = ? where owner = ? and client = ?");
static const struct xy_statement drop = XY_SQL("delete from fast_token where owner = ?");
static const struct xy_statement drop_expired =
    XY_SQL("delete from fast_token where expires < ?");
static const struct xy_statement clients =
    XY_SQL("select distinct client from fast_token where owner = ? and epoch = ? and"
           " expires > ?");

const struct xy_statement *const token_statements[9] = {
    &find, &save, &trim, &drop_slot, &use, &make_void, &drop, &drop_expired, &clients};

const struct xy_migration token_schema[1] = {
    {1,
     "create table fast_token (owner bigint not null, client bigint not null,"
     " slot smallint not null, mechanism text not null, secret bytea not null,"
     " counter bigint not null, issued bigint not null, expires bigint not null,"
     " epoch bigint not null, primary key (owner, client, slot));"
     "create index fast_token_expires on fast_token (expires)",
     NULL},
};
xy_status
tokens_read(xy_owner owner, int64_t client, struct token tokens[2], size_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find, &rows, XY_INT(owner), XY_INT(client));
    *count = 0;
    while (status == XY_OK && *count < 2 && xy_rows_next(rows))
        tokens[(*count)++] = (struct token){
            .slot = xy_rows_int(rows, 0) == CURRENT ? CURRENT : NEW,
            .mechanism = xy_rows_text(rows, 1),
            .key = xy_rows_text(rows, 2),
            .counter = xy_rows_int(rows, 3),
            .issued_ms = xy_rows_int(rows, 4),
            .expires_ms = xy_rows_int(rows, 5),
            .epoch = xy_rows_int(rows, 6),
        };
    return status;
}

static void
add_void(struct xy_txn *txn, xy_owner owner, int64_t client)
{
    xy_txn_add(txn, &make_void, XY_INT(VOID), XY_INT(owner), XY_INT(client));
}

xy_status
token_use(xy_owner owner, int64_t client, const struct token *token, int64_t counter, bool last)
{
    if (token->slot == CURRENT && !counter && !last)
        return XY_OK;
    struct xy_txn *txn = xy_txn_begin();
    if (token->slot == NEW)
        xy_txn_add(txn, &drop_slot, XY_INT(owner), XY_INT(client), XY_INT(CURRENT));
    xy_txn_add(txn, &use, XY_INT(CURRENT), XY_INT(counter ? counter : token->counter),
               XY_INT(owner), XY_INT(client), XY_INT(token->slot), XY_BYTES(token->key),
               XY_INT(token->epoch), XY_INT(token->counter));
    xy_txn_expect(txn, 1);
    if (last)
        add_void(txn, owner, client);
    return xy_txn_commit(txn);
}

xy_status
token_save(xy_owner owner, int64_t client, const struct token *token)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &save, XY_INT(owner), XY_INT(client), XY_INT(token->slot),
               XY_TEXT(token->mechanism), XY_BYTES(token->key), XY_INT(token->issued_ms),
               XY_INT(token->expires_ms), XY_INT(token->epoch));
    xy_txn_add(txn, &trim, XY_INT(owner), XY_INT(owner), XY_INT(MOST_PER_ACCOUNT));
    return xy_txn_commit(txn);
}

xy_status
tokens_void(xy_owner owner, int64_t client)
{
    struct xy_txn *txn = xy_txn_begin();
    add_void(txn, owner, client);
    return xy_txn_commit(txn);
}

xy_status
tokens_drop(xy_owner owner)
{
    return xy_sql_write(&drop, XY_INT(owner));
}

xy_status
tokens_drop_expired(int64_t before_ms)
{
    return xy_sql_write(&drop_expired, XY_INT(before_ms));
}

xy_status
tokens_clients(xy_owner owner, int64_t epoch, struct xy_rows **rows)
{
    return xy_sql_read(&clients, rows, XY_INT(owner), XY_INT(epoch), XY_INT(xy_now_ms()));
}
