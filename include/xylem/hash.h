/* SPDX-License-Identifier: MIT */
/*
 * Hashes as protocols ask for them, random bytes, and how secrets are compared. All of it
 * thread-safe.
 */
#ifndef XYLEM_HASH_H
#define XYLEM_HASH_H

#include <xylem/str.h>

enum xy_hash { XY_SHA1, XY_SHA256, XY_SHA512, XY_HASHES };
#define XY_HASH_MAX 64

XY_API size_t xy_hash_size(enum xy_hash hash); /* bytes of one */
/* `out` has room for xy_hash_size() bytes. */
XY_API void xy_hash_digest(enum xy_hash hash, struct xy_str bytes, unsigned char *out);
XY_API void xy_hash_hmac(enum xy_hash hash, struct xy_str key, struct xy_str bytes,
                         unsigned char *out);
/* In a time that depends on `size` alone. */
XY_API bool xy_secret_equal(const void *a, const void *b, size_t size);
XY_API void xy_random(void *out, size_t size); /* from the kernel: fit for keys and nonces */

#endif
