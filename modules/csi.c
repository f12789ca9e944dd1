/* SPDX-License-Identifier: MIT */
/*
 * Client state indication (XEP-0352): while nobody looks at a client, what it need not know now
 * is held back: the newest presence of each full JID, the newest chat state of each
 * conversation. Whatever else is for it goes out at once, behind what was held: the order
 * stays.
 */
#define XY_STATE csi
#include <xylem/xylem.h>

struct csi {
    const int64_t most;
    uint64_t run; /* of this module, across its replacements: former notes say nothing */
    xy_counter held, superseded, flushed;
};

/* On sessions that are inactive. */
struct state {
    uint64_t run;
};
static const struct xy_note state_kind = {"csi.inactive", 1, sizeof(struct state)};

/* ---- states
 * ---------------------------------------------------------------------------------- */

static bool
is_inactive(const struct csi *self, struct xy_session *session)
{
    const struct state *state = xy_session_note_find(session, &state_kind);
    return state && state->run == self->run;
}

static void
set_inactive(struct csi *self, struct xy_session *session)
{
    struct state *state = xy_session_note(session, &state_kind);
    state->run = self->run;
    xy_session_watch_output(session, true);
}

static void
flush(struct csi *self, struct xy_session *session)
{
    if (xy_session_held(session) == 0)
        return;
    xy_count(&self->flushed);
    xy_session_flush(session);
}

static void
set_active(struct csi *self, struct xy_session *session)
{
    if (!xy_session_note_find(session, &state_kind))
        return;
    xy_session_note_drop(session, &state_kind);
    flush(self, session);
    xy_session_watch_output(session, false);
}

static xy_verdict
take_element(XY_SELF, struct xy_stream *stream, const struct xy_stanza *element)
{
    struct xy_session *session = xy_stream_session(stream);
    const struct xy_node *root = xy_stanza_root(element);
    if (!session || !xy_str_is(xy_node_ns(root), XY_NS_CSI))
        return XY_PASS;
    if (xy_str_is(xy_node_name(root), "inactive"))
        set_inactive(self, session);
    else if (xy_str_is(xy_node_name(root), "active"))
        set_active(self, session);
    else
        return XY_PASS;
    return XY_DONE;
}

/* "A stream always begins in 'active' state", a resumed one, too (section 5.2). */
static void
resume(XY_SELF, struct xy_session *session)
{
    set_active(self, session);
}

static xy_verdict
tell_inactive(XY_SELF, struct xy_session *session)
{
    return is_inactive(self, session) ? XY_DONE : XY_PASS;
}

/* ---- offers
 * ---------------------------------------------------------------------------------- */

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *features)
{
    if (xy_stream_account(stream))
        xy_node_add(features, XY_STR(XY_NS_CSI), XY_STR("csi"));
}

static void
offer_at_bind(XY_SELF, struct xy_stream *stream, struct xy_node *in)
{
    (void)stream;
    xy_node_set(xy_node_add(in, XY_NO_STR, XY_STR("feature")), "var", XY_STR(XY_NS_CSI));
}

static void
bind(XY_SELF, struct xy_session *session, const struct xy_node *wanted, struct xy_node *bound)
{
    (void)bound;
    if (xy_node_child(wanted, XY_STR(XY_NS_CSI), XY_STR("inactive")))
        set_inactive(self, session);
}

/* ---- what can wait
 * --------------------------------------------------------------------------- */

/* Whom or what a stanza tells of: a later one of the same subject replaces it. */
struct subject {
    enum { IMPORTANT, PRESENCE, STATE } kind;
    struct xy_str from, to; /* of a chat state; `to` only inside a copy */
};

/* What may stand beside a chat state without making more of it. */
static bool
is_nothing_more(const struct xy_node *child)
{
    return xy_str_is(xy_node_ns(child), XY_NS_HINTS) ||
           xy_str_is(xy_node_ns(child), XY_NS_SID) ||
           xy_str_is(xy_node_ns(child), XY_NS_OCCUPANT_ID) ||
           xy_node_is(child, XY_STR(XY_NS_CLIENT), XY_STR("thread"));
}

static bool
is_chat_state(const struct xy_node *message)
{
    bool found = false;
    if (xy_str_is(xy_node_attr(message, "type"), "error"))
        return false;
    for (const struct xy_node *at = xy_node_first(message); at; at = xy_node_next(at)) {
        if (xy_str_is(xy_node_ns(at), XY_NS_CHATSTATES))
            found = true;
        else if (!is_nothing_more(at))
            return false;
    }
    return found;
}

/* The message inside a copy (XEP-0280), NULL when it is none. */
static const struct xy_node *
copied(const struct xy_stanza *stanza)
{
    const struct xy_node *copy = xy_node_first(xy_stanza_root(stanza));
    if (!copy || xy_node_next(copy) || !xy_str_is(xy_node_ns(copy), XY_NS_CARBONS))
        return NULL;
    const struct xy_node *forwarded =
        xy_node_child(copy, XY_STR(XY_NS_FORWARD), XY_STR("forwarded"));
    return forwarded ? xy_node_child(forwarded, XY_STR(XY_NS_CLIENT), XY_STR("message")) : NULL;
}

/* Status 110: a client that joins a room waits for it (XEP-0045 7.2.2). */
static bool
is_own_in_room(const struct xy_stanza *presence)
{
    struct xy_str ns = XY_STR("http://jabber.org/protocol/muc#user");
    const struct xy_node *x = xy_stanza_child(presence, ns, XY_STR("x"));
    for (const struct xy_node *at = x ? xy_node_first(x) : NULL; at; at = xy_node_next(at))
        if (xy_node_is(at, ns, XY_STR("status")) && xy_str_is(xy_node_attr(at, "code"), "110"))
            return true;
    return false;
}

static struct subject
presence_subject(const struct xy_stanza *presence)
{
    struct xy_str type = xy_stanza_type(presence);
    const struct xy_jid *from = xy_stanza_from(presence);
    if (!from || (type.len && !xy_str_is(type, "unavailable")) || is_own_in_room(presence))
        return (struct subject){.kind = IMPORTANT};
    return (struct subject){.kind = PRESENCE, .from = xy_jid_text(from)};
}

static struct subject
message_subject(const struct xy_stanza *message)
{
    const struct xy_node *inner = copied(message);
    const struct xy_node *root = inner ? inner : xy_stanza_root(message);
    if (!is_chat_state(root))
        return (struct subject){.kind = IMPORTANT};
    return (struct subject){STATE, xy_node_attr(root, "from"),
                            inner ? xy_node_attr(root, "to") : XY_NO_STR};
}

static struct subject
subject_of(const struct xy_stanza *stanza)
{
    switch (xy_stanza_kind(stanza)) {
    case XY_PRESENCE:
        return presence_subject(stanza);
    case XY_MESSAGE:
        return message_subject(stanza);
    case XY_IQ:
    case XY_NONZA:
        break;
    }
    return (struct subject){.kind = IMPORTANT};
}

struct superseding {
    struct csi *self;
    struct subject by;
};

static bool
is_superseded(void *argument, const struct xy_stanza *held)
{
    const struct superseding *superseding = argument;
    const struct subject *by = &superseding->by;
    struct subject old = subject_of(held);
    if (old.kind != by->kind || !xy_str_equal(old.from, by->from) ||
        !xy_str_equal(old.to, by->to))
        return false;
    xy_count(&superseding->self->superseded);
    return true;
}

static xy_verdict
hold(XY_SELF, struct xy_session *session, const struct xy_stanza *stanza)
{
    if (!is_inactive(self, session))
        return XY_PASS;
    struct superseding superseding = {self, subject_of(stanza)};
    if (superseding.by.kind == IMPORTANT)
        return XY_PASS;
    xy_session_drop_held(session, is_superseded, &superseding);
    if (xy_session_held(session) >= (size_t)self->most) {
        xy_count(&self->flushed);
        return XY_PASS; /* it takes the others with it */
    }
    xy_count(&self->held);
    return XY_DONE;
}

/* ---- coming and going
 * ------------------------------------------------------------------------ */

static xy_status
start(XY_SELF)
{
    xy_random(&self->run, sizeof(self->run));
    return XY_OK;
}

static void
hand_over(XY_SELF, struct xy_handover *to)
{
    xy_handover_put(to, "run", 1, XY_KEY(self->run));
}

static void
adopt(XY_SELF, struct xy_handover *from)
{
    struct xy_str run;
    if (xy_handover_get(from, "run", 1, &run) == XY_OK && run.len == sizeof(self->run))
        memcpy(&self->run, run.at, sizeof(self->run));
}

static void
flush_one(void *argument, struct xy_session *session)
{
    (void)argument;
    xy_session_flush(session);
}

/* Nothing stays behind when the module goes; one that replaces it holds again what comes. */
static void
stop(XY_SELF)
{
    xy_sessions_each(xy_host_of(self), flush_one, NULL);
}

static const struct xy_option options[] = {
    XY_OPTION(most, .initial = "200", .min = 1, .max = 10000,
              .doc = "Stanzas held back for one client; one more and all are sent."),
};
static const struct xy_hook hooks[] = {
    XY_ON(stream_features, offer),
    XY_ON(stream_element, take_element),
    XY_ON(bind2_offer, offer_at_bind),
    XY_ON(bind2_bound, bind),
    XY_ON(session_output, hold),
    XY_ON(session_resumed, resume),
    XY_ON(session_inactive, tell_inactive),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(held, .unit = "stanzas", .doc = "Stanzas held back."),
    XY_METRIC(superseded, .unit = "stanzas", .doc = "Held stanzas that a newer one replaced."),
    XY_METRIC(flushed, .unit = "times",
              .doc = "Times that what was held was sent: the client was "
                     "active again, or too much was held."),
};

XY_MODULE(csi, .about = "Spares clients nobody looks at (XEP-0352).", XY_STATE_SIZE,
          XY_START(start), XY_STOP(stop), XY_HAND_OVER(hand_over), XY_ADOPT(adopt),
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(metrics, metrics));
