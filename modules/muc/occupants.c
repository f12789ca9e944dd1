/* SPDX-License-Identifier: MIT */
/*
 * Who somebody in a room is: role, affiliation, and what follows from them (XEP-0045 5). All
 * sessions of a nick are the same to the others.
 */
#include "modules/muc/door.h"

static const struct xy_note person_note = {"muc.person", 2, sizeof(struct person)};
/* Counts presences, so that the newest of a nick's sessions is known. */
static const struct xy_note clock_note = {"muc.presences", 1, sizeof(int64_t)};

struct person *
muc_person(struct xy_occupant *occupant)
{
    return xy_occupant_note(occupant, &person_note);
}

/* An audience is asked about constant occupants; looking at the note changes nothing. */
const struct person *
door_person(const struct xy_occupant *occupant)
{
    return muc_person((struct xy_occupant *)(uintptr_t)occupant);
}

enum xy_role
muc_default_role(struct xy_room *room, enum xy_affiliation affiliation)
{
    const struct settings *settings = muc_settings(room);
    switch (affiliation) {
    case XY_OUTCAST:
        return XY_NO_ROLE;
    case XY_UNAFFILIATED:
        return settings->moderated && !settings->members_by_default ? XY_VISITOR
                                                                    : XY_PARTICIPANT;
    case XY_MEMBER:
        return XY_PARTICIPANT;
    case XY_ADMIN:
    case XY_OWNER:
        return XY_MODERATOR;
    }
    return XY_NO_ROLE;
}

bool
muc_sees_jids(struct xy_room *room, const struct xy_occupant *viewer)
{
    return muc_settings(room)->whois == WHOIS_ANYONE ||
           door_person(viewer)->role == XY_MODERATOR;
}

void
door_set_role(struct xy_occupant *occupant, enum xy_affiliation affiliation, enum xy_role role)
{
    struct xy_room *room = xy_occupant_room(occupant);
    struct person *person = muc_person(occupant);
    person->affiliation = affiliation;
    person->role = role;
    person->silent = !(muc_settings(room)->present & (1u << role));
    person->sees = muc_sees_jids(room, occupant);
}

struct showing
door_showing(const struct xy_occupant *occupant)
{
    const struct person *person = door_person(occupant);
    return (struct showing){.affiliation = person->affiliation, .role = person->role};
}

/* ---- sessions of one nick
 * -------------------------------------------------------------------------------- */

struct xy_occupant *
door_shown(const struct xy_room *room, const struct xy_jid *nick)
{
    struct xy_occupant *at = xy_room_find_nick(room, nick);
    while (at && !door_person(at)->shown)
        at = xy_occupant_next_same(at);
    return at;
}

struct xy_occupant *
door_newest(const struct xy_room *room, const struct xy_jid *nick)
{
    struct xy_occupant *newest = xy_room_find_nick(room, nick);
    for (struct xy_occupant *at = newest; at; at = xy_occupant_next_same(at))
        if (door_person(at)->number > door_person(newest)->number)
            newest = at;
    return newest;
}

void
door_is_newest(struct xy_occupant *occupant)
{
    struct xy_room *room = xy_occupant_room(occupant);
    int64_t *presences = xy_room_note(room, &clock_note);
    const struct xy_jid *nick = xy_occupant_nick(occupant);
    muc_person(occupant)->number = ++*presences;
    for (struct xy_occupant *at = xy_room_find_nick(room, nick); at;
         at = xy_occupant_next_same(at))
        muc_person(at)->shown = at == occupant;
}

/* ---- changes
 * -------------------------------------------------------------------------------- */

/* Its nick has become visible or is so still, or has become silent. `was_silent`: until now. */
static void
tell_others(struct muc *self, struct xy_occupant *shown, bool was_silent, struct xy_str actor,
            struct xy_str reason)
{
    struct showing showing = door_showing(shown);
    const struct xy_jid *nick = xy_occupant_nick(shown), *real = xy_occupant_real(shown);
    showing.change_in = xy_occupant_room(shown);
    if (door_person(shown)->silent) {
        showing.type = "unavailable";
        showing.role = XY_NO_ROLE;
        if (!was_silent)
            door_tell(self, xy_occupant_room(shown), nick, real, NULL, &showing);
        return;
    }
    if (!actor.len && !reason.len && !muc_state(showing.change_in)->told) {
        door_show(self, shown);
        return;
    }
    showing.actor = actor;
    showing.reason = reason;
    door_tell(self, xy_occupant_room(shown), nick, real, door_kept(self, shown, false),
              &showing);
}

/* What follows from role, affiliation and the room's settings, for all of its nick. */
static void
settle(struct muc *self, struct xy_occupant *shown, struct xy_str actor, struct xy_str reason,
       bool always)
{
    struct xy_room *room = xy_occupant_room(shown);
    const struct person now = *door_person(shown);
    bool was_silent = now.silent, saw = now.sees;
    const struct xy_jid *nick = xy_occupant_nick(shown);
    for (struct xy_occupant *at = xy_room_find_nick(room, nick); at;
         at = xy_occupant_next_same(at))
        door_set_role(at, now.affiliation, now.role);
    bool is_silent = door_person(shown)->silent, sees = door_person(shown)->sees;
    if (always)
        door_keep(self, shown, door_kept(self, shown, false), door_hats_shown(shown));
    if (always || is_silent != was_silent)
        tell_others(self, shown, was_silent, actor, reason);
    struct showing showing = door_showing(shown);
    showing.change_in = room;
    showing.actor = actor;
    showing.reason = reason;
    if (always)
        door_tell_nick(self, shown, showing, NULL);
    for (struct xy_occupant *at = xy_room_find_nick(room, nick); at && sees && !saw;
         at = xy_occupant_next_same(at))
        door_show_others(self, at);
}

void
muc_changed(struct muc *self, struct xy_occupant *occupant, const struct xy_occupant *actor,
            struct xy_str reason)
{
    struct xy_str by = actor ? xy_jid_resource(xy_occupant_nick(actor)) : XY_NO_STR;
    struct xy_occupant *shown =
        door_shown(xy_occupant_room(occupant), xy_occupant_nick(occupant));
    struct person *changed = muc_person(occupant), *whole = muc_person(shown);
    whole->affiliation = changed->affiliation;
    whole->role = changed->role;
    settle(self, shown, by, reason, true);
}

/* Who sees whom first, then who is seen: a newly silent one is not shown again. */
void
muc_review(struct muc *self, struct xy_room *room)
{
    for (struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at))
        if (door_person(at)->shown)
            settle(self, at, XY_NO_STR, XY_NO_STR, false);
}
