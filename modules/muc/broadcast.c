/* SPDX-License-Identifier: MIT */
/*
 * Presences as occupants see them (XEP-0045 7.2.2, 7.7, 18.3; XEP-0421): what the client said,
 * without anything only the room may say, and what the room says. Of an occupant's presence
 * there are two variants, without and with the real JID, made once per change and kept with the
 * occupant: whoever comes is sent these, and whoever is there gets them in one sending each.
 *
 * Every presence is made from a copy of the payload: one edited from the last would hold on to
 * all before it.
 */
#include "modules/muc/door.h"

enum { KEPT_PLAIN, KEPT_WITH_JID };

/* 18.3: what a client says there is never reflected. */
static bool
is_the_rooms(const struct xy_node *node)
{
    struct xy_str ns = xy_node_ns(node);
    return xy_str_starts(ns, XY_STR(NS_MUC)) || xy_str_is(ns, NS_HATS) ||
           xy_str_is(ns, NS_OCCUPANT_ID);
}

static void
add_item(struct xy_node *x, const struct showing *showing)
{
    struct xy_node *item = xy_node_add(x, XY_NO_STR, XY_STR("item"));
    xy_node_set(item, "affiliation", xy_str_from(muc_affiliation_name(showing->affiliation)));
    xy_node_set(item, "role", xy_str_from(muc_role_name(showing->role)));
    if (showing->real)
        xy_node_set(item, "jid", xy_jid_text(showing->real));
    if (showing->new_nick.len)
        xy_node_set(item, "nick", showing->new_nick);
    if (showing->actor.len)
        xy_node_set(xy_node_add(item, XY_NO_STR, XY_STR("actor")), "nick", showing->actor);
    if (showing->reason.len)
        xy_node_add_text(xy_node_add(item, XY_NO_STR, XY_STR("reason")), showing->reason);
}

static void
add_code(struct xy_node *x, int code)
{
    struct xy_node *status = xy_node_add(x, XY_NO_STR, XY_STR("status"));
    xy_node_set(status, "code", xy_temp_printf("%d", code));
}

static void
add_payload(struct xy_node *top, const struct xy_stanza *said)
{
    const struct xy_node *root = xy_stanza_root(said);
    for (const struct xy_node *at = xy_node_first(root); at; at = xy_node_next(at))
        if (!is_the_rooms(at))
            xy_node_add_copy(top, at);
    xy_node_set(top, "xml:lang", xy_stanza_lang(said));
}

struct xy_stanza *
door_presence(const struct muc *self, const struct xy_jid *nick, const struct xy_jid *who,
              const struct xy_stanza *said, const struct xy_node *hats,
              const struct showing *showing)
{
    struct xy_stanza *presence = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
    struct xy_node *top = xy_stanza_top(presence);
    xy_stanza_set_from(presence, nick);
    if (showing->type)
        xy_stanza_set_type(presence, xy_str_from(showing->type));
    if (said)
        add_payload(top, said);
    if (hats)
        xy_node_add_copy(top, hats);
    struct xy_node *x = xy_node_add(top, XY_STR(NS_MUC_USER), XY_STR("x"));
    if (showing->change_in)
        muc_add_change(showing->change_in, x);
    if (showing->newcomer)
        muc_add_version(showing->newcomer, x);
    add_item(x, showing);
    if (showing->destroy)
        xy_node_add_copy(x, showing->destroy);
    if (showing->self)
        add_code(x, 110);
    for (const int *code = showing->codes; code && *code; code++)
        add_code(x, *code);
    struct xy_node *id = xy_node_add(top, XY_STR(NS_OCCUPANT_ID), XY_STR("occupant-id"));
    xy_node_set(id, "id", muc_occupant_id_at(self, xy_jid_bare(nick), who));
    return presence;
}

/* ---- kept
 * -------------------------------------------------------------------------------- */

void
door_keep(const struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *said,
          const struct xy_node *hats)
{
    struct showing showing = door_showing(occupant);
    struct xy_stanza *presence = door_presence(
        self, xy_occupant_nick(occupant), xy_occupant_real(occupant), said, hats, &showing);
    const struct xy_node *status;
    if (showing.role == XY_VISITOR &&
        !muc_settings(xy_occupant_room(occupant))->allow_visitor_status)
        while ((status = xy_stanza_child(presence, XY_STR(XY_NS_CLIENT), XY_STR("status"))))
            xy_node_remove(xy_stanza_top(presence), status);
    xy_occupant_keep(occupant, KEPT_PLAIN, presence);
    xy_occupant_keep(occupant, KEPT_WITH_JID, NULL);
}

const struct xy_stanza *
door_kept(const struct muc *self, struct xy_occupant *occupant, bool jid)
{
    const struct xy_stanza *plain = xy_occupant_kept(occupant, KEPT_PLAIN), *with_jid;
    if (!jid)
        return plain;
    with_jid = xy_occupant_kept(occupant, KEPT_WITH_JID);
    if (with_jid)
        return with_jid;
    struct showing showing = door_showing(occupant);
    showing.real = xy_occupant_real(occupant);
    xy_occupant_keep(occupant, KEPT_WITH_JID,
                     door_presence(self, xy_occupant_nick(occupant), showing.real, plain,
                                   door_hats_shown(occupant), &showing));
    return xy_occupant_kept(occupant, KEPT_WITH_JID);
}

const struct xy_node *
door_hats_shown(const struct xy_occupant *occupant)
{
    const struct xy_stanza *plain = xy_occupant_kept(occupant, KEPT_PLAIN);
    return plain ? xy_stanza_child(plain, XY_STR(NS_HATS), XY_STR("hats")) : NULL;
}

/* ---- sending
 * -------------------------------------------------------------------------------- */

struct audience {
    const struct xy_jid *but; /* that nick gets it in another way */
    bool sees;
};

static bool
listens(void *argument, const struct xy_occupant *occupant)
{
    const struct audience *audience = argument;
    return xy_occupant_nick(occupant) != audience->but &&
           door_person(occupant)->sees == audience->sees;
}

static void
send_others(struct xy_room *room, const struct xy_jid *nick, const struct xy_stanza *presence,
            bool sees)
{
    struct audience audience = {.but = nick, .sees = sees};
    xy_room_send(room, presence, listens, &audience);
}

void
door_show(const struct muc *self, struct xy_occupant *occupant)
{
    struct xy_room *room = xy_occupant_room(occupant);
    const struct xy_jid *nick = xy_occupant_nick(occupant);
    if (door_person(occupant)->silent)
        return;
    send_others(room, nick, door_kept(self, occupant, false), false);
    send_others(room, nick, door_kept(self, occupant, true), true);
}

void
door_tell(const struct muc *self, struct xy_room *room, const struct xy_jid *nick,
          const struct xy_jid *who, const struct xy_stanza *said, const struct showing *showing)
{
    struct showing variant = *showing;
    send_others(room, nick, door_presence(self, nick, who, said, NULL, &variant), false);
    variant.real = who;
    send_others(room, nick, door_presence(self, nick, who, said, NULL, &variant), true);
}

/* One always sees one's own real JID. */
void
door_tell_self(const struct muc *self, struct xy_occupant *occupant,
               const struct xy_stanza *said, struct showing showing, struct xy_str id)
{
    showing.self = true;
    showing.real = xy_occupant_real(occupant);
    struct xy_stanza *presence =
        door_presence(self, xy_occupant_nick(occupant), showing.real, said,
                      showing.type ? NULL : door_hats_shown(occupant), &showing);
    if (id.len)
        xy_stanza_set_id(presence, id);
    xy_occupant_send(occupant, presence);
}

void
door_tell_nick(const struct muc *self, struct xy_occupant *shown, struct showing showing,
               const struct xy_occupant *but)
{
    const struct xy_stanza *said = door_kept(self, shown, false);
    struct xy_occupant *at =
        xy_room_find_nick(xy_occupant_room(shown), xy_occupant_nick(shown));
    for (; at; at = xy_occupant_next_same(at))
        if (at != but)
            door_tell_self(self, at, said, showing, XY_NO_STR);
}

void
door_show_others(const struct muc *self, struct xy_occupant *viewer)
{
    struct xy_room *room = xy_occupant_room(viewer);
    const struct xy_jid *nick = xy_occupant_nick(viewer);
    bool sees = door_person(viewer)->sees;
    for (struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at)) {
        const struct person *person = door_person(at);
        if (person->shown && !person->silent && xy_occupant_nick(at) != nick)
            xy_occupant_send(viewer, door_kept(self, at, sees));
    }
}
