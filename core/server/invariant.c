/* SPDX-License-Identifier: MIT */
/*
 * The books of the message queue (requirement N13): every message accepted for a device is
 * received, waits, has expired, or was removed by somebody. The writer counts what waits
 * between two commits, and answers arrive in the order of commits, so under any load the sum is
 * exact.
 */
#include "core/server/server.h"

enum { EVERY_MS = 5 * 60 * 1000, NEWEST = 10000 };

static struct {
    int64_t opening; /* waited when the books were opened */
    struct xyi_timer timer;
    struct xyi_job job;
} books;
struct xyi_invariant_counts xyi_invariant_counters;

struct asked {
    struct xyi_wait wait;
    struct xyi_balance *balance;
};

static void
counted(void *argument, xy_status status, int64_t waiting)
{
    struct asked *asked = argument;
    struct xyi_store_counts counts;
    xyi_store_counts(&counts);
    asked->balance->waiting = waiting;
    asked->balance->unknown = (int64_t)counts.unknown;
    asked->balance->accepted = books.opening + (int64_t)counts.pending_added;
    for (unsigned i = 0; i < XYI_REMOVALS; i++)
        asked->balance->removed[i] = (int64_t)counts.pending_removed[i];
    xyi_wake(&asked->wait, status);
}

xy_status
xyi_balance(struct xyi_balance *balance)
{
    struct asked asked = {.balance = balance};
    *balance = (struct xyi_balance){0};
    xyi_pending_census(counted, &asked);
    xy_status status = xyi_wait(&asked.wait, XY_NONE, XYI_UNCANCELLABLE);
    balance->missing = balance->accepted - balance->waiting;
    for (unsigned i = 0; i < XYI_REMOVALS; i++)
        balance->missing -= balance->removed[i];
    if (status == XY_OK)
        status = xyi_store_agrees(NEWEST, &balance->found);
    balance->holds = balance->missing == 0 && !balance->found.waiting_for_nothing &&
                     !balance->found.useless && !balance->found.unproved;
    return status;
}

static void
check(struct xyi_job *job)
{
    (void)job;
    struct xyi_balance balance;
    if (xyi_balance(&balance) != XY_OK)
        return; /* the database is away: that is said elsewhere */
    xyi_invariant_counters.checks++;
    if (balance.holds || balance.unknown)
        return;
    xyi_invariant_counters.violations++;
    xy_error("invariant.violated", "the books of the message queue do not balance",
             XY_F_INT_AS("missing", balance.missing),
             XY_F_INT_AS("waiting_for_nothing", balance.found.waiting_for_nothing),
             XY_F_INT_AS("useless", balance.found.useless),
             XY_F_INT_AS("unproved", balance.found.unproved));
}

static void
due(struct xyi_timer *timer)
{
    xyi_timer_set(timer, EVERY_MS, due);
    books.job.run = check;
    xyi_spawn(&books.job);
}

xy_status
xyi_invariant_start(void)
{
    struct xyi_balance balance;
    books.opening = 0;
    xy_status status = xyi_balance(&balance);
    if (status != XY_OK)
        return status;
    books.opening = balance.missing < 0 ? -balance.missing : 0;
    xyi_timer_set(&books.timer, EVERY_MS, due);
    return XY_OK;
}

void
xyi_invariant_stop(void)
{
    xyi_timer_clear(&books.timer);
}
