/* SPDX-License-Identifier: MIT */
/*
 * Monthly partitions of message and entry on PostgreSQL. They are made by the writer a month
 * ahead; the request is queued before the ids that need it. Should that fail, the default
 * partition takes the rows: slower, never refused.
 */
#include "core/store/parts.h"
#include "core/store/thread.h"
#include <stdio.h>
#include <time.h>

static int made_through; /* months since year 0; logic thread */

struct making {
    struct xyi_request request;
    struct xyi_arena *arena;
    const char *script[2]; /* of this month and the next; one may fail alone */
};

static int
month_of(int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm date;
    gmtime_r(&seconds, &date);
    return (date.tm_year + 1900) * 12 + date.tm_mon;
}

static long long
first_id(int month)
{
    struct tm date = {.tm_year = month / 12 - 1900, .tm_mon = month % 12, .tm_mday = 1};
    return xy_message_id_at((int64_t)timegm(&date) * 1000);
}

static const char *
script_of(struct xyi_arena *arena, int month)
{
    static const char one[] = "create table if not exists %s_%d_%02d partition of %s"
                              " for values from (%lld) to (%lld);";
    char message[256], entry[256];
    int year = month / 12, in_year = month % 12 + 1;
    snprintf(message, sizeof(message), one, "message", year, in_year, "message",
             first_id(month), first_id(month + 1));
    snprintf(entry, sizeof(entry), one, "entry", year, in_year, "entry", first_id(month),
             first_id(month + 1));
    return xyi_arena_printf(arena, "%s%s", message, entry).at;
}

static void
prepare(struct making *making, struct xyi_arena *arena, int month)
{
    making->arena = arena;
    making->script[0] = script_of(arena, month);
    making->script[1] = script_of(arena, month + 1);
}

static xy_status
run_script(struct xyi_store_thread *thread, const char *script, struct xyi_fault *fault)
{
    const struct xyi_driver *driver = thread->driver;
    xy_status status = driver->script(thread->connection, driver->begin_migration, fault);
    if (status == XY_OK)
        status = driver->script(thread->connection, script, fault);
    if (status == XY_OK)
        return driver->script(thread->connection, "commit", fault);
    struct xyi_fault second;
    return driver->script(thread->connection, "rollback", &second) == XY_OK ? status
                                                                            : XY_BROKEN;
}

static xy_status
run(struct xyi_store_thread *thread, void *argument, struct xyi_fault *fault)
{
    const struct making *making = argument;
    xy_status this = run_script(thread, making->script[0], fault);
    xy_status next = run_script(thread, making->script[1], fault);
    return this == XY_OK ? next : this;
}

static bool
needed(int month)
{
    return month + 1 > made_through && strcmp(xyi_store_driver(), "pgsql") == 0;
}

xy_status
xyi_partitions_make(int64_t ms, struct xy_str *error)
{
    int month = month_of(ms);
    made_through = 0;
    if (!needed(month))
        return XY_OK;
    struct making making = {.arena = NULL};
    prepare(&making, xyi_temp(), month);
    struct xyi_fault fault = {.at = XYI_NOBODY};
    xy_status status = xyi_store_call(true, xyi_store_timeout_ms(), run, &making, &fault);
    if (status == XY_OK)
        made_through = month + 1;
    else
        *error = xy_temp_printf("cannot make partitions: %s", fault.text);
    return status;
}

static xy_status
run_ahead(struct xyi_request *request, struct xyi_store_thread *thread, struct xyi_fault *fault)
{
    return run(thread, request, fault);
}

static void
made_ahead(struct xyi_mail *mail)
{
    struct making *making = (struct making *)(void *)mail;
    if (making->request.status != XY_OK)
        xy_warn("store.partition",
                "no partition for a month; the default one takes its messages");
    xyi_arena_free(making->arena);
}

void
xyi_partitions_make_ahead(int64_t ms)
{
    int month = month_of(ms);
    if (!needed(month))
        return;
    made_through = month + 1;
    struct xyi_arena *arena = xyi_arena_new(1024);
    struct making *making = xyi_arena_alloc(arena, sizeof(*making));
    prepare(making, arena, month);
    making->request.run = run_ahead;
    making->request.mail.open = made_ahead;
    xyi_store_submit(&making->request, true);
}
