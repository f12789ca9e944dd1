/* SPDX-License-Identifier: MIT */
/*
 * What a client without stream management has received: what its kernel has acknowledged
 * (SIOCOUTQ), and the connection then lived on for a grace period, or was closed in an orderly
 * way (requirement S2-7).
 */
#include "core/route/objects.h"

enum {
    MOST_MARKS = 16,    /* on their way at once; more than that share one */
    MOST_UNSTORED = 64, /* confirmed, in their grace period, and nowhere but in memory */
};
int64_t xyi_grace_ms = 10000;

void
xyi_outbox_mark(struct xy_session *session)
{
    struct outbox *out = &session->out;
    if (out->marks >= MOST_MARKS || out->marked == out->put ||
        !xyi_session_is_connected(session))
        return;
    out->marks++;
    out->marked = out->put;
    xyi_link_mark(session->stream->link, out->put);
}

static void
ripened(struct xyi_timer *timer)
{
    struct xy_session *session = XYI_LIST_OF(timer, struct xy_session, out.grace);
    struct outbox *out = &session->out;
    xyi_outbox_receive_through(session, out->ripe);
    if (out->confirmed > out->ripe) {
        out->ripe = out->confirmed;
        xyi_timer_set(&out->grace, xyi_grace_ms, ripened);
    }
}

static size_t
in_grace(const struct outbox *out)
{
    uint64_t unconfirmed = out->put - out->confirmed;
    return unconfirmed < out->sent.count ? out->sent.count - unconfirmed : 0;
}

static void
begin_grace(struct xy_session *session)
{
    struct outbox *out = &session->out;
    if (xyi_grace_ms == 0) {
        xyi_outbox_receive_through(session, out->confirmed);
        return;
    }
    while (in_grace(out) > MOST_UNSTORED && !xyi_item_is_kept(out->sent.first) &&
           out->sent.first->kind != ITEM_PASSES)
        xyi_outbox_receive_through(session, out->put - out->sent.count + 1);
    if (!out->grace.at && in_grace(out)) {
        out->ripe = out->confirmed;
        xyi_timer_set(&out->grace, xyi_grace_ms, ripened);
    }
}

static void
wake(struct outbox *out)
{
    struct xyi_wait *wait = out->confirming;
    out->confirming = NULL;
    if (wait)
        xyi_wake(wait, XY_OK);
}

void
xyi_outbox_confirmed(struct xy_session *session, uint64_t put)
{
    struct outbox *out = &session->out;
    out->marks -= out->marks > 0;
    if (put > out->confirmed)
        out->confirmed = put;
    if (out->full && out->confirmed >= out->window_put) {
        out->full = false;
        out->window = 0;
        xyi_outbox_pump(session);
    }
    if (out->confirming && out->confirmed >= out->confirming_put)
        wake(out);
    if (out->retained) {
        xyi_outbox_receive_through(session, put < out->uncounted ? put : out->uncounted);
        return;
    }
    xyi_outbox_mark(session);
    begin_grace(session);
}

void
xyi_outbox_goodbye(struct xy_session *session)
{
    if (!session->out.retained)
        xyi_outbox_receive_through(session, session->out.confirmed);
}

void
xyi_outbox_cut_off(struct xy_session *session)
{
    struct outbox *out = &session->out;
    out->marks = 0;
    out->asked = out->full = false;
    out->window = 0;
    xyi_timer_clear(&out->grace);
    wake(out);
}

void
xyi_outbox_drained(struct xy_session *session)
{
    struct outbox *out = &session->out;
    if (out->confirming || !xyi_session_is_connected(session) || out->confirmed >= out->put)
        return;
    struct xyi_wait wait = {0};
    out->confirming = &wait;
    out->confirming_put = out->put;
    out->marks++;
    out->marked = out->put;
    xyi_link_mark(session->stream->link, out->put);
    (void)xyi_wait(&wait, XY_NONE, XYI_UNCANCELLABLE); /* the network layer ends slow readers */
}
