/* SPDX-License-Identifier: MIT */
/*
 * Handing over what waits. Order is kept by one rule: from the moment a session can take
 * messages live ones wait in its queue, everything submitted before is in the store or known to
 * have failed before the store is read, and what is read then goes past what waits.
 */
#include "core/route/removal.h"

enum { PAGE = 100, MOST_BYTES = 256 * 1024, RETRY_MS = 2000 };

struct waiter { /* in a frame of a fiber that waits for the writer */
    struct xyi_wait wait;
    struct waiter *next;
};

/* ---- commits under way --------------------------------------------------------------------
 */

static void
leave(struct xy_user *user)
{
    if (!user->gone)
        xyi_user_unused(user);
    else if (!user->commits && !user->pins)
        xyi_user_bury(user);
}

void
xyi_user_pin(struct xy_user *user)
{
    user->pins++;
    xyi_user_used(user);
}

void
xyi_user_unpin(struct xy_user *user)
{
    user->pins--;
    leave(user);
}

void
xyi_user_commit_begins(struct xy_user *user)
{
    user->commits++;
    user->changes++;
    xyi_user_used(user);
}

void
xyi_user_commit_done(struct xy_user *user)
{
    if (--user->commits > 0)
        return;
    struct waiter *waiter;
    while ((waiter = user->commit_waiters)) {
        user->commit_waiters = waiter->next;
        xyi_wake(&waiter->wait, XY_OK);
    }
    leave(user);
}

/* A commit answers in bounded time, so the wait needs no limit of its own. */
void
xy_user_settle(struct xy_user *user)
{
    while (user->commits) {
        struct waiter waiter = {.next = user->commit_waiters};
        user->commit_waiters = &waiter;
        (void)xyi_wait(&waiter.wait, XY_NONE, XYI_UNCANCELLABLE);
    }
}

/* ---- handing over -------------------------------------------------------------------------
 */

struct xy_stanza *
xyi_render(const struct xy_user *user, xy_message_id id, struct xy_str text, bool archived)
{
    struct xy_stanza *message = text.len ? xy_stanza_parse(text) : NULL;
    if (!message) {
        xy_error("message.unreadable", "a stored message cannot be read", XY_F_INT(id));
        return NULL;
    }
    if (archived) {
        struct xy_node *node =
            xy_node_add(xy_stanza_top(message), XY_STR(XY_NS_SID), XY_STR("stanza-id"));
        xy_node_set(node, "by", xy_jid_text(user->jid));
        xy_node_set(node, "id", xy_stanza_id_make(user->owner, id));
    }
    xy_stanza_add_delay(message, xy_host_jid(user->host), xy_message_id_ms(id));
    xyi_stanza_freeze(message);
    return message;
}

struct drain {
    struct xy_session *session;
    enum xy_drain how;
    xy_message_id *in_flight;
    size_t in_flight_count;
    xy_message_id after;
    int64_t handed_over;
    size_t bytes; /* since the peer's kernel was last known to keep up */
};

static void
hand_over(struct drain *drain, struct xy_rows *rows)
{
    struct xy_session *session = drain->session;
    const struct xy_user *user = session->user;
    xy_message_id id = xy_rows_int(rows, 0);
    bool archived = xy_rows_int(rows, 2);
    drain->after = id;
    if (xyi_in_flight(drain->in_flight, drain->in_flight_count, id) ||
        xy_message_was_removed(id))
        return;
    if (drain->how == XY_DRAIN_UNARCHIVED && archived && id < session->since) {
        xyi_trace(XYI_TRACE_WITHHELD, id, user->owner, session->device);
        return;
    }
    struct xy_stanza *message = xyi_render(user, id, xy_rows_text(rows, 1), archived);
    if (!message)
        return;
    xyi_outbox_pass(session, &(struct item){.kind = ITEM_MESSAGE,
                                            .stanza = message,
                                            .message = id,
                                            .content = id,
                                            .queued = true,
                                            .archived = archived,
                                            .stamped = archived});
    drain->handed_over++;
    drain->bytes += xy_rows_text(rows, 1).len;
    if (drain->bytes < MOST_BYTES)
        return;
    drain->bytes = 0;
    xyi_outbox_drained(session);
}

static xy_status
hand_over_all(struct drain *drain)
{
    struct xy_session *session = drain->session;
    for (;;) {
        struct xy_rows *rows;
        xy_status status = xyi_pending_read(session->user->owner, session->device, drain->after,
                                            session->cut, PAGE, &rows);
        if (status != XY_OK || xy_rows_count(rows) == 0)
            return status;
        while (xy_rows_next(rows)) {
            if (!xyi_session_is_ready(session))
                return XY_GONE;
            hand_over(drain, rows);
        }
        if (xy_rows_count(rows) < PAGE)
            return XY_OK;
    }
}

static void
dropped(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    struct xy_user *user = argument;
    if (status != XY_OK)
        xy_warn("message.not_cleared", "messages to be dropped stay queued",
                XY_F_STR_AS("account", xy_jid_text(user->jid)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    user->pending = -1;
    xyi_user_commit_done(user);
}

static void
drop_all(struct xy_session *session)
{
    struct xy_user *user = session->user;
    struct xy_txn *txn = xyi_txn_detached();
    xyi_txn_removes(txn, XYI_CLEARED);
    xyi_pending_discard(txn, user->owner, session->device, session->since);
    xyi_user_commit_begins(user);
    xyi_txn_submit(txn, dropped, user);
}

/* What was in flight when that began it does not look at again. */
static bool
somebody_drains(const struct xy_session *session)
{
    for (struct xy_session *s = xy_user_first(session->user); s; s = xy_session_next(s))
        if (s->draining && s->device == session->device)
            return s->drain_again = true;
    return false;
}

/* The database did not answer: live messages go on waiting behind what could not be read. */
static void
retry(struct xyi_timer *timer)
{
    struct xy_session *session = XYI_LIST_OF(timer, struct xy_session, retry);
    xyi_redrain(session->user, session->device);
}

static void
judge(struct xy_session *session, xy_status status)
{
    bool failed = status != XY_OK && status != XY_GONE && session->open;
    if (failed)
        xyi_timer_set(&session->retry, RETRY_MS, retry);
    if (failed == session->stalled)
        return;
    session->stalled = failed;
    if (failed)
        xyi_outbox_block(session);
    else
        xyi_outbox_unblock(session);
}

static void
end_drain(struct xy_session *session, xy_status status)
{
    bool again = session->drain_again;
    session->draining = session->drain_again = false;
    if (status == XY_GONE && session->open && session->out.retained)
        xyi_outbox_leave(session);
    if (again && session->open)
        xyi_redrain(session->user, session->device);
    judge(session, status);
}

/* A device is drained by one session at a time: should that end half way, the others are asked
 * again (outbox_end.c); should its client come back, it goes on. */
xy_status
xy_pending_drain(struct xy_session *session, enum xy_drain how, int64_t *handed_over)
{
    struct drain drain = {.session = session, .how = how};
    *handed_over = 0;
    if (!session->open)
        return XY_GONE;
    if (somebody_drains(session))
        return XY_OK;
    session->draining = true;
    if (how == XY_DRAIN_NOTHING)
        drop_all(session);
    xy_user_settle(session->user);
    drain.in_flight_count =
        xyi_outbox_in_flight(session->user, session->device, &drain.in_flight);
    xy_status status = hand_over_all(&drain);
    *handed_over = drain.handed_over;
    end_drain(session, status);
    return status;
}

/* ---- once more ----------------------------------------------------------------------------
 */

struct redrain {
    struct xyi_job job;
    struct xy_user *user;
    int64_t device;
};

/* Its client is handed it when it comes back. */
static void
leave_for_later(struct xy_session *session)
{
    xyi_outbox_leave(session);
    judge(session, XY_GONE);
}

/* One is enough, but for those that wait for it. */
static bool
drain_ready(const struct xy_user *user, int64_t device)
{
    bool done = false;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s)) {
        if (s->device != device || !xyi_session_takes_messages(s) || (done && !s->stalled))
            continue;
        if (!xyi_session_is_ready(s)) {
            if (s->stalled)
                leave_for_later(s);
            continue;
        }
        done = true;
        xyi_outbox_block(s);
        s->cut = xyi_message_next_id();
        xy_run_session_available(user->host, s);
        xyi_outbox_unblock(s);
    }
    return done;
}

static void
drain_again(struct xyi_job *job)
{
    struct redrain *redrain = (struct redrain *)(void *)job;
    struct xy_user *user = redrain->user;
    int64_t device = redrain->device;
    xyi_free(redrain);
    bool done = drain_ready(user, device);
    for (struct xy_session *s = xy_user_first(user); s && !done; s = xy_session_next(s))
        if (s->device == device && xyi_session_takes_messages(s))
            leave_for_later(s);
    xyi_user_unpin(user);
}

void
xyi_redrain(struct xy_user *user, int64_t device)
{
    if (user->gone)
        return;
    struct redrain *redrain = xyi_alloc(sizeof(*redrain));
    redrain->job.run = drain_again;
    redrain->user = user;
    redrain->device = device;
    xyi_user_pin(user);
    xyi_spawn(&redrain->job);
}
