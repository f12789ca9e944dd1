/* SPDX-License-Identifier: MIT */
/*
 * A message between its arrival and its decision, for the files that bring it there: accept.c
 * does what may wait, giving.c decides without waiting, notices.c accepts several in one
 * transaction.
 */
#ifndef XYI_ACCEPTING_H
#define XYI_ACCEPTING_H

#include "core/route/delivery.h"
#include "core/route/parcel.h"

struct accepting {
    const struct xy_stanza *message;
    struct xy_user *to, *from; /* from: an account of ours, or NULL */
    struct xy_session *sender; /* its session, or NULL */
    unsigned keep_in, keep_out;
    int64_t from_id, to_id;  /* interned JIDs */
    struct xyi_login *login; /* it came from, if that has no row yet */
    struct xy_session **takers;
    size_t taken;
    const int64_t *devices; /* that wait for it */
    size_t device_count;
    bool alone; /* to one session by its full JID, or to those of `clients` */
    const struct xy_jid *const *clients; /* to several by their full JIDs, or NULL */
    size_t client_count;
    bool again;
    bool stores;             /* xyi_accepting_must_store() */
    bool takes_back;         /* a client's retraction: stored with its effect, or refused */
    bool may_wait, answered; /* message_waiting was asked, and a handler has answered */
    struct xy_txn *together; /* of several, submitted behind the last of them; or NULL */
    struct parcel *parcel;   /* its own of those */
};

/* ---- accept.c: what may wait ----------------------------------------------------------------- */
/* Who sent it and how it is kept. */
XY_SUSPENDS XY_CHECK xy_status xyi_accepting_prepare(struct accepting *a);
/* Whether it has come so far that the decision can be taken, without a wait since; else it has waited
 * for one thing, or *status says why there is no decision. */
XY_SUSPENDS bool xyi_accepting_settled(struct accepting *a, xy_status *status);

/* ---- giving.c: does not wait ------------------------------------------------------------------ */
void xyi_accepting_gather(struct accepting *a); /* who takes it */
bool xyi_accepting_must_store(const struct accepting *a);
void xyi_accepting_decide(struct accepting *a); /* stores it and gives it to all */
/* To the takers; `plain`: nothing is lost with it. */
void xyi_accepting_give(const struct accepting *a, const struct xy_stanza *seen, struct parcel *parcel,
                        bool plain);
void xyi_accepting_tell(const struct accepting *a, const struct xy_stanza *seen, struct parcel *parcel);

#endif
