/* SPDX-License-Identifier: MIT */
/*
 * Stored messages between submission and commit. Answers come in the order of submission; one
 * fiber at a time deals with them, so that deliveries leave in that order, also while it finds
 * out what became of a commit whose answer was lost.
 */
#include "core/route/parcel.h"
#include "core/route/removal.h"
#include "core/route/room.h"

enum { MOST_IN_FLIGHT = 2048, PAUSE_MS = 500 };

static struct parcel *done_first, **done_last = &done_first;
static bool dealing;
static struct xyi_job deal_job;
static unsigned in_flight; /* submitted, not yet dealt with */
static bool stopping;
static struct xyi_wait *none_left; /* xyi_parcels_settle() waits for it */

struct turn { /* in a frame of a fiber that waits for the writer */
    struct xyi_wait wait;
    struct turn *next;
};
static struct turn *turns_first, **turns_last = &turns_first;

struct parcel *
xyi_parcel_keep(struct parcel *parcel)
{
    parcel->refs++;
    return parcel;
}

void
xyi_parcel_drop(struct parcel *parcel)
{
    if (!parcel || --parcel->refs)
        return;
    xy_stanza_drop(parcel->message);
    xyi_login_drop(parcel->login);
    xyi_free(parcel);
}

/* ---- what became of it --------------------------------------------------------------------
 */

/* The row says so, as soon as the database can be asked. */
static xy_status
find_out(xy_message_id id)
{
    while (!stopping) {
        bool exists;
        if (xyi_message_exists(id, &exists) == XY_OK)
            return exists ? XY_OK : XY_BROKEN;
        struct xyi_wait never = {0};
        (void)xyi_wait(&never, PAUSE_MS, XYI_UNCANCELLABLE);
    }
    return XY_UNKNOWN;
}

/* Another of his clients, or a moderator, was faster; or who allowed it has gone. */
static bool
refuse_retraction(const struct parcel *parcel)
{
    if (parcel->status != XY_CONFLICT || !xyi_is_retraction(parcel->message))
        return false;
    xy_retraction_refuse(parcel->message, XY_ERROR_CONFLICT, "meanwhile",
                         XY_STR("It was taken back meanwhile, or may not be any more"));
    return true;
}

static void
refuse(const struct parcel *parcel)
{
    if (refuse_retraction(parcel))
        return;
    xy_error("message.not_stored", "the database refused a message; its sender is told",
             XY_F_STR_AS("to", xy_jid_text(xy_jid_bare(xy_stanza_to(parcel->message)))),
             XY_F_CSTR_AS("status", xy_status_name(parcel->status)));
    xy_bounce(parcel->message, xy_status_condition(parcel->status), XY_NO_STR);
}

static void
pump(const struct xy_user *user)
{
    struct xy_session *next;
    for (struct xy_session *s = user ? xy_user_first(user) : NULL; s; s = next) {
        next = xy_session_next(s);
        if (s->out.waiting.first)
            xyi_outbox_pump(s);
    }
}

static void
deal_with(struct parcel *parcel)
{
    if (parcel->status == XY_UNKNOWN)
        parcel->status = find_out(parcel->id);
    parcel->failed = parcel->status != XY_OK;
    parcel->handled = true;
    xyi_trace(parcel->failed ? XYI_TRACE_FAILED : XYI_TRACE_COMMITTED, parcel->id,
              parcel->user ? parcel->user->owner : parcel->room->owner, 0);
    if (!parcel->failed)
        xyi_login_written(parcel->login);
    xyi_inbox_settled(parcel);
    if (parcel->failed && parcel->user)
        parcel->user->pending = -1;
    xyi_route_counters.stored += !parcel->failed;
    pump(parcel->user);
    if (parcel->sender != parcel->user)
        pump(parcel->sender);
    if (parcel->room)
        xyi_room_pump(parcel->room);
    if (parcel->failed && !parcel->silent && !stopping)
        refuse(parcel);
}

static void
commit_begins(const struct parcel *parcel)
{
    in_flight++;
    if (parcel->user)
        xyi_user_commit_begins(parcel->user);
    if (parcel->sender)
        xyi_user_commit_begins(parcel->sender);
    if (parcel->room)
        xyi_room_commit_begins(parcel->room);
}

static void
commit_done(const struct parcel *parcel)
{
    if (parcel->user)
        xyi_user_commit_done(parcel->user);
    if (parcel->sender)
        xyi_user_commit_done(parcel->sender);
    if (parcel->room)
        xyi_room_commit_done(parcel->room);
}

static void
let_next_in(void)
{
    struct turn *turn = turns_first;
    if (--in_flight == 0 && none_left)
        xyi_wake(none_left, XY_OK);
    if (!turn)
        return;
    turns_first = turn->next;
    if (!turns_first)
        turns_last = &turns_first;
    xyi_wake(&turn->wait, XY_OK);
}

static void
deal(struct xyi_job *job)
{
    (void)job;
    struct parcel *parcel;
    while ((parcel = done_first)) {
        done_first = parcel->next_done;
        if (!done_first)
            done_last = &done_first;
        deal_with(parcel);
        let_next_in();
        commit_done(parcel);
        xyi_parcel_drop(parcel);
    }
    dealing = false;
}

static void
answered(void *argument, xy_status status, const struct xy_txn *txn)
{
    if (status == XY_OK)
        xyi_removal_committed(txn);
    for (struct parcel *parcel = argument; parcel; parcel = parcel->next_together) {
        parcel->status = status;
        parcel->next_done = NULL;
        *done_last = parcel;
        done_last = &parcel->next_done;
    }
    if (dealing)
        return;
    dealing = true;
    deal_job.run = deal;
    xyi_spawn(&deal_job);
}

/* ---- submitting ---------------------------------------------------------------------------
 */

bool
xyi_parcels_many(void)
{
    return in_flight >= MOST_IN_FLIGHT;
}

void
xyi_parcel_wait_turn(void)
{
    struct turn turn = {.next = NULL};
    *turns_last = &turn;
    turns_last = &turn.next;
    (void)xyi_wait(&turn.wait, XY_NONE, XYI_UNCANCELLABLE);
}

void
xyi_parcels_hurry(void)
{
    stopping = true;
}

/* A commit answers in bounded time. */
void
xyi_parcels_settle(void)
{
    struct xyi_wait wait = {0};
    if (!in_flight)
        return;
    none_left = &wait;
    (void)xyi_wait(&wait, XY_NONE, XYI_UNCANCELLABLE);
    none_left = NULL;
}

struct parcel *
xyi_parcel_new(struct xy_user *user, struct xy_user *sender, const struct xy_stanza *message,
               xy_message_id id)
{
    struct parcel *parcel = xyi_alloc(sizeof(*parcel));
    parcel->message = xy_stanza_keep(message);
    parcel->user = user;
    parcel->sender = sender;
    parcel->id = id;
    parcel->refs = 1; /* the commit's */
    return parcel;
}

void
xyi_parcel_name(struct parcel *parcel, struct xyi_login *login, struct xy_txn *txn)
{
    xyi_login_write(login, txn);
    parcel->login = xyi_login_keep(login);
}

void
xyi_parcel_count(struct parcel *parcel, struct xy_session *session, struct xy_txn *txn)
{
    if (!session->out.retained)
        return;
    xyi_inbox_submitted(session, parcel);
    xyi_forbid_wait("message_storing");
    xy_run_message_storing(session->user->host, session, parcel->number, txn);
    xyi_allow_wait();
}

void
xyi_parcel_announce(const struct parcel *parcel, const struct xy_stanza *message,
                    struct xy_host *host, struct xy_txn *txn)
{
    xyi_forbid_wait("message_committing");
    xy_run_message_committing(host, message, parcel->id, txn);
    xyi_allow_wait();
}

void
xyi_parcel_submit(struct parcel *parcel, struct xy_txn *txn)
{
    commit_begins(parcel);
    xyi_txn_submit(txn, answered, parcel);
}

void
xyi_parcels_submit(struct parcel **parcels, size_t count, struct xy_txn *txn)
{
    for (size_t i = 0; i < count; i++) {
        parcels[i]->silent = true;
        parcels[i]->next_together = i + 1 < count ? parcels[i + 1] : NULL;
        commit_begins(parcels[i]);
    }
    xyi_txn_submit(txn, answered, parcels[0]);
}
