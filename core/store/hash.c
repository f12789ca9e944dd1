/* SPDX-License-Identifier: MIT */
/*
 * Hashes and SCRAM's arithmetic on nettle, SASLprep by libidn.
 */
#include "core/store/hash.h"
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/nettle-meta.h>
#include <nettle/pbkdf2.h>
#include <stdlib.h>
#include <stringprep.h>

enum { LONGEST_PASSWORD = 1024 };

static const struct nettle_hash *const hashes[XY_HASHES] = {&nettle_sha1, &nettle_sha256,
                                                            &nettle_sha512};
static _Atomic uint64_t derived; /* any thread */

union hash_context {
    struct sha1_ctx sha1;
    struct sha256_ctx sha256;
    struct sha512_ctx sha512;
};
static const uint8_t *
bytes(struct xy_str s)
{
    return (const uint8_t *)(s.at ? s.at : "");
}

size_t
xy_hash_size(enum xy_hash hash)
{
    return hashes[hash]->digest_size;
}

void
xy_hash_digest(enum xy_hash hash, struct xy_str text, unsigned char *out)
{
    union hash_context context;
    hashes[hash]->init(&context);
    hashes[hash]->update(&context, text.len, bytes(text));
    hashes[hash]->digest(&context, hashes[hash]->digest_size, out);
}

void
xy_hash_hmac(enum xy_hash hash, struct xy_str key, struct xy_str text, unsigned char *out)
{
    union hash_context outer, inner, state;
    hmac_set_key(&outer, &inner, &state, hashes[hash], key.len, bytes(key));
    hmac_update(&state, hashes[hash], text.len, bytes(text));
    hmac_digest(&outer, &inner, &state, hashes[hash], hashes[hash]->digest_size, out);
    explicit_bzero(&outer, sizeof(outer));
    explicit_bzero(&inner, sizeof(inner));
    explicit_bzero(&state, sizeof(state));
}

bool
xy_secret_equal(const void *a, const void *b, size_t size)
{
    return memeql_sec(a, b, size);
}

void
xy_random(void *out, size_t size)
{
    xyi_random(out, size);
}

/* Hi() of RFC 5802: one block of PBKDF2. */
static void
stretch(enum xy_hash hash, struct xy_str password, struct xy_str salt, int64_t iterations,
        unsigned char *out)
{
    unsigned rounds = (unsigned)iterations;
    size_t size = xy_hash_size(hash);
    if (hash == XY_SHA1)
        pbkdf2_hmac_sha1(password.len, bytes(password), rounds, salt.len, bytes(salt), size,
                         out);
    else if (hash == XY_SHA256)
        pbkdf2_hmac_sha256(password.len, bytes(password), rounds, salt.len, bytes(salt), size,
                           out);
    else
        pbkdf2_hmac_sha512(password.len, bytes(password), rounds, salt.len, bytes(salt), size,
                           out);
}

void
xyi_scram_keys(enum xy_hash hash, const unsigned char *salted, unsigned char *stored_key,
               unsigned char *server_key)
{
    unsigned char client_key[XY_HASH_MAX];
    struct xy_str key = xy_str_of((const char *)salted, xy_hash_size(hash));
    xy_hash_hmac(hash, key, XY_STR("Client Key"), client_key);
    xy_hash_digest(hash, xy_str_of((const char *)client_key, key.len), stored_key);
    xy_hash_hmac(hash, key, XY_STR("Server Key"), server_key);
    explicit_bzero(client_key, sizeof(client_key));
}

void
xyi_scram_derive(enum xy_hash hash, struct xy_str password, struct xy_str salt,
                 int64_t iterations, unsigned char *stored_key, unsigned char *server_key)
{
    unsigned char salted[XY_HASH_MAX];
    derived++;
    stretch(hash, password, salt, iterations, salted);
    xyi_scram_keys(hash, salted, stored_key, server_key);
    explicit_bzero(salted, sizeof(salted));
}

uint64_t
xyi_scram_derived(void)
{
    return derived;
}

/* ---- passwords --------------------------------------------------------------------------- */

xy_status
xyi_password_prepare(struct xy_str password, bool stored, struct xy_str *out)
{
    if (!password.len || password.len > LONGEST_PASSWORD ||
        memchr(password.at, '\0', password.len))
        return XY_INVALID;
    struct xy_str copy = xyi_str_copy(password);
    char *prepared = NULL;
    int failed = stringprep_profile(copy.at, &prepared, "SASLprep",
                                    stored ? STRINGPREP_NO_UNASSIGNED : 0);
    xyi_password_free(copy);
    if (failed)
        return XY_INVALID;
    *out = xy_str_from(prepared);
    if (out->len)
        return XY_OK;
    free(prepared);
    return XY_INVALID;
}

void
xyi_password_free(struct xy_str password)
{
    explicit_bzero((void *)(uintptr_t)password.at, password.len);
    free((void *)(uintptr_t)password.at);
}
