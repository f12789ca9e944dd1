/* SPDX-License-Identifier: MIT */
/*
 * Putting messages under holds and letting them go, in lots; where a lot ended is written with
 * it, so that a crash loses nothing. Invariant: from the answer to `hold add` on, every message
 * in scope that is committed comes under it with its own transaction, and those before are
 * found by walking: the walk begins behind a commit of its own, so whatever was on its way then
 * is there to be found. Up to where all are held is written now and then; who begins, after a
 * crash or when the module was off, walks from there.
 *
 * A release destroys nothing: what an archive or a queue has, ages again as everything does;
 * what only the hold kept stays for `keep_released`, then goes with a record.
 */
#include "modules/hold/hold.h"

enum { LOT = 500, AGAIN_MS = 10 * 1000, MARK_MS = 10 * 60 * 1000 };

/* ---- steps ------------------------------------------------------------------------------- */

static xy_status
step_to(const struct legal_case *legal, struct xy_txn *txn, enum phase phase,
        xy_message_id cursor)
{
    hold_row_move(txn, legal->id, phase, cursor);
    return xy_txn_commit(txn);
}

static void
moved(struct legal_case *legal, enum phase phase, xy_message_id cursor)
{
    if (legal->phase < RELEASING && phase < RELEASING && phase != legal->phase)
        xy_notice("hold.complete", "all messages in scope are held",
                  XY_F_INT_AS("hold", legal->id));
    legal->phase = phase;
    legal->cursor = cursor;
}

/* What is submitted from now on is considered when it commits. */
static xy_message_id
all_until_now(void)
{
    return xy_message_id_at(xy_now_ms()) - 1;
}

/* A commit behind all that nobody considered. */
static xy_status
fence(struct legal_case *legal)
{
    xy_status status = step_to(legal, xy_txn_begin(), GATHERING, legal->cursor);
    legal->fenced = status == XY_OK;
    return status;
}

static xy_status
gather_lot(XY_SELF, struct legal_case *legal)
{
    struct xy_message_scope scope = legal->scope;
    struct xy_message_found *at;
    size_t count, kept = 0;
    xy_message_id through;
    if (legal->cursor > scope.after)
        scope.after = legal->cursor;
    xy_status status = xy_scope_read(&scope, LOT, &at, &count, &through);
    if (status != XY_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        if (!at[i].purged)
            at[kept++] = at[i];
    struct xy_txn *txn = xy_txn_begin();
    if (kept)
        xy_hold_add(txn, at, kept, legal->id);
    enum phase next = through ? GATHERING : COMPLETE;
    if (!through)
        through = all_until_now();
    status = step_to(legal, txn, next, through);
    if (legal->phase != GATHERING) /* released meanwhile: the row did not stay as it was */
        return status;
    if (status == XY_OK) {
        moved(legal, next, through);
        xy_count_by(&self->held, kept);
    }
    return status;
}

static xy_status
thin_lot(const struct hold *self, struct legal_case *legal)
{
    struct xy_message_found *at;
    size_t count;
    int64_t keep = self->keep_released.ms;
    xy_status status = xy_hold_read(legal->id, legal->cursor, LOT, &at, &count);
    if (status != XY_OK)
        return status;
    struct xy_txn *txn = xy_txn_begin();
    xy_message_id last = count ? at[count - 1].id : 0;
    if (count)
        xy_hold_thin(txn, legal->id, legal->cursor, last, legal->released_ms + keep);
    enum phase next = count ? RELEASING : RELEASED;
    status = step_to(legal, txn, next, last);
    if (status == XY_OK)
        moved(legal, next, last);
    return status;
}

/* Those that nothing else keeps. */
static size_t
count_gone(const struct xy_message_found *at, size_t count)
{
    size_t gone = 0;
    for (size_t i = 0; i < count; i++)
        gone += !at[i].archived && !at[i].waits && at[i].holds == 1;
    return gone;
}

static xy_status
record_end(const struct legal_case *legal, struct xy_txn *txn,
           const struct xy_message_found *at, size_t count)
{
    struct xy_buffer details = {0};
    size_t gone = count_gone(at, count);
    if (!gone)
        return XY_OK;
    xy_buffer_printf(&details, "hold=%lld\ncount=%zu\nfirst=%lld\nlast=%lld\n",
                     (long long)legal->id, gone, (long long)at[0].id,
                     (long long)at[count - 1].id);
    return xy_run_audit_add(NULL, txn,
                            &(struct xy_audit_record){.actor = XY_STR("server"),
                                                      .kind = XY_STR("purge"),
                                                      .reason = XY_STR("hold_released"),
                                                      .details = xy_buffer_str(&details)});
}

static xy_status
end_lot(XY_SELF, struct legal_case *legal)
{
    struct xy_message_found *at;
    size_t count;
    xy_status status = xy_hold_read(legal->id, 0, LOT, &at, &count);
    if (status != XY_OK)
        return status;
    struct xy_txn *txn = xy_txn_begin();
    if (count) {
        xy_hold_drop(txn, legal->id, 0, at[count - 1].id);
        status = record_end(legal, txn, at, count);
    }
    enum phase next = count ? RELEASED : ENDED;
    if (status == XY_OK)
        status = step_to(legal, txn, next, 0);
    if (status == XY_OK) {
        moved(legal, next, 0);
        xy_count_by(&self->destroyed, count ? count_gone(at, count) : 0);
        self->unscrubbed |= count > 0;
    }
    return status;
}

/* So that who begins has little to walk. */
static xy_status
mark(const struct hold *self)
{
    xy_message_id now = all_until_now(), old = xy_message_id_at(xy_now_ms() - MARK_MS);
    struct xy_txn *txn = NULL;
    for (struct legal_case *at = self->first; at; at = at->next) {
        if (at->phase != COMPLETE || at->cursor >= old)
            continue;
        txn = txn ? txn : xy_txn_begin();
        hold_row_mark(txn, at->id, now);
        at->cursor = now; /* should it fail: the next mark is as good */
    }
    return txn ? xy_txn_commit(txn) : XY_OK;
}

static void
scrub(XY_SELF)
{
    if (!self->unscrubbed)
        return;
    self->unscrubbed = xy_store_scrub() != XY_OK;
    if (self->unscrubbed)
        xy_warn("hold.not_scrubbed", "bytes of what was destroyed may still be in files");
}

static bool
is_due(const struct hold *self, const struct legal_case *legal)
{
    if (legal->coming)
        return false;
    switch (legal->phase) {
    case GATHERING:
    case RELEASING:
        return true;
    case RELEASED:
        return xy_now_ms() >= legal->released_ms + self->keep_released.ms;
    case COMPLETE:
    case ENDED:
        break;
    }
    return false;
}

static xy_status
step(XY_SELF, struct legal_case *legal)
{
    xy_status status = XY_OK;
    xy_temp_open();
    if (legal->phase == GATHERING && !legal->fenced)
        status = fence(legal);
    else if (legal->phase == GATHERING)
        status = gather_lot(self, legal);
    else if (legal->phase == RELEASING)
        status = thin_lot(self, legal);
    else
        status = end_lot(self, legal);
    xy_temp_close();
    return status;
}

static struct legal_case *
find_due(const struct hold *self)
{
    struct legal_case *at = self->first;
    while (at && !is_due(self, at))
        at = at->next;
    return at;
}

static void
again(void *self, void *argument)
{
    (void)argument;
    hold_work(self);
}

void
hold_work_soon(XY_SELF)
{
    (void)xy_after(self, 0, again, NULL);
}

void
hold_work(XY_SELF)
{
    struct legal_case *legal;
    self->asked = self->busy;
    if (self->busy)
        return;
    self->busy = true;
    xy_status status = hold_load(self); /* also what another instance added meanwhile */
    while (status == XY_OK && (legal = find_due(self))) {
        enum phase before = legal->phase;
        status = step(self, legal);
        if (legal->phase != before && legal->phase >= RELEASED)
            xy_run_hold_released(NULL, legal->id);
        if (legal->phase == ENDED)
            hold_forget(self, legal);
    }
    if (status == XY_OK)
        status = mark(self);
    scrub(self);
    self->busy = false;
    if (self->asked)
        hold_work_soon(self);
    if (status == XY_OK)
        return;
    xy_count(&self->failures);
    xy_warn("hold.failed", "holds are not up to date; tried again soon",
            XY_F_CSTR_AS("status", xy_status_name(status)));
    (void)xy_after(self, AGAIN_MS, again, NULL);
}
