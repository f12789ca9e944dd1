/* SPDX-License-Identifier: MIT */
/* Waits: woken, timed out, cancelled, each exactly once. */
#include "tests/unit/harness.h"

#include "core/fiber/fiber_internal.h"

static void
begin(void)
{
    xyi_clock_freeze(1000000);
    xyi_fibers_init((struct xyi_fiber_limits){0});
}

static void
turn(int64_t ms)
{
    xyi_clock_advance(ms);
    xyi_timers_run();
    xyi_sched_run();
}

static void
end(void)
{
    CHECK_EQ(xyi_fibers_live(), 0);
    CHECK_EQ(xyi_timers_next_ms(), XY_NONE);
    xyi_fibers_end();
}

/* A job that waits, once or several times, and keeps the answers. */
struct waiter {
    struct xyi_job job;
    struct xyi_wait wait[4];
    int64_t timeout_ms;
    unsigned flags, waits;
    struct xy_instance *instance[4]; /* it is in during each wait */
    unsigned answered;
    xy_status answer[4];
    void *self;
};

static void
wait_all(struct xyi_job *job)
{
    struct waiter *it = XYI_LIST_OF(job, struct waiter, job);
    it->self = xyi_fiber_self();
    for (unsigned i = 0; i < it->waits; i++) {
        xyi_fiber_set_instance(it->instance[i]);
        it->answer[i] = xyi_wait(&it->wait[i], it->timeout_ms, it->flags);
        it->answered = i + 1;
    }
}

static struct waiter
waiter_of(unsigned waits, int64_t timeout_ms, unsigned flags)
{
    return (struct waiter){
        .job.run = wait_all, .waits = waits, .timeout_ms = timeout_ms, .flags = flags};
}

static void
start(struct waiter *waiter)
{
    xyi_spawn(&waiter->job);
    turn(0);
}

TEST(the_waker_may_come_first)
{
    begin();
    struct waiter a = waiter_of(1, XY_NONE, 0);
    xyi_wake(&a.wait[0], XY_CONFLICT);
    start(&a);
    CHECK_EQ(a.answered, 1);
    CHECK_EQ(a.answer[0], XY_CONFLICT);
    end();
}

TEST(a_wait_ends_when_woken)
{
    begin();
    struct waiter a = waiter_of(2, 50, 0);
    start(&a);
    CHECK_EQ(a.answered, 0);
    xyi_wake(&a.wait[0], XY_GONE);
    CHECK_EQ(a.answered, 0); /* not before its turn */
    turn(0);
    CHECK_EQ(a.answered, 1);
    CHECK_EQ(a.answer[0], XY_GONE);
    turn(49);
    CHECK_EQ(a.answered, 1); /* the first wait's limit is no longer in force */
    turn(1);
    CHECK_EQ(a.answered, 2);
    CHECK_EQ(a.answer[1], XY_TIMEOUT);
    end();
}

TEST(a_limit_does_not_outlive_its_wait)
{
    begin();
    struct waiter a = waiter_of(2, 50, 0);
    start(&a);
    a.timeout_ms = XY_NONE; /* of the second */
    xyi_wake(&a.wait[0], XY_OK);
    turn(0);
    turn(100);
    CHECK_EQ(a.answered, 1);
    xyi_wake(&a.wait[1], XY_OK);
    turn(0);
    CHECK_EQ(a.answered, 2);
    end();
}

TEST(a_limit_of_nothing_waits_a_turn)
{
    begin();
    struct waiter a = waiter_of(1, 0, 0);
    start(&a);
    CHECK_EQ(a.answered, 0);
    CHECK_EQ(xyi_timers_next_ms(), 0);
    turn(0);
    CHECK_EQ(a.answer[0], XY_TIMEOUT);
    end();
}

TEST(the_waker_wins_within_the_turn)
{
    begin();
    struct waiter a = waiter_of(1, 10, 0), b = waiter_of(1, XY_NONE, 0);
    start(&a);
    start(&b);
    xyi_clock_advance(10);
    xyi_timers_run();
    xyi_wake(&a.wait[0], XY_OK);
    xyi_cancel_fiber(b.self);
    xyi_wake(&b.wait[0], XY_OK);
    xyi_sched_run();
    CHECK(a.answered == 1 && b.answered == 1);
    CHECK_EQ(a.answer[0], XY_OK);
    CHECK_EQ(b.answer[0], XY_OK);
    end();
}

TEST(a_wake_after_the_wait_is_kept_in_the_wait)
{
    begin();
    struct waiter a =
        waiter_of(1, 10, 0); /* its waits outlive the job: they are not in its frame */
    start(&a);
    turn(10);
    CHECK_EQ(a.answer[0], XY_TIMEOUT);
    xyi_wake(&a.wait[0], XY_OK);
    CHECK(a.wait[0].done && !a.wait[0].fiber);
    CHECK(!xyi_sched_ready());
    end();
}

TEST(cancelling_a_fiber_lasts_until_its_job_ends)
{
    begin();
    struct waiter a = waiter_of(3, XY_NONE, 0), b = waiter_of(1, 10, 0);
    start(&a);
    xyi_cancel_fiber(a.self);
    xyi_cancel_fiber(a.self);
    turn(0);
    CHECK_EQ(a.answered, 3);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(a.answer[i], XY_CANCELLED);
    start(&b); /* on the same fiber */
    CHECK(b.self == a.self);
    CHECK_EQ(b.answered, 0);
    turn(10);
    CHECK_EQ(b.answer[0], XY_TIMEOUT);
    end();
}

TEST(what_cannot_be_cancelled_is_spared)
{
    begin();
    struct waiter a = waiter_of(2, 20, XYI_UNCANCELLABLE);
    start(&a);
    xyi_cancel_fiber(a.self);
    xyi_cancel_all();
    turn(0);
    CHECK_EQ(a.answered, 0);
    xyi_wake(&a.wait[0], XY_OK);
    turn(0);
    CHECK_EQ(a.answered, 1);
    turn(20);
    CHECK_EQ(a.answer[1], XY_TIMEOUT);
    end();
}

static struct waiter *bystander;

static void
cancel_others(void *argument)
{
    xy_status *status = argument;
    xyi_cancel_all();
    *status = xy_sleep(10);
    CHECK_EQ(bystander->answered, 2);
}

static void
ten_ms(void)
{
    turn(10);
}

TEST(cancelling_all_spares_the_caller_and_those_who_come_later)
{
    begin();
    struct waiter a = waiter_of(2, XY_NONE, 0), later = waiter_of(1, 10, 0);
    start(&a);
    bystander = &a;
    xy_status status = XY_UNKNOWN;
    xyi_run_on_fiber(cancel_others, &status, ten_ms);
    CHECK_EQ(status, XY_OK);
    CHECK(a.answer[0] == XY_CANCELLED && a.answer[1] == XY_CANCELLED);
    start(&later);
    CHECK_EQ(later.answered, 0);
    turn(10);
    CHECK_EQ(later.answer[0], XY_TIMEOUT);
    end();
}

static char one, two;
#define ONE ((struct xy_instance *)(void *)&one)
#define TWO ((struct xy_instance *)(void *)&two)

TEST(cancelling_an_instance_ends_waits_in_its_code_only)
{
    begin();
    struct waiter a = waiter_of(4, 10, 0), b = waiter_of(1, 10, 0);
    a.instance[0] = a.instance[1] = a.instance[3] = ONE; /* in between it waits in two */
    a.instance[2] = TWO;
    b.instance[0] = TWO;
    start(&a);
    start(&b);
    xyi_cancel_instance(ONE);
    turn(0);
    CHECK_EQ(b.answered, 0);
    CHECK_EQ(a.answered, 2); /* at once, from now on */
    CHECK(a.answer[0] == XY_CANCELLED && a.answer[1] == XY_CANCELLED);
    turn(10);
    CHECK_EQ(a.answered, 4);
    CHECK_EQ(a.answer[2], XY_TIMEOUT);
    CHECK_EQ(a.answer[3], XY_CANCELLED); /* back in it */
    CHECK_EQ(b.answer[0], XY_TIMEOUT);
    end();
}

TEST(an_instance_that_is_elsewhere_is_asked_again)
{
    begin();
    struct waiter a = waiter_of(2, 10, 0);
    a.instance[0] = TWO; /* called from one */
    a.instance[1] = ONE;
    start(&a);
    xyi_cancel_instance(ONE);
    turn(0);
    CHECK_EQ(a.answered, 0);
    turn(10);
    CHECK_EQ(a.answer[0], XY_TIMEOUT);
    CHECK_EQ(a.answered, 1);
    xyi_cancel_instance(ONE);
    turn(0);
    CHECK_EQ(a.answer[1], XY_CANCELLED);
    end();
}

TEST(a_forgotten_instance_leaves_no_mark)
{
    begin();
    struct waiter a = waiter_of(2, 10, XYI_UNCANCELLABLE);
    a.instance[0] = ONE;
    a.instance[1] = ONE; /* another one at the same address */
    start(&a);
    xyi_cancel_instance(ONE);
    a.flags = 0;
    xyi_forget_instance(ONE);
    turn(10);
    CHECK_EQ(a.answered, 1);
    turn(10);
    CHECK_EQ(a.answer[1], XY_TIMEOUT);
    end();
}

static void
sleep_long(void *argument)
{
    *(xy_status *)argument = xy_sleep(3600000);
}

static void
cancel_and_turn(void)
{
    xyi_cancel_all();
    turn(0);
}

TEST(sleep_answers_cancelled)
{
    begin();
    xy_status status = XY_OK;
    xyi_run_on_fiber(sleep_long, &status, cancel_and_turn);
    CHECK_EQ(status, XY_CANCELLED);
    end();
}

END_TESTS
