/* SPDX-License-Identifier: MIT */
/*
 * Who may read a room's archive (XEP-0313 6.1.2): whoever may enter the room now. Asked anew
 * for each query, so that nobody reads on after a ban, and no right is kept anywhere.
 */
#include "modules/room_access/room_access.h"

/* A password lets in those who know it: a person who is in the room, by any client, has shown
 * it, and who is affiliated is at home there. */
static bool
may_read(const struct xy_muc_access *access)
{
    if (access->affiliation == XY_OUTCAST || !access->may_enter)
        return false;
    if (access->affiliation >= XY_MEMBER)
        return true;
    return !access->members_only && (!access->has_password || access->is_occupant);
}

static xy_status
refuse(struct room_access *access, xy_condition condition, const char *why)
{
    access->refusal = condition;
    access->why = xy_str_from(why);
    return XY_INVALID;
}

static xy_status
check(const struct xy_iq *iq, struct room_access *access)
{
    struct xy_muc_access standing = {0};
    xy_status status = xy_run_muc_access(xy_iq_host(iq), xy_iq_place(iq),
                                         xy_jid_bare(xy_iq_from(iq)), &standing);
    if (status == XY_ABSENT)
        return refuse(access, XY_ITEM_NOT_FOUND, "there is no such room");
    if (status != XY_OK)
        return status;
    if (!may_read(&standing))
        return refuse(access, XY_FORBIDDEN, "you may not enter this room");
    if (!standing.archived)
        return refuse(access, XY_SERVICE_UNAVAILABLE, "this room keeps no archive");
    access->sees_real_jids = standing.sees_real_jids;
    return XY_OK;
}

/* What was accepted so far is in. */
static xy_status
catch_up(const struct xy_jid *address, bool make, struct room_access *access)
{
    struct xy_room *room;
    xy_status status = xy_room_enter(address, &room);
    if (status != XY_OK)
        return status;
    status = xy_room_identify(room, make);
    if (status == XY_OK)
        xy_room_settle(room);
    access->owner = xy_room_owner(room);
    xy_room_leave(room);
    return status == XY_ABSENT ? XY_OK : status; /* it has nothing yet */
}

xy_status
room_access(const struct xy_iq *iq, bool make, struct room_access *access)
{
    *access = (struct room_access){.owner = 0};
    xy_status status = check(iq, access);
    return status == XY_OK ? catch_up(xy_iq_place(iq), make, access) : status;
}
