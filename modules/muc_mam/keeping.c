/* SPDX-License-Identifier: MIT */
/* Which messages a room's archive shows (XEP-0313 6.1.2). Asked for each, inside the room. */
#include "modules/muc_mam/muc_mam.h"

void
muc_mam_keep(XY_SELF, struct xy_room *room, const struct xy_stanza *message, unsigned *keep)
{
    bool wanted = false;
    if (!xy_groupchat_is_archivable(message))
        return;
    xy_status status = xy_run_muc_archived(xy_room_host(room), room, &wanted);
    if (status != XY_OK)
        wanted = false;
    xy_count(wanted ? &self->archived : &self->left_out);
    if (wanted)
        *keep |= XY_KEEP_ARCHIVED;
}
