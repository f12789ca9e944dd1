/* SPDX-License-Identifier: MIT */
/* Submitting stored messages; what a parcel is, is in outbox.h. */
#ifndef XYI_PARCEL_H
#define XYI_PARCEL_H

#include "core/route/objects.h"

/* Not more than the writer can take: whether to wait, before anything is decided. */
bool xyi_parcels_many(void);
XY_SUSPENDS void xyi_parcel_wait_turn(void);
/* The server stops: nobody asks any longer what became of a commit, nor tells senders. */
void xyi_parcels_hurry(void);
XY_SUSPENDS void xyi_parcels_settle(void); /* until all that was submitted is dealt with */
/* `user` is the recipient, `sender` the account of ours that sent it, or NULL. */
/* NULL and NULL: of a room, which the caller sets. */
struct parcel *xyi_parcel_new(struct xy_user *user, struct xy_user *sender,
                              const struct xy_stanza *message, xy_message_id id);
/* It came from `login`, whose row goes with it; NULL: that has one, or it came from none. */
void xyi_parcel_name(struct parcel *parcel, struct xyi_login *login, struct xy_txn *txn);
/* It is a stanza of `session`, whose h waits for it; message_storing may add to `txn`. */
void xyi_parcel_count(struct parcel *parcel, struct xy_session *session, struct xy_txn *txn);
/* Fires message_committing for it. */
void xyi_parcel_announce(const struct parcel *parcel, const struct xy_stanza *message,
                         struct xy_host *host, struct xy_txn *txn);
/* When the commit is done its items leave, or vanish and the sender gets the error. */
void xyi_parcel_submit(struct parcel *parcel, struct xy_txn *txn);
/* Several in one transaction; nobody is told of their failure. */
void xyi_parcels_submit(struct parcel **parcels, size_t count, struct xy_txn *txn);

#endif
