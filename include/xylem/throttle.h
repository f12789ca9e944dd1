/* SPDX-License-Identifier: MIT */
/*
 * Allowances: how often something may happen for one key (an address, a name) in a period. What
 * was taken comes back evenly over the period. The map belongs to the caller (xy_map_new()), holds
 * nothing else, and never grows beyond 65,536 keys: then those that have all of their allowance
 * go, and if there is none such, all.
 */
#ifndef XYLEM_THROTTLE_H
#define XYLEM_THROTTLE_H

#include <xylem/memory.h>

/* Takes one of `most` per `period_ms`. false: used up, nothing was taken. XY_NONE: always true. */
XY_API bool xy_throttle_take(struct xy_map *taken, struct xy_str key, int64_t most,
                             int64_t period_ms);
/* Whether one could be taken. */
XY_API bool xy_throttle_has(const struct xy_map *taken, struct xy_str key, int64_t most,
                            int64_t period_ms);
/* Everything taken, as bytes for a handover between two editions of a module's code; the fiber's. */
XY_API struct xy_str xy_throttle_save(const struct xy_map *taken);
/* Puts what was saved into `taken`; bytes that make no sense are ignored. */
XY_API void xy_throttle_load(struct xy_map *taken, struct xy_str saved);
/* What stands for whoever is behind an address: itself, of IPv6 the first 64 bits. */
XY_API struct xy_str xy_throttle_address(struct xy_str address);

#endif
