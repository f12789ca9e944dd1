/* SPDX-License-Identifier: MIT */
/*
 * SQLite's statements, values and errors.
 */
#include <errno.h>
#include "core/store/drivers/sqlite.h"

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

xy_status
sq_failed(struct xyi_connection *connection, int result, const char *sql,
          struct xyi_fault *fault)
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
        return sq_failed(connection, result, sql, fault);
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
            return sq_failed(connection, result, sqlite3_sql(handle), fault);
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

xy_status
sq_bound(struct xyi_connection *connection, const struct xy_statement *statement,
         struct xy_values values, sqlite3_stmt **handle, struct xyi_fault *fault)
{
    xy_status status = get(connection, statement, handle, fault);
    return status == XY_OK ? bind(connection, *handle, values, fault) : status;
}

xy_status
sq_run(struct xyi_connection *connection, const struct xy_statement *statement,
       struct xy_values values, int64_t deadline_us, struct xyi_arena *arena,
       struct xy_rows **rows, struct xyi_fault *fault)
{
    sqlite3_stmt *handle;
    connection->memo = (struct xyi_memo){0};
    errno = 0;
    xy_status status = sq_bound(connection, statement, values, &handle, fault);
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
        status = sq_failed(connection, result, statement->sql, fault);
    sqlite3_reset(handle); /* or the snapshot stays and the log cannot be reused */
    sqlite3_clear_bindings(handle);
    connection->deadline_us = INT64_MAX;
    return status;
}

xy_status
sq_prepare(struct xyi_connection *connection, const struct xy_statement *statement,
           struct xyi_fault *fault)
{
    sqlite3_stmt *handle;
    connection->memo = (struct xyi_memo){0};
    return get(connection, statement, &handle, fault);
}

void
sq_forget_statements(struct xyi_connection *connection)
{
    while (!xyi_list_empty(&connection->prepared)) {
        struct prepared *prepared =
            XYI_LIST_OF(connection->prepared.next, struct prepared, node);
        xyi_list_remove(&prepared->node);
        sqlite3_finalize(prepared->handle);
        xyi_free(prepared);
    }
    xy_map_free(connection->statements);
}
