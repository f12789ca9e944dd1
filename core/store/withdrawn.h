/* SPDX-License-Identifier: MIT */
/* Telling archives' readers what is no longer in them (xylem/removal.h, withdrawn.c). */
#ifndef XYI_WITHDRAWN_H
#define XYI_WITHDRAWN_H

#include <xylem/removal.h>

/* Each archive that shows `id` lists it, with the state on its row: behind what sets that. */
void xyi_withdraw(struct xy_txn *txn, xy_message_id id);
/* That of `owner` lists it as expired, if it shows it: before what takes it out. */
void xyi_withdraw_expired(struct xy_txn *txn, xy_owner owner, xy_message_id id);

#endif
