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

void
xyi_route_message(struct xy_user *user, const struct xy_stanza *message)
{
    switch (type_of(message)) {
    case NORMAL:
    case CHAT:
        xyi_accept(user, message, false);
        break;
    case GROUPCHAT:
        if (!xyi_accept_passing(user, message, false))
            xy_bounce(message, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
        break;
    case HEADLINE:
        (void)xyi_accept_passing(user, message, xy_jid_is_bare(xy_stanza_to(message)));
        break;
    case ERROR:
        (void)xyi_accept_passing(user, message, false);
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
