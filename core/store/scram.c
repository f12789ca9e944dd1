/* SPDX-License-Identifier: MIT */
/*
 * Answering for every name alike. A name without an account gets made-up keys that depend
 * on the name and a secret of this store alone, so the same name sees the same salt today and
 * next year. One query serves all names: it falls back to the keys of owner 0, who is nobody,
 * so both cases touch the same number of rows, and both compute what the other needs.
 */
#include "core/store/hash.h"
#include "core/store/keys.h"
#include "core/store/parts.h"

enum { SALT_SIZE = 16 };

static unsigned char secret[XY_HASH_MAX]; /* logic thread */

static const struct xy_statement find =
    XY_SQL("select s.owner, s.salt, s.iterations, s.stored_key, s.server_key,"
           " (select a.state from account a where a.owner = s.owner) from scram s"
           " where s.owner = coalesce((select owner from account where jid = ?), 0)"
           " and s.hash = ?");

static void
make_up(const struct xy_jid *bare, enum xy_hash hash, const char *what, unsigned char *out)
{
    struct xy_str text =
        xy_temp_printf("%s %d " XY_FMT, what, (int)hash, XY_ARG(xy_jid_text(bare)));
    xy_hash_hmac(XY_SHA512, xy_str_of((const char *)secret, sizeof(secret)), text, out);
}

static void
take_real(const struct xy_rows *rows, struct xy_scram_keys *keys)
{
    struct xy_str stored_key = xy_rows_text(rows, 3), server_key = xy_rows_text(rows, 4);
    if (xy_rows_int(rows, 0) == 0 || stored_key.len != keys->size ||
        server_key.len != keys->size)
        return;
    keys->real = true;
    keys->salt = xy_rows_text(rows, 1);
    keys->iterations = xy_rows_int(rows, 2);
    keys->state = (enum xy_account_state)xy_rows_int(rows, 5);
    memcpy(keys->stored_key, stored_key.at, keys->size);
    memcpy(keys->server_key, server_key.at, keys->size);
}

xy_status
xy_account_scram(const struct xy_jid *bare, enum xy_hash hash, struct xy_scram_keys *keys)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find, &rows, XY_TEXT(xy_jid_text(bare)), XY_INT(hash));
    if (status != XY_OK)
        return status == XY_CANCELLED ? status : XY_BROKEN;
    unsigned char *salt = xy_temp_alloc(XY_HASH_MAX);
    *keys = (struct xy_scram_keys){.size = xy_hash_size(hash),
                                   .iterations = xyi_account_iterations};
    make_up(bare, hash, "salt", salt);
    make_up(bare, hash, "stored key", keys->stored_key);
    make_up(bare, hash, "server key", keys->server_key);
    keys->salt = xy_str_of((const char *)salt, SALT_SIZE);
    if (xy_rows_next(rows))
        take_real(rows, keys);
    return XY_OK;
}

/* What a name has keys for, as far as it may show; owner 0: it is nobody's. */
static xy_status
hashes_of(const struct xy_jid *bare, unsigned *hashes, xy_owner *owner)
{
    unsigned char drawn[XY_HASH_MAX];
    uint32_t number;
    struct xy_account account = {0};
    xy_status status = xyi_account_read(bare, &account);
    if (status != XY_OK && status != XY_ABSENT)
        return status;
    make_up(bare, XY_SHA512, "hashes", drawn);
    memcpy(&number, drawn, sizeof(number));
    *hashes = status == XY_OK ? account.hashes : xyi_key_shares_draw(number);
    *owner = account.owner;
    return XY_OK;
}

xy_status
xy_account_hashes(const struct xy_jid *bare, unsigned *hashes)
{
    xy_owner owner;
    if (bare && xyi_key_shares_lack())
        return hashes_of(bare, hashes, &owner);
    *hashes = xyi_key_shares_common();
    return XY_OK;
}

static enum xy_hash
best_of(unsigned hashes)
{
    return hashes & 1u << XY_SHA256   ? XY_SHA256
           : hashes & 1u << XY_SHA512 ? XY_SHA512
                                      : XY_SHA1;
}

xy_status
xy_account_check_password(const struct xy_jid *bare, struct xy_str password)
{
    unsigned hashes = XYI_ALL_HASHES;
    xy_owner owner = 0;
    xy_status status = XY_OK;
    if (xyi_key_shares_lack())
        status = hashes_of(bare, &hashes, &owner);
    struct xy_scram_keys keys;
    enum xy_hash hash = best_of(hashes);
    if (status == XY_OK)
        status = xy_account_scram(bare, hash, &keys);
    if (status != XY_OK)
        return status;
    status = xyi_keys_match(password, hash, &keys);
    if (status == XY_OK && keys.state != XY_ACCOUNT_ACTIVE)
        status = XY_GONE;
    explicit_bzero(&keys, sizeof(keys));
    if (status == XY_OK && hashes != XYI_ALL_HASHES)
        xyi_key_sets_complete(owner, hashes, password);
    return status;
}

xy_status
xyi_accounts_start(void)
{
    xy_status status = xy_store_secret("account.nobody", secret, sizeof(secret));
    return status == XY_OK ? xyi_key_shares_start() : status;
}
