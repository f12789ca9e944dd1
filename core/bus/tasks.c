/* SPDX-License-Identifier: MIT */
/*
 * Timers and strands of modules. Invariants: nothing runs before the instance is live; what has
 * been queued counts as running, so the code stays mapped until it is done; a repeating timer
 * never overlaps itself; once an instance leaves its timers fire no more, while its strands
 * finish what was posted.
 */
#include "core/bus/internal.h"

/* Runs a task of `instance` that was counted when it was queued. */
static void
run_task(struct xy_instance *instance, xy_task_fn *task, void *argument)
{
    struct xy_instance *former = xyi_instance_enter(instance);
    task(xyi_instance_state(instance), argument);
    xyi_instance_leave(instance, former);
}

/* ---- timers ----------------------------------------------------------------------------- */

struct xy_timer {
    struct xyi_timer timer;
    struct xyi_job job;
    struct xyi_link_node link; /* of the instance */
    struct xy_instance *instance;
    xy_task_fn *task;
    void *argument;
    int64_t in_ms, due_ms;
    bool repeats, queued, stopped;
};

static void fire(struct xyi_timer *timer);

static void
arm(struct xy_timer *timer)
{
    timer->due_ms = xy_monotonic_ms() + timer->in_ms;
    xyi_timer_set(&timer->timer, timer->in_ms, fire);
}

static void
free_timer(struct xy_timer *timer)
{
    xyi_timer_clear(&timer->timer);
    xyi_list_remove(&timer->link);
    xyi_free(timer);
}

/* Keeps the beat: beats missed while the task ran are left out. */
static void
arm_again(struct xy_timer *timer)
{
    int64_t now = xy_monotonic_ms(), late = now - timer->due_ms;
    timer->due_ms += (late / timer->in_ms + 1) * timer->in_ms;
    xyi_timer_set(&timer->timer, timer->due_ms - now, fire);
}

static void
run_timer(struct xyi_job *job)
{
    struct xy_timer *timer = XYI_LIST_OF(job, struct xy_timer, job);
    struct xy_instance *instance = timer->instance;
    if (!timer->stopped)
        run_task(instance, timer->task, timer->argument);
    timer->queued = false;
    if (timer->stopped || !timer->repeats)
        free_timer(timer);
    else if (instance->live)
        arm_again(timer);
    xyi_instance_release(instance);
}

static void
fire(struct xyi_timer *armed)
{
    struct xy_timer *timer = XYI_LIST_OF(armed, struct xy_timer, timer);
    timer->queued = true;
    xyi_instance_hold(timer->instance);
    timer->job = (struct xyi_job){.run = run_timer};
    xyi_spawn(&timer->job);
}

static struct xy_timer *
new_timer(void *self, int64_t ms, xy_task_fn *task, void *argument)
{
    struct xy_timer *timer = xyi_alloc(sizeof(*timer));
    timer->instance = xyi_instance_of(self);
    timer->task = task;
    timer->argument = argument;
    timer->in_ms = ms > 0 ? ms : 0;
    xyi_list_append(&timer->instance->timers, &timer->link);
    return timer;
}

struct xy_timer *
xy_after(void *self, int64_t ms, xy_task_fn *task, void *argument)
{
    struct xy_timer *timer = new_timer(self, ms, task, argument);
    if (timer->instance->live)
        arm(timer);
    return timer;
}

struct xy_timer *
xy_every(void *self, int64_t ms, xy_task_fn *task, void *argument)
{
    xy_assert(ms > 0);
    struct xy_timer *timer = new_timer(self, ms, task, argument);
    timer->repeats = true;
    if (timer->instance->live)
        arm(timer);
    return timer;
}

void
xy_timer_stop(struct xy_timer *timer)
{
    if (!timer)
        return;
    timer->stopped = true;
    if (!timer->queued)
        free_timer(timer);
}

/* ---- strands ---------------------------------------------------------------------------- */

struct xy_strand {
    struct xyi_strand strand;
    struct xyi_link_node link; /* of the instance */
    struct xy_instance *instance;
    struct posted *early, *early_last; /* posted before the instance was live */
    unsigned tasks;
    bool freed;
};

struct posted {
    struct xyi_job job;
    struct xy_strand *strand;
    xy_task_fn *task;
    void *argument;
    struct posted *next;
};

struct xy_strand *
xy_strand_new(void *self)
{
    struct xy_strand *strand = xyi_alloc(sizeof(*strand));
    strand->instance = xyi_instance_of(self);
    xyi_list_append(&strand->instance->strands, &strand->link);
    return strand;
}

static void
release_strand(void *strand)
{
    xyi_free(strand);
}

/* The scheduler still looks at a strand when the job that runs on it has returned. */
static void
retire_strand(struct xy_strand *strand)
{
    xyi_list_remove(&strand->link);
    xyi_retire(strand, release_strand);
}

void
xy_strand_free(struct xy_strand *strand)
{
    if (!strand)
        return;
    strand->freed = true;
    if (strand->tasks == 0)
        retire_strand(strand);
}

static void
run_posted(struct xyi_job *job)
{
    struct posted *posted = XYI_LIST_OF(job, struct posted, job);
    struct xy_strand *strand = posted->strand;
    struct xy_instance *instance = strand->instance;
    run_task(instance, posted->task, posted->argument);
    xyi_free(posted);
    if (--strand->tasks == 0 && strand->freed)
        retire_strand(strand);
    xyi_instance_release(instance);
}

static void
queue(struct posted *posted)
{
    posted->job = (struct xyi_job){.run = run_posted};
    xyi_instance_hold(posted->strand->instance);
    xyi_strand_post(&posted->strand->strand, &posted->job);
}

static void
keep_for_later(struct xy_strand *strand, struct posted *posted)
{
    if (strand->early_last)
        strand->early_last->next = posted;
    else
        strand->early = posted;
    strand->early_last = posted;
}

void
xy_strand_post(struct xy_strand *strand, xy_task_fn *task, void *argument)
{
    xy_assert(!strand->freed);
    if (strand->instance->stage == XYI_STOPPING)
        return; /* nobody is left to run it */
    struct posted *posted = xyi_alloc(sizeof(*posted));
    posted->strand = strand;
    posted->task = task;
    posted->argument = argument;
    strand->tasks++;
    if (strand->instance->live || strand->instance->leaving)
        queue(posted);
    else
        keep_for_later(strand, posted);
}

/* ---- all of an instance ----------------------------------------------------------------- */

void
xyi_tasks_arm(struct xy_instance *instance)
{
    struct xyi_link_node *at;
    for (at = instance->timers.next; at != &instance->timers; at = at->next)
        arm(XYI_LIST_OF(at, struct xy_timer, link));
    for (at = instance->strands.next; at != &instance->strands; at = at->next) {
        struct xy_strand *strand = XYI_LIST_OF(at, struct xy_strand, link);
        for (struct posted *posted = strand->early, *next; posted; posted = next) {
            next = posted->next;
            queue(posted);
        }
        strand->early = strand->early_last = NULL;
    }
}

void
xyi_tasks_disarm(struct xy_instance *instance)
{
    for (struct xyi_link_node *at = instance->timers.next; at != &instance->timers;
         at = at->next)
        xyi_timer_clear(&XYI_LIST_OF(at, struct xy_timer, link)->timer);
}

/* Nothing is queued any more; what start() posted may be, when it never became live. */
void
xyi_tasks_free(struct xy_instance *instance)
{
    while (!xyi_list_empty(&instance->timers))
        free_timer(XYI_LIST_OF(instance->timers.next, struct xy_timer, link));
    while (!xyi_list_empty(&instance->strands)) {
        struct xy_strand *strand = XYI_LIST_OF(instance->strands.next, struct xy_strand, link);
        for (struct posted *posted = strand->early, *next; posted; posted = next) {
            next = posted->next;
            xyi_free(posted);
        }
        retire_strand(strand);
    }
}
