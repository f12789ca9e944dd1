/* SPDX-License-Identifier: MIT */
/*
 * Presence inside the router: what a client announces changes its session; subscriptions go
 * through their two hooks; the rest is delivered (RFC 6121 sections 3, 4 and 8.5.2).
 */
#include "core/route/objects.h"

static bool
subscription_kind(const struct xy_stanza *presence, enum xy_subscription_kind *kind)
{
    static const char *const names[] = {"subscribe", "subscribed", "unsubscribe",
                                        "unsubscribed"};
    struct xy_str type = xy_stanza_type(presence);
    for (unsigned i = 0; i < 4; i++)
        if (xy_str_equal(type, xy_str_from(names[i]))) {
            *kind = (enum xy_subscription_kind)i;
            return true;
        }
    return false;
}

bool
xyi_presence_is_subscription(const struct xy_stanza *presence)
{
    enum xy_subscription_kind kind;
    return subscription_kind(presence, &kind);
}

/* RFC 6121 4.7.2.3: an integer from -128 to 127; no element means 0. */
static xy_status
read_priority(const struct xy_stanza *presence, int8_t *priority)
{
    const struct xy_node *node =
        xy_stanza_child(presence, XY_STR(XY_NS_CLIENT), XY_STR("priority"));
    int64_t value = 0;
    xy_status status = XY_OK;
    if (node)
        status = xy_str_to_int(xy_str_trim(xy_node_text(node)), -128, 127, &value);
    *priority = (int8_t)value;
    return status;
}

static void
available(struct xy_session *session, const struct xy_stanza *presence)
{
    struct xy_user *user = session->user;
    int8_t priority;
    if (read_priority(presence, &priority) != XY_OK) {
        struct xy_stanza *error =
            xy_stanza_error(presence, XY_BAD_REQUEST, XY_STR("Not a priority"));
        if (error)
            (void)xy_session_send(session, error);
        return;
    }
    bool first = !session->presence;
    bool took = xyi_session_takes_messages(session);
    const struct xy_stanza *former = session->presence;
    session->presence = xyi_stanza_compact(presence);
    session->priority = priority;
    xy_stanza_drop(former);
    bool takes_now = !took && priority >= 0;
    /* from here on messages queue, so that what waited before is handed over before them */
    if (takes_now) {
        xyi_outbox_block(session);
        session->cut = xyi_message_next_id();
    }
    xy_run_session_presence(user->host, session, presence, first);
    if (takes_now && session->open)
        xy_run_session_available(user->host, session);
    if (takes_now)
        xyi_outbox_unblock(session);
}

void
xy_session_set_presence(struct xy_session *session, struct xy_stanza *presence)
{
    xy_stanza_set_from(presence, session->jid);
    xyi_stanza_freeze(presence);
    if (session->open)
        available(session, presence);
}

static void
unavailable(struct xy_session *session, const struct xy_stanza *presence)
{
    const struct xy_stanza *former = session->presence;
    session->presence = NULL;
    session->priority = 0;
    if (former) {
        xy_stanza_drop(former);
        xy_run_session_presence(session->user->host, session, presence, false);
    }
}

static void
subscription(struct xy_session *session, enum xy_subscription_kind kind,
             const struct xy_stanza *presence)
{
    struct xy_user *user = session->user;
    const struct xy_jid *contact = xy_jid_bare(xy_stanza_to(presence));
    if (contact == user->jid)
        return; /* one cannot subscribe to oneself */
    if (xy_run_roster_out_subscription(user->host, user, contact, kind, presence) == XY_PASS)
        xy_bounce(presence, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}

void
xyi_presence_from_session(struct xy_session *session, const struct xy_stanza *presence)
{
    struct xy_str type = xy_stanza_type(presence);
    enum xy_subscription_kind kind;
    bool is_subscription = subscription_kind(presence, &kind);
    if (!session->open && !is_subscription)
        return; /* it ended while a hook waited: it has been shown to be gone */
    if (xy_stanza_to(presence)) {
        if (is_subscription)
            subscription(session, kind, presence);
        else if (xy_run_presence_directed(session->user->host, session, presence) == XY_PASS)
            xyi_route_stanza(presence);
    } else if (type.len == 0) {
        available(session, presence);
    } else if (xy_str_is(type, "unavailable")) {
        unavailable(session, presence);
    } else if (!xy_str_is(type, "error")) {
        struct xy_stanza *error = xy_stanza_error(presence, XY_BAD_REQUEST, XY_NO_STR);
        if (error)
            (void)xy_session_send(session, error);
    }
}

static void
deliver(struct xy_user *user, const struct xy_stanza *presence)
{
    const struct xy_jid *to = xy_stanza_to(presence);
    if (!xy_jid_is_bare(to)) {
        struct xy_session *session = xy_session_find(to);
        if (session)
            (void)xy_session_send(session, presence);
        return;
    }
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (s->presence)
            (void)xy_session_send(s, presence);
}

void
xyi_route_presence(struct xy_user *user, const struct xy_stanza *presence)
{
    enum xy_subscription_kind kind;
    if (subscription_kind(presence, &kind)) {
        const struct xy_jid *contact = xy_jid_bare(xy_stanza_from(presence));
        if (contact != user->jid)
            (void)xy_run_roster_in_subscription(user->host, user, contact, kind, presence);
        return;
    }
    if (xy_run_presence_in(user->host, user, presence) == XY_DONE)
        return;
    if (!xy_str_is(xy_stanza_type(presence), "probe"))
        deliver(user, presence);
}
