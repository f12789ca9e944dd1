/* SPDX-License-Identifier: MIT */
/* Lets in who may read the archive of a room (modules/room_access). */
#include "modules/muc_mam/muc_mam.h"
#include "modules/room_access/room_access.h"

xy_status
muc_mam_admit(XY_SELF, const struct xy_iq *iq, struct request *request)
{
    struct room_access access;
    *request = (struct request){.address = xy_iq_place(iq), .of_room = true};
    xy_status status = room_access(iq, false, &access);
    if (status == XY_INVALID) {
        xy_count(&self->refused);
        return request_refuse(request, access.refusal, access.why);
    }
    request->owner = access.owner;
    request->authors = access.sees_real_jids;
    return status;
}
