/* SPDX-License-Identifier: MIT */
/* How often an occupant may send. */
#include "modules/muc/muc.h"

bool
muc_may_send(struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *stanza)
{
    (void)self, (void)occupant, (void)stanza;
    return true;
}
