/* SPDX-License-Identifier: MIT */
/* Jobs that tell what happens to them: a letter when they begin, its capital after they waited.
 */
#ifndef XY_FIBER_STORY_H
#define XY_FIBER_STORY_H

#include "tests/unit/harness.h"

#include "core/fiber/fiber_internal.h"

static char story[4096]; /* what happened, in order */

static inline void
tell(char what)
{
    size_t len = strlen(story);
    CHECK(len + 1 < sizeof(story));
    story[len] = what;
    story[len + 1] = '\0';
}

static inline void
begin(unsigned most)
{
    xyi_clock_freeze(1000000);
    xyi_fibers_init((struct xyi_fiber_limits){.most = most});
    story[0] = '\0';
}

/* One turn of the loop, `ms` later. */
static inline void
turn(int64_t ms)
{
    xyi_clock_advance(ms);
    xyi_timers_run();
    xyi_sched_run();
}

static inline void
end(void)
{
    CHECK_EQ(xyi_fibers_live(), 0);
    CHECK(!xyi_sched_ready());
    xyi_fibers_end();
}

struct task {
    struct xyi_job job;
    void (*run)(struct task *task);
    char name;
    int64_t ms;
    struct xyi_wait wait;
    struct xyi_strand *strand;
};

static inline void
run_task(struct xyi_job *job)
{
    struct task *task = XYI_LIST_OF(job, struct task, job);
    task->run(task);
}

static inline struct task
task_of(void (*run)(struct task *task), char name, int64_t ms)
{
    return (struct task){.job.run = run_task, .run = run, .name = name, .ms = ms};
}

static inline void
only_tell(struct task *task)
{
    tell(task->name);
}

static inline void
tell_sleep_tell(struct task *task)
{
    tell(task->name);
    CHECK_EQ(xy_sleep(task->ms), XY_OK);
    tell((char)(task->name - 'a' + 'A'));
}

static inline void
wait_for_wake(struct task *task)
{
    tell(task->name);
    CHECK_EQ(xyi_wait(&task->wait, XY_NONE, 0), XY_OK);
    tell((char)(task->name - 'a' + 'A'));
}

#endif
