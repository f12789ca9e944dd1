/* SPDX-License-Identifier: MIT */
/*
 * Counting what waits, for the invariant that can be watched on a live server: rows counted
 * then + rows added since - rows removed since = rows counted now. It holds exactly because the
 * writer counts between two commits, and its answers arrive in that order.
 */
#include "core/store/parts.h"
#include "core/store/thread.h"

struct census {
    struct xyi_request request;
    struct xyi_arena *arena;
    struct xy_rows *rows;
    void (*done)(void *argument, xy_status status, int64_t waiting);
    void *argument;
};

static xy_status
run(struct xyi_request *request, struct xyi_store_thread *thread, struct xyi_fault *fault)
{
    static const struct xy_statement count = XY_SQL("select count(*) from pending");
    struct census *census = (struct census *)(void *)request;
    return thread->driver->run(thread->connection, &count, XY_VALUES(), request->deadline_us,
                               census->arena, &census->rows, fault);
}

static void
answered(struct xyi_mail *mail)
{
    struct census *census = (struct census *)(void *)mail;
    int64_t waiting = 0;
    if (census->request.status == XY_OK && xy_rows_next(census->rows))
        waiting = xy_rows_int(census->rows, 0);
    census->done(census->argument, census->request.status, waiting);
    xyi_arena_free(census->arena);
}

void
xyi_pending_census(void (*done)(void *argument, xy_status status, int64_t waiting),
                   void *argument)
{
    struct xyi_arena *arena = xyi_arena_new(1024);
    struct census *census = xyi_arena_alloc(arena, sizeof(*census));
    census->arena = arena;
    census->done = done;
    census->argument = argument;
    census->request.run = run;
    census->request.mail.open = answered;
    xyi_store_submit(&census->request, true);
}
