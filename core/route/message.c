/* SPDX-License-Identifier: MIT */
/*
 * Where a message to an account goes: the table of RFC 6121 section 8.5.
 */
#include "core/route/accept.h"

enum type { NORMAL, CHAT, GROUPCHAT, HEADLINE, ERROR };

static enum type
type_of(const struct xy_stanza *message)
{
    struct xy_str type = xy_stanza_type(message);
    if (xy_str_is(type, "chat"))
        return CHAT;
    if (xy_str_is(type, "groupchat"))
        return GROUPCHAT;
    if (xy_str_is(type, "headline"))
        return HEADLINE;
    return xy_str_is(type, "error") ? ERROR : NORMAL; /* 5.2.2: an unknown type is normal */
}

/* Every resource that takes messages to the bare JID. */
static void
show_all(struct xy_user *user, const struct xy_stanza *message)
{
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (xyi_session_takes_messages(s))
            (void)xy_session_send(s, message);
}

static bool
show_one(const struct xy_stanza *message)
{
    const struct xy_jid *to = xy_stanza_to(message);
    struct xy_session *session = xy_jid_is_bare(to) ? NULL : xy_session_find(to);
    return session && xy_session_send(session, message) == XY_OK;
}

void
xyi_route_message(struct xy_user *user, const struct xy_stanza *message)
{
    switch (type_of(message)) {
    case NORMAL:
    case CHAT:
        xyi_accept(user, message, false);
        break;
    case GROUPCHAT:
        if (!show_one(message))
            xy_bounce(message, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
        break;
    case HEADLINE:
        if (!show_one(message) && xy_jid_is_bare(xy_stanza_to(message)))
            show_all(user, message);
        break;
    case ERROR:
        xyi_accept_error(user, message);
        break;
    }
}

void
xyi_message_again(struct xy_user *user, const struct xy_stanza *message)
{
    if (user->gone)
        xy_bounce(message, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
    else
        xyi_accept(user, message, true);
}
