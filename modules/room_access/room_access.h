/* SPDX-License-Identifier: MIT */
/*
 * Who may read what a room's archive shows (XEP-0313 6.1.2), for every module that answers from it
 * (muc_mam, removal_sync). Link it with MODULE_PARTS; define the hooks of muc.h in the module.
 */
#ifndef ROOM_ACCESS_H
#define ROOM_ACCESS_H

#include <xylem/xylem.h>
#include <xylem/muc.h>

struct room_access {
    xy_owner owner; /* of the archive; 0: it has nothing yet */
    bool sees_real_jids;
    xy_condition refusal; /* with XY_INVALID */
    struct xy_str why;
};
/* May who asks read the archive of the room asked? XY_INVALID: no. Otherwise everything accepted so far
 * is in. `make`: it has an owner from now on. */
XY_SUSPENDS XY_CHECK xy_status room_access(const struct xy_iq *iq, bool make,
                                           struct room_access *access);

#endif
