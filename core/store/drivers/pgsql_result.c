/* SPDX-License-Identifier: MIT */
/*
 * Results in binary form, and what an error means.
 */
#include <endian.h>
#include <stdio.h>
#include "core/store/drivers/pgsql.h"

static bool
has_prefix(const char *state, const char *prefix)
{
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

/* SQLSTATE, appendix A of the manual. */
static xy_status
meaning(struct xyi_connection *connection, const char *state)
{
    if (has_prefix(state, "23"))
        return XY_CONFLICT;
    if (strcmp(state, "53100") == 0) /* disk_full */
        return XY_FULL;
    /* shutting down, connection; a wrong number of parameters is called a protocol violation */
    if (has_prefix(state, "57P") || (has_prefix(state, "08") && strcmp(state, "08P01") != 0)) {
        connection->lost = true;
        return XY_TIMEOUT;
    }
    /* serialization_failure, deadlock_detected, query_canceled, lock_not_available */
    static const char *const again[] = {"40001", "40P01", "57014", "55P03"};
    for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++)
        if (strcmp(state, again[i]) == 0)
            return XY_TIMEOUT;
    return XY_BROKEN;
}

/* A statement prepared before a migration added a column to its table must be prepared anew. */
static bool
is_stale_plan(const PGresult *result)
{
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    return function && strcmp(function, "RevalidateCachedQuery") == 0;
}

xy_status
pg_status(struct xyi_connection *connection, const PGresult *result, struct xyi_fault *fault)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        return XY_OK;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    snprintf(connection->state, sizeof(connection->state), "%s", state ? state : "");
    if (status == PGRES_PIPELINE_ABORTED)
        text = "not run, since another statement failed";
    /* class 22 quotes the value it does not like */
    xyi_fault_say(fault, fault->sql,
                  state && has_prefix(state, "22") ? state
                  : text                           ? text
                                                   : "the connection broke");
    if (PQstatus(connection->pg) == CONNECTION_BAD || (state && is_stale_plan(result))) {
        connection->lost = true;
        return XY_TIMEOUT;
    }
    return state ? meaning(connection, state) : XY_BROKEN;
}

/* ---- values ------------------------------------------------------------------------------ */

static int64_t
big_endian(const char *at, size_t size)
{
    uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | (unsigned char)at[i];
    return (int64_t)value;
}

/* Sums of bigint come as numeric: four words of header, then digits of base 10,000. */
static bool
integer_of_numeric(const char *at, size_t len, int64_t *value)
{
    if (len < 8)
        return false;
    int64_t digits = big_endian(at, 2), weight = big_endian(at + 2, 2),
            sign = big_endian(at + 4, 2);
    if (len < 8 + (size_t)digits * 2 || digits > weight + 1 || weight > 4 ||
        (sign != 0 && sign != 0x4000))
        return false;
    *value = 0;
    for (int64_t i = 0; i <= weight; i++) {
        int64_t digit = i < digits ? big_endian(at + 8 + i * 2, 2) : 0;
        if (__builtin_mul_overflow(*value, 10000, value) ||
            __builtin_add_overflow(*value, digit, value))
            return false;
    }
    *value = sign ? -*value : *value;
    return true;
}

static bool
value_of(const PGresult *result, int row, int column, struct xyi_arena *arena,
         struct xy_value *value)
{
    if (PQgetisnull(result, row, column))
        return true;
    const char *at = PQgetvalue(result, row, column);
    size_t len = (size_t)PQgetlength(result, row, column);
    switch (PQftype(result, column)) {
    case PG_BOOL:
        *value = XY_INT(at[0] != 0);
        return true;
    case PG_SMALLINT:
    case PG_INTEGER:
    case PG_BIGINT:
        *value = XY_INT(big_endian(at, len));
        return true;
    case PG_NUMERIC:
        value->type = XY_VALUE_INT;
        return integer_of_numeric(at, len, &value->integer);
    case PG_BYTEA:
        *value = XY_BYTES(xyi_arena_str(arena, xy_str_of(at, len)));
        return true;
    default: /* text, varchar, name, json, xml …: their binary form is their text */
        *value = XY_TEXT(xyi_arena_str(arena, xy_str_of(at, len)));
        return true;
    }
}

xy_status
pg_rows(const PGresult *result, struct xyi_arena *arena, struct xy_rows **rows,
        struct xyi_fault *fault)
{
    int count = PQntuples(result), columns = PQnfields(result);
    *rows = xyi_rows_new(arena, (size_t)columns);
    for (int row = 0; row < count; row++) {
        struct xyi_row *to = xyi_rows_add(*rows);
        for (int column = 0; column < columns; column++)
            if (!value_of(result, row, column, arena, &to->cell[column])) {
                xyi_fault_say(fault, NULL, "a number that is no 64-bit integer");
                return XY_BROKEN;
            }
    }
    return XY_OK;
}
