/* SPDX-License-Identifier: MIT */
/* What was taken back, inside core/route (xylem/removal.h). */
#ifndef XYI_REMOVAL_H
#define XYI_REMOVAL_H

#include <xylem/removal.h>
#include "core/route/objects.h"

/* What a transaction took back leaves the queues before its notice leaves. */
void xyi_removal_committed(const struct xy_txn *txn);
/* By the path it takes in (S0-24). */
enum xy_message_class xyi_message_class(const struct xy_jid *author);

/* Does the message ask to take back another, in whatever version of the protocol? */
bool xyi_is_retraction(const struct xy_stanza *message);
/* Asks the modules; refuses it when none says that it may. */
XY_SUSPENDS bool xyi_retraction_may_pass(struct xy_session *session,
                                         const struct xy_stanza *message);

#endif
