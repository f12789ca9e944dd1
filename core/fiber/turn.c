/* SPDX-License-Identifier: MIT */
/* A loop with nothing but mail, timers and fibers: for tools and tests, and for start-up before
 * the server's own loop turns. */
#include "core/fiber/fiber_internal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

static void
sleep_until_mail_or_timer(void)
{
    if (xyi_sched_ready() || !xyi_inbox_may_sleep(&xyi_logic_inbox))
        return;
    int64_t next = xyi_timers_next_ms();
    int timeout = next == XY_NONE ? -1 : next < INT_MAX ? (int)next : INT_MAX;
    struct pollfd bell = {.fd = xyi_logic_inbox.fd, .events = POLLIN};
    uint64_t rings; /* poll(2) is not edge-triggered: read it, or the next would not sleep */
    if (poll(&bell, 1, timeout) > 0 && read(bell.fd, &rings, sizeof(rings)) < 0)
        xy_assert(errno == EAGAIN);
    xyi_inbox_awake(&xyi_logic_inbox);
}

void
xyi_fibers_turn(void)
{
    sleep_until_mail_or_timer();
    xyi_clock_turn();
    xyi_inbox_open_all(&xyi_logic_inbox);
    xyi_timers_run();
    xyi_sched_run();
}

struct errand {
    struct xyi_job job;
    void (*run)(void *argument);
    void *argument;
    bool done;
};

static void
run_errand(struct xyi_job *job)
{
    struct errand *errand = XYI_LIST_OF(job, struct errand, job);
    errand->run(errand->argument);
    errand->done = true;
}

void
xyi_run_on_fiber(void (*fn)(void *argument), void *argument, void (*turn)(void))
{
    struct errand errand = {.job.run = run_errand, .run = fn, .argument = argument};
    xyi_spawn(&errand.job);
    xyi_sched_run();
    while (!errand.done)
        turn ? turn() : xyi_fibers_turn();
}
