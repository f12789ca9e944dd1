/* SPDX-License-Identifier: MIT */
/*
 * Who is in a room. Invariant: an occupant with a session is on that session's list, so that it
 * loses the session when that ends.
 */
#include "core/route/room.h"

/* ---- those of one nick --------------------------------------------------------------------
 */

static void
join_nick(struct xy_occupant *occupant)
{
    struct xy_room *room = occupant->room;
    struct xy_occupant *first = xy_map_get(room->by_nick, XY_KEY(occupant->nick));
    occupant->same = NULL;
    if (!first) {
        xy_map_put(room->by_nick, XY_KEY(occupant->nick), occupant);
        return;
    }
    while (first->same)
        first = first->same;
    first->same = occupant;
}

static void
leave_nick(struct xy_occupant *occupant)
{
    struct xy_room *room = occupant->room;
    struct xy_occupant *at = xy_map_get(room->by_nick, XY_KEY(occupant->nick));
    if (at == occupant && occupant->same) {
        xy_map_put(room->by_nick, XY_KEY(occupant->nick), occupant->same);
    } else if (at == occupant) {
        xy_map_remove(room->by_nick, XY_KEY(occupant->nick));
    } else {
        while (at->same != occupant)
            at = at->same;
        at->same = occupant->same;
    }
    occupant->same = NULL;
}

/* ---- coming and going ---------------------------------------------------------------------
 */

struct xy_occupant *
xy_occupant_add(struct xy_room *room, const struct xy_jid *nick, const struct xy_jid *real)
{
    xy_assert(room->inside == xyi_fiber_self() && !xy_room_find(room, real));
    struct xy_occupant *occupant = xyi_alloc(sizeof(*occupant));
    struct xy_session *session = xy_session_find(real);
    if (!room->by_real) {
        room->by_real = xyi_map_new();
        room->by_nick = xyi_map_new();
    }
    occupant->room = room;
    occupant->nick = xy_jid_keep(nick);
    occupant->real = xy_jid_keep(real);
    xyi_list_append(&room->occupants, &occupant->in_room);
    xyi_list_init(&occupant->in_session);
    xy_map_put(room->by_real, XY_KEY(occupant->real), occupant);
    join_nick(occupant);
    room->count++;
    if (session && session->open) {
        occupant->session = session;
        xyi_list_append(&session->rooms, &occupant->in_session);
        session->room_count++;
    }
    return occupant;
}

static void
part_from_session(struct xy_occupant *occupant)
{
    if (!occupant->session)
        return;
    xyi_list_remove(&occupant->in_session);
    occupant->session->room_count--;
    if (occupant->room->commits)
        xyi_room_left_behind(occupant->session);
    occupant->session = NULL;
}

static void
release(void *object)
{
    struct xy_occupant *occupant = object;
    for (unsigned i = 0; i < XY_OCCUPANT_KEPT; i++)
        xy_stanza_drop(occupant->kept[i]);
    xyi_notes_free(&occupant->notes);
    xy_jid_drop(occupant->nick);
    xy_jid_drop(occupant->real);
    xyi_free(occupant);
}

void
xy_occupant_remove(struct xy_occupant *occupant)
{
    struct xy_room *room = occupant->room;
    xy_assert(room->inside == xyi_fiber_self());
    part_from_session(occupant);
    leave_nick(occupant);
    xy_map_remove(room->by_real, XY_KEY(occupant->real));
    xyi_list_remove(&occupant->in_room);
    room->count--;
    xyi_retire(occupant, release);
}

void
xy_occupant_rename(struct xy_occupant *occupant, const struct xy_jid *nick)
{
    const struct xy_jid *former = occupant->nick;
    leave_nick(occupant);
    occupant->nick = xy_jid_keep(nick);
    join_nick(occupant);
    xy_jid_drop(former);
}

void
xyi_rooms_session_ended(struct xy_session *session)
{
    xyi_room_forget_session(session);
    while (!xyi_list_empty(&session->rooms)) {
        struct xy_occupant *occupant =
            XYI_LIST_OF(session->rooms.next, struct xy_occupant, in_session);
        struct xy_host *host = occupant->room->host;
        const struct xy_jid *room = xy_jid_parse(xy_jid_text(occupant->room->jid));
        xyi_list_remove(&occupant->in_session);
        occupant->session = NULL;
        session->room_count--;
        xy_run_occupant_lost(host, room, session->jid);
    }
}

/* ---- looking ------------------------------------------------------------------------------
 */

size_t
xy_room_count(const struct xy_room *room)
{
    return room->count;
}

size_t
xy_room_nicks(const struct xy_room *room)
{
    return room->by_nick ? xy_map_count(room->by_nick) : 0;
}

struct xy_occupant *
xy_room_first(const struct xy_room *room)
{
    if (xyi_list_empty(&room->occupants))
        return NULL;
    return XYI_LIST_OF(room->occupants.next, struct xy_occupant, in_room);
}

struct xy_occupant *
xy_occupant_next(const struct xy_occupant *occupant)
{
    if (occupant->in_room.next == &occupant->room->occupants)
        return NULL;
    return XYI_LIST_OF(occupant->in_room.next, struct xy_occupant, in_room);
}

struct xy_occupant *
xy_room_find(const struct xy_room *room, const struct xy_jid *real)
{
    return room->by_real ? xy_map_get(room->by_real, XY_KEY(real)) : NULL;
}

struct xy_occupant *
xy_room_find_nick(const struct xy_room *room, const struct xy_jid *nick)
{
    return room->by_nick ? xy_map_get(room->by_nick, XY_KEY(nick)) : NULL;
}

struct xy_occupant *
xy_occupant_next_same(const struct xy_occupant *occupant)
{
    return occupant->same;
}

const struct xy_jid *
xy_occupant_nick(const struct xy_occupant *occupant)
{
    return occupant->nick;
}

const struct xy_jid *
xy_occupant_real(const struct xy_occupant *occupant)
{
    return occupant->real;
}

struct xy_session *
xy_occupant_session(const struct xy_occupant *occupant)
{
    return occupant->session;
}

struct xy_room *
xy_occupant_room(const struct xy_occupant *occupant)
{
    return occupant->room;
}

unsigned
xy_session_rooms(const struct xy_session *session)
{
    return session->room_count;
}

const struct xy_jid **
xy_session_nicks(const struct xy_session *session)
{
    const struct xy_jid **nicks = xy_temp_alloc((session->room_count + 1) * sizeof(*nicks));
    size_t count = 0;
    for (struct xyi_link_node *at = session->rooms.next; at != &session->rooms; at = at->next)
        nicks[count++] =
            xy_jid_parse(xy_jid_text(XYI_LIST_OF(at, struct xy_occupant, in_session)->nick));
    return nicks;
}

void
xy_session_screen_rooms(struct xy_session *session, bool on)
{
    session->screens_rooms = on;
}

void
xy_occupant_keep(struct xy_occupant *occupant, unsigned place, const struct xy_stanza *stanza)
{
    xy_assert(place < XY_OCCUPANT_KEPT);
    const struct xy_stanza *former = occupant->kept[place];
    occupant->kept[place] = stanza ? xyi_stanza_compact(stanza) : NULL;
    xy_stanza_drop(former);
}

const struct xy_stanza *
xy_occupant_kept(const struct xy_occupant *occupant, unsigned place)
{
    xy_assert(place < XY_OCCUPANT_KEPT);
    return occupant->kept[place];
}

XYI_NOTE_FUNCTIONS(occupant)
