/* SPDX-License-Identifier: MIT */
/* How much there is in memory: what `xylemctl metrics` and `room stats` say of a service. */
#include "modules/muc/show.h"

static void
count(void *argument, struct xy_room *room)
{
    struct room_counts *counts = argument;
    int64_t occupants = count_occupants(room);
    counts->rooms++;
    counts->busy += occupants > 0;
    counts->occupants += occupants;
    counts->clients += (int64_t)xy_room_count(room);
    if (occupants > counts->most)
        counts->most = occupants;
}

struct room_counts
muc_count_rooms(struct muc *self)
{
    struct room_counts counts = {0};
    const struct xy_jid *service = xy_service_jid(self);
    if (service)
        xy_rooms_each(service, count, &counts);
    return counts;
}

int64_t
muc_gauge_rooms(XY_SELF)
{
    return muc_count_rooms(self).rooms;
}

int64_t
muc_gauge_occupants(XY_SELF)
{
    return muc_count_rooms(self).occupants;
}

int64_t
muc_gauge_clients(XY_SELF)
{
    return muc_count_rooms(self).clients;
}
