/* SPDX-License-Identifier: MIT */
/*
 * Which messages are copied: section 6.1 of XEP-0280 as urn:xmpp:carbons:rules:0 promises it,
 * each rule as it is written there. An error is judged by the message it answers, never by what
 * it quotes: so the last messages of a user, both ways, are known by a hash.
 */
#include "modules/carbons/carbons.h"

#define NS_MUC_USER   "http://jabber.org/protocol/muc#user"
#define NS_CONFERENCE "jabber:x:conference"

/* ---- messages that errors may answer
 * --------------------------------------------------------- */

enum { RECENT = 64 };

struct recent {
    uint32_t next;
    uint64_t at[RECENT];
};
static const struct xy_note recent_kind = {"carbons.recent", 1, sizeof(struct recent)};

/* FNV-1a; a zero byte ends each text. */
static uint64_t
mix(uint64_t print, struct xy_str text)
{
    for (size_t i = 0; i <= text.len; i++)
        print = (print ^ (i < text.len ? (unsigned char)text.at[i] : 0)) * 0x100000001b3u;
    return print;
}

/* Of a message `outgoing` or not, by the other side's bare JID: the answer to one to a bare JID
 * comes from whichever resource took it. */
static uint64_t
print_of(const struct xy_jid *other, struct xy_str id, bool outgoing)
{
    uint64_t print = mix(0xcbf29ce484222325u, outgoing ? XY_STR("to") : XY_STR("from"));
    return mix(mix(print, xy_jid_text(xy_jid_bare(other))), id);
}

void
carbons_note_eligible(struct xy_user *user, const struct xy_stanza *message, bool outgoing)
{
    const struct xy_jid *other = outgoing ? xy_stanza_to(message) : xy_stanza_from(message);
    struct xy_str id = xy_stanza_id(message);
    if (!id.len || !other || xy_stanza_is_error(message))
        return;
    struct recent *recent = xy_user_note(user, &recent_kind);
    recent->at[recent->next++ % RECENT] = print_of(other, id, outgoing);
}

static bool
answers_eligible(struct xy_user *user, const struct xy_stanza *error, bool outgoing)
{
    const struct xy_jid *other = outgoing ? xy_stanza_to(error) : xy_stanza_from(error);
    const struct recent *recent = xy_user_note_find(user, &recent_kind);
    if (!recent || !other || !xy_stanza_id(error).len)
        return false;
    uint64_t print = print_of(other, xy_stanza_id(error), !outgoing);
    for (size_t i = 0; i < RECENT && i < recent->next; i++)
        if (recent->at[i] == print)
            return true;
    return false;
}

/* ---- the rules
 * ------------------------------------------------------------------------------- */

static bool
has(const struct xy_stanza *message, const char *ns, const char *name)
{
    return xy_stanza_child(message, xy_str_from(ns), xy_str_from(name));
}

/* The sender asked for no copies; or it is a copy, which nobody but a server makes, and then it
 * does not come this way. Wrapping a forged one would put our name to it. */
static bool
is_private(const struct xy_stanza *message)
{
    return has(message, XY_NS_CARBONS, "private") || has(message, XY_NS_HINTS, "no-copy") ||
           has(message, XY_NS_CARBONS, "received") || has(message, XY_NS_CARBONS, "sent");
}

static bool
is_mediated_invitation(const struct xy_stanza *message)
{
    const struct xy_node *x = xy_stanza_child(message, XY_STR(NS_MUC_USER), XY_STR("x"));
    return x && xy_node_child(x, XY_STR(NS_MUC_USER), XY_STR("invite"));
}

/* XEP-0184, XEP-0085, XEP-0333. */
static bool
has_im_payload(const struct xy_stanza *message)
{
    return has(message, XY_NS_RECEIPTS, NULL) || has(message, XY_NS_CHATSTATES, NULL) ||
           has(message, XY_NS_MARKERS, NULL);
}

static bool
is_room_private(const struct xy_stanza *message, const struct xy_jid *occupant, bool in_room)
{
    return occupant && !xy_jid_is_bare(occupant) && (in_room || has(message, NS_MUC_USER, "x"));
}

static bool
is_instant(const struct xy_stanza *message)
{
    struct xy_str type = xy_stanza_type(message);
    if (xy_str_is(type, "chat") || has_im_payload(message))
        return true;
    /* RFC 6121 5.2.2: an unknown type is normal */
    return !xy_str_is(type, "headline") && has(message, XY_NS_CLIENT, "body");
}

bool
carbons_is_eligible(struct xy_user *user, const struct xy_stanza *message, bool outgoing,
                    bool in_room)
{
    const struct xy_jid *other = outgoing ? xy_stanza_to(message) : xy_stanza_from(message);
    if (xy_str_is(xy_stanza_type(message), "groupchat") || is_private(message))
        return false;
    if (xy_stanza_is_error(message))
        return answers_eligible(user, message, outgoing);
    if (is_mediated_invitation(message))
        return true;
    if (is_room_private(message, other, in_room))
        return outgoing; /* the room itself gives the others to all who are there */
    return has(message, NS_CONFERENCE, "x") || is_instant(message);
}
