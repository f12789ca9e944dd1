/* SPDX-License-Identifier: MIT */
/* The arithmetic of SCRAM (RFC 5802 section 3); comparisons in constant time. */
#include "modules/sasl/sasl.h"

static struct xy_str
key_of(const struct scram_keys_view *keys, const unsigned char *key)
{
    return xy_str_of((const char *)key, keys->size);
}

bool
proof_is_right(const struct scram_keys_view *keys, struct xy_str message, struct xy_str proof)
{
    unsigned char client_key[XY_HASH_MAX], stored_key[XY_HASH_MAX];
    if (proof.len != keys->size)
        return false;
    xy_hash_hmac(keys->hash, key_of(keys, keys->stored_key), message, client_key);
    for (size_t i = 0; i < proof.len; i++)
        client_key[i] ^= (unsigned char)proof.at[i];
    xy_hash_digest(keys->hash, key_of(keys, client_key), stored_key);
    return xy_secret_equal(stored_key, keys->stored_key, keys->size);
}

struct xy_str
server_signature(const struct scram_keys_view *keys, struct xy_str message)
{
    unsigned char *signature = xy_temp_alloc(XY_HASH_MAX);
    xy_hash_hmac(keys->hash, key_of(keys, keys->server_key), message, signature);
    return key_of(keys, signature);
}
