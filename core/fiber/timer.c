/* SPDX-License-Identifier: MIT */
/*
 * Timers: a binary heap by due time, then by the order of setting. Invariant: heap.at[i]->at is
 * i + 1, so that clearing one is O(log n). Logic thread only. Time is xy_monotonic_ms(), thus
 * the test's where the clock is frozen.
 */
#include "core/fiber/fiber.h"

static _Thread_local struct {
    struct xyi_timer **at;
    size_t count, room;
    uint64_t order;
} heap XYI_TLS;

static bool
is_before(const struct xyi_timer *a, const struct xyi_timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void
put(struct xyi_timer *timer, size_t i)
{
    heap.at[i] = timer;
    timer->at = i + 1;
}

static void
rise(struct xyi_timer *timer, size_t i)
{
    for (size_t parent; i > 0 && is_before(timer, heap.at[parent = (i - 1) / 2]); i = parent)
        put(heap.at[parent], i);
    put(timer, i);
}

static void
sink(struct xyi_timer *timer, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < heap.count; i = child) {
        if (child + 1 < heap.count && is_before(heap.at[child + 1], heap.at[child]))
            child++;
        if (!is_before(heap.at[child], timer))
            break;
        put(heap.at[child], i);
    }
    put(timer, i);
}

void
xyi_timer_set(struct xyi_timer *timer, int64_t in_ms, void (*fire)(struct xyi_timer *))
{
    xyi_timer_clear(timer);
    int64_t due;
    if (__builtin_add_overflow(xy_monotonic_ms(), in_ms > 0 ? in_ms : 0, &due))
        due = INT64_MAX;
    timer->due_ms = due;
    timer->order = heap.order++;
    timer->fire = fire;
    if (heap.count == heap.room) {
        heap.room = heap.room ? heap.room * 2 : 64;
        heap.at = xyi_resize(heap.at, heap.room * sizeof(*heap.at));
    }
    rise(timer, heap.count++);
}

void
xyi_timer_clear(struct xyi_timer *timer)
{
    if (!timer->at)
        return;
    size_t i = timer->at - 1;
    timer->at = 0;
    struct xyi_timer *last = heap.at[--heap.count];
    if (last == timer)
        return;
    if (is_before(last, timer))
        rise(last, i);
    else
        sink(last, i);
}

int64_t
xyi_timers_next_ms(void)
{
    if (heap.count == 0)
        return XY_NONE;
    int64_t in = heap.at[0]->due_ms - xy_monotonic_ms();
    if (in <= 0)
        return 0;
    return xyi_clock_is_frozen() ? XY_NONE : in;
}

void
xyi_timers_run(void)
{
    xyi_log_tick();
    int64_t now = xy_monotonic_ms();
    uint64_t newer = heap.order; /* set by those that fire: they would come for ever */
    while (heap.count && heap.at[0]->due_ms <= now && heap.at[0]->order < newer) {
        struct xyi_timer *timer = heap.at[0];
        xyi_timer_clear(timer);
        timer->fire(timer);
    }
}

void
xyi_timers_end(void)
{
    if (heap.count)
        return;
    xyi_free(heap.at);
    heap.at = NULL;
    heap.room = 0;
}
