/* SPDX-License-Identifier: MIT */
/*
 * Streams: the logic thread's end of a client connection. Whatever the network layer reports is
 * posted to the stream's strand, so one stream's events are handled one at a time and in order.
 */
#include "core/route/parcel.h"
#include "core/route/room.h"

enum what { HEADER, STANZA, SECURED, CLOSING, FAILED, IDLE, LATE, QUIET, ENDED, EVICTED };

struct event {
    struct xyi_job job;
    struct xy_stream *stream;
    enum what what;
    union {
        struct xy_stanza *stanza;
        struct {
            struct xyi_arena *arena;
            struct xyi_stream_header header;
        };
        struct {
            const char *condition;
            struct xy_str text; /* owned */
        };
        int64_t silent_ms;
        struct xyi_wait *wait;
    };
};

static struct xyi_link_node all = {&all, &all};
static struct xyi_wait *all_gone; /* xyi_route_stop() waits for it */
static struct event *spare;       /* a free list: one event a stanza is the steady state */

static struct event *
event_new(struct xy_stream *stream, enum what what)
{
    struct event *event = spare;
    if (event)
        spare = (struct event *)(void *)event->job.next;
    else
        event = xyi_alloc(sizeof(*event));
    event->stream = stream;
    event->what = what;
    return event;
}

static void
event_free(struct event *event)
{
    event->job.next = (struct xyi_job *)(void *)spare;
    spare = event;
}

static void
release(void *object)
{
    struct xy_stream *stream = object;
    xyi_notes_free(&stream->notes);
    xy_jid_drop(stream->account);
    xy_jid_drop(stream->from);
    xyi_free(stream);
}

static void
finish(struct xy_stream *stream)
{
    if (stream->session)
        xyi_session_lost(stream->session);
    stream->stage = XY_STREAM_CLOSED;
    if (stream->host)
        xy_run_stream_closed(stream->host, stream);
    if (stream->quiet)
        xyi_wake(stream->quiet, XY_OK);
    xyi_timer_clear(&stream->login_timer);
    xyi_list_remove(&stream->in_all);
    xyi_route_counters.streams--;
    xyi_retire(stream, release);
    if (all_gone && xyi_list_empty(&all))
        xyi_wake(all_gone, XY_OK);
}

static void
keep_alive(struct xy_stream *stream, int64_t silent_ms)
{
    if (stream->closing || !stream->session)
        return;
    if (stream->pinged_after_ms && silent_ms > stream->pinged_after_ms) {
        xy_stream_error(stream, "connection-timeout", XY_STR("No sign of life"));
        return;
    }
    stream->pinged_after_ms = silent_ms;
    /* XEP-0199: any answer, an error too, shows that the client is there */
    struct xy_stanza *ping = xy_stanza_new(XY_NO_STR, XY_STR("iq"));
    xy_stanza_set_type(ping, XY_STR("get"));
    xy_stanza_set_id(ping, xyi_random_token(9));
    xy_stanza_set_from(ping, xy_host_jid(stream->host));
    xy_stanza_set_to(ping, stream->session->jid);
    xy_node_add(xy_stanza_top(ping), XY_STR(XY_NS_PING), XY_STR("ping"));
    (void)xy_session_send(stream->session, ping);
}

/* It ends at once, also if it could be resumed. */
static void
say_goodbye(struct xy_session *session)
{
    xyi_outbox_goodbye(session);
    xyi_session_end(session);
}

static void
handle(struct event *event)
{
    struct xy_stream *stream = event->stream;
    switch (event->what) {
    case HEADER:
        xyi_stream_header(stream, &event->header);
        xyi_arena_free(event->arena);
        break;
    case STANZA:
        xyi_stream_stanza(stream, event->stanza);
        break;
    case SECURED:
        xyi_notes_free(
            &stream->notes); /* RFC 6120 5.4.3.3: what was known before TLS is forgotten */
        break;
    case CLOSING:
        if (stream->session && !stream->closing) /* else it only answers our goodbye */
            say_goodbye(stream->session);
        xy_stream_close(stream);
        break;
    case FAILED:
        xy_stream_error(stream, event->condition, event->text);
        xyi_free(event->text.at);
        break;
    case IDLE:
        keep_alive(stream, event->silent_ms);
        break;
    case LATE:
        if (!stream->session) /* it may have bound since the timer fired */
            xy_stream_error(stream, "connection-timeout", XY_STR("Login took too long"));
        break;
    case QUIET:
        if (stream->session) {
            stream->session->stream = NULL;
            stream->session = NULL;
        }
        xyi_wake(event->wait, XY_OK);
        break;
    case EVICTED:
        xy_stream_error(stream, event->condition, XY_NO_STR);
        break;
    case ENDED:
        finish(stream);
        break;
    }
}

static void
run(struct xyi_job *job)
{
    struct event *event = (struct event *)(void *)job;
    xyi_log_scope.stream = xy_str_from(event->stream->id);
    handle(event);
    xyi_log_scope.stream = XY_NO_STR;
    event_free(event);
}

static void
post(struct event *event)
{
    event->job.run = run;
    xyi_strand_post(&event->stream->strand, &event->job);
}

void
xyi_stream_quiesce(struct xy_stream *stream)
{
    struct xyi_wait quiet = {0};
    if (stream->link) {
        struct event *event = event_new(stream, QUIET);
        event->wait = &quiet;
        post(event);
    } else {
        stream->quiet = &quiet; /* its last event is on the strand already */
    }
    (void)xyi_wait(&quiet, XY_NONE, XYI_UNCANCELLABLE);
}

/* ---- link events: on the loop, outside any fiber
 * -------------------------------------------------- */

static void
late(struct xyi_timer *timer)
{
    post(event_new(XYI_LIST_OF(timer, struct xy_stream, login_timer), LATE));
}

static void
opened(struct xyi_link *link)
{
    struct xy_stream *stream = xyi_alloc(sizeof(*stream));
    stream->link = link;
    xyi_list_append(&all, &stream->in_all);
    xyi_route_counters.streams++;
    xyi_link_set_owner(link, stream);
    if (xyi_route_auth_timeout_ms() != XY_NONE)
        xyi_timer_set(&stream->login_timer, xyi_route_auth_timeout_ms(), late);
}

static void
header(struct xyi_link *link, const struct xyi_stream_header *header)
{
    struct event *event = event_new(xyi_link_owner(link), HEADER);
    event->arena = xyi_arena_new(256);
    event->header = (struct xyi_stream_header){
        .name_ns = xyi_arena_str(event->arena, header->name_ns),
        .default_ns = xyi_arena_str(event->arena, header->default_ns),
        .to = xyi_arena_str(event->arena, header->to),
        .from = xyi_arena_str(event->arena, header->from),
        .version = xyi_arena_str(event->arena, header->version),
        .lang = xyi_arena_str(event->arena, header->lang),
    };
    post(event);
}

static void
stanza(struct xyi_link *link, struct xy_stanza *stanza)
{
    struct event *event = event_new(xyi_link_owner(link), STANZA);
    event->stanza = stanza;
    post(event);
}

static void
secured(struct xyi_link *link)
{
    post(event_new(xyi_link_owner(link), SECURED));
}

static void
closing(struct xyi_link *link)
{
    post(event_new(xyi_link_owner(link), CLOSING));
}

static void
failed(struct xyi_link *link, const char *condition, struct xy_str text)
{
    struct event *event = event_new(xyi_link_owner(link), FAILED);
    event->condition = condition;
    event->text = xyi_str_copy(text);
    post(event);
}

static void
idle(struct xyi_link *link, int64_t silent_ms)
{
    struct event *event = event_new(xyi_link_owner(link), IDLE);
    event->silent_ms = silent_ms;
    post(event);
}

/* Not by the strand, as it is: a job of it may wait for this. */
static void
confirmed(struct xyi_link *link, uint64_t mark)
{
    struct xy_stream *stream = xyi_link_owner(link);
    if (stream->session)
        xyi_outbox_confirmed(stream->session, mark);
}

static void
ended(struct xyi_link *link)
{
    struct xy_stream *stream = xyi_link_owner(link);
    stream->link = NULL;
    if (stream->session)
        xyi_outbox_cut_off(stream->session);
    xyi_timer_clear(&stream->login_timer);
    post(event_new(stream, ENDED));
}

void
xyi_route_start(unsigned io_threads)
{
    static const struct xyi_link_events events = {
        .opened = opened,
        .header = header,
        .stanza = stanza,
        .secured = secured,
        .closing = closing,
        .failed = failed,
        .idle = idle,
        .confirmed = confirmed,
        .ended = ended,
    };
    xyi_stream_listens();
    xyi_users_init();
    xyi_rooms_init();
    xyi_iq_init();
    xyi_net_start(io_threads, &events);
}

/* ---- ending many
 * ------------------------------------------------------------------------------------ */

static void
evict(struct xy_stream *stream, const char *condition)
{
    if (!stream->link)
        return; /* behind ENDED the strand goes with the stream */
    struct event *event = event_new(stream, EVICTED);
    event->condition = condition;
    post(event);
}

static void
evict_all(const char *condition)
{
    for (struct xyi_link_node *at = all.next; at != &all; at = at->next)
        evict(XYI_LIST_OF(at, struct xy_stream, in_all), condition);
    struct xyi_wait gone = {0};
    all_gone = &gone;
    (void)xyi_wait(&gone, XY_NONE,
                   XYI_UNCANCELLABLE); /* the network layer ends every link in seconds */
    all_gone = NULL;
}

void
xyi_route_stop(const char *condition)
{
    xyi_parcels_hurry();
    if (!xyi_list_empty(&all))
        evict_all(condition);
    xyi_parcels_settle();
}

void
xyi_route_hosts_changed(void)
{
    for (struct xyi_link_node *at = all.next; at != &all; at = at->next) {
        struct xy_stream *stream = XYI_LIST_OF(at, struct xy_stream, in_all);
        if (stream->host && xy_host_find(xy_host_jid(stream->host)) != stream->host)
            evict(stream, "host-gone");
    }
}

void
xyi_route_counts(struct xyi_route_counts *counts)
{
    *counts = xyi_route_counters;
}
