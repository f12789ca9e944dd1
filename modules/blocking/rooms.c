/* SPDX-License-Identifier: MIT */
/*
 * What blocking means in rooms (XEP-0191 3.3, XEP-0045). What a room sends comes past
 * stanza_in, so a room that is blocked is left, and of an occupant who is blocked the words are
 * screened out. Invariant: of a session that blocks nobody at the rooms' domain nothing is
 * asked for each message.
 */
#include "modules/blocking/blocking.h"

/* ---- rooms
 * -------------------------------------------------------------------------------------------------
 */

/* Somebody at that domain, or all of it. */
static bool
names_domain(struct xy_str list, struct xy_str domain)
{
    while (list.len) {
        struct xy_str rest = xy_str_cut(&list, '\0'), bare = xy_str_cut(&rest, '/');
        struct xy_str host = bare, local = xy_str_cut(&host, '@');
        if (xy_str_equal(host.len ? host : local, domain))
            return true;
    }
    return false;
}

/* Who enters a room of a service where he has blocked somebody. */
void
blocking_consider_entry(struct xy_session *session, const struct xy_jid *to)
{
    struct xy_str list = blocking_list(xy_session_user(session));
    if (list.len && xy_service_host(to) && names_domain(list, xy_jid_domain(to)))
        xy_session_screen_rooms(session, true);
}

/* XEP-0045 8.1: the subject is the room's, whoever set it. */
static bool
is_subject(const struct xy_stanza *message)
{
    return xy_stanza_child(message, XY_STR(XY_NS_CLIENT), XY_STR("subject")) &&
           !xy_stanza_child(message, XY_STR(XY_NS_CLIENT), XY_STR("body"));
}

/* Who is there is shown, or a nick would stay for ever, or pass to another unseen. */
xy_verdict
blocking_screen(XY_SELF, const struct xy_occupant *occupant, const struct xy_stanza *stanza)
{
    const struct xy_jid *from = xy_stanza_from(stanza);
    struct xy_str list = blocking_list(xy_session_user(xy_occupant_session(occupant)));
    if (xy_stanza_kind(stanza) != XY_MESSAGE || from == xy_occupant_nick(occupant) ||
        is_subject(stanza) || !blocking_covers(list, from))
        return XY_PASS;
    xy_count(&self->refused);
    return XY_DONE;
}

/* Rooms that are blocked are left, by all sessions. */
void
blocking_leave_rooms(struct xy_user *user)
{
    struct xy_str list = blocking_list(user);
    struct xy_stanza **all;
    size_t count = 0, most = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        most += xy_session_rooms(s);
    all = xy_temp_alloc((most + 1) * sizeof(*all));
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s)) {
        const struct xy_jid **nicks = xy_session_nicks(s);
        bool screens = false;
        for (unsigned i = 0; i < xy_session_rooms(s); i++) {
            screens = screens || names_domain(list, xy_jid_domain(nicks[i]));
            if (!blocking_covers(list, xy_jid_bare(nicks[i])))
                continue;
            all[count] = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
            xy_stanza_set_type(all[count], XY_STR("unavailable"));
            xy_stanza_set_from(all[count], xy_session_jid(s));
            xy_stanza_set_to(all[count++], nicks[i]);
        }
        xy_session_screen_rooms(s, screens);
    }
    for (size_t i = 0; i < count; i++)
        xy_route(all[i]);
}
