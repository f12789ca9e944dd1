/* SPDX-License-Identifier: MIT */
/*
 * The writer thread: group commit. What has queued up while the last commit was under way
 * becomes one database transaction, in order. If a transaction among them fails, the others
 * must not notice: those before it are applied again without it, it fails alone, the rest goes
 * on. Answers leave in the order of submission, after the commit.
 */
#include "core/store/thread.h"

enum { MOST = 256 };

struct batch {
    struct xyi_store_thread *thread;
    struct xy_txn *txns[MOST];
    size_t count;
    size_t most; /* applied at once; falls to 1 when a failure could be anybody's */
    bool full;   /* the disk was, at the last attempt */
};

static void
answer(struct batch *batch, size_t count, xy_status status)
{
    int64_t now = xyi_clock_real_us();
    struct xyi_request *last = &batch->txns[count - 1]->request;
    for (size_t i = 0; i < count; i++) {
        struct xyi_request *request = &batch->txns[i]->request;
        request->status = status;
        request->took_us = now - request->submitted_us;
        request->mail.next = request == last ? NULL : &batch->txns[i + 1]->request.mail;
    }
    batch->txns[0]->request.batch = status == XY_OK ? (unsigned)count : 0;
    struct xyi_mail *first = &batch->txns[0]->request.mail;
    batch->count -= count;
    memmove(batch->txns, batch->txns + count, batch->count * sizeof(batch->txns[0]));
    xyi_inbox_post_chain(&xyi_logic_inbox, first, &last->mail);
}

/* Nothing was done and the database may come round: give up on those whose time is over. */
static void
give_up_overdue(struct batch *batch, const struct xyi_fault *fault)
{
    int64_t now = xyi_clock_real_us();
    size_t overdue = 0;
    while (overdue < batch->count && batch->txns[overdue]->request.deadline_us <= now)
        overdue++;
    if (!overdue)
        return;
    xy_warn("store.given_up", "the database was not ready in time",
            XY_F_CSTR_AS("reason", fault->text), XY_F_INT_AS("transactions", overdue));
    answer(batch, overdue, XY_BROKEN);
}

/* The connection was lost in the commit. What became of it; XY_TIMEOUT: it never happened. */
static xy_status
resolve(struct xyi_store_thread *thread, struct xyi_fault *fault)
{
    int64_t deadline_us = xyi_clock_real_us() + thread->options.timeout_ms * 1000;
    if (!thread->driver->resolve || !fault->ticket)
        return XY_UNKNOWN;
    for (int64_t pause = 0; xyi_clock_real_us() < deadline_us; xyi_store_pause(&pause)) {
        if (xyi_store_connect(thread, deadline_us, fault) != XY_OK)
            return XY_UNKNOWN;
        xy_status status = thread->driver->resolve(thread->connection, fault->ticket);
        if (status != XY_TIMEOUT)
            return status == XY_ABSENT ? XY_TIMEOUT : status;
    }
    return XY_UNKNOWN;
}

static xy_status
attempt(struct batch *batch, size_t count, struct xyi_fault *fault)
{
    struct xyi_store_thread *thread = batch->thread;
    *fault = (struct xyi_fault){.at = XYI_NOBODY};
    if (xyi_store_connect(thread, batch->txns[0]->request.deadline_us, fault) != XY_OK)
        return XY_TIMEOUT;
    xy_status status = thread->driver->apply(thread->connection, batch->txns, count, fault);
    return status == XY_UNKNOWN ? resolve(thread, fault) : status;
}

/* Conflicts are the callers' daily bread; a full disk would fill the log. */
static void
settle(struct batch *batch, size_t count, xy_status status, const struct xyi_fault *fault)
{
    bool again = batch->full && status == XY_FULL;
    if (status != XY_OK && status != XY_CONFLICT && !again)
        xyi_fault_log(fault, status);
    if (status != XY_CONFLICT)
        batch->full = status == XY_FULL;
    answer(batch, count, status);
}

/* Applies transactions from the front; returns how many to try next, 0: as many as there are.
 */
static size_t
step(struct batch *batch, size_t count)
{
    struct xyi_fault fault;
    xy_status status = attempt(batch, count, &fault);
    if (status == XY_TIMEOUT) {
        struct xyi_store_thread *thread = batch->thread;
        int64_t pause = 0; /* the shortest each time: locks do not last */
        if (thread->connection && thread->driver->usable(thread->connection))
            xyi_store_pause(&pause);
        give_up_overdue(batch, &fault);
        return 0;
    }
    if (status == XY_OK || status == XY_UNKNOWN) {
        settle(batch, count, status, &fault);
        return 0;
    }
    if (fault.at != XYI_NOBODY && fault.at > 0)
        return fault.at;
    if (fault.at == 0 || count == 1)
        settle(batch, 1, status, &fault);
    else
        batch->most = 1;
    return 0;
}

static void
commit(struct batch *batch)
{
    size_t wanted = 0;
    batch->most = MOST;
    while (batch->count) {
        size_t most = wanted ? wanted : batch->most;
        wanted = step(batch, batch->count < most ? batch->count : most);
    }
}

void *
xyi_writer_main(void *argument)
{
    struct xyi_store_thread *thread = argument;
    struct batch batch = {.thread = thread};
    struct xyi_request *taken[MOST];
    size_t count;
    while ((count = xyi_queue_take(thread->queue, taken, MOST))) {
        if (taken[0]->run) {
            xyi_request_run(taken[0], thread);
            xyi_inbox_post(&xyi_logic_inbox, &taken[0]->mail);
            continue;
        }
        for (size_t i = 0; i < count; i++)
            batch.txns[i] = (struct xy_txn *)(void *)taken[i];
        batch.count = count;
        commit(&batch);
    }
    thread->driver->close(thread->connection);
    return NULL;
}
