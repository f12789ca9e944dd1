/* SPDX-License-Identifier: MIT */
/* What a room's archive (module muc_mam) asks for every message:
 * muc#roomconfig_enablearchiving. */
#include "modules/muc/muc.h"

xy_status
muc_on_archived(XY_SELF, struct xy_room *room, bool *archived)
{
    *archived = muc_settings(room)->archived;
    return XY_OK;
}
