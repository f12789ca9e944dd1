/* SPDX-License-Identifier: MIT */
/*
 * Entering a room (XEP-0045 7.2, 10.1): who may, and in what order a newcomer is told things:
 * the presence of everybody there, its own, what was said, the subject. A room that does not
 * exist is made by the first who enters it, and locked until its owner has configured it.
 *
 * Nobody is added whose session has ended while the database was read: nothing would remove it.
 */
#include "modules/muc/door.h"

struct entry { /* a join in progress */
    struct muc *self;
    struct xy_room *room;
    const struct xy_stanza *presence;
    const struct xy_node *x;
    const struct xy_jid *real, *nick;
    struct affiliated who;
    bool created, renamed;
};

struct refusal
door_refuse(xy_condition condition)
{
    return (struct refusal){.refused = true, .condition = condition};
}

static const struct refusal welcome = {.refused = false, .condition = XY_BAD_REQUEST};

/* ---- who may
 * -------------------------------------------------------------------------------- */

static struct refusal
look_at_password(const struct entry *entry)
{
    struct xy_str password = muc_text(entry->room, TEXT_PASSWORD);
    const struct xy_node *given = xy_node_child(entry->x, XY_STR(NS_MUC), XY_STR("password"));
    struct xy_str text = given ? xy_node_text(given) : XY_NO_STR;
    if (!password.len || muc_is_service_admin(entry->self, entry->real))
        return welcome;
    if (text.len != password.len || !xy_secret_equal(text.at, password.at, text.len))
        return door_refuse(XY_NOT_AUTHORIZED);
    return welcome;
}

/* 7.2.10. An occupant is a nick (XEP-0045 4.2): another session of one that is there takes no
 * place, a person's second nick does. */
static struct refusal
look_for_place(const struct entry *entry)
{
    int64_t most = entry->self->max_users;
    int32_t wanted = muc_settings(entry->room)->max_users;
    if (wanted > 0 && wanted < most)
        most = wanted;
    if (entry->who.affiliation >= XY_ADMIN || (int64_t)xy_room_nicks(entry->room) < most ||
        xy_room_find_nick(entry->room, entry->nick))
        return welcome;
    return door_refuse(XY_SERVICE_UNAVAILABLE);
}

struct refusal
door_look_at_nick(struct xy_room *room, const struct xy_jid *nick, const struct xy_jid *who)
{
    const struct xy_jid *reserved_for;
    xy_status status = muc_nick_owner(room, xy_jid_resource(nick), &reserved_for);
    if (status != XY_OK && status != XY_ABSENT)
        return door_refuse(xy_status_condition(status));
    if (status == XY_OK && reserved_for != xy_jid_bare(who))
        return door_refuse(XY_ERROR_CONFLICT);
    const struct xy_occupant *there = xy_room_find_nick(room, nick);
    if (there && xy_jid_bare(xy_occupant_real(there)) != xy_jid_bare(who))
        return door_refuse(XY_ERROR_CONFLICT);
    return welcome;
}

/* 7.2.2: where nicks are locked down, whoever has a nick gets that one. */
static void
use_reserved_nick(struct entry *entry)
{
    struct xy_str reserved = entry->who.nick;
    if (!reserved.len || muc_settings(entry->room)->change_nick ||
        xy_str_equal(reserved, xy_jid_resource(entry->nick)))
        return;
    const struct xy_jid *nick =
        xy_jid_make(xy_jid_local(entry->nick), xy_jid_domain(entry->nick), reserved);
    entry->renamed = nick && nick != entry->nick;
    entry->nick = entry->renamed ? nick : entry->nick;
}

static struct refusal
look_at_newcomer(struct entry *entry)
{
    xy_status status = muc_affiliation(entry->self, entry->room, entry->real, &entry->who);
    if (status != XY_OK)
        return door_refuse(xy_status_condition(status));
    if (entry->who.affiliation == XY_OUTCAST)
        return door_refuse(XY_FORBIDDEN);
    if (muc_state(entry->room)->locked && entry->who.affiliation < XY_OWNER)
        return door_refuse(XY_ITEM_NOT_FOUND);
    if (muc_settings(entry->room)->members_only && entry->who.affiliation < XY_MEMBER)
        return door_refuse(XY_REGISTRATION_REQUIRED);
    struct refusal refusal = look_at_password(entry);
    if (refusal.refused)
        return refusal;
    use_reserved_nick(entry);
    refusal = look_for_place(entry);
    return refusal.refused ? refusal : door_look_at_nick(entry->room, entry->nick, entry->real);
}

static struct refusal
create(struct entry *entry)
{
    xy_condition why;
    if (!muc_may_create(entry->self, entry->real, &why))
        return door_refuse(why);
    const struct xy_jid *owner = xy_jid_bare(entry->real);
    xy_status status = muc_create(entry->self, entry->room, owner, true);
    if (status != XY_OK)
        return door_refuse(xy_status_condition(status));
    entry->created = true;
    entry->who = (struct affiliated){.jid = owner, .affiliation = XY_OWNER};
    return welcome;
}

/* ---- in
 * -------------------------------------------------------------------------------- */

/* Does somebody keep what is said here (7.2.12)? */
static bool
is_logged(struct xy_room *room)
{
    struct xy_firing firing;
    if (!muc_settings(room)->archived ||
        !xy_fire_first(&firing, xy_room_host(room), &xy_hook_muc_history))
        return false;
    xy_fire_end(&firing);
    return true;
}

static void
show_self(const struct muc *self, struct xy_occupant *occupant,
          const struct xy_stanza *presence, bool created, bool renamed)
{
    struct xy_room *room = xy_occupant_room(occupant);
    struct xy_occupant *shown = door_shown(room, xy_occupant_nick(occupant));
    struct showing showing = door_showing(occupant);
    int codes[5], count = 0;
    if (muc_settings(room)->whois == WHOIS_ANYONE)
        codes[count++] = 100;
    if (is_logged(room))
        codes[count++] = 170;
    if (created)
        codes[count++] = 201;
    if (renamed)
        codes[count++] = 210;
    codes[count] = 0;
    showing.codes = codes;
    showing.newcomer = occupant;
    door_tell_self(self, occupant, door_kept(self, shown, false), showing,
                   xy_stanza_id(presence));
}

static void
show_sequence(const struct entry *entry, struct xy_occupant *occupant)
{
    muc_show_affiliations(entry->self, occupant, entry->x);
    muc_show_avatar(occupant);
    door_show_others(entry->self, occupant);
    show_self(entry->self, occupant, entry->presence, entry->created, entry->renamed);
    muc_show_past(entry->self, occupant, entry->x);
}

static void
add(const struct entry *entry, const struct xy_node *hats)
{
    struct xy_occupant *same = xy_room_find_nick(entry->room, entry->nick);
    enum xy_role role =
        same ? door_person(same)->role : muc_default_role(entry->room, entry->who.affiliation);
    struct xy_occupant *occupant = xy_occupant_add(entry->room, entry->nick, entry->real);
    muc_person(occupant)->joined_ms = xy_now_ms();
    door_set_role(occupant, entry->who.affiliation, role);
    door_is_newest(occupant);
    door_keep(entry->self, occupant, entry->presence, hats);
    xy_count(&entry->self->joined);
    door_show(entry->self, occupant);
    door_tell_nick(entry->self, occupant, door_showing(occupant), occupant);
    show_sequence(entry, occupant);
}

/* A client of ours whose session has ended is not there any more; of others we learn by errors.
 */
static bool
is_there(const struct xy_jid *real)
{
    if (!xy_host_find(real))
        return true;
    const struct xy_session *session = xy_session_find(real);
    return session && xy_session_is_open(session);
}

struct refusal
door_join(struct muc *self, struct xy_room *room, const struct xy_stanza *presence,
          const struct xy_node *x)
{
    struct entry entry = {.self = self, .room = room, .presence = presence, .x = x};
    entry.real = xy_stanza_from(presence);
    entry.nick = xy_stanza_to(presence);
    const struct xy_session *session = xy_session_find(entry.real);
    if (session && (int64_t)xy_session_rooms(session) >= self->rooms_per_session)
        return door_refuse(XY_RESOURCE_CONSTRAINT);
    bool exists = muc_state(room)->created_ms != 0;
    struct refusal refusal = exists ? look_at_newcomer(&entry) : create(&entry);
    if (refusal.refused)
        return refusal;
    const struct xy_node *hats = door_hats(room, xy_jid_bare(entry.real));
    if (is_there(entry.real))
        add(&entry, hats);
    muc_look_whether_empty(self, room);
    return welcome;
}

/* Nobody else sees a second join: what it says of itself is shown if it is new (18.3). */
void
door_join_again(struct muc *self, struct xy_occupant *occupant,
                const struct xy_stanza *presence, const struct xy_node *x)
{
    struct entry entry = {.self = self, .presence = presence, .x = x};
    entry.room = xy_occupant_room(occupant);
    struct xy_str before = xy_stanza_text(door_kept(self, occupant, false));
    bool was_shown = door_person(occupant)->shown;
    door_is_newest(occupant);
    door_keep(self, occupant, presence, door_hats_shown(occupant));
    if (!was_shown || !xy_str_equal(before, xy_stanza_text(door_kept(self, occupant, false)))) {
        door_show(self, occupant);
        door_tell_nick(self, occupant, door_showing(occupant), occupant);
    }
    show_sequence(&entry, occupant);
}
