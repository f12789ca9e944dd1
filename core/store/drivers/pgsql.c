/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL. A group commit is two round trips: begin and every statement in one pipeline, all
 * results read, then the commit. A connection that breaks before the commit costs a repetition.
 * So that a break in the commit can be looked into, each group leaves a ticket of its own in
 * the table xylem_commit: the next connection locks that row, which waits for the old server
 * process to end either way, and compares.
 *
 * Plans must not depend on statistics that are old or absent, as those of a queue always are:
 * generic plans, sequential scans only where no index serves, joins along indexes.
 */
#include <stdio.h>
#include "core/store/drivers/pgsql.h"

enum { SLACK_US = 2000000 }; /* the server's own limits come first */

/* ---- connections ------------------------------------------------------------------------- */

static void
be_silent(void *argument, const PGresult *notice)
{
    (void)argument;
    (void)notice;
}

static PGconn *
dial(const struct xyi_driver_options *options)
{
    char patience[32], seconds[32];
    snprintf(patience, sizeof(patience), "%lld", (long long)options->timeout_ms);
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(options->timeout_ms + 1999) / 1000);
    const char *const names[] = {"connect_timeout", "tcp_user_timeout",
                                 "fallback_application_name", "dbname", NULL};
    const char *const values[] = {seconds, patience, "xylem", options->place, NULL};
    return PQconnectdbParams(names, values, 1);
}

static bool
set_up(PGconn *pg, const struct xyi_driver_options *options)
{
    char sql[640];
    snprintf(
        sql, sizeof(sql),
        "set client_encoding = 'UTF8'; set synchronous_commit = %s; set statement_timeout = "
        "%lld;"
        " set lock_timeout = %lld; set jit = off; set plan_cache_mode = force_generic_plan;"
        " set enable_seqscan = off; set enable_bitmapscan = off; set enable_hashjoin = off; "
        "set "
        "enable_mergejoin = off; set enable_material = off; set default_transaction_read_only "
        "= %s",
        options->durable ? "on" : "off", (long long)options->timeout_ms,
        (long long)options->timeout_ms, options->writer ? "off" : "on");
    PGresult *result = PQexec(pg, sql);
    bool fine = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return fine && PQsetnonblocking(pg, 1) == 0;
}

static struct xyi_connection *
open_connection(const struct xyi_driver_options *options, struct xyi_fault *fault)
{
    PGconn *pg = dial(options);
    if (PQstatus(pg) == CONNECTION_OK)
        PQsetNoticeReceiver(pg, be_silent, NULL);
    if (PQstatus(pg) != CONNECTION_OK || !set_up(pg, options)) {
        xyi_fault_say(fault, NULL, PQerrorMessage(pg));
        PQfinish(pg);
        return NULL;
    }
    struct xyi_connection *connection = xyi_alloc(sizeof(*connection));
    connection->pg = pg;
    connection->timeout_us = options->timeout_ms * 1000;
    connection->node = options->node;
    connection->batch = xyi_arena_new(4096);
    xyi_random(&connection->ticket, sizeof(connection->ticket));
    xyi_list_init(&connection->texts);
    connection->by_text = xyi_map_new();
    return connection;
}

static void
close_connection(struct xyi_connection *connection)
{
    if (!connection)
        return;
    pg_forget_statements(connection);
    PQfinish(connection->pg);
    xyi_arena_free(connection->batch);
    xyi_free(connection->awaited.at);
    xyi_free(connection);
}

static bool
usable(const struct xyi_connection *connection)
{
    return !connection->lost;
}

/* ---- one statement ----------------------------------------------------------------------- */

static void
send_plain(struct xyi_connection *connection, const struct xy_statement *statement,
           struct xy_values values)
{
    struct parameters parameters = pg_parameters(connection->batch, values);
    pg_send(connection, statement, &parameters,
            (struct awaited){.blame = XYI_NOBODY, .wanted = true});
}

static xy_status
run(struct xyi_connection *connection, const struct xy_statement *statement,
    struct xy_values values, int64_t deadline_us, struct xyi_arena *arena,
    struct xy_rows **rows, struct xyi_fault *fault)
{
    pg_start(connection,
             deadline_us < INT64_MAX - SLACK_US ? deadline_us + SLACK_US : deadline_us);
    send_plain(connection, statement, values);
    xy_status status = pg_finish(connection, fault);
    if (status == XY_OK)
        status = pg_rows(connection->result, arena, rows, fault);
    PQclear(connection->result);
    connection->result = NULL;
    return status;
}

static xy_status
prepare(struct xyi_connection *connection, const struct xy_statement *statement,
        struct xyi_fault *fault)
{
    pg_start(connection, xyi_clock_real_us() + connection->timeout_us + SLACK_US);
    pg_send_check(connection, statement);
    xy_status status = pg_finish(connection, fault);
    /* Parameter types are known at run time only: indeterminate_datatype, datatype_mismatch. */
    bool of_types =
        strcmp(connection->state, "42P18") == 0 || strcmp(connection->state, "42804") == 0;
    return status == XY_BROKEN && of_types ? XY_OK : status;
}

static xy_status
script(struct xyi_connection *connection, const char *sql, struct xyi_fault *fault)
{
    PGresult *result = PQexec(connection->pg, sql);
    xy_status status = pg_status(connection, result, fault);
    if (status != XY_OK)
        fault->sql = sql;
    PQclear(result);
    return status;
}

/* ---- transactions ------------------------------------------------------------------------ */

static const struct xy_statement leave_ticket =
    XY_SQL("insert into xylem_commit (node, ticket) values (?, ?)"
           " on conflict (node) do update set ticket = excluded.ticket");
static const struct xy_statement read_ticket =
    XY_SQL("select ticket from xylem_commit where node = ? for update");

/* The statements of a group, and whose they are. */
struct step {
    struct xyi_txn_statement *statement;
    size_t txn;
};

static void
send_one(struct xyi_connection *connection, const struct step *step)
{
    struct parameters parameters = pg_parameters(connection->batch, step->statement->values);
    pg_send(connection, step->statement->statement, &parameters,
            (struct awaited){.statement = step->statement, .blame = step->txn});
}

/* Those of one rank, as one. The count of all goes to the first. */
static void
send_rank(struct xyi_connection *connection, const struct step *steps, size_t count,
          enum xyi_rank rank)
{
    struct xyi_txn_statement **rows =
        xyi_arena_alloc(connection->batch, count * sizeof(struct xyi_txn_statement *));
    size_t found = 0, blame = XYI_NOBODY;
    for (size_t i = 0; i < count; i++) {
        if (steps[i].statement->rank != rank)
            continue;
        xy_assert(!found || rows[0]->statement == steps[i].statement->statement);
        blame = found == 0 || blame == steps[i].txn ? steps[i].txn : XYI_NOBODY;
        steps[i].statement->changed = 0;
        rows[found++] = steps[i].statement;
    }
    if (!found)
        return;
    struct parameters parameters = pg_array_parameters(connection->batch, rows, found);
    pg_send(connection, rows[0]->statement, &parameters,
            (struct awaited){.statement = rows[0], .blame = blame});
}

/* What stands between two fences. */
static void
send_stretch(struct xyi_connection *connection, const struct step *steps, size_t count)
{
    for (enum xyi_rank rank = XYI_ADDS_MESSAGE; count && rank < XYI_RANKS; rank++)
        send_rank(connection, steps, count, rank);
    for (size_t i = 0; i < count; i++)
        if (steps[i].statement->rank == XYI_ALONE)
            send_one(connection, &steps[i]);
}

static void
send_all(struct xyi_connection *connection, struct xy_txn *const *txns, size_t count)
{
    size_t total = 0, from = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        total += txns[i]->count;
    struct step *steps = xyi_arena_alloc(connection->batch, (total + 1) * sizeof(*steps));
    for (size_t i = 0; i < count; i++)
        for (struct xyi_txn_statement *s = txns[i]->first; s; s = s->next) {
            steps[at] = (struct step){s, i};
            if (s->rank == XYI_FENCE) {
                send_stretch(connection, steps + from, at - from);
                send_one(connection, &steps[at]);
                from = at + 1;
            }
            at++;
        }
    send_stretch(connection, steps + from, at - from);
}

static xy_status
end_with(struct xyi_connection *connection, const char *sql, struct xyi_fault *fault)
{
    struct xy_statement statement = {.sql = sql};
    struct parameters none = {.types = (char[]){0}};
    pg_start(connection, xyi_clock_real_us() + connection->timeout_us + SLACK_US);
    pg_send(connection, &statement, &none, (struct awaited){.blame = XYI_NOBODY});
    return pg_finish(connection, fault);
}

static xy_status
apply(struct xyi_connection *connection, struct xy_txn *const *txns, size_t count,
      struct xyi_fault *fault)
{
    static const struct xy_statement begin = XY_SQL("begin");
    struct parameters none = {.types = (char[]){0}};
    connection->ticket++;
    pg_start(connection, xyi_clock_real_us() + connection->timeout_us + SLACK_US);
    pg_send(connection, &begin, &none, (struct awaited){.blame = XYI_NOBODY});
    send_all(connection, txns, count);
    struct parameters ticket = pg_parameters(
        connection->batch, XY_VALUES(XY_INT(connection->node), XY_INT(connection->ticket)));
    pg_send(connection, &leave_ticket, &ticket, (struct awaited){.blame = XYI_NOBODY});
    xy_status status = pg_finish(connection, fault);
    if (connection->lost)
        return XY_TIMEOUT;
    struct xyi_fault second;
    if (status != XY_OK) {
        (void)end_with(connection, "rollback", &second);
        return status;
    }
    status = end_with(connection, "commit", fault);
    fault->ticket = connection->ticket;
    return connection->lost ? XY_UNKNOWN : status;
}

static xy_status
resolve(struct xyi_connection *connection, int64_t ticket)
{
    struct xyi_arena *arena = xyi_arena_new(512);
    struct xyi_fault fault;
    struct xy_rows *rows;
    int64_t deadline_us = xyi_clock_real_us() + connection->timeout_us;
    xy_status status = run(connection, &read_ticket, XY_VALUES(XY_INT(connection->node)),
                           deadline_us, arena, &rows, &fault);
    if (status == XY_OK)
        status = xy_rows_next(rows) && xy_rows_int(rows, 0) == ticket ? XY_OK : XY_ABSENT;
    xyi_arena_free(arena);
    return status;
}

/* The lock is taken after `begin`, so who comes second sees what the first has done. */
XY_API const struct xyi_driver xyi_driver = {
    .abi = XYI_DRIVER_ABI,
    .name = "pgsql",
    .begin_migration =
        "begin; set local statement_timeout = 0; select pg_advisory_xact_lock(2020013100)",
    .open = open_connection,
    .close = close_connection,
    .usable = usable,
    .run = run,
    .prepare = prepare,
    .script = script,
    .apply = apply,
    .resolve = resolve,
};
