/* SPDX-License-Identifier: MIT */
/* Presence to a room. */
#include "modules/muc/muc.h"

void
muc_presence(struct muc *self, const struct xy_stanza *presence)
{
    (void)self;
    xy_bounce(presence, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}
