/* SPDX-License-Identifier: MIT */
/*
 * Who may make rooms (XEP-0045 10.1.1), and what becomes of temporary rooms that nobody came
 * back to after a restart: they are looked for once in a while and go as if the last one had
 * left just now.
 */
#include "modules/muc/rows.h"

bool
muc_is_service_admin(const struct muc *self, const struct xy_jid *who)
{
    struct xy_str bare = xy_jid_text(xy_jid_bare(who));
    for (size_t i = 0; i < self->admins.count; i++) {
        const struct xy_jid *admin = xy_jid_parse(self->admins.at[i]);
        if (admin && xy_str_equal(xy_jid_text(xy_jid_bare(admin)), bare))
            return true;
    }
    return false;
}

static bool
has_room_left(struct muc *self, const struct xy_jid *who, xy_condition *why_not)
{
    int64_t rooms = 0, owned = 0;
    const struct xy_jid *service = xy_service_jid(self);
    xy_status status = room_rows_count(service, &rooms);
    if (status == XY_OK)
        status = room_rows_owned(service, who, &owned);
    *why_not = status == XY_OK ? XY_RESOURCE_CONSTRAINT : xy_status_condition(status);
    return status == XY_OK && rooms < self->max_rooms && owned < self->rooms_per_user;
}

bool
muc_may_create(struct muc *self, const struct xy_jid *who, xy_condition *why_not)
{
    enum { ANYONE, LOCAL, ADMINS };
    *why_not = XY_NOT_ALLOWED;
    if (muc_is_service_admin(self, who))
        return true;
    if (self->create.index == ADMINS)
        return false;
    if (self->create.index == LOCAL && !xy_host_find(xy_jid_host(who)))
        return false;
    return has_room_left(self, who, why_not);
}

/* ---- temporary rooms after a restart ------------------------------------------------- */

static void
look_at(struct muc *self, const struct xy_jid *jid)
{
    struct xy_room *room;
    xy_status status = muc_enter(self, jid, &room);
    if (status == XY_OK) {
        muc_look_whether_empty(self, room);
        xy_room_leave(room);
    } else if (status != XY_ABSENT) {
        xy_warn("muc.temporary_stays", "a temporary room could not be looked at",
                XY_F_STR_AS("room", xy_jid_text(jid)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    }
}

static void
sweep(void *instance, void *argument)
{
    struct muc *self = instance;
    struct xy_rows *rows;
    (void)argument;
    xy_status status =
        room_rows_temporary(xy_service_jid(self), xy_now_ms() - self->keep_empty.ms, &rows);
    while (status == XY_OK && xy_rows_next(rows)) {
        const struct xy_jid *jid = xy_jid_parse(xy_rows_text(rows, 0));
        const struct xy_room *room = jid ? xy_room_known(jid) : NULL;
        if (jid && (!room || !xy_room_count(room)))
            look_at(self, jid);
    }
    if (status != XY_OK)
        xy_warn("muc.temporary_stay", "empty temporary rooms were not looked for",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

void
muc_rooms_start(struct muc *self)
{
    (void)xy_every(self, self->keep_empty.ms, sweep, NULL);
}
