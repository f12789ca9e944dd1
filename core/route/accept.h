/* SPDX-License-Identifier: MIT */
/* Taking responsibility for a message to an account. */
#ifndef XYI_ACCEPT_H
#define XYI_ACCEPT_H

#include "core/route/objects.h"

/* Of type normal or chat. `again`: it was accepted before, nobody stored it, and the session
 * that was to get it has ended. */
XY_SUSPENDS void xyi_accept(struct xy_user *to, const struct xy_stanza *message, bool again);
/* The same for several clients of the account, each by its full JID. */
XY_SUSPENDS void xyi_accept_for_clients(struct xy_user *to, const struct xy_stanza *message,
                                        const struct xy_jid *const *clients, size_t count);
/* Of the other types, which nobody keeps: to the session it is for, else to all that take
 * messages (`for_all`) or to none. How many got it; an error that nobody gets is shown to
 * modules all the same. */
unsigned xyi_accept_passing(struct xy_user *to, const struct xy_stanza *message, bool for_all);
/* Sent by one of ours, to an address elsewhere: for the sender's own side only. */
XY_SUSPENDS void xyi_accept_leaving(const struct xy_stanza *message);

#endif
