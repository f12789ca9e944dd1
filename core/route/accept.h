/* SPDX-License-Identifier: MIT */
/* Taking responsibility for a message to an account. */
#ifndef XYI_ACCEPT_H
#define XYI_ACCEPT_H

#include "core/route/objects.h"

/* Of type normal or chat. `again`: it was accepted before, nobody stored it, and the session
 * that was to get it has ended. */
XY_SUSPENDS void xyi_accept(struct xy_user *to, const struct xy_stanza *message, bool again);
/* Of type error: to the session it is for, or nowhere. */
void xyi_accept_error(struct xy_user *to, const struct xy_stanza *message);

#endif
