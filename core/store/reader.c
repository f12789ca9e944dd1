/* SPDX-License-Identifier: MIT */
/*
 * Reader threads, and what both kinds of thread share: connecting with back-off, and repeating
 * a harmless request whose connection was lost.
 */
#include "core/store/thread.h"
#include <time.h>

enum { FIRST_PAUSE_MS = 20, LAST_PAUSE_MS = 500 };

void
xyi_store_pause(int64_t *ms)
{
    int64_t now = *ms ? *ms : FIRST_PAUSE_MS;
    struct timespec span = {.tv_sec = now / 1000, .tv_nsec = now % 1000 * 1000000};
    nanosleep(&span, NULL);
    *ms = now * 2 < LAST_PAUSE_MS ? now * 2 : LAST_PAUSE_MS;
}

static void
report(struct xyi_store_thread *thread, bool connected, const struct xyi_fault *fault)
{
    if (connected == !thread->reported)
        return;
    thread->reported = !connected;
    if (connected)
        xy_notice("store.connected", "the database answers again");
    else
        xy_error("store.unreachable", "the database cannot be reached; requests wait",
                 XY_F_CSTR_AS("reason", fault->text));
}

xy_status
xyi_store_connect(struct xyi_store_thread *thread, int64_t deadline_us, struct xyi_fault *fault)
{
    if (thread->connection && thread->driver->usable(thread->connection))
        return XY_OK;
    thread->driver->close(thread->connection);
    for (int64_t pause = 0;;) {
        thread->connection = thread->driver->open(&thread->options, fault);
        if (thread->connection) {
            report(thread, true, fault);
            return XY_OK;
        }
        if (xyi_clock_real_us() >= deadline_us)
            return XY_BROKEN;
        report(thread, false, fault);
        xyi_store_pause(&pause);
    }
}

void
xyi_fault_log(const struct xyi_fault *fault, xy_status status)
{
    xy_error("store.failed", "the database did not do what was asked",
             XY_F_CSTR_AS("status", xy_status_name(status)),
             XY_F_CSTR_AS("reason", fault->text),
             XY_F_CSTR_AS("statement", fault->sql ? fault->sql : ""));
}

void
xyi_request_run(struct xyi_request *request, struct xyi_store_thread *thread)
{
    struct xyi_fault fault;
    for (int64_t pause = 0;;) {
        fault = (struct xyi_fault){.at = XYI_NOBODY};
        request->status = xyi_store_connect(thread, request->deadline_us, &fault);
        if (request->status == XY_OK)
            request->status = request->run(request, thread, &fault);
        if (request->status != XY_TIMEOUT || xyi_clock_real_us() >= request->deadline_us)
            break;
        if (thread->driver->usable(thread->connection))
            xyi_store_pause(&pause);
    }
    if (request->fault)
        *request->fault = fault;
    else if (request->status == XY_BROKEN && fault.sql)
        xyi_fault_log(&fault, XY_BROKEN);
}

void *
xyi_reader_main(void *argument)
{
    struct xyi_store_thread *thread = argument;
    struct xyi_request *request;
    while (xyi_queue_take(thread->queue, &request, 1)) {
        if (xyi_clock_real_us() >= request->deadline_us)
            request->status = XY_TIMEOUT;
        else
            xyi_request_run(request, thread);
        xyi_inbox_post(&xyi_logic_inbox, &request->mail);
    }
    thread->driver->close(thread->connection);
    return NULL;
}
