/* SPDX-License-Identifier: MIT */
/* Rooms: rows, state, settings and texts. */
#include "modules/muc/muc.h"

static const struct xy_note state_note = {"muc.room", 1, sizeof(struct state)};
static const struct xy_note settings_note = {"muc.settings", 1, sizeof(struct settings)};

xy_status
muc_enter(struct muc *self, const struct xy_jid *jid, struct xy_room **room)
{
    return muc_enter_any(self, jid, room);
}

xy_status
muc_enter_any(struct muc *self, const struct xy_jid *jid, struct xy_room **room)
{
    (void)self;
    return xy_room_enter(jid, room);
}

struct state *
muc_state(struct xy_room *room)
{
    return xy_room_note(room, &state_note);
}

struct settings *
muc_settings(struct xy_room *room)
{
    return xy_room_note(room, &settings_note);
}

struct xy_str
muc_text(struct xy_room *room, enum text which)
{
    (void)room, (void)which;
    return XY_NO_STR;
}

void
muc_set_text(struct xy_room *room, enum text which, struct xy_str text)
{
    (void)room, (void)which, (void)text;
}

xy_status
muc_create(struct muc *self, struct xy_room *room, const struct xy_jid *owner, bool locked)
{
    (void)self, (void)room, (void)owner, (void)locked;
    return XY_UNSUPPORTED;
}

xy_status
muc_save(struct xy_room *room)
{
    (void)room;
    return XY_UNSUPPORTED;
}

xy_status
muc_destroy(struct muc *self, struct xy_room *room, const struct xy_jid *alternate,
            struct xy_str password, struct xy_str reason)
{
    (void)self, (void)room, (void)alternate, (void)password, (void)reason;
    return XY_UNSUPPORTED;
}

bool
muc_may_create(struct muc *self, const struct xy_jid *who, xy_condition *why_not)
{
    (void)self, (void)who;
    *why_not = XY_NOT_ALLOWED;
    return false;
}

bool
muc_is_service_admin(const struct muc *self, const struct xy_jid *who)
{
    (void)self, (void)who;
    return false;
}
