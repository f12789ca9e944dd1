/* SPDX-License-Identifier: MIT */
/*
 * Comparing a password with keys; making keys is in store.h.
 */
#ifndef XYI_STORE_KEYS_H
#define XYI_STORE_KEYS_H

#include "core/store/store.h"

/* XY_DENIED: another password, or keys that are not real; the same work in both cases. */
XY_SUSPENDS XY_CHECK xy_status xyi_keys_match(struct xy_str password, enum xy_hash hash,
                                              const struct xy_scram_keys *keys);

#endif
