/* SPDX-License-Identifier: MIT */
/*
 * SQLite (3.37 or later): one file, write-ahead log, one writer.
 * A commit is one fdatasync of the log with `synchronous = full`; checkpoints are automatic,
 * since a thread for them gains nothing. Write transactions begin `immediate`, so that a lock
 * held by another process shows there and nowhere else.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>
#include "core/store/driver.h"

enum {
    BUSY_MS = 100, /* between looks at the requests' time limits */
    STEPS_PER_LOOK = 20000,
};

struct xyi_connection {
    sqlite3 *db;
    struct xy_map *statements; /* by SQL text */
    struct xyi_link_node prepared;
    struct xyi_memo memo;
    int64_t deadline_us; /* of the statement that runs; INT64_MAX: none */
    bool spoiled;
};
struct prepared {
    struct xyi_link_node node;
    sqlite3_stmt *handle;
};

static xy_status
status_of(struct xyi_connection *connection, int result)
{
    /* it does not know the cause of a failed commit, so errno is set to 0 before one */
    int cause =
        sqlite3_system_errno(connection->db) ? sqlite3_system_errno(connection->db) : errno;
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return XY_OK;
    case SQLITE_CONSTRAINT:
        return XY_CONFLICT;
    case SQLITE_FULL:
        return XY_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
        return XY_TIMEOUT;
    case SQLITE_IOERR:
        connection->spoiled = true;
        return cause == ENOSPC || cause == EDQUOT || cause == EFBIG ? XY_FULL : XY_BROKEN;
    default:
        return XY_BROKEN;
    }
}

static xy_status
failed(struct xyi_connection *connection, int result, const char *sql, struct xyi_fault *fault)
{
    xy_status status = status_of(connection, result);
    xyi_fault_say(fault, sql, sqlite3_errmsg(connection->db));
    return status;
}

/* ---- statements -------------------------------------------------------------------------- */

static xy_status
prepare_new(struct xyi_connection *connection, const char *sql, struct prepared **prepared,
            struct xyi_fault *fault)
{
    sqlite3_stmt *handle;
    const char *rest;
    int result =
        sqlite3_prepare_v3(connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, &rest);
    if (result != SQLITE_OK)
        return failed(connection, result, sql, fault);
    if (!handle || rest[strspn(rest, " \t\n;")]) {
        sqlite3_finalize(handle);
        xyi_fault_say(fault, sql, "not one statement");
        return XY_BROKEN;
    }
    *prepared = xyi_alloc(sizeof(**prepared));
    (*prepared)->handle = handle;
    xyi_list_append(&connection->prepared, &(*prepared)->node);
    xy_map_put(connection->statements, xy_str_from(sql), *prepared);
    return XY_OK;
}

static xy_status
get(struct xyi_connection *connection, const struct xy_statement *statement,
    sqlite3_stmt **handle, struct xyi_fault *fault)
{
    void **remembered = xyi_memo_slot(&connection->memo, statement);
    struct prepared *prepared = *remembered;
    if (!prepared)
        prepared = xy_map_get(connection->statements, xy_str_from(statement->sql));
    if (!prepared) {
        xy_status status = prepare_new(connection, statement->sql, &prepared, fault);
        if (status != XY_OK)
            return status;
    }
    *remembered = prepared;
    *handle = prepared->handle;
    return XY_OK;
}

static int
bind_one(sqlite3_stmt *handle, int at, const struct xy_value *value)
{
    const char *text = value->text.at ? value->text.at : "";
    switch (value->type) {
    case XY_VALUE_INT:
        return sqlite3_bind_int64(handle, at, value->integer);
    case XY_VALUE_TEXT:
        return sqlite3_bind_text64(handle, at, text, value->text.len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case XY_VALUE_BYTES:
        return sqlite3_bind_blob64(handle, at, text, value->text.len, SQLITE_STATIC);
    case XY_VALUE_NULL:
        return sqlite3_bind_null(handle, at);
    }
    return SQLITE_MISUSE;
}

static xy_status
bind(struct xyi_connection *connection, sqlite3_stmt *handle, struct xy_values values,
     struct xyi_fault *fault)
{
    if (sqlite3_bind_parameter_count(handle) != (int)values.count) {
        xyi_fault_say(fault, sqlite3_sql(handle), "wrong number of parameters");
        return XY_BROKEN;
    }
    for (size_t i = 0; i < values.count; i++) {
        int result = bind_one(handle, (int)i + 1, &values.at[i]);
        if (result != SQLITE_OK)
            return failed(connection, result, sqlite3_sql(handle), fault);
    }
    return XY_OK;
}

static struct xy_value
value_of(struct xyi_arena *arena, sqlite3_stmt *handle, int column)
{
    int type = sqlite3_column_type(handle, column);
    if (type == SQLITE_NULL)
        return XY_NULL;
    if (type == SQLITE_INTEGER)
        return XY_INT(sqlite3_column_int64(handle, column));
    const char *at = type == SQLITE_BLOB ? sqlite3_column_blob(handle, column)
                                         : (const char *)sqlite3_column_text(handle, column);
    size_t len = (size_t)sqlite3_column_bytes(handle, column);
    struct xy_str text = xyi_arena_str(arena, xy_str_of(at ? at : "", len));
    return type == SQLITE_BLOB ? XY_BYTES(text) : XY_TEXT(text);
}

static int
give_up_late(void *argument)
{
    const struct xyi_connection *connection = argument;
    return connection->deadline_us != INT64_MAX &&
           xyi_clock_real_us() > connection->deadline_us;
}

static xy_status
run(struct xyi_connection *connection, const struct xy_statement *statement,
    struct xy_values values, int64_t deadline_us, struct xyi_arena *arena,
    struct xy_rows **rows, struct xyi_fault *fault)
{
    sqlite3_stmt *handle;
    connection->memo = (struct xyi_memo){0};
    xy_status status = get(connection, statement, &handle, fault);
    if (status == XY_OK)
        status = bind(connection, handle, values, fault);
    if (status != XY_OK)
        return status;
    connection->deadline_us = deadline_us;
    int result = sqlite3_step(handle); /* a schema that has changed shows now */
    int columns = sqlite3_column_count(handle);
    *rows = xyi_rows_new(arena, (size_t)columns);
    for (; result == SQLITE_ROW; result = sqlite3_step(handle)) {
        struct xyi_row *row = xyi_rows_add(*rows);
        for (int i = 0; i < columns; i++)
            row->cell[i] = value_of(arena, handle, i);
    }
    if (result != SQLITE_DONE)
        status = failed(connection, result, statement->sql, fault);
    sqlite3_reset(handle); /* or the snapshot stays and the log cannot be reused */
    sqlite3_clear_bindings(handle);
    connection->deadline_us = INT64_MAX;
    return status;
}

static xy_status
prepare(struct xyi_connection *connection, const struct xy_statement *statement,
        struct xyi_fault *fault)
{
    sqlite3_stmt *handle;
    connection->memo = (struct xyi_memo){0};
    return get(connection, statement, &handle, fault);
}

static xy_status
script(struct xyi_connection *connection, const char *sql, struct xyi_fault *fault)
{
    int result = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? XY_OK : failed(connection, result, sql, fault);
}

/* ---- transactions ------------------------------------------------------------------------ */

static xy_status
apply_statement(struct xyi_connection *connection, struct xyi_txn_statement *of,
                struct xyi_fault *fault)
{
    sqlite3_stmt *handle;
    xy_status status = get(connection, of->statement, &handle, fault);
    if (status == XY_OK)
        status = bind(connection, handle, of->values, fault);
    if (status != XY_OK)
        return status;
    int64_t before = sqlite3_total_changes64(connection->db);
    int result = sqlite3_step(handle);
    while (result == SQLITE_ROW)
        result = sqlite3_step(handle);
    if (result != SQLITE_DONE)
        status = failed(connection, result, of->statement->sql, fault);
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
    while (!xyi_list_empty(&connection->prepared)) {
        struct prepared *prepared =
            XYI_LIST_OF(connection->prepared.next, struct prepared, node);
        xyi_list_remove(&prepared->node);
        sqlite3_finalize(prepared->handle);
        xyi_free(prepared);
    }
    xy_map_free(connection->statements);
    sqlite3_close_v2(connection->db);
    xyi_free(connection);
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
             "pragma journal_mode = wal; pragma synchronous = %s; pragma foreign_keys = on;"
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
    .run = run,
    .prepare = prepare,
    .script = script,
    .apply = apply,
};
