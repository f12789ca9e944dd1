/* SPDX-License-Identifier: MIT */
/* An iq to an occupant. */
#include "modules/muc/muc.h"

void
muc_relay(struct muc *self, const struct xy_stanza *iq)
{
    (void)self;
    xy_bounce(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}
