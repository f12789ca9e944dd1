/* SPDX-License-Identifier: MIT */
/*
 * Which rooms a session is in (XEP-0045), as far as its own presence tells: rooms that do not
 * mark their private messages are known by it, and copies of what goes to an occupant are for
 * the sessions that are there under the same nick.
 */
#include "modules/carbons/carbons.h"

#define NS_MUC "http://jabber.org/protocol/muc"

/* "room@service/nick", each followed by NUL. */
static const struct xy_note rooms_kind = {"carbons.rooms", 1, 0};
enum { MOST_BYTES = 64 * 1024 };

static struct xy_str
list_of(struct xy_session *session)
{
    const char *at = xy_session_note_find(session, &rooms_kind);
    return xy_str_of(at, at ? xy_session_note_size(session, &rooms_kind) : 0);
}

static bool
is_in(struct xy_str occupant, struct xy_str room)
{
    return occupant.len > room.len && occupant.at[room.len] == '/' &&
           xy_str_starts(occupant, room);
}

struct xy_str
carbons_nick_in(struct xy_session *session, const struct xy_jid *room)
{
    struct xy_str list = list_of(session);
    while (list.len) {
        struct xy_str occupant = xy_str_cut(&list, '\0');
        if (is_in(occupant, xy_jid_text(room)))
            return occupant;
    }
    return XY_NO_STR;
}

/* `occupant` absent: it has left. */
static void
replace(struct xy_session *session, const struct xy_jid *room, struct xy_str occupant)
{
    struct xy_str list = list_of(session);
    struct xy_buffer rest = {0};
    while (list.len) {
        struct xy_str entry = xy_str_cut(&list, '\0');
        if (is_in(entry, xy_jid_text(room)))
            continue;
        xy_buffer_add(&rest, entry);
        xy_buffer_add(&rest, xy_str_of("", 1));
    }
    if (occupant.len && rest.len + occupant.len < MOST_BYTES) {
        xy_buffer_add(&rest, occupant);
        xy_buffer_add(&rest, xy_str_of("", 1));
    }
    xy_session_note_drop(session, &rooms_kind);
    if (rest.len)
        memcpy(xy_session_note_resize(session, &rooms_kind, rest.len), rest.text, rest.len);
}

xy_verdict
carbons_note_room(XY_SELF, struct xy_session *session, const struct xy_stanza *presence)
{
    const struct xy_jid *to = xy_stanza_to(presence), *room = xy_jid_bare(to);
    struct xy_str type = xy_stanza_type(presence);
    bool joins = xy_stanza_child(presence, XY_STR(NS_MUC), XY_STR("x"));
    if (xy_str_is(type, "unavailable")) {
        if (carbons_nick_in(session, room).len)
            replace(session, room, XY_NO_STR);
    } else if (type.len == 0 && !xy_jid_is_bare(to)) {
        if (joins || carbons_nick_in(session, room).len) /* else no room; or another nick */
            replace(session, room, xy_jid_text(to));
    }
    return XY_PASS;
}

/* Whoever got its presence is told that it has gone (RFC 6121 4.6.3). */
void
carbons_leave_rooms(XY_SELF, struct xy_session *session, const struct xy_stanza *presence,
                    bool first)
{
    (void)first;
    if (xy_str_is(xy_stanza_type(presence), "unavailable"))
        xy_session_note_drop(session, &rooms_kind);
}
