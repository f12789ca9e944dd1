/* SPDX-License-Identifier: MIT */
/*
 * SQL that runs on SQLite and PostgreSQL alike. Statements are prepared once per connection and
 * written with ? for parameters, in order. Every call below suspends the fiber; none blocks the
 * thread.
 *
 *     static const struct xy_statement get = XY_SQL("select stanza from vcard where owner = ?");
 *
 *     struct xy_rows *rows;
 *     xy_status status = xy_sql_read(&get, &rows, XY_INT(owner));
 *     while (status == XY_OK && xy_rows_next(rows))
 *         use(xy_rows_text(rows, 0));
 *
 * Columns and parameters are 64-bit integers, text or bytes. Write `bigint`, `integer`,
 * `smallint`, `text` and `bytea` in schemas; both engines take them.
 */
#ifndef XYLEM_SQL_H
#define XYLEM_SQL_H

#include <xylem/str.h>

struct xy_statement {
    const char *sql;
    const char *pgsql; /* instead of `sql` on PostgreSQL; NULL: the same text */
};
#define XY_SQL(...) {.sql = __VA_ARGS__}

struct xy_value {
    enum { XY_VALUE_NULL, XY_VALUE_INT, XY_VALUE_TEXT, XY_VALUE_BYTES } type;
    int64_t integer;
    struct xy_str text;
};
#define XY_INT(value)   ((struct xy_value){.type = XY_VALUE_INT, .integer = (value)})
#define XY_TEXT(value)  ((struct xy_value){.type = XY_VALUE_TEXT, .text = (value)}) /* absent: empty text */
#define XY_BYTES(value) ((struct xy_value){.type = XY_VALUE_BYTES, .text = (value)})
#define XY_NULL         ((struct xy_value){.type = XY_VALUE_NULL})

/* Parameters in order. The first element is padding, so that an empty list compiles. */
struct xy_values {
    const struct xy_value *at;
    size_t count;
};
#define XY_VALUE_ARRAY_(...) ((const struct xy_value[]){XY_NULL __VA_OPT__(, ) __VA_ARGS__})
#define XY_VALUES(...)                                                                             \
    ((struct xy_values){XY_VALUE_ARRAY_(__VA_ARGS__) + 1,                                          \
                        sizeof XY_VALUE_ARRAY_(__VA_ARGS__) / sizeof(struct xy_value) - 1})

/* ---- reading: on a reader connection; sees everything committed before the call -------------- */
struct xy_rows; /* the whole result, in the fiber's memory */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_sql_read_values(const struct xy_statement *statement,
                                                         struct xy_rows **rows, struct xy_values values);
/* XY_OK also for an empty result; XY_TIMEOUT, XY_CANCELLED, XY_BROKEN. */
#define xy_sql_read(statement, rows, ...) xy_sql_read_values(statement, rows, XY_VALUES(__VA_ARGS__))

XY_API bool xy_rows_next(struct xy_rows *rows); /* first call: the first row */
XY_API size_t xy_rows_count(const struct xy_rows *rows);
XY_API bool xy_rows_is_null(const struct xy_rows *rows, unsigned column);
XY_API int64_t xy_rows_int(const struct xy_rows *rows, unsigned column);        /* NULL gives 0 */
XY_API struct xy_str xy_rows_text(const struct xy_rows *rows, unsigned column); /* text or bytes; NULL gives absent */

/* ---- writing: a transaction is a list of statements submitted at once ------------------------ */
/* Writers group-commit: transactions of many fibers share one fsync and commit in the order they
 * were submitted. A transaction applies wholly or not at all. It lives in the fiber's memory. */
struct xy_txn;
XY_API struct xy_txn *xy_txn_begin(void);
XY_API void xy_txn_add_values(struct xy_txn *txn, const struct xy_statement *statement,
                              struct xy_values values);
#define xy_txn_add(txn, statement, ...) xy_txn_add_values(txn, statement, XY_VALUES(__VA_ARGS__))
/* The statement added last must change exactly `rows` rows, or the whole transaction is undone and
 * answers XY_CONFLICT: optimistic locking by "update … where version = ?". */
XY_API void xy_txn_expect(struct xy_txn *txn, int64_t rows);
/* Submits, waits until it is durable. Cannot be cancelled. XY_CONFLICT also for a violated
 * constraint; XY_FULL: disk full; XY_BROKEN: failed, nothing done; XY_UNKNOWN: the connection was
 * lost during the commit. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_txn_commit(struct xy_txn *txn);
/* Rows changed by statement `at` (0-based) of a committed transaction. */
XY_API int64_t xy_txn_changed(const struct xy_txn *txn, size_t at);

/* One statement as a transaction of its own. */
#define xy_sql_write(statement, ...) xy_sql_write_values(statement, XY_VALUES(__VA_ARGS__))
XY_API XY_SUSPENDS XY_CHECK xy_status xy_sql_write_values(const struct xy_statement *statement,
                                                          struct xy_values values);

/* ---- secrets ---------------------------------------------------------------------------------- */
/* Bytes drawn at random once and for ever for this store, under a name that begins with the
 * module's: "bind2.resource". XY_INVALID: it has another size. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_store_secret(const char *name, void *secret, size_t size);

/* ---- schema: numbered migrations, applied once and in order before start() ------------------- */
/* They only expand; what contracts comes one release later (docs/modules.md). Several statements
 * separated by ';' are allowed. */
struct xy_migration {
    unsigned number; /* 1, 2, 3 … */
    const char *sql;
    const char *pgsql; /* instead of `sql` on PostgreSQL */
};

#endif
