/* SPDX-License-Identifier: MIT */
/*
 * Fibers and strands of the logic thread. A loop that never waits never switches: ready jobs run
 * one after the other on the same fiber, and only a wait parks it and takes another from the pool.
 */
#ifndef XYI_FIBER_H
#define XYI_FIBER_H

#include <xylem/fiber.h>
#include "core/base/base.h"

struct xy_instance;

/* A piece of work. Intrusive: embed it. `run` owns the job and may free it at once. */
struct xyi_job {
    struct xyi_job *next;
    void (*run)(struct xyi_job *job);
};

struct xyi_strand { /* embed it; zero is a valid idle strand */
    struct xyi_job *first, *last;
    bool busy;       /* a fiber runs one of its jobs, or it is on the ready list */
    unsigned queued;
    struct xyi_strand *next_ready;
};

struct xyi_fiber_limits {
    size_t stack_bytes; /* 64 KiB; 256 KiB under ASan */
    unsigned most;      /* limits.fibers, default 8192: beyond it strands queue */
};
void xyi_fibers_init(struct xyi_fiber_limits limits);
void xyi_fibers_set_most(unsigned most);
void xyi_fibers_end(void); /* all must have ended */

void xyi_strand_post(struct xyi_strand *strand, struct xyi_job *job);
void xyi_spawn(struct xyi_job *job); /* on no strand */
bool xyi_sched_ready(void);
void xyi_sched_run(void);            /* from the loop: until nothing is ready */
/* Runs fn(argument) on a fiber and turns the given loop until it is done: for start-up, tools, tests. */
void xyi_run_on_fiber(void (*fn)(void *argument), void *argument, void (*turn)(void));

bool xyi_on_fiber(void);
unsigned xyi_fibers_live(void);

/* ---- waits ---------------------------------------------------------------------------------------- */
struct xyi_wait {
    void *fiber; /* NULL until waited on */
    xy_status status;
    bool done;
};
/* One waker, one waiter; both on the logic thread. xyi_wake() may come before xyi_wait(). */
#define XYI_UNCANCELLABLE 1u
XY_SUSPENDS xy_status xyi_wait(struct xyi_wait *wait, int64_t timeout_ms, unsigned flags); /* timeout XY_NONE: for ever */
void xyi_wake(struct xyi_wait *wait, xy_status status);
/* Sections that must not suspend: a wait inside aborts naming both. */
void xyi_forbid_wait(const char *why);
void xyi_allow_wait(void);

/* The instance whose handler the running fiber is in (innermost), for ownership and logs. */
struct xy_instance *xyi_fiber_instance(void);
void xyi_fiber_set_instance(struct xy_instance *instance);
/* Where the running fiber keeps it (outside of fibers: a place of its own), for firing hooks
 * without a call per handler. Good on that fiber until its job ends. */
struct xy_instance **xyi_fiber_instance_place(void);
/* Set by the bus; NULL before. Called with +1 when something begins that may outlive the wait of
 * the fiber it was begun for (xy_offload's work, a read), with -1 when it has really ended, so that
 * the code and constants it uses stay mapped. Logic thread; instance may be NULL. */
extern void (*xyi_instance_count)(struct xy_instance *instance, int by);
/* All cancellable waits in code of that instance return XY_CANCELLED, now and from now on. */
void xyi_cancel_instance(struct xy_instance *instance);
void xyi_cancel_all(void); /* server stop */
/* A handle on the running fiber, to cancel its waits later (a session that ends). */
void *xyi_fiber_self(void);

/* ---- timers: a heap on the monotonic (injectable) clock ----------------------------------------------- */
/* One heap per thread (thread-local): I/O threads use these functions for their connections too. */
struct xyi_timer { /* embed it; zero is idle */
    int64_t due_ms;
    size_t at; /* position in the heap + 1; 0: not set */
    void (*fire)(struct xyi_timer *timer); /* on the loop, not on a fiber: must not suspend */
};
void xyi_timer_set(struct xyi_timer *timer, int64_t in_ms, void (*fire)(struct xyi_timer *));
void xyi_timer_clear(struct xyi_timer *timer);
int64_t xyi_timers_next_ms(void); /* until the next is due: 0 now, XY_NONE none */
void xyi_timers_run(void);
void xyi_timers_end(void); /* an I/O thread leaves: frees its heap */

/* ---- helper threads -------------------------------------------------------------------------------- */
void xyi_helpers_start(unsigned threads); /* 0: one per core */
void xyi_helpers_stop(void);
/* For jobs that outlive the fiber: `done` runs on the logic thread, not on a fiber. */
void xyi_offload(void (*work)(void *argument), void (*done)(void *argument), void *argument);

#endif
