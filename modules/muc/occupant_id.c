/* SPDX-License-Identifier: MIT */
/* Occupant ids (XEP-0421). */
#include "modules/muc/muc.h"

struct xy_str
muc_occupant_id(const struct muc *self, const struct xy_room *room, const struct xy_jid *who)
{
    (void)self, (void)room, (void)who;
    return XY_NO_STR;
}
