/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of SCRAM (RFC 5802 section 3, RFC 7677), by enum xy_hash. Any thread.
 */
#ifndef XYI_STORE_HASH_H
#define XYI_STORE_HASH_H

#include "core/store/store.h"

/* StoredKey and ServerKey of a prepared password. Slow by design: helper threads only. */
void xyi_scram_derive(enum xy_hash hash, struct xy_str password, struct xy_str salt,
                      int64_t iterations, unsigned char *stored_key, unsigned char *server_key);
/* The quick part of it: from SaltedPassword, as long as the hash. Any thread. */
void xyi_scram_keys(enum xy_hash hash, const unsigned char *salted, unsigned char *stored_key,
                    unsigned char *server_key);
uint64_t xyi_scram_derived(void); /* how often so far: tests of equal work */

/* RFC 4013, for a stored string (unassigned code points are errors) or a query. XY_INVALID also
 * when nothing is left. *out is on the heap: xyi_password_free(). */
XY_CHECK xy_status xyi_password_prepare(struct xy_str password, bool stored,
                                        struct xy_str *out);
void xyi_password_free(struct xy_str password); /* wiped */

#endif
