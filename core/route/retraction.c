/* SPDX-License-Identifier: MIT */
/*
 * Asking to take something back (XEP-0424, and the forms before it). Invariant: such a request
 * from a client goes nowhere unless a module has allowed it: without one it is refused, nobody
 * sees it and nothing is stored (requirement S0-1). Nor does it without its effect: it is
 * always stored, and only in the transaction that has it (S1-4, accept.c, room_send.c).
 */
#include "core/route/removal.h"
#include <xylem/namespaces.h>
#include <xylem/removal.h>

static bool
names_retraction(const struct xy_node *child)
{
    struct xy_str ns = xy_node_ns(child), name = xy_node_name(child);
    if (xy_str_is(name, "retract"))
        return xy_str_starts(ns, XY_STR("urn:xmpp:message-retract:"));
    if (xy_str_is(name, "apply-to") && xy_str_is(ns, "urn:xmpp:fasten:0"))
        return xy_node_child(child, XY_NO_STR, XY_STR("retract")) ||
               xy_node_child(child, XY_NO_STR, XY_STR("moderate")) ||
               xy_node_child(child, XY_NO_STR, XY_STR("moderated"));
    return false;
}

bool
xyi_is_retraction(const struct xy_stanza *message)
{
    if (xy_stanza_kind(message) != XY_MESSAGE || xy_stanza_is_error(message))
        return false;
    for (const struct xy_node *at = xy_node_first(xy_stanza_root(message)); at;
         at = xy_node_next(at))
        if (names_retraction(at))
            return true;
    return false;
}

void
xy_retraction_refuse(const struct xy_stanza *message, xy_condition condition, const char *why,
                     struct xy_str text)
{
    struct xy_stanza *error = xy_stanza_error(message, condition, text);
    if (!error)
        return;
    xy_stanza_error_add(error, XY_STR(XY_NS_REMOVAL), xy_str_from(why));
    struct xy_session *sender = xy_session_find(xy_stanza_from(message));
    if (sender)
        (void)xy_session_send(sender, error);
}

/* A moderator's or administrator's, in whose name only servers speak (XEP-0425 4). */
static bool
claims_moderation(const struct xy_stanza *message)
{
    for (const struct xy_node *at = xy_node_first(xy_stanza_root(message)); at;
         at = xy_node_next(at))
        if (names_retraction(at) && xy_node_child(at, XY_NO_STR, XY_STR("moderated")))
            return true;
    return false;
}

bool
xyi_retraction_may_pass(struct xy_session *session, const struct xy_stanza *message)
{
    enum xy_retraction verdict = XY_RETRACTION_OFF;
    if (claims_moderation(message)) {
        xy_retraction_refuse(message, XY_BAD_REQUEST, "forged",
                             XY_STR("Only the server says who moderated"));
        return false;
    }
    xy_run_retraction_asked(session->user->host, session, message, &verdict);
    if (verdict == XY_RETRACTION_OFF)
        xy_retraction_refuse(message, XY_NOT_ALLOWED, "off",
                             XY_STR("Messages cannot be taken back here"));
    return verdict == XY_RETRACTION_ALLOWED;
}
