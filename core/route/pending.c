/* SPDX-License-Identifier: MIT */
/*
 * Messages that wait for a reader: storing them, handing them over, forgetting them once
 * received.
 *
 * Order is kept by one rule: while a session comes up the user is held, and messages queue
 * behind what the store has; before the store is read, everything submitted for the user has
 * committed. A row goes only after the peer's kernel has acknowledged the bytes.
 */
#include "core/route/objects.h"

enum { MOST_IN_FLIGHT = 2048, PAGE = 100 };

struct held {
    struct held *next;
    const struct xy_stanza *message;
};

struct waiter { /* in a frame of a fiber that waits for the writer */
    struct xyi_wait wait;
    struct waiter *next;
};
static struct waiter *waiters_first, **waiters_last = &waiters_first;
static unsigned in_flight; /* stores submitted and not yet durable */

/* ---- holding
 * ----------------------------------------------------------------------------------------- */

void
xyi_user_hold(struct xy_user *user)
{
    user->holding++;
    xyi_user_used(user);
}

bool
xyi_user_queue(struct xy_user *user, const struct xy_stanza *message)
{
    if (!user->holding && !user->releaser)
        return false;
    struct held *held = xyi_alloc(sizeof(*held));
    held->message = xy_stanza_keep(message);
    *user->held_last = held;
    user->held_last = &held->next;
    return true;
}

/* A message that was at the head and found another session coming up. */
static void
put_back(struct xy_user *user, const struct xy_stanza *message)
{
    struct held *held = xyi_alloc(sizeof(*held));
    held->message = xy_stanza_keep(message);
    held->next = user->held_first;
    if (!held->next)
        user->held_last = &held->next;
    user->held_first = held;
}

/* Delivering may wait, and store: what comes meanwhile still queues, and the next session that
 * comes up stops it, to go on where it was. */
void
xyi_user_release(struct xy_user *user)
{
    struct held *held;
    user->holding--;
    if (user->releaser)
        return;
    user->releaser = xyi_fiber_self();
    while (!user->holding && (held = user->held_first)) {
        user->held_first = held->next;
        if (!user->held_first)
            user->held_last = &user->held_first;
        xyi_deliver_message(user, held->message);
        xy_stanza_drop(held->message);
        xyi_free(held);
    }
    user->releaser = NULL;
    xyi_user_unused(user);
}

/* ---- commits under way
 * ------------------------------------------------------------------------------- */

static void
commit_done(struct xy_user *user)
{
    if (--user->commits > 0)
        return;
    struct waiter *waiter;
    while ((waiter = user->commit_waiters)) {
        user->commit_waiters = waiter->next;
        xyi_wake(&waiter->wait, XY_OK);
    }
    if (user->gone)
        xyi_user_bury(user);
}

/* What was submitted for the user is in the store, or known to have failed. A commit answers in
 * bounded time, so the wait needs no limit of its own. */
void
xyi_user_settle(struct xy_user *user)
{
    while (user->commits) {
        struct waiter waiter = {.next = user->commit_waiters};
        user->commit_waiters = &waiter;
        (void)xyi_wait(&waiter.wait, XY_NONE, XYI_UNCANCELLABLE);
    }
}

/* ---- storing
 * -------------------------------------------------------------------------------------------
 */

struct storing {
    struct xyi_job job;
    struct xy_user *user;
    const struct xy_stanza *message;
    xy_status status;
};

static void
give_up(struct xyi_job *job)
{
    struct storing *storing = (struct storing *)(void *)job;
    xy_error("message.not_stored", "the database refused a message; its sender is told",
             XY_F_STR_AS("to", xy_jid_text(xy_jid_bare(xy_stanza_to(storing->message)))),
             XY_F_CSTR_AS("status", xy_status_name(storing->status)));
    xy_bounce(storing->message, xy_status_condition(storing->status), XY_NO_STR);
    xy_stanza_drop(storing->message);
    xyi_free(storing);
}

static void
stored(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    struct storing *storing = argument;
    struct xy_user *user = storing->user;
    in_flight--;
    if (waiters_first) {
        struct waiter *waiter = waiters_first;
        waiters_first = waiter->next;
        if (!waiters_first)
            waiters_last = &waiters_first;
        xyi_wake(&waiter->wait, XY_OK);
    }
    commit_done(user);
    if (status != XY_OK) {
        user->pending = -1;
        storing->status = status;
        storing->job.run = give_up;
        xyi_spawn(&storing->job);
    } else {
        xyi_route_counters.stored++;
        xy_stanza_drop(storing->message);
        xyi_free(storing);
    }
    xyi_user_unused(user);
}

static xy_status
wait_for_writer(void)
{
    xy_status status = XY_OK;
    while (in_flight >= MOST_IN_FLIGHT && status == XY_OK) {
        struct waiter waiter = {0};
        *waiters_last = &waiter;
        waiters_last = &waiter.next;
        status = xyi_wait(&waiter.wait, XY_NONE, XYI_UNCANCELLABLE);
    }
    return status;
}

static xy_status
prepare(struct xy_user *to, const struct xy_stanza *message, struct xyi_message_row *row)
{
    xy_status status = wait_for_writer();
    if (status == XY_OK)
        status = xyi_jid_id(xy_jid_bare(xy_stanza_from(message)), &row->sender);
    if (status == XY_OK)
        status = xyi_jid_id(to->jid, &row->recipient);
    if (status == XY_OK && to->pending < 0) {
        int64_t count;
        status = xyi_pending_count(to->owner, &count);
        if (status == XY_OK && to->pending < 0)
            to->pending = count;
    }
    return status;
}

static struct xy_session *
taker(const struct xy_user *user)
{
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (xyi_session_takes_messages(s))
            return s;
    return NULL;
}

/* Whether it went behind those that come up: who empties that queue must not append to it. */
static bool
requeue(struct xy_user *user, const struct xy_stanza *message)
{
    if (user->releaser != xyi_fiber_self())
        return xyi_user_queue(user, message);
    if (!user->holding)
        return false;
    put_back(user, message);
    return true;
}

xy_status
xy_pending_add(struct xy_user *to, const struct xy_stanza *message, int64_t quota)
{
    static const int64_t anybody = 0;
    struct xyi_message_row row = {.waits_for = to->owner,
                                  .devices = &anybody,
                                  .device_count = 1,
                                  .origin_id = xy_stanza_id(message)};
    xy_status status = prepare(to, message, &row);
    if (status != XY_OK)
        return status;
    if (to->gone)
        return XY_GONE;
    /* somebody may have come while we waited: a row written now would sit there until they
     * leave */
    if (requeue(to, message))
        return XY_OK;
    if (taker(to)) {
        xyi_deliver_message(to, message);
        return XY_OK;
    }
    if (quota != XY_NONE && to->pending >= quota)
        return XY_FULL;
    row.stanza = xy_stanza_text(message);
    row.id = xyi_message_next_id();
    struct storing *storing = xyi_alloc(sizeof(*storing));
    storing->user = to;
    storing->message = xy_stanza_keep(message);
    struct xy_txn *txn = xyi_txn_detached();
    xyi_message_add(txn, &row);
    to->pending += to->pending >= 0;
    to->commits++;
    in_flight++;
    xyi_user_used(to);
    xyi_txn_submit(txn, stored, storing);
    return XY_OK;
}

/* ---- handing over
 * ---------------------------------------------------------------------------------------- */

static xy_status
hand_over(struct xy_session *session, xy_message_id id, struct xy_str text)
{
    struct xy_stanza *message = xy_stanza_parse(text);
    if (!message) {
        xy_error("message.unreadable", "a stored message cannot be read", XY_F_INT(id));
        return XY_OK;
    }
    xy_stanza_add_delay(message, xy_host_jid(session->user->host), xy_message_id_ms(id));
    return xy_session_send(session, message);
}

static xy_status
drain(struct xy_session *session, int64_t *handed_over)
{
    struct xy_user *user = session->user;
    for (;;) {
        struct xy_rows *rows;
        xy_status status =
            xyi_pending_read(user->owner, 0, session->handed_through, INT64_MAX, PAGE, &rows);
        if (status != XY_OK || xy_rows_count(rows) == 0)
            return status;
        while (status == XY_OK && xy_rows_next(rows)) {
            xy_message_id id = xy_rows_int(rows, 0);
            status = hand_over(session, id, xy_rows_text(rows, 1));
            if (status != XY_OK)
                return status;
            session->handed_through = id; /* never twice to one session */
            ++*handed_over;
        }
        if (!session->stream->link)
            return XY_GONE;
        xyi_link_mark(session->stream->link, (uint64_t)session->handed_through);
    }
}

xy_status
xy_pending_drain(struct xy_session *session, int64_t *handed_over)
{
    struct xy_user *user = session->user;
    *handed_over = 0;
    if (user->draining)
        return XY_CONFLICT;
    user->draining = true;
    xyi_user_settle(user);
    xy_status status = drain(session, handed_over);
    /* whoever came meanwhile was told that somebody is at it */
    while (status == XY_GONE && (session = taker(user)))
        status = drain(session, handed_over);
    user->draining = false;
    return status;
}

static void
acknowledged(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    struct xy_user *user = argument;
    if (status != XY_OK)
        xy_warn("message.not_cleared", "received messages stay queued and will be repeated",
                XY_F_STR_AS("account", xy_jid_text(user->jid)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    user->pending = -1;
    commit_done(user);
    xyi_user_unused(user);
}

void
xyi_pending_confirmed(struct xy_session *session, uint64_t mark)
{
    struct xy_user *user = session->user;
    if (user->gone)
        return;
    struct xy_txn *txn = xyi_txn_detached();
    xyi_pending_discard(txn, user->owner, 0, (xy_message_id)mark + 1);
    session->drained_after = (xy_message_id)mark;
    user->commits++; /* the next drain waits for it, or it would hand them over again */
    xyi_user_used(user);
    xyi_txn_submit(txn, acknowledged, user);
}
