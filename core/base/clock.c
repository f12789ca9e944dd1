/* SPDX-License-Identifier: MIT */
/*
 * The clock, injectable. Invariants: the thread that turns the loop sees one time per turn;
 * other threads read the system's clock; once frozen, all threads see the test's time and
 * nothing else.
 */
#include "core/base/base.h"

#include <time.h>

static _Thread_local struct {
    int64_t wall, monotonic; /* of this turn; 0: this thread turns no loop */
} turn XYI_TLS;

static struct {
    atomic_bool on;
    _Atomic int64_t wall, monotonic;
} frozen;

static int64_t
read_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool
is_frozen(void)
{
    return __builtin_expect(atomic_load_explicit(&frozen.on, memory_order_acquire), 0);
}

int64_t
xy_now_ms(void)
{
    if (is_frozen())
        return atomic_load_explicit(&frozen.wall, memory_order_relaxed);
    return turn.wall ? turn.wall : read_us(CLOCK_REALTIME) / 1000;
}

int64_t
xy_monotonic_ms(void)
{
    if (is_frozen())
        return atomic_load_explicit(&frozen.monotonic, memory_order_relaxed);
    return turn.monotonic ? turn.monotonic : read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
xyi_clock_real_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

void
xyi_clock_turn(void)
{
    turn.wall = read_us(CLOCK_REALTIME) / 1000;
    turn.monotonic = read_us(CLOCK_MONOTONIC) / 1000;
}

void
xyi_clock_freeze(int64_t wall_ms)
{
    atomic_store(&frozen.monotonic, xy_monotonic_ms());
    atomic_store(&frozen.wall, wall_ms);
    atomic_store_explicit(&frozen.on, true, memory_order_release);
}

void
xyi_clock_advance(int64_t ms)
{
    xy_assert(is_frozen() && ms >= 0);
    atomic_fetch_add(&frozen.wall, ms);
    atomic_fetch_add(&frozen.monotonic, ms);
}

bool
xyi_clock_is_frozen(void)
{
    return is_frozen();
}
