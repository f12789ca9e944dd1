/* SPDX-License-Identifier: MIT */
/*
 * The first step of an orderly stop: modules say good-bye while sessions are still there. They
 * do so on a fiber of their own, because one that waits for what will not come must not keep
 * the server: after the grace time its waits are cancelled and the stop goes on. What clients
 * say meanwhile would meet closed doors, and be counted: they keep it for the next server.
 */
#include "core/server/server.h"

static struct {
    struct xyi_job job;
    const char *reason;
    void *fiber;             /* while it runs */
    struct xyi_wait *waiter; /* NULL: nobody waits any more */
} farewell;                  /* logic thread */

static void
run(struct xyi_job *job)
{
    (void)job;
    farewell.fiber = xyi_fiber_self();
    for (struct xy_host *host = xy_host_first(); host; host = xy_host_next(host))
        xy_run_server_stopping(host, farewell.reason);
    farewell.fiber = NULL;
    if (farewell.waiter)
        xyi_wake(farewell.waiter, XY_OK);
}

void
xyi_server_farewell(const char *reason, int64_t grace_ms)
{
    struct xyi_wait done = {0};
    xyi_route_go_deaf();
    farewell.reason = reason;
    farewell.waiter = &done;
    farewell.job.run = run;
    xyi_spawn(&farewell.job);
    xy_status status = xyi_wait(&done, grace_ms, XYI_UNCANCELLABLE);
    farewell.waiter = NULL;
    if (status == XY_OK)
        return;
    xy_warn("server.farewell_cut", "modules have not said good-bye in time",
            XY_F_INT_AS("ms", grace_ms));
    if (farewell.fiber)
        xyi_cancel_fiber(farewell.fiber);
}
