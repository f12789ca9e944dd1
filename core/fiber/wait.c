/* SPDX-License-Identifier: MIT */
/*
 * Waiting, waking, giving up. Invariant: a parked fiber is made ready exactly once, by the
 * first of its waker, its time limit and its cancellation; what the waker said wins whenever it
 * came.
 */
#include "core/fiber/fiber.h"

#include <dlfcn.h>
#include <stdlib.h>

static struct { /* of the section that runs: no fiber leaves one */
    const char *why;
    unsigned depth;
} forbidden;

void
xyi_forbid_wait(const char *why)
{
    if (forbidden.depth++ == 0)
        forbidden.why = why;
}

void
xyi_allow_wait(void)
{
    xy_assert(forbidden.depth > 0);
    forbidden.depth--;
}

static void __attribute__((noreturn, cold)) refuse(void *caller)
{
    Dl_info found = {0};
    const char *waiter = dladdr(caller, &found) && found.dli_sname ? found.dli_sname : "?";
    const char *where = found.dli_fname ? found.dli_fname : "?";
    xy_error("wait.forbidden", "code that must not wait waited",
             XY_F_CSTR_AS("section", forbidden.why), XY_F_CSTR_AS("waiter", waiter),
             XY_F_CSTR_AS("file", where),
             XY_F_INT_AS("offset", (char *)caller - (char *)found.dli_fbase));
    abort();
}

static void
give_up(struct xyi_fiber *fiber, xy_status outcome)
{
    if (fiber->state != XYI_FIBER_PARKED)
        return;
    fiber->outcome = outcome;
    xyi_sched_wake(fiber);
}

static void
too_long(struct xyi_timer *timer)
{
    give_up(XYI_LIST_OF(timer, struct xyi_fiber, timer), XY_TIMEOUT);
}

static bool
is_cancelled(const struct xyi_fiber *self)
{
    return self->cancelled || (self->cancelled_in && self->cancelled_in == self->instance);
}

xy_status
xyi_wait(struct xyi_wait *wait, int64_t timeout_ms, unsigned flags)
{
    struct xyi_fiber *self = xyi_fiber_current();
    xy_assert(self != NULL); /* only a fiber can wait */
    if (forbidden.depth)
        refuse(__builtin_return_address(0));
    if (wait->done)
        return wait->status;
    if (!(flags & XYI_UNCANCELLABLE) && is_cancelled(self))
        return XY_CANCELLED;
    wait->fiber = self;
    self->wait_flags = flags;
    self->state = XYI_FIBER_PARKED;
    if (timeout_ms != XY_NONE)
        xyi_timer_set(&self->timer, timeout_ms, too_long);
    xyi_fiber_park(self);
    xyi_timer_clear(&self->timer);
    wait->fiber = NULL;
    return wait->done ? wait->status : self->outcome;
}

void
xyi_wake(struct xyi_wait *wait, xy_status status)
{
    xy_assert(!wait->done);
    wait->status = status;
    wait->done = true;
    struct xyi_fiber *fiber = wait->fiber;
    if (fiber && fiber->state == XYI_FIBER_PARKED)
        xyi_sched_wake(fiber);
}

static void
cancel_wait(struct xyi_fiber *fiber)
{
    if (!(fiber->wait_flags & XYI_UNCANCELLABLE))
        give_up(fiber, XY_CANCELLED);
}

void
xyi_cancel_fiber(void *handle)
{
    struct xyi_fiber *fiber = handle;
    fiber->cancelled = true;
    cancel_wait(fiber);
}

void
xyi_cancel_all(void)
{
    for (struct xyi_link_node *at = xyi_fibers_all.next; at != &xyi_fibers_all; at = at->next) {
        struct xyi_fiber *fiber = XYI_LIST_OF(at, struct xyi_fiber, all);
        if (fiber->state != XYI_FIBER_IDLE && fiber != xyi_fiber_current())
            xyi_cancel_fiber(fiber);
    }
}

void
xyi_cancel_instance(struct xy_instance *instance)
{
    for (struct xyi_link_node *at = xyi_fibers_all.next; at != &xyi_fibers_all; at = at->next) {
        struct xyi_fiber *fiber = XYI_LIST_OF(at, struct xyi_fiber, all);
        if (fiber->state == XYI_FIBER_IDLE || fiber->instance != instance)
            continue;
        fiber->cancelled_in = instance;
        cancel_wait(fiber);
    }
}

void
xyi_forget_instance(const struct xy_instance *instance)
{
    for (struct xyi_link_node *at = xyi_fibers_all.next; at != &xyi_fibers_all; at = at->next) {
        struct xyi_fiber *fiber = XYI_LIST_OF(at, struct xyi_fiber, all);
        if (fiber->cancelled_in == instance)
            fiber->cancelled_in = NULL;
    }
}

xy_status
xy_sleep(int64_t ms)
{
    struct xyi_wait never = {0};
    xy_status status = xyi_wait(&never, ms > 0 ? ms : 0, 0);
    return status == XY_TIMEOUT ? XY_OK : status;
}
