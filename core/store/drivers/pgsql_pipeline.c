/* SPDX-License-Identifier: MIT */
/*
 * The pipeline: everything is sent without waiting, then every result is read in order. The
 * socket is never blocked on, so that a time limit holds and two full buffers cannot wait for
 * each other.
 */
#include <errno.h>
#include <poll.h>
#include "core/store/drivers/pgsql.h"

static Oid
oid_of(char type)
{
    switch (type) {
    case 'i':
        return PG_BIGINT;
    case 't':
        return PG_TEXT;
    case 'b':
        return PG_BYTEA;
    case 'I':
        return PG_BIGINT_ARRAY;
    case 'T':
        return PG_TEXT_ARRAY;
    case 'B':
        return PG_BYTEA_ARRAY;
    default:
        return 0;
    }
}

/* ---- sending ----------------------------------------------------------------------------- */

void
pg_start(struct xyi_connection *connection, int64_t deadline_us)
{
    connection->deadline_us = deadline_us;
    connection->memo = (struct xyi_memo){0};
    connection->awaited.count = 0;
    xyi_arena_reset(connection->batch);
    if (!PQenterPipelineMode(connection->pg))
        connection->lost = true;
}

static void
await(struct xyi_connection *connection, struct awaited awaited)
{
    if (connection->awaited.count == connection->awaited.size) {
        connection->awaited.size = connection->awaited.size ? connection->awaited.size * 2 : 64;
        connection->awaited.at =
            xyi_resize(connection->awaited.at,
                       connection->awaited.size * sizeof(connection->awaited.at[0]));
    }
    connection->awaited.at[connection->awaited.count++] = awaited;
}

static void
send_prepare(struct xyi_connection *connection, const struct text *text,
             struct variant *variant, const struct awaited *awaited)
{
    Oid *oids = xyi_arena_alloc(connection->batch, (variant->count + 1) * sizeof(*oids));
    for (size_t i = 0; i < variant->count; i++)
        oids[i] = oid_of(variant->types[i]);
    if (!PQsendPrepare(connection->pg, variant->name, text->numbered.at, (int)variant->count,
                       oids)) {
        connection->lost = true;
        return;
    }
    variant->ready = true;
    await(connection,
          (struct awaited){.preparing = variant, .sql = text->sql, .blame = awaited->blame});
}

void
pg_send(struct xyi_connection *connection, const struct xy_statement *statement,
        const struct parameters *parameters, struct awaited awaited)
{
    struct text *text = pg_text(connection, statement);
    struct variant *variant =
        pg_variant(connection, text, parameters->types, parameters->count);
    if (!connection->lost && !variant->ready)
        send_prepare(connection, text, variant, &awaited);
    if (connection->lost)
        return;
    if (!PQsendQueryPrepared(connection->pg, variant->name, (int)parameters->count,
                             parameters->values, parameters->lengths, parameters->formats, 1)) {
        connection->lost = true;
        return;
    }
    awaited.sql = text->sql;
    await(connection, awaited);
}

void
pg_send_check(struct xyi_connection *connection, const struct xy_statement *statement)
{
    struct text *text = pg_text(connection, statement);
    if (!connection->lost && !PQsendPrepare(connection->pg, "", text->numbered.at, 0, NULL))
        connection->lost = true;
    await(connection, (struct awaited){.sql = text->sql, .blame = XYI_NOBODY});
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool
wait_for_socket(struct xyi_connection *connection, bool unsent)
{
    int64_t left_us = connection->deadline_us - xyi_clock_real_us();
    struct pollfd socket = {.fd = PQsocket(connection->pg),
                            .events = (short)(POLLIN | (unsent ? POLLOUT : 0))};
    int ms = left_us > 3600000000 ? 3600000 : (int)(left_us / 1000 + 1);
    int ready = left_us <= 0 ? 0 : poll(&socket, 1, ms);
    if (ready < 0)
        return errno == EINTR;
    return ready > 0 &&
           (!(socket.revents & (POLLIN | POLLHUP | POLLERR)) || PQconsumeInput(connection->pg));
}

/* NULL: between two statements, or the connection is lost. */
static PGresult *
next_result(struct xyi_connection *connection)
{
    for (;;) {
        int unsent = PQflush(connection->pg);
        if (unsent < 0 || connection->lost)
            break;
        if (!PQisBusy(connection->pg))
            return PQgetResult(connection->pg);
        if (!wait_for_socket(connection, unsent > 0))
            break;
    }
    connection->lost = true;
    return NULL;
}

static xy_status
check_expectation(const struct awaited *awaited, PGresult *result)
{
    struct xyi_txn_statement *statement = awaited->statement;
    if (!statement)
        return XY_OK;
    statement->changed = 0; /* stays when the statement is none that changes rows */
    (void)!xy_str_to_int(xy_str_from(PQcmdTuples(result)), 0, INT64_MAX, &statement->changed);
    return statement->expect == XYI_ANY_ROWS || statement->expect == statement->changed
               ? XY_OK
               : XY_CONFLICT;
}

static xy_status
read_one(struct xyi_connection *connection, const struct awaited *awaited,
         struct xyi_fault *fault)
{
    PGresult *result = next_result(connection);
    if (!result) {
        connection->lost = true;
        return XY_TIMEOUT;
    }
    xy_status status = pg_status(connection, result, fault);
    if (status == XY_OK)
        status = check_expectation(awaited, result);
    else if (awaited->preparing)
        awaited->preparing->ready = false;
    if (status == XY_OK && awaited->wanted)
        connection->result = result;
    else
        PQclear(result);
    while (!connection->lost && (result = next_result(connection)))
        PQclear(result);
    return status;
}

static void
read_end(struct xyi_connection *connection)
{
    PGresult *result = next_result(connection);
    if (PQresultStatus(result) != PGRES_PIPELINE_SYNC)
        connection->lost = true;
    PQclear(result);
    if (!connection->lost && !PQexitPipelineMode(connection->pg))
        connection->lost = true;
}

xy_status
pg_finish(struct xyi_connection *connection, struct xyi_fault *fault)
{
    xy_status status = XY_OK;
    if (connection->lost || !PQpipelineSync(connection->pg))
        connection->lost = true;
    for (size_t i = 0; i < connection->awaited.count && !connection->lost; i++) {
        const struct awaited *awaited = &connection->awaited.at[i];
        struct xyi_fault later;
        xy_status this = read_one(connection, awaited, status == XY_OK ? fault : &later);
        if (status != XY_OK || this == XY_OK)
            continue;
        status = this;
        fault->sql = awaited->sql;
        fault->at = awaited->blame;
    }
    if (!connection->lost)
        read_end(connection);
    if (!connection->lost)
        return status;
    xyi_fault_say(fault, NULL, PQerrorMessage(connection->pg));
    fault->at = XYI_NOBODY;
    return XY_TIMEOUT;
}
