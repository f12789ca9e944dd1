/* SPDX-License-Identifier: MIT */
/* What modules may know of a stream (xylem/session.h). */
#include "core/route/objects.h"

enum xy_stream_stage
xy_stream_stage(const struct xy_stream *stream)
{
    return stream->closing || !stream->link ? XY_STREAM_CLOSED : stream->stage;
}

struct xy_host *
xy_stream_host(const struct xy_stream *stream)
{
    return stream->host;
}

struct xy_session *
xy_stream_session(const struct xy_stream *stream)
{
    return stream->session;
}

const struct xy_jid *
xy_stream_account(const struct xy_stream *stream)
{
    return stream->account;
}

const struct xy_jid *
xy_stream_from(const struct xy_stream *stream)
{
    return stream->from;
}

struct xy_str
xy_stream_id(const struct xy_stream *stream)
{
    return xy_str_from(stream->id);
}

struct xy_str
xy_stream_lang(const struct xy_stream *stream)
{
    return xy_str_from(stream->lang);
}

struct xy_str
xy_stream_peer(const struct xy_stream *stream)
{
    return stream->link ? xyi_link_peer(stream->link) : XY_NO_STR;
}

bool
xy_stream_is_secure(const struct xy_stream *stream)
{
    return stream->link && xyi_link_is_secure(stream->link);
}

bool
xy_stream_is_loopback(const struct xy_stream *stream)
{
    return stream->link && xyi_link_is_loopback(stream->link);
}

enum xy_source
xy_stream_source(const struct xy_stream *stream)
{
    return stream && stream->link ? xyi_link_source(stream->link) : XY_SOURCE_UNKNOWN;
}

struct xy_str
xy_stream_tls(const struct xy_stream *stream)
{
    return stream->link ? xyi_link_tls_name(stream->link) : XY_NO_STR;
}

struct xy_str
xy_stream_channel_binding(const struct xy_stream *stream, struct xy_str type)
{
    return stream->link ? xyi_link_channel_binding(stream->link, type) : XY_NO_STR;
}

void
xy_stream_limits(const struct xy_stream *stream, int64_t *bytes, int64_t *silent_ms)
{
    const struct xyi_net_limits *limits = xyi_net_limits();
    *bytes = stream->account ? limits->stanza_bytes : limits->stanza_bytes_before;
    *silent_ms = stream->account ? limits->idle_ms : xyi_route_auth_timeout_ms();
}

XYI_NOTE_FUNCTIONS(stream)
