/* SPDX-License-Identifier: MIT */
/* Occupants that are gone. */
#include "modules/muc/muc.h"

void
muc_on_lost(XY_SELF, const struct xy_jid *room, const struct xy_jid *real)
{
    (void)room, (void)real;
}
