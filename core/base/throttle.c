/* SPDX-License-Identifier: MIT */
/*
 * Allowances per key: one number each, the time at which everything taken will have come back
 * (the generic cell rate algorithm). Invariant: that time never lies more than a period ahead,
 * so no key can be shut out for longer, however hard somebody tries.
 */
#include <arpa/inet.h>

#include <xylem/option.h>
#include <xylem/throttle.h>
#include "core/base/base.h"

enum { MOST_KEYS = 65536, TICK_MS = 100 }; /* ticks: the number fits a map's value anywhere */

static intptr_t
now_ticks(void)
{
    return (intptr_t)(xy_monotonic_ms() / TICK_MS);
}

static intptr_t
ticks(int64_t ms)
{
    return ms > TICK_MS ? (intptr_t)(ms / TICK_MS) : 1;
}

static intptr_t
whole_at(const struct xy_map *taken, struct xy_str key)
{
    intptr_t at = (intptr_t)xy_map_get(taken, key), now = now_ticks();
    return at > now ? at : now;
}

static void
drop_keys(struct xy_map *taken, bool all)
{
    size_t at = 0;
    struct xy_str key;
    void *value;
    intptr_t now = now_ticks();
    while (xy_map_next(taken, &at, &key, &value))
        if (all || (intptr_t)value <= now)
            xy_map_remove(taken, key);
}

static void
make_room(struct xy_map *taken)
{
    if (xy_map_count(taken) < MOST_KEYS)
        return;
    drop_keys(taken, false);
    if (xy_map_count(taken) < MOST_KEYS)
        return;
    drop_keys(taken, true);
    xy_warn("throttle.full", "too many keys at once, all allowances are whole again");
}

/* When all would be back if one more were taken; 0: it may not be. */
static intptr_t
whole_after(const struct xy_map *taken, struct xy_str key, int64_t most, int64_t period_ms)
{
    if (most <= 0)
        return 0;
    intptr_t at = whole_at(taken, key) + ticks(period_ms / most);
    return at <= now_ticks() + ticks(period_ms) ? at : 0;
}

bool
xy_throttle_has(const struct xy_map *taken, struct xy_str key, int64_t most, int64_t period_ms)
{
    return most == XY_NONE || whole_after(taken, key, most, period_ms) != 0;
}

bool
xy_throttle_take(struct xy_map *taken, struct xy_str key, int64_t most, int64_t period_ms)
{
    if (most == XY_NONE)
        return true;
    intptr_t at = whole_after(taken, key, most, period_ms);
    if (!at)
        return false;
    make_room(taken);
    xy_map_put(taken, key, (void *)at);
    return true;
}

/* One saved key: these bytes, then the key's. */
struct saved {
    int64_t at;
    uint64_t len;
};

struct xy_str
xy_throttle_save(const struct xy_map *taken)
{
    struct xy_buffer out = {0};
    size_t at = 0;
    struct xy_str key;
    void *value;
    intptr_t now = now_ticks();
    while (xy_map_next(taken, &at, &key, &value)) {
        if ((intptr_t)value <= now)
            continue;
        struct saved saved = {(intptr_t)value, key.len};
        xy_buffer_add(&out, XY_KEY(saved));
        xy_buffer_add(&out, key);
    }
    return xy_buffer_str(&out);
}

void
xy_throttle_load(struct xy_map *taken, struct xy_str bytes)
{
    struct saved saved;
    while (bytes.len >= sizeof(saved)) {
        memcpy(&saved, bytes.at, sizeof(saved));
        bytes = xy_str_of(bytes.at + sizeof(saved), bytes.len - sizeof(saved));
        if (saved.len > bytes.len)
            return;
        struct xy_str key = xy_str_of(bytes.at, (size_t)saved.len);
        if (saved.at > now_ticks()) {
            make_room(taken);
            xy_map_put(taken, key, (void *)(intptr_t)saved.at);
        }
        bytes = xy_str_of(key.at + key.len, bytes.len - key.len);
    }
}

struct xy_str
xy_throttle_address(struct xy_str address)
{
    struct in6_addr bytes;
    if (inet_pton(AF_INET6, xy_temp_cstr(address), &bytes) != 1 || IN6_IS_ADDR_V4MAPPED(&bytes))
        return address;
    return xy_temp_str(xy_str_of((const char *)&bytes, 8));
}
