/* SPDX-License-Identifier: MIT */
/*
 * The items of a set of muc#admin (XEP-0045 8.2 to 10.8): each gives a role to somebody who is
 * there or an affiliation to a bare JID, and says so in one way only.
 */
#include "modules/muc/admin.h"

enum { MOST_ITEMS = 1000 };

static struct refusal
read_reason(const struct xy_node *node, struct item *item)
{
    const struct xy_node *reason = xy_node_child(node, XY_STR(NS_MUC_ADMIN), XY_STR("reason"));
    item->to.reason = reason ? xy_node_text(reason) : XY_NO_STR;
    return (struct refusal){0};
}

/* By nick, or by the real JID of somebody who is there. */
static struct refusal
read_role(const struct request *request, const struct xy_node *node, struct item *item)
{
    struct xy_room *room = request->by.room;
    struct xy_str nick = xy_node_attr(node, "nick");
    const struct xy_jid *place = xy_room_jid(room), *jid = NULL;
    const struct xy_occupant *there = NULL;
    if (muc_role_parse(xy_node_attr(node, "role"), &item->role) != XY_OK)
        return muc_refusal(XY_BAD_REQUEST, "There is no such role");
    if (nick.len)
        jid = xy_jid_make(xy_jid_local(place), xy_jid_domain(place), nick);
    else
        jid = xy_jid_parse(xy_node_attr(node, "jid"));
    if (!nick.len && !xy_node_attr(node, "jid").len)
        return muc_refusal(XY_BAD_REQUEST, "A role is somebody's: say the nick");
    if (jid)
        there = nick.len ? xy_room_find_nick(room, jid) : xy_room_find(room, jid);
    if (!there)
        return muc_refusal(XY_ITEM_NOT_FOUND, "There is no such occupant");
    item->nick = xy_occupant_nick(there);
    return read_reason(node, item);
}

/* The nick as it is to be registered; empty: to be taken away; absent: left as it is. */
static struct refusal
read_nick(struct xy_room *room, const struct xy_node *node, struct item *item)
{
    const struct xy_jid *place = xy_room_jid(room), *full = NULL;
    struct xy_str nick = xy_node_attr(node, "nick");
    item->to.nick = nick;
    if (!nick.len)
        return (struct refusal){0};
    full = xy_jid_make(xy_jid_local(place), xy_jid_domain(place), nick);
    if (!full)
        return muc_refusal(XY_JID_MALFORMED, "That cannot be a nick");
    item->to.nick = xy_jid_resource(full);
    return (struct refusal){0};
}

static struct refusal
read_jid(const struct request *request, const struct xy_node *node, struct item *item)
{
    struct xy_room *room = request->by.room;
    struct xy_str jid = xy_node_attr(node, "jid"), nick = xy_node_attr(node, "nick");
    const struct xy_jid *place = xy_room_jid(room), *full = NULL;
    if (jid.len) {
        const struct xy_jid *parsed = xy_jid_parse(jid);
        item->to.jid = parsed ? xy_jid_bare(parsed) : NULL;
        return parsed ? read_nick(room, node, item)
                      : muc_refusal(XY_JID_MALFORMED, "An affiliation is a bare JID's");
    }
    if (!nick.len)
        return muc_refusal(XY_BAD_REQUEST, "An affiliation is somebody's: say the JID");
    full = xy_jid_make(xy_jid_local(place), xy_jid_domain(place), nick);
    const struct xy_occupant *there = full ? xy_room_find_nick(room, full) : NULL;
    if (!there)
        return muc_refusal(XY_ITEM_NOT_FOUND, "There is no such occupant");
    item->to.jid = xy_jid_bare(xy_occupant_real(there));
    return (struct refusal){0};
}

static struct refusal
read_affiliation(const struct request *request, const struct xy_node *node, struct item *item)
{
    if (muc_affiliation_parse(xy_node_attr(node, "affiliation"), &item->to.affiliation) !=
        XY_OK)
        return muc_refusal(XY_BAD_REQUEST, "There is no such affiliation");
    struct refusal why = read_jid(request, node, item);
    if (why.text)
        return why;
    if (!xy_jid_local(item->to.jid).len && item->to.affiliation > XY_UNAFFILIATED)
        return muc_refusal(XY_NOT_ACCEPTABLE, "A domain can only be banned");
    for (const struct item *other = request->items; other < item; other++)
        if (!other->nick && other->to.jid == item->to.jid)
            return muc_refusal(XY_BAD_REQUEST, "Nobody has two affiliations");
    return read_reason(node, item);
}

static struct refusal
read_item(const struct request *request, const struct xy_node *node, struct item *item)
{
    bool role = xy_node_attr(node, "role").at,
         affiliation = xy_node_attr(node, "affiliation").at;
    if (role == affiliation)
        return muc_refusal(XY_BAD_REQUEST, "An item sets either a role or an affiliation");
    return role ? read_role(request, node, item) : read_affiliation(request, node, item);
}

struct refusal
request_read(struct request *request, const struct xy_node *query)
{
    size_t most = 0;
    const struct xy_node *at;
    for (at = xy_node_first(query); at; at = xy_node_next(at))
        most += xy_node_is(at, XY_STR(NS_MUC_ADMIN), XY_STR("item"));
    if (!most || most > MOST_ITEMS)
        return muc_refusal(XY_BAD_REQUEST, most ? "Too many items at once" : "No item is set");
    request->items = xy_temp_alloc(most * sizeof(*request->items));
    for (at = xy_node_first(query); at; at = xy_node_next(at)) {
        if (!xy_node_is(at, XY_STR(NS_MUC_ADMIN), XY_STR("item")))
            continue;
        struct refusal why = read_item(request, at, &request->items[request->count]);
        if (why.text)
            return why;
        request->count++;
    }
    return (struct refusal){0};
}
