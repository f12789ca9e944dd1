/* SPDX-License-Identifier: MIT */
/*
 * SQLite (3.37 or later): one file, write-ahead log, one writer. A commit is one fdatasync of
 * the log with `synchronous = full`. Checkpoints are automatic, since a thread for them gains
 * nothing; a log of 16 MB lets them write a page once that many commits have touched. Write
 * transactions begin `immediate`, so that a lock held by another process shows there and
 * nowhere else. What is deleted is overwritten; the log is emptied by who needs that (scrub.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "core/store/drivers/sqlite.h"

enum {
    BUSY_MS = 100, /* between looks at the requests' time limits */
    STEPS_PER_LOOK = 20000,
};

static xy_status
script(struct xyi_connection *connection, const char *sql, struct xyi_fault *fault)
{
    int result = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? XY_OK : sq_failed(connection, result, sql, fault);
}

/* ---- transactions ------------------------------------------------------------------------ */

static xy_status
apply_statement(struct xyi_connection *connection, struct xyi_txn_statement *of,
                struct xyi_fault *fault)
{
    sqlite3_stmt *handle;
    xy_status status = sq_bound(connection, of->statement, of->values, &handle, fault);
    if (status != XY_OK)
        return status;
    int64_t before = sqlite3_total_changes64(connection->db);
    int result = sqlite3_step(handle);
    while (result == SQLITE_ROW)
        result = sqlite3_step(handle);
    if (result != SQLITE_DONE)
        status = sq_failed(connection, result, of->statement->sql, fault);
    sqlite3_reset(handle);
    of->changed = sqlite3_total_changes64(connection->db) == before
                      ? 0
                      : sqlite3_changes64(connection->db);
    if (status == XY_OK && of->expect != XYI_ANY_ROWS && of->changed != of->expect)
        return XY_CONFLICT;
    return status;
}

static xy_status
apply_all(struct xyi_connection *connection, struct xy_txn *const *txns, size_t count,
          struct xyi_fault *fault)
{
    for (size_t i = 0; i < count; i++)
        for (struct xyi_txn_statement *s = txns[i]->first; s; s = s->next) {
            xy_status status = apply_statement(connection, s, fault);
            /* Only what the transaction itself did wrong is its fault. */
            if (status == XY_CONFLICT || (status == XY_BROKEN && !connection->spoiled))
                fault->at = i;
            if (status != XY_OK)
                return status;
        }
    return XY_OK;
}

static xy_status
commit(struct xyi_connection *connection, struct xyi_fault *fault)
{
    errno = 0;
    xy_status status = script(connection, "commit", fault);
    /* The log may hold the whole transaction although it could not be flushed. */
    bool flushing = sqlite3_extended_errcode(connection->db) == SQLITE_IOERR_FSYNC;
    return status == XY_BROKEN && flushing ? XY_UNKNOWN : status;
}

static xy_status
apply(struct xyi_connection *connection, struct xy_txn *const *txns, size_t count,
      struct xyi_fault *fault)
{
    connection->memo = (struct xyi_memo){0};
    errno = 0;
    xy_status status = script(connection, "begin immediate", fault);
    if (status != XY_OK)
        return status;
    status = apply_all(connection, txns, count, fault);
    if (status == XY_OK)
        status = commit(connection, fault);
    struct xyi_fault second;
    if (!sqlite3_get_autocommit(connection->db) &&
        script(connection, "rollback", &second) != XY_OK)
        connection->spoiled = true;
    return status;
}

/* ---- connections ------------------------------------------------------------------------- */

static void
close_connection(struct xyi_connection *connection)
{
    if (!connection)
        return;
    sq_forget_statements(connection);
    sqlite3_close_v2(connection->db);
    xyi_free(connection);
}

static int
give_up_late(void *argument)
{
    const struct xyi_connection *connection = argument;
    return connection->deadline_us != INT64_MAX &&
           xyi_clock_real_us() > connection->deadline_us;
}

/* Keys and messages are nobody else's: the log and the shared index take the file's mode. */
static void
create_private(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0)
        close(file);
}

static xy_status
set_up(struct xyi_connection *connection, const struct xyi_driver_options *options,
       struct xyi_fault *fault)
{
    char sql[400];
    sqlite3_busy_timeout(connection->db, BUSY_MS);
    sqlite3_progress_handler(connection->db, STEPS_PER_LOOK, give_up_late, connection);
    snprintf(sql, sizeof(sql),
             "pragma journal_mode = wal; pragma secure_delete = on; pragma synchronous = %s;"
             " pragma foreign_keys = on;"
             " pragma wal_autocheckpoint = 4000; pragma temp_store = memory; pragma cache_size "
             "= -%d; pragma query_only = %s",
             options->durable ? "full" : "normal", options->writer ? 16384 : 4096,
             options->writer ? "off" : "on");
    return script(connection, sql, fault);
}

static struct xyi_connection *
open_connection(const struct xyi_driver_options *options, struct xyi_fault *fault)
{
    struct xyi_connection *connection = xyi_alloc(sizeof(*connection));
    xyi_list_init(&connection->prepared);
    connection->statements = xyi_map_new();
    connection->deadline_us = INT64_MAX;
    if (options->writer)
        create_private(options->place);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int64_t deadline_us = xyi_clock_real_us() + options->timeout_ms * 1000;
    int result = sqlite3_open_v2(options->place, &connection->db, flags, NULL);
    xy_status status = result == SQLITE_OK ? set_up(connection, options, fault) : XY_BROKEN;
    while (status == XY_TIMEOUT && xyi_clock_real_us() < deadline_us) {
        sqlite3_sleep(10); /* changing the journal mode does not always wait by itself */
        status = set_up(connection, options, fault);
    }
    if (status == XY_OK)
        return connection;
    char text[256];
    snprintf(text, sizeof(text), "%s: %s", options->place,
             connection->db ? sqlite3_errmsg(connection->db) : "out of memory");
    xyi_fault_say(fault, NULL, text);
    close_connection(connection);
    return NULL;
}

static bool
usable(const struct xyi_connection *connection)
{
    return !connection->spoiled;
}

XY_API const struct xyi_driver xyi_driver = {
    .abi = XYI_DRIVER_ABI,
    .name = "sqlite",
    .begin_migration = "begin immediate",
    .open = open_connection,
    .close = close_connection,
    .usable = usable,
    .run = sq_run,
    .prepare = sq_prepare,
    .script = script,
    .apply = apply,
};
