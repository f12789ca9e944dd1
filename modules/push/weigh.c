/* SPDX-License-Identifier: MIT */
/*
 * What a client is woken for: what a person wrote to its user, that he took it back (the phone
 * still shows it), invitations, calls. Receipts, markers and chat states are worth keeping or
 * not, but nobody gets up for them.
 */
#include "modules/push/push.h"

static const struct {
    const char *ns, *name;
    enum weight weight;
} weights[] = {
    {XY_NS_CLIENT, "body", IMPORTANT},
    {"urn:xmpp:eme:0", "encryption", IMPORTANT},
    {"jabber:x:conference", "x", IMPORTANT},
    {NS_RETRACT, "retract", IMPORTANT},
    {"urn:xmpp:jingle-message:0", "propose", CALL},
};

static bool
is_room_invitation(const struct xy_node *child)
{
    struct xy_str ns = XY_STR("http://jabber.org/protocol/muc#user");
    return xy_node_is(child, ns, XY_STR("x")) && xy_node_child(child, ns, XY_STR("invite"));
}

enum weight
push_weigh(const struct xy_stanza *message)
{
    enum weight most = UNIMPORTANT;
    for (const struct xy_node *at = xy_node_first(xy_stanza_root(message)); at;
         at = xy_node_next(at)) {
        enum weight weight = is_room_invitation(at) ? IMPORTANT : UNIMPORTANT;
        for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++)
            if (xy_node_is(at, xy_str_from(weights[i].ns), xy_str_from(weights[i].name)))
                weight = weights[i].weight;
        most = weight > most ? weight : most;
    }
    return most;
}

/* Of stored messages; what is only known by its id was worth storing. */
static void
note_one(void *argument, xy_message_id message, const struct xy_stanza *stanza)
{
    struct unacknowledged *found = argument;
    enum weight weight = !message ? UNIMPORTANT : stanza ? push_weigh(stanza) : IMPORTANT;
    if (weight == UNIMPORTANT)
        return;
    if (found->count++ == 0)
        found->oldest_ms = xy_message_id_ms(message);
    found->call |= weight == CALL;
}

void
push_count_unacknowledged(const struct xy_session *session, struct unacknowledged *found)
{
    xy_session_queue_each(session, note_one, found);
}
