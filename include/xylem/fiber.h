/* SPDX-License-Identifier: MIT */
/*
 * Waiting. Every handler, timer and admin command runs on a fiber of the logic thread, so any of
 * them may wait by a plain call. Between two waits nothing else runs: module code needs no locks.
 * Never block the thread itself (no sleep(), no file or network I/O): use xy_offload().
 */
#ifndef XYLEM_FIBER_H
#define XYLEM_FIBER_H

#include <xylem/str.h>

/* XY_OK after `ms`, or XY_CANCELLED earlier. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_sleep(int64_t ms);

/* Runs `work(argument)` on a helper thread and returns when it is done. `work` must touch nothing
 * but what `argument` points to, call no xy_ function but those marked thread-safe, and be fine
 * with running although the waiter gave up: XY_CANCELLED or XY_TIMEOUT leave it running, so then
 * `argument` must not be the fiber's memory. The default time limit is 30 s and cancellation is
 * off, therefore XY_OK and XY_TIMEOUT are the only answers. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_offload(void (*work)(void *argument), void *argument);

/* A job of the instance `self`; `argument` is the caller's. */
typedef void xy_task_fn(void *self, void *argument);

/* Timers belong to the instance and go with it. The task runs on a fiber of its own. A repeating
 * timer never overlaps itself. Handles become invalid once a one-shot timer has fired. */
struct xy_timer;
XY_API struct xy_timer *xy_after(void *self, int64_t ms, xy_task_fn *task, void *argument);
XY_API struct xy_timer *xy_every(void *self, int64_t ms, xy_task_fn *task, void *argument);
XY_API void xy_timer_stop(struct xy_timer *timer);

/* A strand: tasks posted to it run one at a time and in order. Strands post to one another and
 * never wait for one another, so they cannot deadlock. An idle strand holds no fiber. */
struct xy_strand;
XY_API struct xy_strand *xy_strand_new(void *self);
XY_API void xy_strand_free(struct xy_strand *strand); /* tasks already queued still run */
XY_API void xy_strand_post(struct xy_strand *strand, xy_task_fn *task, void *argument);

#endif
