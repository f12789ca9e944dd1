/* SPDX-License-Identifier: MIT */
/* scripts/gdb/xylem.py knows how fibers are laid out; here gdb looks at this very program. */
#include "tests/unit/harness.h"

#include "core/fiber/fiber_internal.h"

/* gdb stops here. */
static void __attribute__((noinline)) look_now(void)
{
    __asm__ volatile("" ::: "memory");
}

static xy_status __attribute__((noinline)) ask_the_store(int64_t ms)
{
    xy_status status = xy_sleep(ms);
    CHECK(status == XY_OK || status == XY_CANCELLED);
    return status;
}

static void __attribute__((noinline)) handle_stanza(struct xyi_job *job)
{
    (void)job;
    xyi_log_scope.stream = XY_STR("c2s-17");
    if (ask_the_store(50000) == XY_OK)
        look_now();
    look_now();
}

TEST(parked)
{
    xyi_clock_freeze(1000000);
    xyi_fibers_init((struct xyi_fiber_limits){0});
    struct xyi_job first = {.run = handle_stanza}, second = {.run = handle_stanza};
    xyi_spawn(&first);
    xyi_spawn(&second);
    xyi_sched_run();
    look_now();
    xyi_cancel_all();
    xyi_sched_run();
    xyi_fibers_end();
}

#ifndef XYI_SANITIZED

#define GDB                                                                         \
    "gdb -q -batch -nx -iex 'set debuginfod enabled off' -x scripts/gdb/xylem.py"   \
    " -ex 'break look_now' -ex run -ex 'xylem fibers' -ex 'xylem fiber 2' -ex kill" \
    " --args '%s' parked 2>&1"

static const char *
ask_gdb(void)
{
    static char answer[1 << 16];
    char self[512] = "", command[1024];
    CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    snprintf(command, sizeof(command), GDB, self);
    FILE *gdb = popen(command, "r");
    CHECK(gdb != NULL);
    size_t len = fread(answer, 1, sizeof(answer) - 1, gdb);
    answer[len] = '\0';
    pclose(gdb);
    return answer;
}

/* gdb is missing, may not trace, or this runs under valgrind. */
static bool
cannot_look(void)
{
    if (getenv("XY_NO_FORK") || access("scripts/gdb/xylem.py", R_OK) != 0)
        return true;
    return system("gdb -q -batch -nx -ex run --args true 2>&1 | grep -q 'exited normally'") !=
           0;
}

TEST(gdb_shows_the_call_chains_of_parked_fibers)
{
    if (cannot_look()) {
        printf("skip gdb_shows_the_call_chains_of_parked_fibers: no gdb that may trace\n");
        return;
    }
    const char *answer = ask_gdb();
    const char *expected[] = {"fiber 1 at ",    "parked, until ", "stream c2s-17",
                              "ask_the_store",  "handle_stanza",  "fiber 2 at ",
                              "2 fibers in use"};
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        if (!strstr(answer, expected[i]))
            fprintf(stderr, "%s\n", answer);
        CHECK(strstr(answer, expected[i]) != NULL);
    }
#ifndef XYI_UCONTEXT
    const char *backtrace = strstr(answer, "2 fibers in use"); /* then gdb's own unwinder */
    CHECK(strstr(backtrace, "ask_the_store (ms=50000)") && strstr(backtrace, "handle_stanza"));
#endif
}

#endif

END_TESTS
