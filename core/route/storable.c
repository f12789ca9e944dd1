/* SPDX-License-Identifier: MIT */
/*
 * What an offline queue and an archive keep (XEP-0160 section 3, XEP-0313 6.1, XEP-0334):
 * messages a person wrote or that carry something a client must learn later; not chat states,
 * headlines or errors. A room's archive keeps what was said to all: no receipts, no markers,
 * nothing that is between two.
 */
#include <xylem/xylem.h>

struct payload {
    const char *ns, *name; /* name NULL: any */
    bool in_rooms;
};

/* What is worth keeping although there is no body. */
static const struct payload kept[] = {
    {XY_NS_CLIENT, "body", true},
    {XY_NS_CLIENT, "subject", true},
    {XY_NS_HINTS, "store", true},
    {XY_NS_RECEIPTS, "received", false},
    {XY_NS_MARKERS, NULL, false},
    {"jabber:x:conference", "x", false},
    {"http://jabber.org/protocol/muc#user", "x", false},
    {"urn:xmpp:eme:0", "encryption", true},
    {"urn:xmpp:jingle-message:0", NULL, false},
    {"urn:xmpp:message-retract:1", "retract", true},
    {"urn:xmpp:message-correct:0", "replace", true},
    {"urn:xmpp:reactions:0", "reactions", true},
};

static bool
is_kept(const struct xy_node *child, bool in_rooms)
{
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if ((kept[i].in_rooms || !in_rooms) &&
            xy_node_is(child, xy_str_from(kept[i].ns), xy_str_from(kept[i].name)))
            return true;
    return false;
}

static bool
has_hint(const struct xy_stanza *message, const char *hint)
{
    return xy_stanza_child(message, XY_STR(XY_NS_HINTS), xy_str_from(hint));
}

static bool
is_worth_keeping(const struct xy_stanza *message, bool in_rooms)
{
    if (has_hint(message, "no-store"))
        return false;
    for (const struct xy_node *at = xy_node_first(xy_stanza_root(message)); at;
         at = xy_node_next(at))
        if (is_kept(at, in_rooms))
            return true;
    return false;
}

/* no-permanent-storage: as early versions of XEP-0334 wrote it. */
static bool
may_stay(const struct xy_stanza *message)
{
    return !has_hint(message, "no-permanent-store") &&
           !has_hint(message, "no-permanent-storage");
}

bool
xy_message_is_storable(const struct xy_stanza *message)
{
    struct xy_str type = xy_stanza_type(message);
    return xy_stanza_kind(message) == XY_MESSAGE && !xy_str_is(type, "groupchat") &&
           !xy_str_is(type, "headline") && !xy_str_is(type, "error") &&
           is_worth_keeping(message, false);
}

bool
xy_message_is_archivable(const struct xy_stanza *message)
{
    return xy_message_is_storable(message) && may_stay(message);
}

bool
xy_groupchat_is_archivable(const struct xy_stanza *message)
{
    return xy_stanza_kind(message) == XY_MESSAGE &&
           xy_str_is(xy_stanza_type(message), "groupchat") && is_worth_keeping(message, true) &&
           may_stay(message);
}
