/* SPDX-License-Identifier: MIT */
/*
 * Who may read a room's archive (XEP-0313 6.1.2): whoever may enter the room now. Asked anew
 * for each query, so that nobody reads on after a ban, and no right is kept anywhere.
 */
#include "modules/muc_mam/muc_mam.h"

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
check(const struct xy_iq *iq, struct request *request)
{
    struct xy_muc_access access = {0};
    xy_status status = xy_run_muc_access(xy_iq_host(iq), request->address,
                                         xy_jid_bare(xy_iq_from(iq)), &access);
    if (status == XY_ABSENT)
        return request_refuse(request, XY_ITEM_NOT_FOUND, XY_STR("there is no such room"));
    if (status != XY_OK)
        return status;
    if (!may_read(&access))
        return request_refuse(request, XY_FORBIDDEN, XY_STR("you may not enter this room"));
    if (!access.archived)
        return request_refuse(request, XY_SERVICE_UNAVAILABLE,
                              XY_STR("this room keeps no archive"));
    request->authors = access.sees_real_jids;
    return XY_OK;
}

/* What was accepted so far is in. */
static xy_status
catch_up(struct request *request)
{
    struct xy_room *room;
    xy_status status = xy_room_enter(request->address, &room);
    if (status != XY_OK)
        return status;
    status = xy_room_identify(room, false);
    if (status == XY_OK)
        xy_room_settle(room);
    request->owner = xy_room_owner(room);
    xy_room_leave(room);
    return status == XY_ABSENT ? XY_OK : status; /* it has nothing yet */
}

xy_status
muc_mam_admit(XY_SELF, const struct xy_iq *iq, struct request *request)
{
    *request = (struct request){.address = xy_iq_place(iq), .of_room = true};
    xy_status status = check(iq, request);
    if (status == XY_OK)
        status = catch_up(request);
    if (status == XY_INVALID)
        xy_count(&self->refused);
    return status;
}
