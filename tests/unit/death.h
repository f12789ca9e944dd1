/* SPDX-License-Identifier: MIT */
/* For what must end the process: runs it in one of its own. */
#ifndef XY_DEATH_H
#define XY_DEATH_H

#include "tests/unit/harness.h"

#include <signal.h>

/* What fn says on standard error before it aborts; NULL: it did not. */
static inline const char *
last_words(void (*fn)(void))
{
    static char words[4096];
    int ends[2];
    CHECK(pipe(ends) == 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        fn();
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t got; (got = read(ends[0], words + len, sizeof(words) - 1 - len)) > 0;)
        len += (size_t)got;
    words[len] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? words : NULL;
}

#endif
