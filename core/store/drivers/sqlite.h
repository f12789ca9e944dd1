/* SPDX-License-Identifier: MIT */
/*
 * The SQLite driver's own seam: connections and transactions (sqlite.c) over statements, values
 * and errors (sqlite_statement.c).
 */
#ifndef XYI_SQLITE_H
#define XYI_SQLITE_H

#include <sqlite3.h>

#include "core/store/driver.h"

struct xyi_connection {
    sqlite3 *db;
    struct xy_map *statements; /* by SQL text */
    struct xyi_link_node prepared;
    struct xyi_memo memo;
    int64_t deadline_us; /* of the statement that runs; INT64_MAX: none */
    bool spoiled;
};

xy_status sq_failed(struct xyi_connection *connection, int result, const char *sql,
                    struct xyi_fault *fault);
/* The prepared form with its parameters bound; they must outlive the run. */
xy_status sq_bound(struct xyi_connection *connection, const struct xy_statement *statement,
                   struct xy_values values, sqlite3_stmt **handle, struct xyi_fault *fault);
xy_status sq_run(struct xyi_connection *connection, const struct xy_statement *statement,
                 struct xy_values values, int64_t deadline_us, struct xyi_arena *arena,
                 struct xy_rows **rows, struct xyi_fault *fault);
xy_status sq_prepare(struct xyi_connection *connection, const struct xy_statement *statement,
                     struct xyi_fault *fault);
void sq_forget_statements(struct xyi_connection *connection);

#endif
