/* SPDX-License-Identifier: MIT */
/* The newest messages of a room that no archive has: past.c keeps them, history.c shows them. */
#ifndef MUC_PAST_H
#define MUC_PAST_H

#include "modules/muc/talk.h"

/* Fills `history` from memory: as the service muc_history does. Inside. */
void muc_recall(struct xy_room *room, struct xy_muc_history *history);

#endif
