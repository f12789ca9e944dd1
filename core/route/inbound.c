/* SPDX-License-Identifier: MIT */
/*
 * Which stanzas of a session we are responsible for (XEP-0198's h): a prefix of what came, each
 * handled and every commit it caused durable (requirement N12).
 */
#include "core/route/objects.h"

uint32_t
xy_session_handled(const struct xy_session *session)
{
    const struct inbox *in = &session->in;
    return in->first ? in->first->number - 1 : in->count;
}

/* Modulo 2^32: `wanted` lies behind by less than half of that. */
static void
tell(struct xy_session *session)
{
    struct inbox *in = &session->in;
    if (!in->asked || (int32_t)(xy_session_handled(session) - in->wanted) < 0)
        return;
    in->asked = false;
    xyi_forbid_wait("session_handled");
    xy_run_session_handled(session->user->host, session);
    xyi_allow_wait();
}

void
xy_session_when_handled(struct xy_session *session)
{
    session->in.asked = true;
    session->in.wanted = session->in.count;
    tell(session);
}

void
xyi_inbox_handled(struct xy_session *session)
{
    session->in.count++;
}

/* The stanza it belongs to is the one whose handler runs. */
void
xyi_inbox_submitted(struct xy_session *session, struct parcel *parcel)
{
    struct inbox *in = &session->in;
    parcel->from = session;
    parcel->number = in->count + 1;
    parcel->next_from = NULL;
    *in->last = xyi_parcel_keep(parcel);
    in->last = &parcel->next_from;
}

struct settling { /* in the frame of a fiber */
    struct xyi_wait wait;
    struct settling *next;
    uint32_t wanted;
};

static void
wake(struct xy_session *session, bool all)
{
    struct settling **at = &session->in.settling, *one;
    while ((one = *at)) {
        if (!all && (int32_t)(xy_session_handled(session) - one->wanted) < 0) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        xyi_wake(&one->wait, XY_OK);
    }
}

void
xy_session_settle(struct xy_session *session)
{
    struct settling settling = {.wanted = session->in.count, .next = session->in.settling};
    if (!session->in.first || !session->open)
        return;
    session->in.settling = &settling;
    (void)xyi_wait(&settling.wait, XY_NONE, XYI_UNCANCELLABLE); /* commits answer in time */
}

static void
forget_first(struct inbox *in)
{
    struct parcel *first = in->first;
    in->first = first->next_from;
    if (!in->first)
        in->last = &in->first;
    first->from = NULL;
    xyi_parcel_drop(first);
}

void
xyi_inbox_settled(struct parcel *parcel)
{
    struct xy_session *session = parcel->from;
    if (!session)
        return;
    while (session->in.first && session->in.first->handled)
        forget_first(&session->in);
    wake(session, false);
    tell(session);
}

void
xyi_inbox_end(struct xy_session *session)
{
    /* what is under way counts when it is durable: it writes that down itself */
    session->in.count = xy_session_handled(session);
    while (session->in.first)
        forget_first(&session->in);
    session->in.asked = false;
    wake(session, true);
}
