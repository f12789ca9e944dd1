/* SPDX-License-Identifier: MIT */
/*
 * Where a message to an account goes: the table of RFC 6121 section 8.5.
 */
#include "core/route/objects.h"

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

/* Every resource that takes messages to the bare JID; how many did. */
static unsigned
deliver_to_all(struct xy_user *user, const struct xy_stanza *message)
{
    unsigned taken = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (xyi_session_takes_messages(s))
            taken += xy_session_send(s, message) == XY_OK;
    return taken;
}

static bool
deliver_to_one(const struct xy_stanza *message)
{
    const struct xy_jid *to = xy_stanza_to(message);
    struct xy_session *session = xy_jid_is_bare(to) ? NULL : xy_session_find(to);
    return session && xy_session_send(session, message) == XY_OK;
}

static void
undeliverable(struct xy_user *user, const struct xy_stanza *message)
{
    if (xy_run_message_undeliverable(user->host, user, message) == XY_PASS)
        xy_bounce(message, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}

void
xyi_route_message(struct xy_user *user, const struct xy_stanza *message)
{
    if (!xyi_user_queue(user, message))
        xyi_deliver_message(user, message);
}

void
xyi_deliver_message(struct xy_user *user, const struct xy_stanza *message)
{
    enum type type = type_of(message);
    bool to_bare = xy_jid_is_bare(xy_stanza_to(message));
    if (!to_bare && deliver_to_one(message))
        return;
    switch (type) {
    case NORMAL:
    case CHAT:
        if (deliver_to_all(user, message) == 0)
            undeliverable(user, message);
        break;
    case GROUPCHAT:
        xy_bounce(message, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
        break;
    case HEADLINE:
        if (to_bare)
            (void)deliver_to_all(user, message);
        break;
    case ERROR:
        break;
    }
}
