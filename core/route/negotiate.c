/* SPDX-License-Identifier: MIT */
/*
 * Stream negotiation (RFC 6120 sections 4 to 7): headers, features, STARTTLS, stream errors;
 * and what may be said at which stage. The network layer holds the input back until the element
 * at hand is dealt with, so nothing pipelined slips through a change of state.
 */
#include "core/route/objects.h"

static void
send_header(struct xy_stream *stream)
{
    if (!stream->id[0]) {
        struct xy_str id = xyi_random_token(15);
        memcpy(stream->id, id.at,
               id.len < sizeof(stream->id) ? id.len : sizeof(stream->id) - 1);
    }
    struct xy_str host = stream->host ? xy_jid_text(xy_host_jid(stream->host)) : XY_NO_STR;
    struct xy_buffer out = {0};
    xy_buffer_printf(&out,
                     "<?xml version='1.0'?><stream:stream xmlns='" XY_NS_CLIENT
                     "' xmlns:stream='" XY_NS_STREAM "' version='1.0' xml:lang='en' id='%s'",
                     stream->id);
    if (host.len)
        xy_buffer_printf(&out, " from='" XY_FMT "'", XY_ARG(host));
    if (stream->account)
        xy_buffer_printf(&out, " to='" XY_FMT "'",
                         XY_ARG(xy_temp_xml(xy_jid_text(stream->account))));
    xy_buffer_add(&out, XY_STR(">"));
    xyi_link_write(stream->link, xy_buffer_str(&out));
    stream->header_sent = true;
}

static bool
must_start_tls(const struct xy_stream *stream)
{
    return xyi_link_listen_tls(stream->link) == XYI_TLS_STARTTLS &&
           !xyi_link_is_secure(stream->link);
}

static void
send_features(struct xy_stream *stream)
{
    struct xy_stanza *features = xy_stanza_new(XY_STR(XY_NS_STREAM), XY_STR("features"));
    struct xy_node *top = xy_stanza_top(features);
    if (must_start_tls(stream)) {
        struct xy_node *starttls = xy_node_add(top, XY_STR(XY_NS_TLS), XY_STR("starttls"));
        xy_node_add(starttls, XY_NO_STR, XY_STR("required"));
    } else {
        xy_run_stream_features(stream->host, stream, top);
    }
    (void)xy_stream_send(stream, features);
}

/* The condition that ends the stream, or NULL; finds the host. */
static const char *
judge_header(struct xy_stream *stream, const struct xyi_stream_header *header)
{
    if (!xy_str_is(header->name_ns, XY_NS_STREAM) ||
        !xy_str_is(header->default_ns, XY_NS_CLIENT))
        return "invalid-namespace";
    const struct xy_jid *to = header->to.len ? xy_jid_parse(header->to) : NULL;
    struct xy_host *host = to && xy_jid_host(to) == to ? xy_host_find(to) : NULL;
    if (stream->host && host != stream->host)
        return "host-unknown"; /* also when a restart names another host of ours */
    stream->host = host;
    if (!host)
        return "host-unknown";
    struct xy_str rest = header->version;
    int64_t major;
    if (xy_str_to_int(xy_str_cut(&rest, '.'), 1, 1000, &major) != XY_OK)
        return "unsupported-version"; /* RFC 6120 4.7.5: absent means 0.9 */
    if (header->from.len && stream->account &&
        (!stream->from || xy_jid_bare(stream->from) != stream->account))
        return "invalid-from";
    return NULL;
}

static void
note_from(struct xy_stream *stream, struct xy_str text)
{
    xy_jid_drop(stream->from);
    const struct xy_jid *from = text.len ? xy_jid_parse(text) : NULL;
    stream->from = from ? xy_jid_keep(from) : NULL;
}

void
xyi_stream_header(struct xy_stream *stream, const struct xyi_stream_header *header)
{
    if (!stream->link || stream->closing)
        return;
    note_from(stream, header->from);
    const char *wrong = judge_header(stream, header);
    size_t len = header->lang.len < sizeof(stream->lang) ? header->lang.len : 0;
    memcpy(stream->lang, header->lang.at ? header->lang.at : "", len);
    stream->lang[len] = '\0';
    stream->id[0] = '\0'; /* RFC 6120 4.3.3: a new id for every restart */
    send_header(stream);
    if (wrong) {
        xy_stream_error(stream, wrong, XY_NO_STR);
        return;
    }
    if (stream->account && stream->stage == XY_STREAM_OPEN)
        stream->stage = XY_STREAM_AUTHENTICATED;
    send_features(stream);
    if (stream->link)
        xyi_link_continue(stream->link);
}

static void
start_tls(struct xy_stream *stream)
{
    struct xy_stanza *proceed = xy_stanza_new(XY_STR(XY_NS_TLS), XY_STR("proceed"));
    (void)xy_stream_send(stream, proceed);
    stream->steered = true;
    stream->header_sent = false;
    stream->host = NULL;
    xyi_link_starttls(stream->link);
}

/* Before a session exists, or no stanza at all. */
static void
element(struct xy_stream *stream, const struct xy_stanza *stanza)
{
    const struct xy_node *root = xy_stanza_root(stanza);
    if (xy_node_is(root, XY_STR(XY_NS_TLS), XY_STR("starttls")) && must_start_tls(stream)) {
        start_tls(stream);
        return;
    }
    if (must_start_tls(stream)) {
        xy_stream_error(stream, "policy-violation", XY_STR("Use STARTTLS first"));
        return;
    }
    if (xy_run_stream_element(stream->host, stream, stanza) == XY_DONE)
        return;
    bool is_stanza = xy_stanza_kind(stanza) != XY_NONZA;
    if (!stream->session && (is_stanza || !stream->account))
        xy_stream_error(stream, "not-authorized", XY_NO_STR);
    else
        xy_stream_error(stream, "unsupported-stanza-type", XY_NO_STR);
}

static bool deaf; /* logic thread */

void
xyi_route_go_deaf(void)
{
    deaf = true;
}

void
xyi_stream_listens(void)
{
    deaf = false;
}

void
xyi_stream_stanza(struct xy_stream *stream, struct xy_stanza *stanza)
{
    bool dead = !stream->link || stream->closing || !stream->host;
    stream->steered = false;
    bool counted = stream->session && xy_stanza_kind(stanza) != XY_NONZA;
    if (dead || (deaf && counted && stream->session->out.request)) {
        xy_stanza_drop(stanza);
    } else if (counted) {
        struct xy_session *session = stream->session;
        session->in.handling = stanza;
        xyi_route_from_session(session, stanza);
        session->in.handling = NULL;
        xyi_inbox_handled(session);
    } else {
        if (xyi_stanza_resolve(stanza) != XY_OK)
            xy_stream_error(stream, "improper-addressing", XY_NO_STR);
        else
            element(stream, stanza);
        xy_stanza_drop(stanza);
    }
    if (!stream->link)
        return;
    xyi_link_handled(stream->link);
    if (stream->stage == XY_STREAM_OPEN && !stream->steered && !stream->closing)
        xyi_link_continue(stream->link);
}

void
xy_stream_login_failed(struct xy_stream *stream __attribute__((unused)))
{
    xyi_route_counters.auth_failures++;
}

void
xy_stream_uses_token(struct xy_stream *stream)
{
    stream->login_path = XY_LOGIN_FAST;
}

static void
log_in(struct xy_stream *stream, const struct xy_jid *account, enum xy_login_path path)
{
    xy_assert(!stream->account && xy_jid_is_bare(account));
    stream->account = xy_jid_keep(account);
    stream->steered = true;
    if (stream->login_path == XY_LOGIN_UNKNOWN)
        stream->login_path = path;
    if (stream->link)
        xyi_link_authenticated(stream->link);
}

void
xy_stream_authenticated(struct xy_stream *stream, const struct xy_jid *account)
{
    log_in(stream, account, XY_LOGIN_SASL);
    if (stream->link)
        xyi_link_restart(stream->link);
}

void
xy_stream_authenticated_inline(struct xy_stream *stream, const struct xy_jid *account)
{
    log_in(stream, account, XY_LOGIN_SASL2);
    stream->stage = XY_STREAM_AUTHENTICATED;
    if (stream->link)
        xyi_link_continue(stream->link); /* what comes waits on the strand */
}

void
xy_stream_offer(struct xy_stream *stream)
{
    if (stream->link && !stream->closing)
        send_features(stream);
}

void
xy_stream_error(struct xy_stream *stream, const char *condition, struct xy_str text)
{
    xy_stream_error_with(stream, condition, text, NULL);
}

void
xy_stream_error_with(struct xy_stream *stream, const char *condition, struct xy_str text,
                     const struct xy_node *detail)
{
    if (!stream->link || stream->closing)
        return;
    if (!stream->header_sent)
        send_header(stream);
    struct xy_buffer out = {0};
    xy_buffer_printf(&out, "<stream:error><%s xmlns='" XY_NS_STREAM_ERRORS "'/>", condition);
    if (text.len)
        xy_buffer_printf(
            &out, "<text xml:lang='en' xmlns='" XY_NS_STREAM_ERRORS "'>" XY_FMT "</text>",
            XY_ARG(xy_temp_xml(text)));
    if (detail)
        xy_buffer_add(&out, xy_node_xml(detail));
    xy_buffer_add(&out, XY_STR("</stream:error></stream:stream>"));
    stream->closing = true;
    xyi_link_close(stream->link, xy_buffer_str(&out));
    xy_info("stream.error", "stream ended by us", XY_F_CSTR_AS("condition", condition),
            XY_F_STR_AS("peer", xyi_link_peer(stream->link)));
}

void
xy_stream_close(struct xy_stream *stream)
{
    if (!stream->link || stream->closing)
        return;
    if (!stream->header_sent)
        send_header(stream);
    stream->closing = true;
    xyi_link_close(stream->link, XY_STR("</stream:stream>"));
}

xy_status
xy_stream_send(struct xy_stream *stream, struct xy_stanza *stanza)
{
    if (!stream->link || stream->closing)
        return XY_GONE;
    xyi_stanza_freeze(stanza);
    xyi_link_send(stream->link, stanza, NULL);
    return XY_OK;
}
