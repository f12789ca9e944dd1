/* SPDX-License-Identifier: MIT */
/*
 * Input: one recv() per connection and turn into the thread's buffer, through TLS, through the
 * parser, to the logic thread. Invariant: a connection whose parser may not go on reads no more
 * from its socket, so what it holds back is bounded by one recv() and TCP slows the peer down.
 */
#include "core/net/net_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what the parser says --------------------------------------------------------------- */

static void
hold(struct conn *conn, enum hold why)
{
    conn->hold |= (unsigned char)why;
    xyi_parser_pause(conn->parser);
}

static size_t
header_bytes(const struct xyi_stream_header *header)
{
    return header->name_ns.len + header->default_ns.len + header->to.len + header->from.len +
           header->id.len + header->version.len + header->lang.len;
}

static struct xy_str
move(char **at, struct xy_str s)
{
    if (!s.at)
        return XY_NO_STR;
    char *copy = *at;
    memcpy(copy, s.at, s.len);
    *at += s.len;
    return xy_str_of(copy, s.len);
}

static struct xyi_stream_header *
header_copy(const struct xyi_stream_header *header)
{
    struct xyi_stream_header *copy = xyi_alloc(sizeof(*copy) + header_bytes(header));
    char *at = (char *)(copy + 1);
    copy->name_ns = move(&at, header->name_ns);
    copy->default_ns = move(&at, header->default_ns);
    copy->to = move(&at, header->to);
    copy->from = move(&at, header->from);
    copy->id = move(&at, header->id);
    copy->version = move(&at, header->version);
    copy->lang = move(&at, header->lang);
    return copy;
}

static void
header(void *argument, const struct xyi_stream_header *header)
{
    struct conn *conn = argument;
    const struct io *io = conn->io;
    if (!conn->tls && io->tls && io->tls->count > 1) {
        xyi_free(conn->wanted);
        conn->wanted = header->to.len ? (char *)(uintptr_t)xyi_str_copy(header->to).at : NULL;
    }
    struct mail *mail = xyi_mail_new(xyi_link_of(conn), TELL_HEADER);
    mail->header = header_copy(header);
    xyi_conn_tell_mail(conn, mail);
    if (!conn->authenticated)
        hold(conn, HOLD_LOGIC);
}

/* The logic thread may have caught up between the two looks; then nobody waits for anybody. */
static bool
is_starved(struct conn *conn)
{
    struct xyi_link *link = xyi_link_of(conn);
    uint64_t most = conn->io->limits.queued ? conn->io->limits.queued : 1;
    if (conn->parsed - atomic_load(&link->handled) < most)
        return false;
    uint64_t resume_at = conn->parsed - most / 2;
    atomic_store(&link->resume_at, resume_at);
    return atomic_load(&link->handled) < resume_at || !atomic_exchange(&link->resume_at, 0);
}

static void
shape(struct conn *conn, struct bucket *bucket, int64_t amount, int64_t rate, int64_t burst)
{
    int64_t now_ms = xy_monotonic_ms();
    int64_t wait_ms = xyi_bucket_take(bucket, amount, rate, burst, now_ms);
    if (!wait_ms)
        return;
    if (!(conn->hold & HOLD_RATE) || conn->resume_ms < now_ms + wait_ms)
        conn->resume_ms = now_ms + wait_ms;
    conn->hold |= HOLD_RATE;
    xyi_conn_alarm(conn);
}

static void
element(void *argument, struct xy_stanza *stanza)
{
    struct conn *conn = argument;
    const struct xyi_net_limits *limits = &conn->io->limits;
    struct mail *mail = xyi_mail_new(xyi_link_of(conn), TELL_STANZA);
    mail->element = stanza;
    xyi_conn_tell_mail(conn, mail);
    xyi_count_by(&conn->io->counts.stanzas_in, 1);
    conn->parsed++;
    if (!conn->authenticated)
        conn->hold |= HOLD_LOGIC;
    if (is_starved(conn))
        conn->hold |= HOLD_QUEUE;
    shape(conn, &conn->stanzas, STANZA_UNITS, limits->stanza_rate_milli,
          limits->stanza_burst * STANZA_UNITS);
    if (conn->hold)
        xyi_parser_pause(conn->parser);
}

static void
end(void *argument)
{
    struct conn *conn = argument;
    hold(conn, HOLD_OVER);
    xyi_conn_tell(conn, TELL_CLOSING);
}

static void
failed(void *argument, const char *condition, const char *text)
{
    struct conn *conn = argument;
    hold(conn, HOLD_OVER);
    struct mail *mail = xyi_mail_new(xyi_link_of(conn), TELL_FAILED);
    mail->condition = condition;
    mail->text = text ? (char *)(uintptr_t)xyi_str_copy(xy_str_from(text)).at : NULL;
    xyi_conn_tell_mail(conn, mail);
}

void
xyi_conn_parser(struct conn *conn)
{
    static const struct xyi_parser_events events = {
        .header = header, .element = element, .end = end, .failed = failed};
    conn->parser = xyi_parser_new(&events, conn);
    xyi_conn_limit_parser(conn);
}

static size_t
or_none(int64_t limit)
{
    return limit > 0 ? (size_t)limit : SIZE_MAX;
}

void
xyi_conn_limit_parser(struct conn *conn)
{
    const struct xyi_net_limits *limits = &conn->io->limits;
    const struct xyi_parser_limits wanted = {
        .stanza_bytes =
            or_none(conn->authenticated ? limits->stanza_bytes : limits->stanza_bytes_before),
        .depth = or_none(limits->depth),
        .attributes = or_none(limits->attributes),
        .children = or_none(limits->children),
    };
    if (conn->parser)
        xyi_parser_limit(conn->parser, &wanted);
}

/* ---- bytes ------------------------------------------------------------------------------ */

void
xyi_conn_clear_input(struct conn *conn, const char *at, size_t len)
{
    size_t used = 0;
    if (!conn->hold && !xyi_out_left(&conn->held))
        used = xyi_parser_feed(conn->parser, at, len);
    if (used < len && !(conn->hold & HOLD_OVER))
        xyi_out_add(&conn->held, at + used, len - used);
}

static void
feed_held(struct conn *conn)
{
    struct xyi_out held = conn->held;
    conn->held = (struct xyi_out){0};
    size_t used = xyi_parser_feed(conn->parser, held.at + held.from, xyi_out_left(&held));
    if (conn->hold & HOLD_OVER)
        used = xyi_out_left(&held);
    xyi_out_eat(&held, used);
    conn->held = held;
}

static void
take_in(struct conn *conn, size_t len)
{
    const struct io *io = conn->io;
    conn->heard_ms = xy_monotonic_ms();
    conn->idles = 0;
    xyi_conn_confirm(conn);
    if (conn->stage == STAGE_CLOSING)
        return;
    if (conn->tls)
        xyi_conn_secure_input(conn, io->input, len);
    else
        xyi_conn_clear_input(conn, io->input, len);
    shape(conn, &conn->octets, (int64_t)len, io->limits.byte_rate, io->limits.byte_burst);
}

static void
receive(struct conn *conn)
{
    struct io *io = conn->io;
    size_t room = conn->authenticated ? READ_BYTES : READ_BYTES_BEFORE_LOGIN;
    ssize_t got = TEMP_FAILURE_RETRY(recv(conn->fd, io->input, room, 0));
    if (got <= 0) {
        conn->readable = false;
        conn->eof = got == 0 || errno != EAGAIN;
        if (got == 0 && !conn->shut) /* after a reset nobody knows what was read */
            xyi_conn_confirm(conn);
        return;
    }
    /* Edge-triggered: a short read has emptied the socket, unless its end was announced. */
    conn->readable = (size_t)got == room || conn->hung_up || conn->doubtful;
    xyi_count_by(&io->counts.bytes_in, (uint64_t)got);
    take_in(conn, (size_t)got);
}

/* The peer is gone: what was received has been told, so the end is next. */
static void
settle(struct conn *conn)
{
    bool open =
        conn->stage == STAGE_OPEN && !xyi_out_left(&conn->held) && !(conn->hold & HOLD_OVER);
    bool closing = conn->stage == STAGE_CLOSING && conn->shut;
    if (conn->stage == STAGE_HANDSHAKE)
        xyi_conn_not_secured(conn, "the peer closed the connection");
    else if (open || closing)
        xyi_conn_end(conn);
}

void
xyi_conn_turn(struct conn *conn)
{
    if (conn->hold)
        return;
    if (xyi_out_left(&conn->held))
        feed_held(conn);
    else if (conn->readable)
        receive(conn);
    if (conn->eof)
        settle(conn);
    if (conn->stage != STAGE_DEAD)
        xyi_conn_work(conn);
}
