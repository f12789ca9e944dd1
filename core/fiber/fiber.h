/* SPDX-License-Identifier: MIT */
/*
 * Between the files of the fibers. Everything here belongs to the logic thread. A fiber is idle
 * (in the pool), running (at most one), parked (in xyi_wait) or ready (woken, queued to go on).
 */
#ifndef XYI_FIBER_FIBER_H
#define XYI_FIBER_FIBER_H

#include "core/fiber/fiber_internal.h"
#include "core/fiber/switch.h"

struct xyi_stack {
    char *bytes; /* lowest usable address; the guard page lies below */
    size_t size;
    unsigned registered; /* with valgrind */
};
XY_CHECK bool xyi_stack_map(struct xyi_stack *stack,
                            size_t size); /* false: no memory or mappings */
void xyi_stack_unmap(struct xyi_stack *stack);

enum xyi_fiber_state { XYI_FIBER_IDLE, XYI_FIBER_RUNNING, XYI_FIBER_PARKED, XYI_FIBER_READY };

struct xyi_fiber {
    struct xyi_link_node all, idle;
    struct xyi_job ready; /* its place in the queue when woken */
    struct xyi_switch_point point;
    struct xyi_stack stack;
    enum xyi_fiber_state state;
    bool ending; /* leaves the pool at its next turn */

    /* of the present job */
    struct xyi_arena *arena;
    struct xyi_temp_scope *scopes; /* the innermost; scope.c */
    uint64_t epoch;
    struct xyi_log_scope scope; /* while it is not running */
    struct xy_instance *instance;
    bool cancelled;                   /* its waits, until the job ends */
    struct xy_instance *cancelled_in; /* its waits in that instance's code */

    /* of the present wait */
    struct xyi_wait *wait;
    unsigned wait_flags;
    xy_status outcome; /* unless the waker was first */
    struct xyi_timer timer;

    void *asan_fake_stack, *tsan_fiber;
};

extern struct xyi_link_node xyi_fibers_all; /* also for the debugger */
/* The fiber this thread runs, NULL on the loop's own stack. */
struct xyi_fiber *xyi_fiber_current(void);
struct xyi_arena *xyi_fiber_arena(const struct xyi_fiber *fiber); /* of its innermost scope */
/* One from the pool or a new one; NULL: the limit is reached, or there is no memory for a
 * stack. */
struct xyi_fiber *xyi_fiber_take(void);
bool xyi_fiber_available(void);
unsigned xyi_fibers_idle(void);
/* From the loop: runs it until it parks or goes idle. */
void xyi_fiber_resume(struct xyi_fiber *fiber);
/* On the fiber: back to the loop; returns when it is resumed. */
void xyi_fiber_park(struct xyi_fiber *self);
/* Job after job, until next_job() has none. */
struct xyi_job *xyi_sched_next_job(void);
/* Parked and due to go on: behind what is ready now. */
void xyi_sched_wake(struct xyi_fiber *fiber);

#endif
