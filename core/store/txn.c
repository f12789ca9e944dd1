/* SPDX-License-Identifier: MIT */
/*
 * Transactions on the logic thread's side: collecting statements, submitting them, hearing what
 * became of them. Parameters are copied when added, so the writer thread never looks at memory
 * of which somebody else might dispose.
 */
#include "core/store/parts.h"
#include "core/store/thread.h"
#include <xylem/option.h>

static struct xy_txn *
make(struct xyi_arena *arena, bool detached)
{
    struct xy_txn *txn = xyi_arena_alloc(arena, sizeof(*txn));
    txn->arena = arena;
    txn->detached = detached;
    txn->last = &txn->first;
    return txn;
}

struct xy_txn *
xy_txn_begin(void)
{
    return make(xyi_temp(), false);
}

struct xy_txn *
xyi_txn_begin_in(struct xyi_arena *arena)
{
    return make(arena, false);
}

struct xy_txn *
xyi_txn_detached(void)
{
    return make(xyi_arena_new(2048), true);
}

static void
copy_values(struct xy_txn *txn, struct xy_value *to, struct xy_values from)
{
    for (size_t i = 0; i < from.count; i++) {
        to[i] = from.at[i];
        if (to[i].type != XY_VALUE_TEXT && to[i].type != XY_VALUE_BYTES)
            continue;
        to[i].text = xyi_arena_str(txn->arena, from.at[i].text);
        txn->bytes += to[i].text.len;
    }
}

void
xy_txn_add_values(struct xy_txn *txn, const struct xy_statement *statement,
                  struct xy_values values)
{
    xy_assert(!txn->submitted);
    struct xyi_txn_statement *added = xyi_arena_alloc(txn->arena, sizeof(*added));
    struct xy_value *copies = xyi_arena_alloc(txn->arena, values.count * sizeof(*copies));
    copy_values(txn, copies, values);
    added->statement = statement;
    added->values = (struct xy_values){copies, values.count};
    added->expect = XYI_ANY_ROWS;
    *txn->last = txn->newest = added;
    txn->last = &added->next;
    txn->count++;
    txn->bytes += sizeof(*added) + values.count * sizeof(*copies);
}

void
xyi_txn_add_ranked(struct xy_txn *txn, const struct xy_statement *statement, enum xyi_rank rank,
                   int pending, struct xy_values values)
{
    xy_txn_add_values(txn, statement, values);
    txn->newest->rank = rank;
    txn->newest->pending = (signed char)pending;
}

void
xy_txn_expect(struct xy_txn *txn, int64_t rows)
{
    xy_assert(!txn->submitted && txn->newest && txn->newest->rank <= XYI_FENCE);
    txn->newest->expect = rows;
}

void
xyi_txn_removes(struct xy_txn *txn, enum xyi_removal why)
{
    txn->removes = why;
}

int64_t
xy_txn_changed(const struct xy_txn *txn, size_t at)
{
    xy_assert(at < txn->count);
    const struct xyi_txn_statement *statement = txn->first;
    while (at--)
        statement = statement->next;
    return statement->changed;
}

/* ---- the way there and back -------------------------------------------------------------- */

static void
count_pending(const struct xy_txn *txn)
{
    for (const struct xyi_txn_statement *s = txn->first; s; s = s->next)
        if (s->pending > 0)
            xyi_store_counters.pending_added += (uint64_t)s->changed;
        else if (s->pending < 0)
            xyi_store_counters.pending_removed[txn->removes] += (uint64_t)s->changed;
}

static void
count_answer(const struct xyi_request *request)
{
    struct xyi_store_counts *counts = &xyi_store_counters;
    counts->unknown += request->status == XY_UNKNOWN;
    counts->failures += request->status != XY_OK;
    xy_observe(&counts->commit_us, (uint64_t)request->took_us);
    if (request->batch) {
        counts->commits++;
        xy_observe(&counts->batch, request->batch);
    }
}

static void
answered(struct xyi_mail *mail)
{
    struct xy_txn *txn = (struct xy_txn *)(void *)mail;
    count_answer(&txn->request);
    if (txn->request.status == XY_OK)
        count_pending(txn);
    if (!txn->detached) {
        xyi_wake(&txn->wait, txn->request.status);
        return;
    }
    if (txn->done)
        txn->done(txn->argument, txn->request.status, txn);
    xyi_arena_free(txn->arena);
}

static void
submit(struct xy_txn *txn)
{
    xy_assert(!txn->submitted);
    txn->submitted = true;
    txn->request.mail.open = answered;
    xyi_store_counters.transactions++;
    xyi_store_counters.statements += txn->count;
    xyi_store_submit(&txn->request, true);
}

void
xyi_txn_submit(struct xy_txn *txn,
               void (*done)(void *argument, xy_status status, const struct xy_txn *txn),
               void *argument)
{
    xy_assert(txn->detached);
    txn->done = done;
    txn->argument = argument;
    submit(txn);
}

xy_status
xy_txn_commit(struct xy_txn *txn)
{
    xy_assert(!txn->detached);
    submit(txn);
    return xyi_wait(&txn->wait, XY_NONE, XYI_UNCANCELLABLE);
}

xy_status
xy_sql_write_values(const struct xy_statement *statement, struct xy_values values)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add_values(txn, statement, values);
    return xy_txn_commit(txn);
}
