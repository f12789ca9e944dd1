/* SPDX-License-Identifier: MIT */
/* What a newcomer is shown. */
#include "modules/muc/muc.h"

void
muc_show_past(struct muc *self, struct xy_occupant *newcomer, const struct xy_node *wanted)
{
    (void)self, (void)newcomer, (void)wanted;
}
