/* SPDX-License-Identifier: MIT */
/* The arithmetic of SCRAM (RFC 5802 section 3) over nettle's HMAC; comparisons in constant
 * time. */
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/memxor.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "modules/sasl/sasl.h"

union any_hash {
    struct sha1_ctx sha1;
    struct sha256_ctx sha256;
    struct sha512_ctx sha512;
};

static const struct nettle_hash *
hash_of(enum xy_hash hash)
{
    return hash == XY_SHA1 ? &nettle_sha1 : hash == XY_SHA256 ? &nettle_sha256 : &nettle_sha512;
}

static void
hmac(const struct nettle_hash *hash, const unsigned char *key, struct xy_str message,
     unsigned char *out)
{
    union any_hash outer, inner, state;
    hmac_set_key(&outer, &inner, &state, hash, hash->digest_size, key);
    hmac_update(&state, hash, message.len, (const uint8_t *)message.at);
    hmac_digest(&outer, &inner, &state, hash, hash->digest_size, out);
}

static void
digest(const struct nettle_hash *hash, const unsigned char *in, size_t size, unsigned char *out)
{
    union any_hash state;
    hash->init(&state);
    hash->update(&state, size, in);
    hash->digest(&state, hash->digest_size, out);
}

bool
proof_is_right(const struct scram_keys_view *keys, struct xy_str message, struct xy_str proof)
{
    const struct nettle_hash *hash = hash_of(keys->hash);
    unsigned char client_key[XY_HASH_MAX], stored_key[XY_HASH_MAX];
    if (proof.len != keys->size || keys->size != hash->digest_size)
        return false;
    hmac(hash, keys->stored_key, message, client_key);
    memxor(client_key, proof.at, proof.len);
    digest(hash, client_key, keys->size, stored_key);
    return memeql_sec(stored_key, keys->stored_key, keys->size);
}

struct xy_str
server_signature(const struct scram_keys_view *keys, struct xy_str message)
{
    unsigned char *signature = xy_temp_alloc(XY_HASH_MAX);
    hmac(hash_of(keys->hash), keys->server_key, message, signature);
    return xy_str_of((const char *)signature, keys->size);
}
