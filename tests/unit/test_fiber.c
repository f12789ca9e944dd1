/* SPDX-License-Identifier: MIT */
/* Fibers and strands: order, interleaving at waits only, what belongs to a fiber,
 * back-pressure. */
#include "tests/unit/fiber_story.h"

TEST(jobs_run_in_order_and_share_a_fiber)
{
    begin(0);
    struct task tasks[100];
    for (int i = 0; i < 100; i++) {
        tasks[i] = task_of(only_tell, (char)('a' + i % 26), 0);
        xyi_spawn(&tasks[i].job);
    }
    uint64_t before = xyi_fibers_stats().jobs;
    turn(0);
    CHECK_EQ(xyi_fibers_stats().jobs - before, 100);
    CHECK_EQ(xyi_fibers_stats().idle, 1);
    for (size_t i = 0; i < 100; i++)
        CHECK_EQ(story[i], 'a' + (char)(i % 26));
    end();
}

TEST(a_strand_runs_one_job_at_a_time_and_others_interleave_at_waits)
{
    begin(0);
    struct xyi_strand x = {0}, y = {0};
    struct task a = task_of(tell_sleep_tell, 'a', 20), b = task_of(tell_sleep_tell, 'b', 10);
    struct task p = task_of(tell_sleep_tell, 'p', 10), q = task_of(only_tell, 'q', 0);
    xyi_strand_post(&x, &a.job);
    xyi_strand_post(&x, &b.job);
    xyi_strand_post(&y, &p.job);
    xyi_strand_post(&y, &q.job);
    CHECK_EQ(x.queued, 2);
    turn(0);
    CHECK_STR(xy_str_from(story), "ap");
    CHECK_EQ(x.queued, 1);
    turn(10);
    CHECK_STR(xy_str_from(story), "apPq");
    CHECK(!y.busy && x.busy);
    turn(10);
    CHECK_STR(xy_str_from(story), "apPqAb");
    turn(10);
    CHECK_STR(xy_str_from(story), "apPqAbB");
    CHECK(!x.busy && x.queued == 0);
    end();
}

static void
post_again(struct task *task)
{
    tell(task->name);
    if (strlen(story) < 5)
        xyi_strand_post(task->strand, &task->job);
    tell('.');
}

TEST(a_job_may_post_to_its_own_strand)
{
    begin(0);
    struct xyi_strand strand = {0};
    struct task a = task_of(post_again, 'a', 0);
    a.strand = &strand;
    xyi_strand_post(&strand, &a.job);
    turn(0);
    CHECK_STR(xy_str_from(story), "a.a.a.");
    end();
}

TEST(the_woken_take_their_place_in_the_queue)
{
    begin(0);
    struct task a = task_of(wait_for_wake, 'a', 0), b = task_of(wait_for_wake, 'b', 0);
    struct task m = task_of(only_tell, 'm', 0), n = task_of(only_tell, 'n', 0);
    xyi_spawn(&a.job);
    xyi_spawn(&b.job);
    turn(0);
    xyi_spawn(&m.job);
    xyi_wake(&b.wait, XY_OK);
    xyi_spawn(&n.job);
    xyi_wake(&a.wait, XY_OK);
    turn(0);
    CHECK_STR(xy_str_from(story), "abmBnA");
    end();
}

static void
count_forever(struct task *task)
{
    task->ms++;
    xyi_spawn(&task->job);
}

TEST(jobs_that_beget_jobs_do_not_keep_the_loop)
{
    begin(0);
    struct task a = task_of(count_forever, 'a', 0);
    xyi_spawn(&a.job);
    xyi_sched_run();
    CHECK_EQ(a.ms, XYI_JOBS_PER_TURN);
    CHECK(xyi_sched_ready());
    xyi_sched_run();
    CHECK_EQ(a.ms, 2 * XYI_JOBS_PER_TURN);
    a.run = only_tell;
    xyi_sched_run();
    end();
}

/* ---- what belongs to a fiber
 * ---------------------------------------------------------------------- */

static struct xyi_arena *arenas[5], *outer;

static void
keep_memory(struct task *task)
{
    for (int i = 0; i < task->name - 'a'; i++)
        CHECK(xyi_temp() != arenas[i]);
    CHECK(xyi_temp() != outer);
    arenas[task->name - 'a'] = xyi_temp();
    struct xy_str mine = xy_temp_printf("memory of %c", task->name);
    xyi_log_scope.stream = mine;
    xyi_fiber_set_instance((struct xy_instance *)(void *)task);
    CHECK(xyi_fiber_instance_place() != NULL);
    double sum = task->name;
    for (int i = 0; i < 5; i++) {
        sum = sum * 1.5 + i;
        CHECK_EQ(xy_sleep(10), XY_OK);
        xy_temp_alloc(100);
    }
    CHECK(xy_str_starts(mine, XY_STR("memory of ")) && mine.at[10] == task->name);
    CHECK(xyi_log_scope.stream.at == mine.at);
    CHECK(xyi_fiber_instance() == (struct xy_instance *)(void *)task);
    CHECK(sum > task->name * 7.59);
    tell(task->name);
}

static void
see_nothing(struct task *task)
{
    CHECK(xyi_log_scope.stream.at == NULL && xyi_fiber_instance() == NULL);
    CHECK(xyi_temp() == arenas[4]); /* of the fiber that went idle last */
    tell(task->name);
}

TEST(memory_scope_and_instance_are_the_fibers_and_end_with_the_job)
{
    begin(0);
    outer = xyi_arena_new(64);
    xyi_temp_set(outer);
    xyi_log_scope.host = XY_STR("loop");
    struct task tasks[5], after = task_of(see_nothing, 'x', 0);
    for (int i = 0; i < 5; i++) {
        tasks[i] = task_of(keep_memory, (char)('a' + i), 0);
        xyi_spawn(&tasks[i].job);
    }
    for (int i = 0; i < 6; i++) {
        turn(10);
        CHECK(xyi_temp() == outer && xy_str_is(xyi_log_scope.host, "loop"));
        CHECK(!xyi_on_fiber() && !xyi_fiber_self() && !xyi_fiber_instance());
    }
    xyi_spawn(&after.job);
    turn(0);
    CHECK_STR(xy_str_from(story), "abcdex");
    xyi_log_scope = (struct xyi_log_scope){0};
    xyi_temp_set(NULL);
    xyi_arena_free(outer);
    end();
}

static int
use_stack(int depth, struct task *task)
{
    volatile char frame[1024];
    memset((char *)(uintptr_t)frame, depth, sizeof(frame));
    int below = depth ? use_stack(depth - 1, task) : xy_sleep(10) == XY_OK ? 0 : -1000;
    for (size_t i = 0; i < sizeof(frame); i++)
        CHECK_EQ(frame[i], depth);
    return below + 1;
}

static void
go_deep(struct task *task)
{
    CHECK_EQ(use_stack(40, task), 41); /* more than 40 of 64 KiB */
    tell(task->name);
}

static struct xyi_arena *others; /* the innermost of the job before */

static void
open_wait_close(struct task *task)
{
    struct xyi_arena *whole = xyi_temp();
    struct xy_str kept = xy_temp_printf("%c", task->name);
    xy_temp_open();
    struct xyi_arena *first = xyi_temp();
    xy_temp_open();
    struct xyi_arena *second = xyi_temp();
    struct xy_str inner = xy_temp_printf("in %c", task->name);
    CHECK(whole != first && first != second && second != others);
    others = second;
    CHECK_EQ(xy_sleep(task->ms), XY_OK);
    CHECK(xyi_temp() == second && inner.at[3] == task->name);
    xy_temp_close();
    CHECK(xyi_temp() == first);
    xy_temp_close();
    CHECK(xyi_temp() == whole && kept.at[0] == task->name);
    tell(task->name);
}

TEST(scopes_of_memory_nest_and_follow_their_fiber_across_waits)
{
    begin(0);
    struct task a = task_of(open_wait_close, 'a', 20), b = task_of(open_wait_close, 'b', 10);
    xyi_spawn(&a.job);
    xyi_spawn(&b.job);
    turn(0);
    turn(10);
    turn(10);
    CHECK_STR(xy_str_from(story), "ba");
    end();
}

TEST(deep_stacks_survive_waits)
{
    begin(0);
    struct task tasks[8];
    for (int i = 0; i < 8; i++) {
        tasks[i] = task_of(go_deep, (char)('a' + i), 0);
        xyi_spawn(&tasks[i].job);
    }
    turn(0);
    turn(10);
    CHECK_STR(xy_str_from(story), "abcdefgh");
    end();
}

static int
overflow(int depth)
{
    volatile char frame[512];
    frame[depth & 511] = (char)depth;
    return depth ? overflow(depth - 1) + frame[depth & 511] : 0;
}

static void
fall_through(struct task *task)
{
    task->ms = overflow(2000);
}

TEST(running_over_the_stack_ends_the_process)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(0);
        begin(0);
        struct task a = task_of(fall_through, 'a', 0);
        xyi_spawn(&a.job);
        turn(0);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status != 0);
}

struct object {
    struct xyi_strand strand;
    struct task last;
    bool *gone;
};

static void
release(void *argument)
{
    struct object *object = argument;
    *object->gone = true;
    xyi_free(object);
}

static void
end_object(struct task *task)
{
    struct object *object = XYI_LIST_OF(task, struct object, last);
    xyi_retire(object, release);
    CHECK_EQ(xy_sleep(10), XY_OK);
    object->last.name = 'z'; /* still there */
    tell('z');
}

TEST(a_job_may_retire_the_object_its_strand_is_in)
{
    begin(0);
    bool gone = false;
    struct object *object = xyi_alloc(sizeof(*object));
    object->gone = &gone;
    object->last = task_of(end_object, 'a', 0);
    xyi_strand_post(&object->strand, &object->last.job);
    turn(0);
    CHECK(!gone);
    turn(10);
    CHECK(gone);
    CHECK_STR(xy_str_from(story), "z");
    end();
}

static void
errand(void *argument)
{
    CHECK(xyi_on_fiber());
    CHECK_EQ(xy_sleep(30), XY_OK);
    *(int *)argument = 7;
}

static void
ten_ms(void)
{
    turn(10);
}

TEST(an_errand_turns_the_loop_until_it_is_done)
{
    begin(0);
    int result = 0;
    int64_t start = xy_monotonic_ms();
    xyi_run_on_fiber(errand, &result, ten_ms);
    CHECK_EQ(result, 7);
    CHECK_EQ(xy_monotonic_ms() - start, 30);
    end();
}

END_TESTS
