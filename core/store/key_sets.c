/* SPDX-License-Identifier: MIT */
/*
 * Table scram: the keys of an account, one set per hash (RFC 5802). An account made from a
 * password has all; one that was imported has what the former server had, until its owner logs
 * in and adds the rest (XEP-0480, or by showing the password).
 */
#include "core/store/hash.h"
#include "core/store/parts.h"

/* The conditions keep keys from being left behind for an account that has gone meanwhile. */
static const struct xy_statement insert =
    XY_SQL("insert into scram (owner, hash, salt, iterations, stored_key, server_key)"
           " select owner, ?, ?, ?, ?, ? from account where jid = ?");
static const struct xy_statement replace =
    XY_SQL("insert into scram (owner, hash, salt, iterations, stored_key, server_key)"
           " select owner, ?, ?, ?, ?, ? from account where owner = ?"
           " on conflict (owner, hash) do update set salt = excluded.salt,"
           " iterations = excluded.iterations, stored_key = excluded.stored_key,"
           " server_key = excluded.server_key");
static const struct xy_statement add =
    XY_SQL("insert into scram (owner, hash, salt, iterations, stored_key, server_key)"
           " select owner, ?, ?, ?, ?, ? from account where owner = ?"
           " on conflict (owner, hash) do nothing");
static const struct xy_statement note =
    XY_SQL("update account set hashes = hashes | ? where owner = ?");

static void
put(struct xy_txn *txn, const struct xy_statement *statement, const struct xyi_key_set *set,
    struct xy_value account)
{
    size_t size = xy_hash_size(set->hash);
    xy_txn_add(txn, statement, XY_INT(set->hash), XY_BYTES(set->salt), XY_INT(set->iterations),
               XY_BYTES(xy_str_of((const char *)set->stored_key, size)),
               XY_BYTES(xy_str_of((const char *)set->server_key, size)), account);
    xy_txn_expect(txn, 1);
}

void
xyi_key_set_insert(struct xy_txn *txn, const struct xyi_key_set *set, struct xy_str jid)
{
    put(txn, &insert, set, XY_TEXT(jid));
}

void
xyi_key_set_replace(struct xy_txn *txn, const struct xyi_key_set *set, xy_owner owner)
{
    put(txn, &replace, set, XY_INT(owner));
}

/* ---- adding what is lacking -------------------------------------------------------------- */

static xy_status
add_set(xy_owner owner, const struct xyi_key_set *set)
{
    unsigned before, bit = 1u << set->hash;
    xy_status status = xyi_key_shares_before(owner, &before);
    if (status != XY_OK)
        return status;
    if (!before)
        return XY_ABSENT;
    struct xy_txn *txn = xy_txn_begin();
    put(txn, &add, set, XY_INT(owner));
    xy_txn_add(txn, &note, XY_INT(bit), XY_INT(owner));
    status = xy_txn_commit(txn);
    if (status == XY_OK)
        xyi_key_shares_moved(before, before | bit);
    return status;
}

int64_t
xy_account_iterations(void)
{
    return xyi_account_iterations;
}

xy_status
xy_account_add_keys(xy_owner owner, enum xy_hash hash, struct xy_str salt, int64_t iterations,
                    struct xy_str salted)
{
    if (salted.len != xy_hash_size(hash))
        return XY_INVALID;
    struct xyi_key_set set = {.hash = hash, .salt = salt, .iterations = iterations};
    xyi_scram_keys(hash, (const unsigned char *)salted.at, set.stored_key, set.server_key);
    xy_status status = add_set(owner, &set);
    explicit_bzero(&set, sizeof(set));
    return status;
}

/* That it fails is nothing to whoever logs in; the next login tries again. */
void
xyi_key_sets_complete(xy_owner owner, unsigned hashes, struct xy_str password)
{
    struct xyi_keys keys;
    if (xyi_keys_make(password, xyi_account_iterations, &keys) != XY_OK)
        return;
    for (unsigned hash = 0; hash < XY_HASHES; hash++) {
        if (hashes & 1u << hash)
            continue;
        struct xyi_key_set set = {.hash = (enum xy_hash)hash, .iterations = keys.iterations};
        set.salt = xy_str_of((const char *)keys.salt[hash], sizeof(keys.salt[hash]));
        memcpy(set.stored_key, keys.stored_key[hash], sizeof(set.stored_key));
        memcpy(set.server_key, keys.server_key[hash], sizeof(set.server_key));
        xy_status status = add_set(owner, &set);
        explicit_bzero(&set, sizeof(set));
        if (status != XY_OK && status != XY_CONFLICT)
            xy_warn("account.keys", "keys that an account lacks could not be added",
                    XY_F_CSTR_AS("status", xy_status_name(status)));
    }
    explicit_bzero(&keys, sizeof(keys));
}

/* ---- RFC 5803 ---------------------------------------------------------------------------- */

enum { MOST_ITERATIONS = 10000000, MOST_SALT = 128 };

static bool
read_key(struct xy_str text, size_t size, unsigned char *key)
{
    struct xy_str bytes;
    if (xy_temp_unbase64(text, &bytes) != XY_OK || bytes.len != size)
        return false;
    memcpy(key, bytes.at, size);
    return true;
}

xy_status
xyi_key_set_parse(struct xy_str text, struct xyi_key_set *set)
{
    static const char *const names[XY_HASHES] = {"SCRAM-SHA-1", "SCRAM-SHA-256",
                                                 "SCRAM-SHA-512"};
    struct xy_str keys = text, name = xy_str_cut(&keys, '$'), salt = xy_str_cut(&keys, '$');
    struct xy_str iterations = xy_str_cut(&salt, ':'), stored = xy_str_cut(&keys, ':');
    unsigned hash = 0;
    while (hash < XY_HASHES && !xy_str_equal(name, xy_str_from(names[hash])))
        hash++;
    if (hash == XY_HASHES)
        return XY_INVALID;
    *set = (struct xyi_key_set){.hash = (enum xy_hash)hash};
    size_t size = xy_hash_size(set->hash);
    if (xy_str_to_int(iterations, 1, MOST_ITERATIONS, &set->iterations) != XY_OK ||
        xy_temp_unbase64(salt, &set->salt) != XY_OK || !set->salt.len ||
        set->salt.len > MOST_SALT || !read_key(stored, size, set->stored_key) ||
        !read_key(keys, size, set->server_key))
        return XY_INVALID;
    return XY_OK;
}
