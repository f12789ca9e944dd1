/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: one queue, first come first served, of jobs, strands and woken fibers.
 * Invariants: jobs of a strand run one at a time and in order; a job begins only while fewer
 * than `most` fibers are live, else it is held in its place while woken fibers go on and make
 * room.
 */
#include "core/fiber/fiber.h"

struct queue {
    struct xyi_job *first, *last;
};

static struct queue ready, held; /* what is held is older than what is ready */
static unsigned left;            /* of this turn's jobs */
static struct xyi_fiber_stats stats;

static void
push(struct queue *queue, struct xyi_job *job)
{
    job->next = NULL;
    if (queue->first)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
}

static struct xyi_job *
pop(struct queue *queue)
{
    struct xyi_job *job = queue->first;
    queue->first = job->next;
    return job;
}

/* Never called: marks the job as a fiber that goes on. */
static void
resume(struct xyi_job *job)
{
    (void)job;
    xy_assert(!"a woken fiber run as a job");
}

static void
run_strand(struct xyi_job *ready_job)
{
    struct xyi_strand *strand = XYI_LIST_OF(ready_job, struct xyi_strand, ready);
    struct xyi_job *job = strand->first;
    strand->first = job->next;
    strand->queued--;
    job->run(job);
    if (strand->first)
        push(&ready, &strand->ready);
    else
        strand->busy = false;
}

void
xyi_strand_post(struct xyi_strand *strand, struct xyi_job *job)
{
    job->next = NULL;
    if (strand->first)
        strand->last->next = job;
    else
        strand->first = job;
    strand->last = job;
    strand->queued++;
    if (strand->busy)
        return;
    strand->busy = true;
    strand->ready.run = run_strand;
    push(&ready, &strand->ready);
}

void
xyi_spawn(struct xyi_job *job)
{
    push(&ready, job);
}

void
xyi_sched_wake(struct xyi_fiber *fiber)
{
    fiber->state = XYI_FIBER_READY;
    fiber->ready.run = resume;
    push(&ready, &fiber->ready);
}

bool
xyi_sched_ready(void)
{
    return ready.first || (held.first && xyi_fiber_available());
}

struct xyi_job *
xyi_sched_next_job(void)
{
    if (!left)
        return NULL;
    struct queue *queue = held.first ? &held : &ready;
    if (!queue->first || queue->first->run == resume)
        return NULL;
    stats.held -= queue == &held;
    stats.jobs++;
    left--;
    return pop(queue);
}

/* One fiber's turn. False: nothing is ready, or only jobs for which there is no fiber. */
static bool
step(void)
{
    if (ready.first && ready.first->run == resume) {
        left--;
        stats.resumed++;
        xyi_fiber_resume(XYI_LIST_OF(pop(&ready), struct xyi_fiber, ready));
        return true;
    }
    if (!ready.first && !held.first)
        return false;
    struct xyi_fiber *fiber = xyi_fiber_take();
    if (fiber) {
        xyi_fiber_resume(fiber);
        return true;
    }
    if (!ready.first)
        return false;
    push(&held, pop(&ready));
    stats.held++;
    stats.held_ever++;
    return true;
}

void
xyi_sched_run(void)
{
    xy_assert(!xyi_on_fiber());
    left = XYI_JOBS_PER_TURN;
    while (left && step())
        ;
    left = 0;
    xyi_epoch_sweep();
}

struct xyi_fiber_stats
xyi_fibers_stats(void)
{
    stats.live = xyi_fibers_live();
    stats.idle = xyi_fibers_idle();
    return stats;
}
