/* SPDX-License-Identifier: MIT */
/*
 * Scopes of temporary memory: a fiber that does the same thing many times gives back what each
 * time took. A scope belongs to its fiber and travels with it across waits; a job that ends
 * with one open has forgotten it, which ends the process.
 */
#include "core/fiber/fiber.h"

struct xyi_temp_scope { /* lives in its own arena */
    struct xyi_temp_scope *outer;
    struct xyi_arena *arena;
};

struct xyi_arena *
xyi_fiber_arena(const struct xyi_fiber *fiber)
{
    return fiber->scopes ? fiber->scopes->arena : fiber->arena;
}

void
xy_temp_open(void)
{
    struct xyi_fiber *fiber = xyi_fiber_current();
    xy_assert(fiber);
    struct xyi_arena *arena = xyi_arena_new(4096);
    struct xyi_temp_scope *scope = xyi_arena_alloc(arena, sizeof(*scope));
    *scope = (struct xyi_temp_scope){fiber->scopes, arena};
    fiber->scopes = scope;
    xyi_temp_set(arena);
}

void
xy_temp_close(void)
{
    struct xyi_fiber *fiber = xyi_fiber_current();
    xy_assert(fiber && fiber->scopes);
    struct xyi_arena *arena = fiber->scopes->arena;
    fiber->scopes = fiber->scopes->outer;
    xyi_temp_set(xyi_fiber_arena(fiber));
    xyi_arena_free(arena);
}
