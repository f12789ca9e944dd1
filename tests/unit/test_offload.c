/* SPDX-License-Identifier: MIT */
/* Helper threads: work elsewhere, completion here, and a waiter that gave up. */
#include "tests/unit/harness.h"

#include <pthread.h>
#include <semaphore.h>
#include "core/fiber/fiber_internal.h"

static pthread_t logic;
static int running; /* what xyi_instance_count() was told */

static void
count_running(struct xy_instance *instance, int by)
{
    CHECK(pthread_equal(pthread_self(), logic));
    running += instance ? by : 0;
}

static void
begin(unsigned threads)
{
    logic = pthread_self();
    running = 0;
    xyi_instance_count = count_running;
    xyi_clock_freeze(1000000);
    xyi_inbox_init(&xyi_logic_inbox);
    xyi_fibers_init((struct xyi_fiber_limits){0});
    xyi_helpers_start(threads);
}

static void
end(void)
{
    xyi_helpers_stop();
    xyi_inbox_open_all(&xyi_logic_inbox);
    xyi_fibers_end();
    xyi_inbox_close(&xyi_logic_inbox);
    CHECK_EQ(running, 0);
}

static void
square(void *argument)
{
    int *number = argument;
    CHECK(!pthread_equal(pthread_self(), logic));
    CHECK(!xyi_on_fiber());
    *number *= *number;
}

static void
ask_square(void *argument)
{
    int *number = argument;
    xyi_fiber_set_instance((struct xy_instance *)(void *)number);
    CHECK_EQ(xy_offload(square, number), XY_OK);
    CHECK_EQ(running, 0);
    CHECK(pthread_equal(pthread_self(), logic));
}

TEST(work_is_done_elsewhere_and_the_fiber_goes_on_here)
{
    begin(0);
    int number = 12;
    xyi_run_on_fiber(ask_square, &number, NULL);
    CHECK_EQ(number, 144);
    end();
}

struct errand {
    struct xyi_job job;
    int number;
    bool done;
};

static void
run_errand(struct xyi_job *job)
{
    struct errand *errand = XYI_LIST_OF(job, struct errand, job);
    CHECK_EQ(xy_offload(square, &errand->number), XY_OK);
    errand->done = true;
}

TEST(many_fibers_wait_at_once)
{
    begin(3);
    static struct errand errands[500];
    for (int i = 0; i < 500; i++) {
        errands[i] = (struct errand){.job.run = run_errand, .number = i};
        xyi_spawn(&errands[i].job);
    }
    xyi_sched_run();
    while (xyi_fibers_live())
        xyi_fibers_turn();
    for (int i = 0; i < 500; i++)
        CHECK(errands[i].done && errands[i].number == i * i);
    end();
}

static sem_t gate;
static xy_status answer;

static void
wait_at_gate(void *argument)
{
    (void)argument;
    sem_wait(&gate);
}

static void
ask_in_vain(void *argument)
{
    xyi_fiber_set_instance(argument);
    answer = xy_offload(wait_at_gate, NULL);
}

static void
half_a_minute(void)
{
    CHECK_EQ(running, 1);
    xyi_cancel_all(); /* does not reach it */
    xyi_clock_advance(15000);
    xyi_timers_run();
    xyi_sched_run();
}

TEST(a_waiter_that_gave_up_leaves_the_work_running_and_counted)
{
    begin(1);
    sem_init(&gate, 0, 0);
    int instance;
    int64_t start = xy_monotonic_ms();
    xyi_run_on_fiber(ask_in_vain, &instance, half_a_minute);
    CHECK_EQ(answer, XY_TIMEOUT);
    CHECK_EQ(xy_monotonic_ms() - start, 30000);
    CHECK_EQ(running, 1); /* its code must stay mapped */
    sem_post(&gate);
    while (running)
        xyi_fibers_turn();
    end();
}

static int order[200], ordered;

static void
note_order(void *argument)
{
    order[ordered++] = *(int *)argument;
}

static int finished;

static void
count_finished(void *argument)
{
    (void)argument;
    CHECK(pthread_equal(pthread_self(), logic));
    CHECK(!xyi_on_fiber());
    finished++;
}

TEST(stopping_runs_out_the_queue_in_order)
{
    begin(1);
    static int numbers[200];
    ordered = finished = 0;
    for (int i = 0; i < 200; i++) {
        numbers[i] = i;
        xyi_offload(note_order, i % 2 ? count_finished : NULL, &numbers[i]);
    }
    xyi_helpers_stop();
    CHECK_EQ(ordered, 200);
    for (int i = 0; i < 200; i++)
        CHECK_EQ(order[i], i);
    CHECK_EQ(finished, 0); /* that is for the logic thread to say */
    CHECK_EQ(xyi_inbox_open_all(&xyi_logic_inbox), 100);
    CHECK_EQ(finished, 100);
    ordered = 0;
    xyi_helpers_start(1); /* and it can begin again */
    xyi_offload(note_order, count_finished, &numbers[0]);
    while (finished < 101)
        xyi_fibers_turn();
    CHECK_EQ(ordered, 1);
    end();
}

END_TESTS
