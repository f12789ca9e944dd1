/* SPDX-License-Identifier: MIT */
/* Where waiting is a programming error: it ends the process and says which section forbade it.
 */
#include "tests/unit/death.h"

#include "core/fiber/fiber_internal.h"

static void
on_fiber(void (*fn)(void *argument))
{
    xyi_inbox_init(&xyi_logic_inbox);
    xyi_run_on_fiber(fn, NULL, NULL);
}

static void
enter_and_wait(void *argument)
{
    (void)argument;
    xyi_forbid_wait("firing session_available");
    xyi_forbid_wait("a section within");
    xyi_allow_wait();
    (void)!xy_sleep(1);
}

static void
wait_in_section(void)
{
    on_fiber(enter_and_wait);
}

TEST(a_wait_in_a_forbidden_section_names_it)
{
    const char *words = last_words(wait_in_section);
    CHECK(words && strstr(words, "wait.forbidden"));
    CHECK(strstr(words, "firing session_available"));
}

static void
leave_and_wait(void *argument)
{
    (void)argument;
    xyi_forbid_wait("firing session_available");
    xyi_allow_wait();
    CHECK_EQ(xy_sleep(1), XY_OK);
}

static void
wait_after_section(void)
{
    on_fiber(leave_and_wait);
}

TEST(after_the_section_it_is_fine)
{
    CHECK(last_words(wait_after_section) == NULL);
}

static void
enter_and_ask(void *argument)
{
    (void)argument;
    struct xyi_wait done = {.done = true};
    xyi_forbid_wait("firing session_available");
    (void)!xyi_wait(&done, 1, 0);
}

static void
wait_on_what_is_done(void)
{
    on_fiber(enter_and_ask);
}

TEST(it_is_refused_also_when_it_would_not_have_suspended)
{
    CHECK(last_words(wait_on_what_is_done) != NULL);
}

static void
sleep_outside(void)
{
    (void)!xy_sleep(1);
}

TEST(only_a_fiber_can_wait)
{
    CHECK(last_words(sleep_outside) != NULL);
}

static void
wake_twice(void)
{
    struct xyi_wait wait = {0};
    xyi_wake(&wait, XY_OK);
    xyi_wake(&wait, XY_OK);
}

TEST(a_wait_has_one_waker)
{
    CHECK(last_words(wake_twice) != NULL);
}

static void
allow_too_much(void)
{
    xyi_allow_wait();
}

TEST(sections_are_balanced)
{
    CHECK(last_words(allow_too_much) != NULL);
}

END_TESTS
