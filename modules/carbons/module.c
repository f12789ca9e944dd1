/* SPDX-License-Identifier: MIT */
/*
 * Message carbons (XEP-0280): every client of a user that asked for it sees both sides of every
 * conversation, each message once: as the original or as one copy. Copies follow the original's
 * commit in its place of the order; nothing keeps, bounces or copies them.
 */
#include "modules/carbons/carbons.h"

static const struct xy_note enabled = {"carbons.enabled", 1, 1};

/* ---- switching it on and off
 * ----------------------------------------------------------------- */

static xy_status
enable(XY_SELF, struct xy_iq *iq)
{
    if (!xy_iq_is_own(iq) || !xy_iq_session(iq))
        return xy_iq_error(iq, XY_NOT_ALLOWED, XY_NO_STR);
    (void)xy_session_note(xy_iq_session(iq), &enabled);
    return xy_iq_reply(iq, NULL);
}

static xy_status
disable(XY_SELF, struct xy_iq *iq)
{
    if (!xy_iq_is_own(iq) || !xy_iq_session(iq))
        return xy_iq_error(iq, XY_NOT_ALLOWED, XY_NO_STR);
    xy_session_note_drop(xy_iq_session(iq), &enabled);
    return xy_iq_reply(iq, NULL);
}

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *in)
{
    (void)stream;
    xy_node_set(xy_node_add(in, XY_NO_STR, XY_STR("feature")), "var", XY_STR(XY_NS_CARBONS));
}

/* XEP-0386: one cut with the session's place in the order. */
static void
enable_at_bind(XY_SELF, struct xy_session *session, const struct xy_node *bind)
{
    if (bind && xy_node_child(bind, XY_STR(XY_NS_CARBONS), XY_STR("enable")))
        (void)xy_session_note(session, &enabled);
}

/* ---- copying
 * --------------------------------------------------------------------------------- */

static struct xy_stanza *
wrap(struct xy_user *user, const struct xy_stanza *message, bool outgoing)
{
    struct xy_stanza *copy = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_from(copy, xy_user_jid(user));
    xy_stanza_set_type(copy, xy_stanza_type(message));
    struct xy_node *carbon = xy_node_add(xy_stanza_top(copy), XY_STR(XY_NS_CARBONS),
                                         outgoing ? XY_STR("sent") : XY_STR("received"));
    struct xy_node *forwarded = xy_node_add(carbon, XY_STR(XY_NS_FORWARD), XY_STR("forwarded"));
    xy_node_add_copy(forwarded, xy_stanza_root(message));
    return copy;
}

static bool
any_enabled(const struct xy_user *user)
{
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (xy_session_note_find(s, &enabled))
            return true;
    return false;
}

static bool
is_in_room(const struct xy_user *user, const struct xy_jid *room)
{
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (carbons_nick_in(s, room).len)
            return true;
    return false;
}

/* The nick under which our end of it is in a room with `other`; absent: it is no occupant. */
static struct xy_str
nick_with(struct xy_session *own, const struct xy_jid *other)
{
    if (!own || xy_jid_is_bare(other))
        return XY_NO_STR;
    return carbons_nick_in(own, xy_jid_bare(other));
}

struct copying {
    struct xy_delivery *delivery;
    const struct xy_stanza *message;
    const struct xy_jid *other, *sender; /* who is not us; and who sent it, full */
    struct xy_str nick;
    bool outgoing;
};

static bool
wants(const struct copying *copying, struct xy_session *session)
{
    if (!xy_session_note_find(session, &enabled) || xy_session_jid(session) == copying->sender)
        return false;
    if (!copying->outgoing && xy_delivery_takes(copying->delivery, session))
        return false;
    return !copying->nick.len ||
           xy_str_equal(copying->nick, carbons_nick_in(session, xy_jid_bare(copying->other)));
}

static unsigned
copy_to_all(const struct copying *copying, struct xy_user *user)
{
    const struct xy_stanza *wrapped = NULL;
    unsigned count = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s)) {
        if (!wants(copying, s))
            continue;
        if (!wrapped)
            wrapped = wrap(user, copying->message, copying->outgoing);
        struct xy_stanza *copy = xy_stanza_edit(wrapped);
        xy_stanza_set_to(copy, xy_session_jid(s));
        xy_delivery_copy(copying->delivery, s, copy);
        count++;
    }
    return count;
}

static void
copy(XY_SELF, struct xy_delivery *delivery)
{
    struct xy_user *user = xy_delivery_user(delivery);
    const struct xy_stanza *message = xy_delivery_message(delivery);
    bool outgoing = xy_delivery_is_outgoing(delivery);
    const struct xy_jid *from = xy_stanza_from(message), *to = xy_stanza_to(message);
    const struct xy_jid *other = outgoing ? to : from;
    if (!other || xy_delivery_is_again(delivery) || !any_enabled(user))
        return;
    if (outgoing && xy_jid_bare(other) == xy_user_jid(user))
        return; /* to oneself: it arrives, too, and each resource gets one copy */
    bool in_room = !xy_jid_is_bare(other) && is_in_room(user, xy_jid_bare(other));
    if (!carbons_is_eligible(user, message, outgoing, in_room))
        return;
    carbons_note_eligible(user, message, outgoing);
    struct xy_session *own = outgoing                    ? xy_delivery_sender(delivery)
                             : to && !xy_jid_is_bare(to) ? xy_session_find(to)
                                                         : NULL;
    struct copying copying = {delivery, message, other, from, nick_with(own, other), outgoing};
    unsigned count = copy_to_all(&copying, user);
    xy_count_by(outgoing ? &self->sent : &self->received, count);
}

static const struct xy_hook hooks[] = {
    XY_ON(message_delivering, copy),
    XY_ON(presence_directed, carbons_note_room),
    XY_ON(session_presence, carbons_leave_rooms),
    XY_ON(bind2_offer, offer),
    XY_ON(session_binding, enable_at_bind),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_SET, XY_NS_CARBONS, "enable", enable, .where = XY_IQ_OWN | XY_IQ_ACCOUNT,
                .quiet = true),
    XY_IQ_ROUTE(XY_SET, XY_NS_CARBONS, "disable", disable, .where = XY_IQ_OWN | XY_IQ_ACCOUNT,
                .quiet = true),
};
static const struct xy_feature features[] = {
    {XY_NS_CARBONS, XY_IQ_HOST},
    {XY_NS_CARBONS_RULES, XY_IQ_HOST},
};
static const struct xy_metric metrics[] = {
    XY_METRIC(received, .unit = "copies",
              .doc = "Copies of messages that came for another client."),
    XY_METRIC(sent, .unit = "copies", .doc = "Copies of messages that another client sent."),
};

XY_MODULE(carbons,
          .about = "Shows all of a user's clients both sides of conversations (XEP-0280).",
          XY_STATE_SIZE, XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs),
          XY_TABLE(features, features), XY_TABLE(metrics, metrics));
