/* SPDX-License-Identifier: MIT */
/*
 * The router: where a stanza goes (RFC 6120 section 10, RFC 6121 section 8). One way in for
 * clients, one for the server's own stanzas, and one place that knows "not here".
 */
#include "core/route/accept.h"
#include "core/route/removal.h"
#include <xylem/removal.h>

/* XEP-0359: an id that claims to be ours is forged, archive or not; XEP-0203: so is our delay.
 * Tombstones and moderators' notices are made by servers (XEP-0424 5, XEP-0425), and what is
 * said in our own namespace of removal (requirement S0-24). */
static bool
is_forged(const struct xy_node *child)
{
    if (xy_str_is(xy_node_ns(child), XY_NS_REMOVAL))
        return true;
    if (xy_str_is(xy_node_name(child), "retracted") ||
        xy_str_is(xy_node_name(child), "moderated"))
        return xy_str_starts(xy_node_ns(child), XY_STR("urn:xmpp:message-"));
    bool is_id = xy_node_is(child, XY_STR(XY_NS_SID), XY_STR("stanza-id"));
    bool is_delay = xy_node_is(child, XY_STR(XY_NS_DELAY), XY_STR("delay"));
    if (!is_id && !is_delay)
        return false;
    struct xy_str by = xy_node_attr(child, is_id ? "by" : "from");
    const struct xy_jid *jid = by.len ? xy_jid_parse(by) : NULL;
    return jid && (xy_host_find(jid) || xy_service_host(jid));
}

static void
strip_forged(struct xy_stanza *stanza)
{
    struct xy_node *top = NULL;
    const struct xy_node *next;
    for (const struct xy_node *at = xy_node_first(xy_stanza_root(stanza)); at; at = next) {
        next = xy_node_next(at);
        if (!is_forged(at))
            continue;
        top = top ? top : xy_stanza_top(stanza);
        xy_node_remove(top, at);
    }
}

/* RFC 6120 8.1.2.1: `from` is the session's full JID; a client may only say what is true. */
static bool
stamp(struct xy_session *session, struct xy_stanza *stanza)
{
    const struct xy_jid *from = xy_stanza_from(stanza);
    if (from && from != session->jid && from != xy_jid_bare(session->jid))
        return false;
    xy_stanza_set_from(stanza, session->jid);
    return true;
}

static void
refuse_address(struct xy_session *session, struct xy_stanza *stanza)
{
    xy_stanza_set_from(stanza, session->jid);
    struct xy_stanza *error = xy_stanza_error(stanza, XY_JID_MALFORMED, XY_NO_STR);
    if (error) {
        xy_stanza_set_from(error, xy_host_jid(session->user->host));
        (void)xy_session_send(session, error);
    }
}

static void
route_kind(struct xy_session *session, const struct xy_stanza *stanza)
{
    switch (xy_stanza_kind(stanza)) {
    case XY_MESSAGE:
        if (!xyi_is_retraction(stanza) || xyi_retraction_may_pass(session, stanza))
            xyi_route_stanza(stanza);
        break;
    case XY_PRESENCE:
        xyi_presence_from_session(session, stanza);
        break;
    case XY_IQ:
        xyi_iq_from_session(session, stanza);
        break;
    case XY_NONZA:
        break;
    }
}

static void
count(const struct xy_stanza *stanza)
{
    enum xy_kind kind = xy_stanza_kind(stanza);
    xyi_route_counters.messages += kind == XY_MESSAGE;
    xyi_route_counters.presences += kind == XY_PRESENCE;
    xyi_route_counters.iqs += kind == XY_IQ;
}

void
xyi_route_from_session(struct xy_session *session, struct xy_stanza *stanza)
{
    count(stanza);
    if (xyi_stanza_resolve(stanza) != XY_OK) {
        refuse_address(session, stanza);
    } else if (!stamp(session, stanza)) {
        xy_session_close(session, "invalid-from", XY_NO_STR);
    } else {
        if (xy_stanza_kind(stanza) != XY_IQ)
            strip_forged(stanza);
        if (xy_stanza_kind(stanza) == XY_MESSAGE && !xy_stanza_to(stanza))
            xy_stanza_set_to(stanza, xy_jid_bare(session->jid)); /* RFC 6121 8.1.1.1 */
        if (xy_stanza_kind(stanza) == XY_PRESENCE && xy_stanza_type(stanza).len == 0)
            xy_run_presence_outgoing(session->user->host, session, stanza);
        xyi_stanza_set_login(stanza, xyi_login_number(session->login));
        xyi_stanza_freeze(stanza);
        if (xy_run_stanza_out(session->user->host, session, stanza) == XY_PASS)
            route_kind(session, stanza);
    }
    xy_stanza_drop(stanza);
}

/* A broadcast presence that cannot leave is nobody's mistake: no error for each foreign
 * contact. */
static void
route_elsewhere(const struct xy_stanza *stanza)
{
    struct xy_host *from = xy_host_find(xy_stanza_from(stanza));
    if (!from) /* a room, say */
        from = xy_service_host(xy_stanza_from(stanza));
    xy_status status = from ? xy_run_route_elsewhere(from, stanza) : XY_UNSUPPORTED;
    bool shows = xy_stanza_kind(stanza) == XY_PRESENCE && !xyi_presence_is_subscription(stanza);
    if (status == XY_OK && xy_stanza_kind(stanza) == XY_MESSAGE)
        xyi_accept_leaving(stanza);
    if (status == XY_UNSUPPORTED && !shows)
        xy_bounce(stanza, XY_REMOTE_SERVER_NOT_FOUND, XY_NO_STR);
}

/* An iq request to the service or to a bare JID of it is dispatched like one to a host. */
static void
route_to_service(struct xy_host *host, const struct xy_stanza *stanza)
{
    if (xy_stanza_kind(stanza) == XY_IQ && xy_jid_is_bare(xy_stanza_to(stanza))) {
        xyi_route_iq(host, NULL, stanza);
        return;
    }
    if (xy_stanza_kind(stanza) == XY_MESSAGE)
        xyi_accept_leaving(stanza);
    (void)xyi_service_handle(stanza);
}

/* To the domain itself. */
static void
route_to_host(struct xy_host *host, const struct xy_stanza *stanza)
{
    if (xy_stanza_kind(stanza) == XY_IQ)
        xyi_route_iq(host, NULL, stanza);
    else if (xy_stanza_kind(stanza) == XY_MESSAGE)
        xy_bounce(stanza, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}

/* No such account. What is said must not differ from an account that is silent. */
static void
route_to_nobody(const struct xy_stanza *stanza)
{
    if (xy_stanza_kind(stanza) == XY_PRESENCE)
        return;
    if (!xy_str_is(xy_stanza_type(stanza), "headline"))
        xy_bounce(stanza, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}

/* A presence for an account nobody uses just now: no need to look whether it exists. */
static bool
shows_nobody(const struct xy_stanza *stanza)
{
    return xy_stanza_kind(stanza) == XY_PRESENCE && !xyi_presence_is_subscription(stanza) &&
           !xyi_user_known(xy_jid_bare(xy_stanza_to(stanza)));
}

struct clients {
    const struct xy_jid *const *at;
    size_t count;
};

static void
route_to_account(struct xy_host *host, const struct xy_stanza *stanza,
                 const struct clients *clients)
{
    struct xy_user *user;
    xy_status status = xy_user_get(xy_stanza_to(stanza), &user);
    if (status == XY_ABSENT)
        route_to_nobody(stanza);
    else if (status != XY_OK)
        xy_bounce(stanza, xy_status_condition(status), XY_NO_STR);
    else if (xy_run_stanza_in(host, user, stanza) == XY_DONE)
        return;
    else if (clients)
        xyi_accept_for_clients(user, stanza, clients->at, clients->count);
    else if (xy_stanza_kind(stanza) == XY_MESSAGE)
        xyi_route_message(user, stanza);
    else if (xy_stanza_kind(stanza) == XY_PRESENCE)
        xyi_route_presence(user, stanza);
    else
        xyi_route_iq(host, user, stanza);
}

void
xyi_route_stanza(const struct xy_stanza *stanza)
{
    const struct xy_jid *to = xy_stanza_to(stanza);
    struct xy_host *host = xy_host_find(to);
    if (!host) {
        struct xy_host *service = xy_service_host(to);
        if (service)
            route_to_service(service, stanza);
        else
            route_elsewhere(stanza);
        return;
    }
    if (xy_jid_local(to).len == 0) {
        route_to_host(host, stanza);
        return;
    }
    if (!shows_nobody(stanza))
        route_to_account(host, stanza, NULL);
}

void
xy_route(struct xy_stanza *stanza)
{
    xy_assert(xy_stanza_from(stanza) && xy_stanza_to(stanza));
    xyi_stanza_freeze(stanza);
    xyi_route_stanza(stanza);
}

void
xy_route_to_clients(struct xy_stanza *message, const struct xy_jid *const *clients,
                    size_t count)
{
    struct xy_host *host = xy_host_find(clients[0]);
    xy_assert(host && xy_stanza_from(message) && xy_jid_local(clients[0]).len);
    xy_stanza_set_to(message, clients[0]);
    xyi_stanza_freeze(message);
    route_to_account(host, message, &(struct clients){clients, count});
}

void
xy_bounce(const struct xy_stanza *stanza, xy_condition condition, struct xy_str text)
{
    struct xy_stanza *error = xy_stanza_error(stanza, condition, text);
    if (!error)
        return;
    xyi_route_counters.bounced++;
    const struct xy_jid *to = xy_stanza_to(error);
    struct xy_session *sender = to ? xy_session_find(to) : NULL;
    if (sender)
        (void)xy_session_send(sender, error);
    else if (to && xy_stanza_from(error))
        xy_route(error);
}
