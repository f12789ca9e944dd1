/* SPDX-License-Identifier: MIT */
/* Back-pressure: beyond the limit of live fibers jobs are held, in order, and the woken go on.
 */
#include "tests/unit/fiber_story.h"

TEST(beyond_the_limit_jobs_are_held_in_order)
{
    begin(3);
    struct task tasks[8];
    for (int i = 0; i < 8; i++) {
        tasks[i] = task_of(i < 7 ? wait_for_wake : only_tell, (char)('a' + i), 0);
        xyi_spawn(&tasks[i].job);
    }
    turn(0);
    CHECK_STR(xy_str_from(story), "abc");
    CHECK_EQ(xyi_fibers_stats().live, 3);
    CHECK_EQ(xyi_fibers_stats().held, 5);
    CHECK(!xyi_sched_ready()); /* the loop may sleep: nothing can go on */
    struct task late = task_of(only_tell, 'x', 0);
    xyi_spawn(&late.job);
    turn(0);
    CHECK_STR(xy_str_from(story), "abc");
    xyi_wake(&tasks[1].wait, XY_OK);
    turn(0);
    CHECK_STR(xy_str_from(story), "abcBd");
    for (int i = 0; i < 7; i++) {
        if (i != 1)
            xyi_wake(&tasks[i].wait, XY_OK);
    }
    turn(0);
    CHECK_STR(xy_str_from(story), "abcBdAeEfFgGhxCD");
    CHECK_EQ(xyi_fibers_stats().held, 0);
    end();
}

TEST(raising_the_limit_lets_the_held_go)
{
    begin(1);
    struct task a = task_of(wait_for_wake, 'a', 0), b = task_of(wait_for_wake, 'b', 0);
    xyi_spawn(&a.job);
    xyi_spawn(&b.job);
    turn(0);
    CHECK_STR(xy_str_from(story), "a");
    xyi_fibers_set_most(2);
    CHECK(xyi_sched_ready());
    turn(0);
    CHECK_STR(xy_str_from(story), "ab");
    xyi_fibers_set_most(1); /* more are live than may begin */
    struct task c = task_of(only_tell, 'c', 0);
    xyi_spawn(&c.job);
    xyi_wake(&a.wait, XY_OK);
    turn(0);
    CHECK_STR(xy_str_from(story), "abAc");
    xyi_wake(&b.wait, XY_OK);
    turn(0);
    CHECK_STR(xy_str_from(story), "abAcB");
    end();
}

TEST(held_strands_keep_their_order)
{
    begin(1);
    struct xyi_strand strand = {0};
    struct task a = task_of(tell_sleep_tell, 'a', 5), b = task_of(tell_sleep_tell, 'b', 5);
    struct task c = task_of(only_tell, 'c', 0), z = task_of(tell_sleep_tell, 'z', 1);
    xyi_spawn(&z.job);
    xyi_strand_post(&strand, &a.job);
    xyi_strand_post(&strand, &b.job);
    turn(0);
    xyi_strand_post(&strand, &c.job);
    for (int i = 0; i < 4; i++)
        turn(5);
    CHECK_STR(xy_str_from(story), "zZaAbBc");
    end();
}

TEST(the_pool_shrinks_to_what_was_in_use_lately)
{
    begin(0);
    static struct task tasks[200];
    for (int i = 0; i < 200; i++) {
        tasks[i] = task_of(tell_sleep_tell, 'a', 10);
        xyi_spawn(&tasks[i].job);
    }
    turn(0);
    CHECK_EQ(xyi_fibers_live(), 200);
    turn(10);
    CHECK_EQ(xyi_fibers_stats().idle, 200);
    for (int second = 0; second < 15; second++) { /* fifty are still needed now and then */
        for (int i = 0; i < 50; i++)
            xyi_spawn(&tasks[i].job);
        turn(0);
        turn(10);
        turn(990);
        CHECK(xyi_fibers_stats().idle >= 50); /* not let go only to be made again */
        story[0] = '\0';
    }
    CHECK(xyi_fibers_stats().idle >= 50 && xyi_fibers_stats().idle <= 66);
    turn(10000);
    turn(10000);
    CHECK(xyi_fibers_stats().idle <= 16);
    end();
}

END_TESTS
