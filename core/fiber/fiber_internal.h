/* SPDX-License-Identifier: MIT */
/*
 * Fibers and strands of the logic thread. A loop that never waits never switches: ready jobs run
 * one after the other on the same fiber, and only a wait parks it and takes another from the pool.
 */
#ifndef XYI_FIBER_H
#define XYI_FIBER_H

#include <xylem/fiber.h>
#include <xylem/option.h> /* XY_NONE */
#include "core/base/base.h"

struct xy_instance;

/* A piece of work. Intrusive: embed it. `run` owns the job and may free it at once. */
struct xyi_job {
    struct xyi_job *next;
    void (*run)(struct xyi_job *job);
};

/* Embed it; zero is a valid idle strand. It must outlive its running job: a job that ends the
 * object its strand is in retires it (xyi_retire). */
struct xyi_strand {
    struct xyi_job *first, *last;
    bool busy;       /* one of its jobs runs or waits, or it is on the ready list */
    unsigned queued; /* not yet begun */
    struct xyi_job ready;
};

#ifdef XYI_SANITIZED
#define XYI_STACK_BYTES (256u * 1024)
#else
#define XYI_STACK_BYTES (64u * 1024)
#endif
#define XYI_FIBERS_MOST 8192u
struct xyi_fiber_limits { /* 0: the defaults above */
    size_t stack_bytes;
    unsigned most; /* limits.fibers: beyond it jobs and strands queue */
};
void xyi_fibers_init(struct xyi_fiber_limits limits);
void xyi_fibers_set_most(unsigned most);
void xyi_fibers_end(void); /* all must have ended */

void xyi_strand_post(struct xyi_strand *strand, struct xyi_job *job);
void xyi_spawn(struct xyi_job *job); /* on no strand */
bool xyi_sched_ready(void);
/* From the loop: runs what is ready and what becomes ready meanwhile, and sweeps what was retired.
 * It stops after XYI_JOBS_PER_TURN jobs, so that jobs that beget jobs do not keep the loop from its
 * sockets: do not sleep while xyi_sched_ready(). */
#define XYI_JOBS_PER_TURN 8192u
void xyi_sched_run(void);
/* Runs fn(argument) on a fiber and turns the given loop until it is done: for start-up, tools, tests.
 * turn NULL: xyi_fibers_turn. */
void xyi_run_on_fiber(void (*fn)(void *argument), void *argument, void (*turn)(void));

/* One turn of a loop with nothing but mail for the logic thread, timers and fibers; sleeps while
 * there is nothing to do. Initialise xyi_logic_inbox first. */
void xyi_fibers_turn(void);

bool xyi_on_fiber(void);
unsigned xyi_fibers_live(void); /* running or waiting */
struct xyi_fiber_stats {
    unsigned live, idle; /* idle: in the pool, at most as many as were live lately */
    unsigned held;       /* jobs that wait for a fiber because `most` are live */
    uint64_t jobs, resumed, held_ever;
};
struct xyi_fiber_stats xyi_fibers_stats(void);

/* ---- waits ---------------------------------------------------------------------------------------- */
struct xyi_wait {
    void *fiber; /* NULL until waited on */
    xy_status status;
    bool done;
};
/* One waker, one waiter; both on the logic thread. xyi_wake() may come before xyi_wait(), and wins
 * over a time limit or cancellation that came in the same turn.
 * The wait is in the waiter's frame: when xyi_wait() answers XY_TIMEOUT or XY_CANCELLED, the waker
 * still knows it. Nothing else runs until the caller waits again or returns, so it must, before
 * either, take the wait from where the waker finds it. A waker that cannot be stopped (another
 * thread, a peer) needs a wait on the heap that the later of the two frees; offload.c shows it. */
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
/* That is: of fibers whose present instance it is, until they have left it. Who is in another one
 * at the moment, called from it, is asked again later. Before its memory is given back,
 * xyi_forget_instance(). */
void xyi_forget_instance(const struct xy_instance *instance);
/* Server stop: of all fibers that live now but the running one; those that begin later may wait. */
void xyi_cancel_all(void);
/* A handle on the running fiber, to cancel its waits later (a session that ends): good until the
 * job it runs has ended. Cancelled is its present wait and all later ones of that job. */
void *xyi_fiber_self(void);
void xyi_cancel_fiber(void *fiber);

/* ---- timers: a heap on the monotonic (injectable) clock ----------------------------------------------- */
/* One heap per thread (thread-local): I/O threads use these functions for their connections too. */
struct xyi_timer { /* embed it; zero is idle */
    int64_t due_ms;
    size_t at; /* position in the heap + 1; 0: not set */
    uint64_t order; /* among those due at once: as they were set */
    void (*fire)(struct xyi_timer *timer); /* on the loop, not on a fiber: must not suspend */
};
void xyi_timer_set(struct xyi_timer *timer, int64_t in_ms, void (*fire)(struct xyi_timer *)); /* anew if set */
void xyi_timer_clear(struct xyi_timer *timer);
/* Until the next is due: 0 now, XY_NONE none. A frozen clock brings none nearer: XY_NONE then. */
int64_t xyi_timers_next_ms(void);
void xyi_timers_run(void); /* those due now; what they set anew comes with the next call */
void xyi_timers_end(void); /* a thread leaves, its timers are cleared: frees its heap */

/* ---- helper threads -------------------------------------------------------------------------------- */
void xyi_helpers_start(unsigned threads); /* 0: one per core */
void xyi_helpers_stop(void); /* runs out what is queued first */
/* For jobs that outlive the fiber: `done` runs on the logic thread, not on a fiber, and
 * may be NULL. Thread-safe. */
void xyi_offload(void (*work)(void *argument), void (*done)(void *argument), void *argument);

#endif
