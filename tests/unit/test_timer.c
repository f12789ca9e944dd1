/* SPDX-License-Identifier: MIT */
/* Timers on the injected clock: when, in which order, and what may be done while they fire. */
#include "tests/unit/harness.h"

#include <pthread.h>
#include "core/fiber/fiber_internal.h"

enum { MANY = 1000 };

struct alarm {
    struct xyi_timer timer;
    int64_t due, fired_at;
    unsigned fired, place;
};

static struct alarm alarms[MANY];
static unsigned fired_count;

static void
ring(struct xyi_timer *timer)
{
    struct alarm *alarm = XYI_LIST_OF(timer, struct alarm, timer);
    alarm->fired++;
    alarm->fired_at = xy_monotonic_ms();
    alarm->place = fired_count++;
}

static void
begin(void)
{
    xyi_clock_freeze(1000000);
    memset(alarms, 0, sizeof(alarms));
    fired_count = 0;
}

static void
end(void)
{
    CHECK_EQ(xyi_timers_next_ms(), XY_NONE);
    xyi_timers_end();
}

TEST(next_is_told_in_real_time)
{
    memset(alarms, 0, sizeof(alarms));
    xyi_clock_turn();
    CHECK(!xyi_clock_is_frozen());
    xyi_timer_set(&alarms[0].timer, 5000, ring);
    xyi_timer_set(&alarms[1].timer, 3000, ring);
    CHECK_EQ(xyi_timers_next_ms(), 3000);
    xyi_timer_clear(&alarms[1].timer);
    CHECK_EQ(xyi_timers_next_ms(), 5000);
    xyi_timer_clear(&alarms[0].timer);
    xyi_timer_clear(&alarms[0].timer);
    end();
}

TEST(a_timer_fires_once_when_due)
{
    begin();
    xyi_timer_set(&alarms[0].timer, 100, ring);
    CHECK_EQ(xyi_timers_next_ms(), XY_NONE); /* a frozen clock brings none nearer */
    xyi_clock_advance(99);
    xyi_timers_run();
    CHECK_EQ(alarms[0].fired, 0);
    xyi_clock_advance(1);
    CHECK_EQ(xyi_timers_next_ms(), 0);
    xyi_timers_run();
    CHECK_EQ(alarms[0].fired, 1);
    xyi_clock_advance(1000);
    xyi_timers_run();
    CHECK_EQ(alarms[0].fired, 1);
    end();
}

TEST(setting_anew_moves_it)
{
    begin();
    xyi_timer_set(&alarms[0].timer, 10, ring);
    xyi_timer_set(&alarms[0].timer, 50, ring);
    xyi_clock_advance(10);
    xyi_timers_run();
    CHECK_EQ(alarms[0].fired, 0);
    xyi_timer_set(&alarms[0].timer, 5, ring);
    xyi_clock_advance(5);
    xyi_timers_run();
    CHECK_EQ(alarms[0].fired, 1);
    end();
}

TEST(ages_and_the_past)
{
    begin();
    xyi_timer_set(&alarms[0].timer, INT64_MAX, ring);
    xyi_timer_set(&alarms[1].timer, -5, ring);
    xyi_timers_run();
    CHECK(alarms[0].fired == 0 && alarms[1].fired == 1);
    xyi_timer_clear(&alarms[0].timer);
    end();
}

TEST(those_due_at_once_fire_as_they_were_set)
{
    begin();
    for (unsigned i = 0; i < MANY; i++)
        xyi_timer_set(&alarms[i].timer, 10, ring);
    xyi_clock_advance(500);
    xyi_timers_run();
    for (unsigned i = 0; i < MANY; i++)
        CHECK_EQ(alarms[i].place, i);
    end();
}

static void
ring_and_repeat(struct xyi_timer *timer)
{
    ring(timer);
    xyi_timer_set(timer, 0, ring_and_repeat);
}

static void
ring_and_silence(struct xyi_timer *timer)
{
    ring(timer);
    xyi_timer_clear(&alarms[1].timer);
    xyi_timer_clear(timer);
}

TEST(what_is_set_while_firing_comes_next_time)
{
    begin();
    xyi_timer_set(&alarms[0].timer, 10, ring_and_repeat);
    xyi_timer_set(&alarms[1].timer, 20, ring);
    xyi_clock_advance(20);
    xyi_timers_run();
    CHECK(alarms[0].fired == 1 && alarms[1].fired == 1);
    xyi_timers_run();
    CHECK_EQ(alarms[0].fired, 2);
    xyi_timer_clear(&alarms[0].timer);
    end();
}

TEST(what_is_cleared_while_firing_does_not_come)
{
    begin();
    xyi_timer_set(&alarms[0].timer, 10, ring_and_silence);
    xyi_timer_set(&alarms[1].timer, 10, ring);
    xyi_clock_advance(10);
    xyi_timers_run();
    CHECK(alarms[0].fired == 1 && alarms[1].fired == 0);
    end();
}

TEST(behaves_like_the_model)
{
    begin();
    unsigned random = 4711;
    int64_t start = xy_monotonic_ms();
    for (int step = 0; step < 20000; step++) {
        random = random * 1103515245 + 12345;
        struct alarm *alarm = &alarms[random >> 16 & 255];
        int64_t in = random >> 8 & 127, now = xy_monotonic_ms();
        if (random >> 28 < 10) {
            xyi_timer_set(&alarm->timer, in, ring);
            *alarm = (struct alarm){.timer = alarm->timer, .due = now + in};
        } else if (random >> 28 < 13) {
            xyi_timer_clear(&alarm->timer);
            alarm->due = alarm->fired = 0;
        } else {
            xyi_clock_advance(in / 16);
            xyi_timers_run();
            for (int i = 0; i < 256; i++) {
                bool should = alarms[i].due && alarms[i].due <= xy_monotonic_ms();
                CHECK_EQ(alarms[i].fired, should);
                CHECK(!should || alarms[i].fired_at >= alarms[i].due);
                CHECK_EQ(alarms[i].timer.at != 0, alarms[i].due && !should);
            }
        }
    }
    CHECK(xy_monotonic_ms() > start);
    for (int i = 0; i < 256; i++)
        xyi_timer_clear(&alarms[i].timer);
    end();
}

static void *
use_own_heap(void *argument)
{
    struct alarm *mine = argument;
    CHECK_EQ(xyi_timers_next_ms(), XY_NONE);
    xyi_timer_set(&mine->timer, 0, ring);
    xyi_timers_run();
    CHECK_EQ(mine->fired, 1);
    xyi_timers_end();
    return NULL;
}

TEST(each_thread_has_its_own)
{
    begin();
    xyi_timer_set(&alarms[0].timer, 0, ring);
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, use_own_heap, &alarms[1]));
    pthread_join(thread, NULL);
    CHECK_EQ(alarms[0].fired, 0);
    xyi_timers_run();
    CHECK_EQ(alarms[0].fired, 1);
    end();
}

END_TESTS
