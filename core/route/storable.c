/* SPDX-License-Identifier: MIT */
/*
 * What an offline queue and an archive keep (XEP-0160 section 3, XEP-0313 6.1.1, XEP-0334):
 * messages a person wrote or that carry something a client must learn later; not chat states,
 * headlines, errors or room messages.
 */
#include <xylem/xylem.h>

struct payload {
    const char *ns, *name; /* name NULL: any */
};

/* What is worth keeping although there is no body. */
static const struct payload kept[] = {
    {XY_NS_CLIENT, "body"},
    {XY_NS_CLIENT, "subject"},
    {XY_NS_HINTS, "store"},
    {XY_NS_RECEIPTS, "received"},
    {XY_NS_MARKERS, NULL},
    {"jabber:x:conference", "x"},
    {"http://jabber.org/protocol/muc#user", "x"},
    {"urn:xmpp:eme:0", "encryption"},
    {"urn:xmpp:jingle-message:0", NULL},
    {"urn:xmpp:message-retract:1", "retract"},
    {"urn:xmpp:message-correct:0", "replace"},
    {"urn:xmpp:reactions:0", "reactions"},
};

static bool
is_kept(const struct xy_node *child)
{
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (xy_node_is(child, xy_str_from(kept[i].ns), xy_str_from(kept[i].name)))
            return true;
    return false;
}

bool
xy_message_is_storable(const struct xy_stanza *message)
{
    struct xy_str type = xy_stanza_type(message);
    if (xy_stanza_kind(message) != XY_MESSAGE || xy_str_is(type, "groupchat") ||
        xy_str_is(type, "headline") || xy_str_is(type, "error"))
        return false;
    if (xy_stanza_child(message, XY_STR(XY_NS_HINTS), XY_STR("no-store")))
        return false;
    for (const struct xy_node *at = xy_node_first(xy_stanza_root(message)); at;
         at = xy_node_next(at))
        if (is_kept(at))
            return true;
    return false;
}

/* no-permanent-storage: as early versions of XEP-0334 wrote it. */
bool
xy_message_is_archivable(const struct xy_stanza *message)
{
    const struct xy_str hints = XY_STR(XY_NS_HINTS);
    return xy_message_is_storable(message) &&
           !xy_stanza_child(message, hints, XY_STR("no-permanent-store")) &&
           !xy_stanza_child(message, hints, XY_STR("no-permanent-storage"));
}
