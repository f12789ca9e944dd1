/* SPDX-License-Identifier: MIT */
/* Messages to rooms and occupants. */
#include "modules/muc/muc.h"

void
muc_message(struct muc *self, const struct xy_stanza *message)
{
    (void)self;
    xy_bounce(message, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}

void
muc_tell_config_changed(struct muc *self, struct xy_room *room, const int *codes)
{
    (void)self, (void)room, (void)codes;
}
