/* SPDX-License-Identifier: MIT */
/*
 * The heap of the core. Invariant: no caller ever sees NULL; a server that cannot allocate has
 * no way to keep its promises, so it ends with the size and the module that asked.
 */
#include "core/base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void exhausted(size_t size) __attribute__((noreturn, cold));

static void
exhausted(size_t size)
{
    char line[160];
    struct xy_str module = xyi_log_scope.module;
    int len = snprintf(line, sizeof(line), "xylem: out of memory: %zu bytes for %.*s\n", size,
                       module.len ? (int)(module.len > 64 ? 64 : module.len) : 8,
                       module.len ? module.at : "the core");
    if (write(STDERR_FILENO, line, (size_t)len) < 0)
        abort();
    abort();
}

void *
xyi_alloc(size_t size)
{
    void *block = calloc(1, size ? size : 1);
    if (!block)
        exhausted(size);
    return block;
}

void *
xyi_resize(void *block, size_t size)
{
    void *resized = realloc(block, size ? size : 1);
    if (!resized)
        exhausted(size);
    return resized;
}

void
xyi_free(const void *block)
{
    free((void *)(uintptr_t)block);
}

struct xy_str
xyi_str_copy(struct xy_str s)
{
    if (!s.at)
        return XY_NO_STR;
    char *copy = malloc(s.len + 1);
    if (!copy)
        exhausted(s.len + 1);
    memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return xy_str_of(copy, s.len);
}

void
xy_assert_failed(const char *file, int line, const char *condition)
{
    xy_error("assert.failed", "a programming error, the process ends",
             XY_F_CSTR_AS("file", file), XY_F_INT(line), XY_F_CSTR_AS("condition", condition));
    abort();
}
