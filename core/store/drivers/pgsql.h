/* SPDX-License-Identifier: MIT */
/*
 * The PostgreSQL driver's own seams: statements and parameters (pgsql_statement.c), the
 * pipeline (pgsql_pipeline.c), results and errors (pgsql_result.c).
 */
#ifndef XYI_PGSQL_H
#define XYI_PGSQL_H

#include <libpq-fe.h>

#include "core/store/driver.h"

enum { /* pg_type.dat */
       PG_BOOL = 16,
       PG_BYTEA = 17,
       PG_BIGINT = 20,
       PG_SMALLINT = 21,
       PG_INTEGER = 23,
       PG_TEXT = 25,
       PG_BYTEA_ARRAY = 1001,
       PG_TEXT_ARRAY = 1009,
       PG_BIGINT_ARRAY = 1016,
       PG_NUMERIC = 1700,
};

/* One prepared form of a text: parameter types are part of it. */
struct variant {
    struct variant *next;
    char name[16];
    bool ready; /* prepared, or on its way in this pipeline */
    size_t count;
    char types[]; /* i, t, b: bigint, text, bytea; I, T, B: arrays of them; n: NULL, any type */
};
struct text {
    struct xyi_link_node node;
    struct xy_str numbered;
    const char *sql; /* as given */
    struct variant *variants;
};

/* A result the server owes us. */
struct awaited {
    struct variant *preparing; /* of a Prepare */
    const char *sql;
    struct xyi_txn_statement *statement; /* whose count and expectation it answers, or NULL */
    size_t blame;                        /* the transaction's place */
    bool wanted;                         /* kept in connection->result */
};

struct xyi_connection {
    PGconn *pg;
    bool lost;
    int64_t timeout_us, deadline_us;
    int64_t node, ticket;
    struct xyi_arena *batch; /* parameters on their way */
    struct xy_map *by_text;
    struct xyi_link_node texts;
    unsigned names;
    struct xyi_memo memo;
    struct {
        struct awaited *at;
        size_t count, size;
    } awaited;
    PGresult *result;
    char state[6]; /* SQLSTATE of the last failure */
};

/* ---- pgsql_statement.c */
struct text *pg_text(struct xyi_connection *connection, const struct xy_statement *statement);
struct variant *pg_variant(struct xyi_connection *connection, struct text *text,
                           const char *types, size_t count);
void pg_forget_statements(struct xyi_connection *connection);
struct parameters { /* as libpq takes them; of connection->batch */
    size_t count;
    char *types;
    const char **values;
    int *lengths, *formats;
};
struct parameters pg_parameters(struct xyi_arena *arena, struct xy_values values);
/* One array per parameter, out of the values of `count` statements. */
struct parameters pg_array_parameters(struct xyi_arena *arena,
                                      struct xyi_txn_statement *const *rows, size_t count);

/* ---- pgsql_pipeline.c */
void pg_start(struct xyi_connection *connection, int64_t deadline_us);
void pg_send(struct xyi_connection *connection, const struct xy_statement *statement,
             const struct parameters *parameters, struct awaited awaited);
/* Prepares with types left to the server. */
void pg_send_check(struct xyi_connection *connection, const struct xy_statement *statement);
/* Ends the pipeline and reads everything. The first failure counts; connection->lost:
 * XY_TIMEOUT. */
xy_status pg_finish(struct xyi_connection *connection, struct xyi_fault *fault);

/* ---- pgsql_result.c */
xy_status pg_status(struct xyi_connection *connection, const PGresult *result,
                    struct xyi_fault *fault);
xy_status pg_rows(const PGresult *result, struct xyi_arena *arena, struct xy_rows **rows,
                  struct xyi_fault *fault);

#endif
