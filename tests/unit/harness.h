/* SPDX-License-Identifier: MIT */
/*
 * The unit test harness: TEST(name) { … CHECK(…); } … END_TESTS. Each case runs in a process of
 * its own, so a crash fails one case. `prog` runs all; `prog name` runs one in this process (gdb,
 * valgrind: XY_NO_FORK=1 runs all in this process). Prints "ok NAME" or "FAIL NAME" a line, or
 * "skip NAME" for a case that said SKIP("why").
 */
#ifndef XY_HARNESS_H
#define XY_HARNESS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct harness_case {
    const char *name;
    void (*run)(void);
    struct harness_case *next;
};
static struct harness_case *harness_first, **harness_last = &harness_first;

#define TEST(case_name)                                                                            \
    static void case_name(void);                                                                   \
    static struct harness_case harness_##case_name = {#case_name, case_name, NULL};                \
    __attribute__((constructor)) static void harness_add_##case_name(void)                         \
    {                                                                                              \
        *harness_last = &harness_##case_name;                                                      \
        harness_last = &harness_##case_name.next;                                                  \
    }                                                                                              \
    static void case_name(void)

static inline void
harness_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    fflush(NULL);
#ifdef HARNESS_ABORTS /* a fuzzer keeps the input of a crash only */
    abort();
#endif
    _exit(1);
}
#define HARNESS_SKIPPED 77
#define SKIP(why)                                                                                  \
    do {                                                                                           \
        fprintf(stderr, "skipped: %s\n", why);                                                     \
        fflush(NULL);                                                                              \
        _exit(HARNESS_SKIPPED);                                                                    \
    } while (0)
#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : harness_fail(__FILE__, __LINE__, "failed: " #condition))
#define CHECK_EQ(a, b)                                                                             \
    do {                                                                                           \
        long long a_ = (long long)(a), b_ = (long long)(b);                                        \
        if (a_ != b_) {                                                                            \
            fprintf(stderr, "%s is %lld, %s is %lld\n", #a, a_, #b, b_);                           \
            harness_fail(__FILE__, __LINE__, "not equal");                                         \
        }                                                                                          \
    } while (0)
#define CHECK_STR(a, literal)                                                                      \
    do {                                                                                           \
        struct xy_str s_ = (a);                                                                    \
        if (!xy_str_equal(s_, xy_str_from(literal))) {                                             \
            fprintf(stderr, "%s is \"%.*s\", not \"%s\"\n", #a, (int)s_.len, s_.at ? s_.at : "", literal); \
            harness_fail(__FILE__, __LINE__, "not equal");                                         \
        }                                                                                          \
    } while (0)

__attribute__((unused)) static int
harness_run(int count, char **names)
{
    int failed = 0;
    for (struct harness_case *c = harness_first; c; c = c->next) {
        if (count > 1 && strcmp(names[1], c->name) != 0)
            continue;
        if (count > 1 || getenv("XY_NO_FORK")) {
            c->run();
            printf("ok %s\n", c->name);
            continue;
        }
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            c->run();
            fflush(NULL);
            exit(0); /* not _exit: leak checks run */
        }
        int status = 0;
        waitpid(child, &status, 0);
        bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == HARNESS_SKIPPED;
        printf("%s %s\n", status == 0 ? "ok" : skipped ? "skip" : "FAIL", c->name);
        failed += status != 0 && !skipped;
    }
    return failed != 0;
}
#define END_TESTS                                                                                  \
    int main(int count, char **names)                                                              \
    {                                                                                              \
        return harness_run(count, names);                                                          \
    }

#endif
