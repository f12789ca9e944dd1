/* SPDX-License-Identifier: MIT */
/*
 * Resource binding (RFC 6120 section 7), and the session establishment of RFC 3921, which old
 * clients still ask for and which does nothing.
 */
#include <xylem/xylem.h>
#include <xylem/delivery.h>
#include <xylem/sasl2.h>

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *features)
{
    if (xy_stream_stage(stream) != XY_STREAM_AUTHENTICATED)
        return;
    xy_node_add(features, XY_STR(XY_NS_BIND), XY_STR("bind"));
    struct xy_node *session = xy_node_add(features, XY_STR(XY_NS_SESSION), XY_STR("session"));
    xy_node_add(session, XY_NO_STR, XY_STR("optional"));
}

static struct xy_stanza *
bound(const struct xy_stanza *request, const struct xy_session *session)
{
    struct xy_stanza *result = xy_stanza_reply(request, XY_STR("result"));
    struct xy_node *bind =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_BIND), XY_STR("bind"));
    xy_node_add_text(xy_node_add(bind, XY_NO_STR, XY_STR("jid")),
                     xy_jid_text(xy_session_jid(session)));
    return result;
}

/* After SASL2 the client may have said which device it is; then that is what messages wait for.
 */
static xy_status
bind_resource(struct xy_stream *stream, const struct xy_stanza *iq, struct xy_session **session)
{
    const struct xy_node *resource =
        xy_node_child(xy_stanza_payload(iq), XY_STR(XY_NS_BIND), XY_STR("resource"));
    if (!xy_str_is(xy_stanza_type(iq), "set") || !xy_stanza_id(iq).len)
        return XY_INVALID;
    struct xy_user_agent agent = {.id = XY_NO_STR};
    (void)xy_run_sasl2_user_agent(xy_stream_host(stream), stream, &agent);
    const struct xy_bind bind = {.resource = resource ? xy_node_text(resource) : XY_NO_STR,
                                 .device = agent.id};
    return xy_stream_bind_as(stream, &bind, session);
}

/* Suspends: reads the account. */
static xy_verdict
take_element(XY_SELF, struct xy_stream *stream, const struct xy_stanza *iq)
{
    bool asks = xy_stanza_kind(iq) == XY_IQ && xy_stanza_payload(iq) &&
                xy_node_is(xy_stanza_payload(iq), XY_STR(XY_NS_BIND), XY_STR("bind"));
    if (!asks || xy_stream_stage(stream) != XY_STREAM_AUTHENTICATED)
        return XY_PASS;
    struct xy_session *session;
    xy_status status = bind_resource(stream, iq, &session);
    struct xy_stanza *answer =
        status == XY_OK ? bound(iq, session)
                        : xy_stanza_error(iq, xy_status_condition(status), XY_NO_STR);
    if (answer)
        (void)xy_stream_send(stream, answer);
    if (status == XY_OK)
        xy_session_release(session);
    return XY_DONE;
}

/* A second resource on one stream (RFC 6120 7.1). */
static xy_status
refuse_second(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_error(iq, XY_NOT_ALLOWED, XY_STR("This stream has a resource already"));
}

static xy_status
establish_session(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_reply(iq, NULL);
}

static const struct xy_hook hooks[] = {
    XY_ON(stream_features, offer),
    XY_ON(stream_element, take_element),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_SET, XY_NS_BIND, "bind", refuse_second, .quiet = true),
    XY_IQ_ROUTE(XY_SET, XY_NS_SESSION, "session", establish_session, .quiet = true),
};

XY_MODULE(bind, .about = "Binds resources (RFC 6120 section 7).", XY_TABLE(hooks, hooks),
          XY_TABLE(iqs, iqs));
