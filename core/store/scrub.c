/* SPDX-License-Identifier: MIT */
/*
 * Emptying what still has the bytes of deleted rows. SQLite overwrites them in the database
 * file (secure_delete), and its log keeps the old pages until it is cut off. PostgreSQL's dead
 * rows and its log are the operator's: docs/retraction.md.
 */
#include <xylem/removal.h>
#include "core/store/parts.h"
#include "core/store/thread.h"

static const struct xy_statement cut_log = {.sql = "pragma wal_checkpoint(truncate)"};

struct scrub {
    struct xyi_arena *arena;
    bool busy;
};

static xy_status
cut(struct xyi_store_thread *thread, void *argument, struct xyi_fault *fault)
{
    struct scrub *scrub = argument;
    struct xy_rows *rows;
    xy_status status = thread->driver->run(thread->connection, &cut_log, XY_VALUES(), INT64_MAX,
                                           scrub->arena, &rows, fault);
    if (status == XY_OK)
        scrub->busy = !xy_rows_next(rows) || xy_rows_int(rows, 0) != 0;
    return status;
}

xy_status
xy_store_scrub(void)
{
    struct xyi_fault fault;
    struct scrub scrub = {.arena = NULL};
    if (strcmp(xyi_store_driver(), "sqlite") != 0)
        return XY_OK;
    scrub.arena = xyi_arena_new(1024);
    xy_status status = xyi_store_call(true, xyi_store_timeout_ms(), cut, &scrub, &fault);
    xyi_arena_free(scrub.arena);
    return status == XY_OK && scrub.busy ? XY_TIMEOUT : status;
}
