/* SPDX-License-Identifier: MIT */
/*
 * What talking in rooms has in common: refusals, and what of a stanza others may see.
 * Invariant: what only the room may say (delays, affiliations, occupant ids, its own
 * stanza-ids, moderation) never comes from an occupant (XEP-0045 7.4 and 13.2, XEP-0421,
 * XEP-0359, XEP-0425).
 */
#include "modules/muc/talk.h"

enum { ID_SIZE = 12 };

/* ---- refusals ------------------------------------------------------------------------------
 */

struct refusal
muc_refusal(xy_condition condition, const char *text)
{
    return (struct refusal){condition, NULL, text};
}

struct refusal
muc_refusal_of(xy_status status)
{
    const char *text = status == XY_ABSENT ? "There is no such room" : "Not possible just now";
    return muc_refusal(xy_status_condition(status), text);
}

struct refusal
muc_no_occupant(struct xy_room *room)
{
    if (muc_state(room)->locked)
        return muc_refusal(XY_ITEM_NOT_FOUND, "There is no such room");
    return muc_refusal(XY_NOT_ACCEPTABLE, "You are not in this room");
}

struct xy_stanza *
muc_error(struct muc *self, const struct xy_stanza *stanza, const struct refusal *why)
{
    struct xy_stanza *answer = xy_stanza_error(stanza, why->condition, xy_str_from(why->text));
    if (!answer)
        return NULL;
    xy_count(&self->refused);
    struct xy_node *error =
        xy_node_mutable(answer, xy_stanza_child(answer, XY_STR(XY_NS_CLIENT), XY_STR("error")));
    xy_node_set(error, "by", xy_jid_text(xy_jid_bare(xy_stanza_to(stanza))));
    if (why->type)
        xy_node_set(error, "type", xy_str_from(why->type));
    return answer;
}

void
muc_refuse(struct muc *self, const struct xy_stanza *stanza, const struct refusal *why)
{
    struct xy_stanza *answer = why->text ? muc_error(self, stanza, why) : NULL;
    if (answer)
        xy_route(answer);
}

/* ---- what goes out -------------------------------------------------------------------------
 */

struct xy_str
muc_new_id(void)
{
    char bytes[ID_SIZE];
    xy_random(bytes, sizeof(bytes));
    return xy_temp_hex(xy_str_of(bytes, sizeof(bytes)));
}

struct xy_node *
muc_add_user(struct xy_stanza *stanza)
{
    return xy_node_add(xy_stanza_top(stanza), XY_STR(NS_MUC_USER), XY_STR("x"));
}

void
muc_post(struct post *post, struct xy_stanza *stanza)
{
    if (post->count == post->size) {
        size_t size = post->size ? 2 * post->size : 4;
        struct xy_stanza **at = xy_temp_alloc(size * sizeof(*at));
        if (post->count)
            memcpy(at, post->at, post->count * sizeof(*at));
        post->at = at;
        post->size = size;
    }
    post->at[post->count++] = stanza;
}

void
muc_post_send(const struct post *post)
{
    for (size_t i = 0; i < post->count; i++)
        xy_route(post->at[i]);
}

/* ---- what comes in -------------------------------------------------------------------------
 */

static bool
is_moderation(const struct xy_node *node)
{
    return xy_str_starts(xy_node_ns(node), XY_STR("urn:xmpp:message-moderate:"));
}

static bool
holds_moderation(const struct xy_node *node)
{
    for (const struct xy_node *at = xy_node_first(node); at; at = xy_node_next(at))
        if (is_moderation(at))
            return true;
    return is_moderation(node);
}

static bool
is_the_rooms(const struct xy_node *node, struct xy_str room)
{
    static const struct {
        const char *ns, *name;
    } reserved[] = {
        {XY_NS_DELAY, "delay"},          {"jabber:x:delay", "x"},   {NS_MUC_USER, "x"},
        {NS_OCCUPANT_ID, "occupant-id"}, {NS_ADDRESS, "addresses"},
    };
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (xy_node_is(node, xy_str_from(reserved[i].ns), xy_str_from(reserved[i].name)))
            return true;
    if (xy_node_is(node, XY_STR(XY_NS_SID), XY_STR("stanza-id"))) {
        const struct xy_jid *by = xy_jid_parse(xy_node_attr(node, "by"));
        return by && xy_str_equal(xy_jid_text(by), room);
    }
    return holds_moderation(node);
}

struct xy_stanza *
muc_clean(const struct muc *self, const struct xy_occupant *sender,
          const struct xy_stanza *stanza)
{
    const struct xy_room *room = xy_occupant_room(sender);
    struct xy_stanza *clean = xy_stanza_edit(stanza);
    struct xy_node *top = xy_stanza_top(clean);
    const struct xy_node *at = xy_node_first(xy_stanza_root(stanza));
    for (; at; at = xy_node_next(at))
        if (is_the_rooms(at, xy_jid_text(xy_room_jid(room))))
            xy_node_remove(top, at);
    xy_stanza_set_from(clean, xy_occupant_nick(sender));
    xy_stanza_set_to(clean, NULL);
    struct xy_node *id = xy_node_add(top, XY_STR(NS_OCCUPANT_ID), XY_STR("occupant-id"));
    xy_node_set(id, "id", muc_occupant_id(self, room, xy_occupant_real(sender)));
    return clean;
}

void
muc_hide_origin(struct xy_stanza *error)
{
    const struct xy_node *node = xy_stanza_child(error, XY_STR(XY_NS_CLIENT), XY_STR("error"));
    if (node && xy_node_attr(node, "by").at)
        xy_node_set(xy_node_mutable(error, node), "by", XY_NO_STR);
}

struct xy_str
muc_form_value(const struct xy_node *form, const char *var)
{
    struct xy_str ns = XY_STR(XY_NS_DATA);
    for (const struct xy_node *at = xy_node_first(form); at; at = xy_node_next(at)) {
        const struct xy_node *value = xy_node_child(at, ns, XY_STR("value"));
        if (xy_node_is(at, ns, XY_STR("field")) && value &&
            xy_str_equal(xy_node_attr(at, "var"), xy_str_from(var)))
            return xy_str_trim(xy_node_text(value));
    }
    return XY_NO_STR;
}
