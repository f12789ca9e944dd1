/* SPDX-License-Identifier: MIT */
/*
 * Changing the nick (XEP-0045 7.6). Only the session that asks for it moves. If others share
 * the old nick, that nick stays; if it comes to a nick it has already with another session, it
 * joins that one.
 */
#include "modules/muc/door.h"

static struct refusal
look_whether_allowed(struct muc *self, struct xy_occupant *occupant, const struct xy_jid *nick)
{
    struct xy_room *room = xy_occupant_room(occupant);
    const struct settings *settings = muc_settings(room);
    const struct xy_jid *real = xy_occupant_real(occupant);
    bool visitor = door_person(occupant)->role == XY_VISITOR;
    struct affiliated who;
    xy_status status = muc_affiliation(self, room, real, &who);
    if (status != XY_OK)
        return door_refuse(xy_status_condition(status));
    bool own =
        xy_str_equal(who.nick, xy_jid_resource(nick)); /* going back to it is no change */
    if (!own && (!settings->change_nick || (visitor && !settings->allow_visitor_nick_change)))
        return door_refuse(XY_NOT_ACCEPTABLE);
    return door_look_at_nick(room, nick, real);
}

/* 303 to everybody if the old nick is gone; the one who moves is told so in any case. */
static void
take_down(const struct muc *self, struct xy_occupant *occupant, struct xy_str new_nick)
{
    static const int codes[] = {303, 0};
    struct xy_room *room = xy_occupant_room(occupant);
    const struct xy_jid *nick = xy_occupant_nick(occupant);
    struct showing showing = door_showing(occupant);
    showing.type = "unavailable";
    showing.new_nick = new_nick;
    showing.codes = codes;
    bool alone = !xy_occupant_next_same(xy_room_find_nick(room, nick));
    if (alone && !door_person(occupant)->silent)
        door_tell(self, room, nick, xy_occupant_real(occupant), NULL, &showing);
    door_tell_self(self, occupant, NULL, showing, XY_NO_STR);
}

/* Whoever keeps the old nick is somebody else to the one who moved. */
static void
leave_old_nick(const struct muc *self, struct xy_occupant *moved, const struct xy_jid *old,
               bool was_shown)
{
    struct xy_room *room = xy_occupant_room(moved);
    struct xy_occupant *shown = door_shown(room, old);
    if (was_shown)
        door_promote(self, room, old);
    else if (shown && !door_person(shown)->silent)
        xy_occupant_send(moved, door_kept(self, shown, door_person(moved)->sees));
}

struct refusal
door_rename(struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *presence)
{
    struct xy_room *room = xy_occupant_room(occupant);
    const struct xy_jid *nick = xy_stanza_to(presence), *old = xy_occupant_nick(occupant);
    struct refusal refusal = look_whether_allowed(self, occupant, nick);
    if (refusal.refused)
        return refusal;
    const struct person person = *door_person(occupant);
    const struct xy_occupant *same = xy_room_find_nick(room, nick);
    enum xy_role role = same ? door_person(same)->role : person.role;
    const struct xy_node *hats = door_hats_shown(occupant);
    take_down(self, occupant, xy_jid_resource(nick));
    xy_jid_keep(old);
    xy_occupant_rename(occupant, nick);
    door_set_role(occupant, person.affiliation, role);
    door_is_newest(occupant);
    door_keep(self, occupant, presence, hats);
    leave_old_nick(self, occupant, old, person.shown);
    xy_jid_drop(old);
    door_show(self, occupant);
    door_tell_nick(self, occupant, door_showing(occupant), occupant);
    door_tell_self(self, occupant, door_kept(self, occupant, false), door_showing(occupant),
                   xy_stanza_id(presence));
    if (door_person(occupant)->sees && !person.sees)
        door_show_others(self, occupant);
    return refusal;
}
