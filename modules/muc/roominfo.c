/* SPDX-License-Identifier: MIT */
/* What a room tells of itself (XEP-0045 15.3). */
#include "modules/muc/muc.h"

void
muc_add_room_info(struct muc *self, struct xy_room *room, struct xy_node *query)
{
    (void)self, (void)room, (void)query;
}
