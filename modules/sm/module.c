/* SPDX-License-Identifier: MIT */
/*
 * Stream management (XEP-0198 1.6.3): stanzas are acknowledged both ways, and a session
 * outlives its connection for a while, a restart of the server included. The core counts and
 * keeps; here is the protocol, and what must be written down.
 */
#include "modules/sm/sm.h"
#define XY_HOOKS_HERE
#include "modules/sm/here.h"

/* ---- elements of a stream -------------------------------------------------------------------
 */

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *features)
{
    enum xy_stream_stage stage = xy_stream_stage(stream);
    struct xy_session *session = xy_stream_session(stream);
    if (stage == XY_STREAM_AUTHENTICATED ||
        (stage == XY_STREAM_BOUND && session && !xy_session_is_retained(session)))
        xy_node_add(features, XY_STR(XY_NS_SM), XY_STR("sm"));
}

/* Sends the one element in `box`. */
static void
send_child(struct xy_stream *stream, const struct xy_stanza *box)
{
    const struct xy_node *child = xy_node_first(xy_stanza_root(box));
    struct xy_stanza *answer = child ? xy_stanza_parse(xy_node_xml(child)) : NULL;
    if (answer)
        (void)xy_stream_send(stream, answer);
}

static void
enable(struct sm *self, struct xy_stream *stream, const struct xy_node *element)
{
    struct xy_session *session = xy_stream_session(stream);
    struct xy_stanza *box = sm_element("box");
    if (!session)
        sm_fill_failed(xy_node_add(xy_stanza_top(box), XY_NO_STR, XY_STR("failed")),
                       XY_UNEXPECTED_REQUEST, NULL);
    else if (!sm_enable(self, session, element, xy_stanza_top(box)))
        xy_session_close(session, "policy-violation",
                         XY_STR("Stream management is on already"));
    send_child(stream, box);
}

static void
resume(struct sm *self, struct xy_stream *stream, const struct xy_node *element)
{
    struct xy_stanza *box = sm_element("box");
    bool resumed = sm_resume(self, stream, element, xy_stanza_top(box));
    send_child(stream, box);
    if (resumed)
        sm_release(stream);
}

static xy_verdict
take_element(XY_SELF, struct xy_stream *stream, const struct xy_stanza *element)
{
    const struct xy_node *root = xy_stanza_root(element);
    struct xy_session *session = xy_stream_session(stream);
    bool on = session && managed(session) && xy_session_is_retained(session);
    if (sm_is(root, "enable"))
        enable(self, stream, root);
    else if (sm_is(root, "resume"))
        resume(self, stream, root);
    else if (on && sm_is(root, "r"))
        sm_take_request(self, session);
    else if (on && sm_is(root, "a"))
        sm_take_ack(self, session, root);
    else
        return XY_PASS;
    return XY_DONE;
}

/* ---- life -----------------------------------------------------------------------------------
 */

static void
note_any(void *argument, struct xy_session *session)
{
    bool *any = argument;
    *any |= managed(session) != NULL;
}

/* Without sessions of ours, live ones in the table are of a run that ended badly. */
static xy_status
start(XY_SELF)
{
    bool any = false;
    xy_sessions_each(xy_host_of(self), note_any, &any);
    if (!any)
        sm_rows_orphan(xy_host_of(self));
    sm_watch(self);
    return XY_OK;
}

static xy_status
be_here(XY_SELF, struct xy_host *at)
{
    (void)at;
    return XY_OK;
}

/* Switched off, or the host is served no more: nobody will look after sessions that wait. When
 * the server stops, and serves no host at all, they stay: the table has them. */
static void
stop(XY_SELF)
{
    struct xy_host *host = xy_host_of(self);
    if (xy_host_first() && xy_run_sm_here(host, host) == XY_UNSUPPORTED)
        sm_end_waiting(host);
}

static const struct xy_option options[] = {
    XY_OPTION(resume_for, .initial = "5 min", .min = 1000, .max = (int64_t)7 * 24 * 3600 * 1000,
              .none = true,
              .doc = "A session whose connection broke waits so long for its client, shown as "
                     "available. `none` leaves acknowledgements, without resumption."),
    XY_OPTION(queue, .initial = "500", .min = 1, .max = 1000000,
              .doc = "Unacknowledged stanzas of one session that are kept in memory. Of stored "
                     "messages beyond that only the number is, and they are read again."),
    XY_OPTION(ack_timeout, .initial = "60 s", .min = 1000, .max = (int64_t)24 * 3600 * 1000,
              .none = true,
              .doc = "A client that owes an acknowledgement for so long is disconnected; its "
                     "session waits for it."),
};
static const struct xy_hook hooks[] = {
    XY_ON(stream_features, offer),
    XY_ON(stream_element, take_element),
    XY_ON(sasl2_offer, sm_offer_resumption),
    XY_ON(sasl2_resume, sm_resume_inline),
    XY_ON(sasl2_finished, sm_release_inline, .order = XY_EARLY),
    XY_ON(bind2_offer, sm_offer_enabling),
    XY_ON(bind2_bound, sm_enable_inline),
    XY_ON(session_lost, sm_keep_lost),
    XY_ON(session_detached, sm_save_detached, .order = XY_LATE),
    XY_ON(session_resumed, sm_save_resumed, .order = XY_LATE),
    XY_ON(session_queued, sm_note_queued),
    XY_ON(session_handled, sm_answer_handled),
    XY_ON(message_storing, sm_save_handled),
    XY_ON(session_closed, sm_save_end),
    XY_ON(account_deleted, sm_forget_account),
    XY_ON(sm_here, be_here),
};
static const struct xy_migration schema[] = {
    {1,
     "create table sm_session (id bigint primary key, owner bigint not null, host text not "
     "null, "
     "resource text not null, device bigint not null, max_ms bigint not null, "
     "state smallint not null, expires bigint not null, handled bigint not null, "
     "sent bigint not null, acknowledged bigint not null, presence text, queue bytea, "
     "notes bytea); "
     "create index sm_session_owner on sm_session (owner)",
     NULL},
};
static const struct xy_metric metrics[] = {
    XY_METRIC(enabled, .unit = "sessions", .doc = "Sessions that asked for stream management."),
    XY_METRIC(acks, .unit = "acks", .doc = "Acknowledgements from clients."),
    XY_METRIC(resumed, .unit = "sessions", .doc = "Sessions resumed from memory."),
    XY_METRIC(restored, .unit = "sessions", .doc = "Sessions of an earlier run resumed."),
    XY_METRIC(failed, .unit = "sessions", .doc = "Resumptions refused."),
    XY_METRIC(expired, .unit = "sessions",
              .doc = "Sessions ended because their client did not come back in time."),
    XY_METRIC(unanswered, .unit = "connections",
              .doc = "Connections ended because the client owed an acknowledgement."),
};

XY_MODULE(sm, .about = "Acknowledges stanzas and lets clients resume (XEP-0198).",
          XY_STATE_SIZE, XY_START(start), XY_STOP(stop), XY_TABLE(options, options),
          XY_TABLE(hooks, hooks), XY_TABLE(schema, schema), XY_TABLE(metrics, metrics),
          .statements = sm_statements, .statements_count = SM_STATEMENTS);
