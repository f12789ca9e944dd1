/* SPDX-License-Identifier: MIT */
/*
 * IQ dispatch (RFC 6120 8.2.3, RFC 6121 8.5): requests to the server and to accounts go to the
 * module that declared namespace and element; requests to a full JID go to that session;
 * answers to our own requests wake whoever waits.
 */
#include "core/route/objects.h"

struct xy_iq {
    const struct xy_stanza *stanza;
    struct xy_host *host;
    struct xy_user *user;       /* NULL: the host was asked */
    const struct xy_jid *place; /* at a service; NULL: not there */
    struct xy_session *session; /* the asker's */
    bool answered;
};

static struct xy_map *requests; /* id of our own request -> struct request */

struct request {
    struct xyi_wait wait;
    const struct xy_jid *asked;
    const struct xy_stanza *reply;
};

void
xyi_iq_init(void)
{
    requests = xyi_map_new();
}

/* ---- what a handler may ask and do
 * ------------------------------------------------------------------ */

const struct xy_stanza *
xy_iq_stanza(const struct xy_iq *iq)
{
    return iq->stanza;
}

const struct xy_node *
xy_iq_payload(const struct xy_iq *iq)
{
    return xy_stanza_payload(iq->stanza);
}

const struct xy_jid *
xy_iq_from(const struct xy_iq *iq)
{
    return xy_stanza_from(iq->stanza);
}

struct xy_session *
xy_iq_session(const struct xy_iq *iq)
{
    return iq->session;
}

struct xy_host *
xy_iq_host(const struct xy_iq *iq)
{
    return iq->host;
}

struct xy_user *
xy_iq_user(const struct xy_iq *iq)
{
    return iq->user;
}

const struct xy_jid *
xy_iq_place(const struct xy_iq *iq)
{
    return iq->place;
}

bool
xy_iq_is_own(const struct xy_iq *iq)
{
    return iq->user && xy_jid_bare(xy_stanza_from(iq->stanza)) == iq->user->jid;
}

struct xy_stanza *
xy_iq_result(const struct xy_iq *iq)
{
    return xy_stanza_reply(iq->stanza, XY_STR("result"));
}

static xy_status
answer(struct xy_iq *iq, struct xy_stanza *stanza)
{
    xy_assert(!iq->answered);
    iq->answered = true;
    if (iq->session)
        (void)xy_session_send(iq->session, stanza);
    else if (xy_stanza_to(stanza) && xy_stanza_from(stanza))
        xy_route(stanza);
    return XY_OK;
}

xy_status
xy_iq_reply(struct xy_iq *iq, struct xy_stanza *result)
{
    return answer(iq, result ? result : xy_iq_result(iq));
}

xy_status
xy_iq_error(struct xy_iq *iq, xy_condition condition, struct xy_str text)
{
    return answer(iq, xy_stanza_error(iq->stanza, condition, text));
}

/* ---- dispatch
 * ------------------------------------------------------------------------------------------ */

static bool
is_at_service(const struct xy_iq *iq, const struct xyi_bound_iq *bound)
{
    unsigned places = bound->route->where;
    if (xy_jid_local(iq->place).len)
        return places & XY_IQ_ROOM;
    return (places & XY_IQ_SERVICES) ||
           ((places & XY_IQ_SERVICE) && bound->instance->service == iq->place);
}

static bool
is_at(const struct xy_iq *iq, const struct xyi_bound_iq *bound)
{
    unsigned where = bound->route->where;
    unsigned places = where ? where : XY_IQ_HOST | XY_IQ_OWN;
    if (iq->place)
        return is_at_service(iq, bound);
    if (!iq->user)
        return places & XY_IQ_HOST;
    return (places & XY_IQ_ACCOUNT) || ((places & XY_IQ_OWN) && xy_iq_is_own(iq));
}

static void
call(const struct xyi_bound_iq *bound, struct xy_iq *iq)
{
    struct xy_instance *former = xyi_instance_enter(bound->instance);
    xy_iq_fn *handler = (xy_iq_fn *)bound->route->handler;
    xy_status status = handler(xyi_instance_state(bound->instance), iq);
    xyi_instance_leave(bound->instance, former);
    if (!iq->answered)
        (void)xy_iq_error(
            iq, status == XY_OK ? XY_INTERNAL_SERVER_ERROR : xy_status_condition(status),
            XY_NO_STR);
}

static void
dispatch(struct xy_iq *iq)
{
    const struct xy_node *payload = xy_iq_payload(iq);
    unsigned type = xy_str_is(xy_stanza_type(iq->stanza), "get") ? XY_IQ_GET : XY_IQ_SET;
    struct xyi_iq_lookup found;
    xyi_iq_begin(iq->host, xy_node_ns(payload), xy_node_name(payload), &found);
    xy_condition refusal = XY_SERVICE_UNAVAILABLE;
    for (size_t i = 0; i < found.count && !iq->answered; i++) {
        if (!is_at(iq, &found.at[i]))
            continue;
        if (found.at[i].route->types & type)
            call(&found.at[i], iq);
        else
            refusal = XY_NOT_ALLOWED;
    }
    xyi_iq_end(&found);
    if (!iq->answered)
        (void)xy_iq_error(iq, refusal, XY_NO_STR);
}

/* RFC 6120 8.2.3: a request has an id, a known type and exactly one child. */
static bool
is_request(const struct xy_stanza *iq)
{
    struct xy_str type = xy_stanza_type(iq);
    return xy_str_is(type, "get") || xy_str_is(type, "set");
}

static bool
is_answer(const struct xy_stanza *iq)
{
    struct xy_str type = xy_stanza_type(iq);
    return xy_str_is(type, "result") || xy_str_is(type, "error");
}

static bool
is_well_formed(const struct xy_stanza *iq)
{
    if (xy_stanza_id(iq).len == 0)
        return false;
    if (is_answer(iq))
        return true;
    const struct xy_node *payload = xy_stanza_payload(iq);
    return is_request(iq) && payload && !xy_node_next(payload);
}

static void
wake_asker(const struct xy_stanza *iq)
{
    struct request *request = xy_map_get(requests, xy_stanza_id(iq));
    if (!request || request->reply || request->asked != xy_stanza_from(iq))
        return;
    request->reply = xy_stanza_keep(iq);
    xyi_wake(&request->wait, XY_OK);
}

static void
ask(struct xy_host *host, struct xy_user *user, const struct xy_stanza *stanza)
{
    struct xy_iq iq = {
        .stanza = stanza,
        .host = host,
        .user = user,
        .place = xy_stanza_to(stanza) && xy_service_host(xy_stanza_to(stanza))
                     ? xy_stanza_to(stanza)
                     : NULL,
        .session = xy_session_find(xy_stanza_from(stanza)),
    };
    dispatch(&iq);
}

void
xyi_route_iq(struct xy_host *host, struct xy_user *user, const struct xy_stanza *iq)
{
    const struct xy_jid *to = xy_stanza_to(iq);
    if (user && !xy_jid_is_bare(to)) {
        struct xy_session *session = xy_session_find(to);
        if (!session || xy_session_send(session, iq) != XY_OK)
            xy_bounce(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
    } else if (is_answer(iq)) {
        wake_asker(iq);
    } else {
        ask(host, user, iq);
    }
}

void
xyi_iq_from_session(struct xy_session *session, const struct xy_stanza *iq)
{
    if (!is_well_formed(iq)) {
        xy_bounce(iq, XY_BAD_REQUEST, XY_NO_STR);
    } else if (xy_stanza_to(iq)) {
        xyi_route_stanza(iq);
    } else if (is_answer(iq)) {
        wake_asker(iq);
    } else {
        ask(session->user->host, session->user, iq);
    }
}

xy_status
xy_iq_request(struct xy_stanza *iq, int64_t timeout_ms, const struct xy_stanza **reply)
{
    struct request request = {.asked = xy_stanza_to(iq)};
    struct xy_str id = xyi_random_token(12);
    xy_stanza_set_id(iq, id);
    struct xy_session *session = xy_session_find(request.asked);
    xy_map_put(requests, id, &request);
    if (session)
        (void)xy_session_send(session, iq);
    else
        xy_route(iq);
    xy_status status = xyi_wait(&request.wait, timeout_ms, 0);
    xy_map_remove(requests, id);
    *reply = request.reply;
    if (request.reply)
        xyi_stanza_leave_to_fiber(request.reply);
    return status;
}
