/* SPDX-License-Identifier: MIT */
/*
 * Presence to a room (XEP-0045 7.2, 7.6, 7.7, 7.14): which of the things one can do at the door
 * it is. A room never takes a presence without <x/> for a join: a client that believes to be in
 * and is not would stay half in (7.2.17), so it is told that it is out.
 *
 * Errors go out when the room has been left: routing may wait for somebody who waits for the
 * room.
 */
#include "modules/muc/door.h"

/* XEP-0045 has its own types for two conditions, and says who refuses; by <x/> profanity knows
 * that it is not in. */
static void
answer(struct muc *self, const struct xy_stanza *presence, xy_condition condition)
{
    struct xy_stanza *error = xy_stanza_error(presence, condition, XY_NO_STR);
    xy_count(&self->refused);
    if (!error)
        return;
    struct xy_node *node =
        xy_node_mutable(error, xy_stanza_child(error, XY_STR(XY_NS_CLIENT), XY_STR("error")));
    xy_node_set(node, "by", xy_jid_text(xy_jid_bare(xy_stanza_to(presence))));
    if (condition == XY_SERVICE_UNAVAILABLE)
        xy_node_set(node, "type", XY_STR("wait"));
    if (condition == XY_NOT_ACCEPTABLE)
        xy_node_set(node, "type", XY_STR("cancel"));
    xy_node_add(xy_stanza_top(error), XY_STR(NS_MUC), XY_STR("x"));
    xy_route(error);
}

/* 7.2.17: kicked for technical reasons, so that the client joins. */
static void
tell_that_it_is_out(const struct muc *self, const struct xy_stanza *presence)
{
    static const int codes[] = {307, 333, 0};
    struct showing showing = {.type = "unavailable",
                              .affiliation = XY_UNAFFILIATED,
                              .role = XY_NO_ROLE,
                              .reason = XY_STR("You are not in the room."),
                              .codes = codes,
                              .self = true};
    const struct xy_jid *who = xy_stanza_from(presence);
    struct xy_stanza *out =
        door_presence(self, xy_stanza_to(presence), who, NULL, NULL, &showing);
    xy_stanza_set_to(out, who);
    xy_stanza_set_id(out, xy_stanza_id(presence));
    xy_route(out);
}

void
door_update(struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *presence)
{
    door_is_newest(occupant);
    door_keep(self, occupant, presence, door_hats_shown(occupant));
    door_show(self, occupant);
    door_tell_nick(self, occupant, door_showing(occupant), occupant);
    door_tell_self(self, occupant, door_kept(self, occupant, false), door_showing(occupant),
                   xy_stanza_id(presence));
}

/* It is kept, twice, and sent to whoever comes. */
static bool
is_too_large(const struct muc *self, const struct xy_stanza *presence)
{
    return (int64_t)xy_stanza_text(presence).len > self->max_presence.bytes;
}

static struct refusal
hear_occupant(struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *presence,
              const struct xy_node *x)
{
    struct refusal refusal = {.refused = false, .condition = XY_BAD_REQUEST};
    bool moves = xy_occupant_nick(occupant) != xy_stanza_to(presence);
    if (!muc_may_send(self, occupant, presence))
        return refusal;
    if (moves)
        refusal = door_rename(self, occupant, presence);
    if (!refusal.refused && x)
        door_join_again(self, occupant, presence, x);
    else if (!moves)
        door_update(self, occupant, presence);
    return refusal;
}

static xy_status
enter(struct muc *self, const struct xy_jid *jid, bool any, struct xy_room **room)
{
    return any ? muc_enter_any(self, jid, room) : muc_enter(self, jid, room);
}

/* A full JID may be taken anew before the end of the session that had it has been heard of. */
static xy_status
enter_behind_ghost(struct muc *self, const struct xy_stanza *presence, bool any,
                   struct xy_room **room)
{
    const struct xy_jid *jid = xy_jid_bare(xy_stanza_to(presence));
    xy_status status = enter(self, jid, any, room);
    if (status != XY_OK)
        return status;
    struct xy_occupant *occupant = xy_room_find(*room, xy_stanza_from(presence));
    if (!occupant || !door_is_ghost(occupant))
        return XY_OK;
    door_leave(self, occupant, NULL, NULL);
    xy_room_leave(*room);
    return enter(self, jid, any, room);
}

static void
come(struct muc *self, const struct xy_stanza *presence)
{
    const struct xy_node *x = xy_stanza_child(presence, XY_STR(NS_MUC), XY_STR("x"));
    const struct xy_jid *to = xy_stanza_to(presence);
    struct xy_room *room;
    if (xy_str_trim(xy_jid_resource(to)).len == 0 || xy_jid_is_bare(xy_stanza_from(presence))) {
        answer(self, presence, XY_JID_MALFORMED);
        return;
    }
    if (is_too_large(self, presence)) {
        answer(self, presence, XY_POLICY_VIOLATION);
        return;
    }
    if (x && self->closing) {
        answer(self, presence, XY_SERVICE_UNAVAILABLE);
        return;
    }
    xy_status status = enter_behind_ghost(self, presence, x != NULL, &room);
    if (status == XY_ABSENT) {
        tell_that_it_is_out(self, presence);
        return;
    }
    if (status != XY_OK) {
        answer(self, presence, xy_status_condition(status));
        return;
    }
    struct refusal refusal = {.refused = false, .condition = XY_BAD_REQUEST};
    struct xy_occupant *occupant = xy_room_find(room, xy_stanza_from(presence));
    bool is_out = !occupant && !x;
    if (occupant)
        refusal = hear_occupant(self, occupant, presence, x);
    else if (x)
        refusal = door_join(self, room, presence, x);
    xy_room_leave(room);
    if (is_out)
        tell_that_it_is_out(self, presence);
    else if (refusal.refused)
        answer(self, presence, refusal.condition);
}

/* From whatever nick: a client that has changed it may not know which one counts. */
static void
go(struct muc *self, const struct xy_stanza *presence)
{
    const struct xy_jid *jid = xy_jid_bare(xy_stanza_to(presence));
    struct xy_room *room;
    if (!xy_room_known(jid) || xy_room_enter(jid, &room) != XY_OK)
        return; /* 18.3: who is not in is not answered */
    struct xy_occupant *occupant = xy_room_find(room, xy_stanza_from(presence));
    if (occupant) {
        xy_count(&self->left);
        door_leave(self, occupant, is_too_large(self, presence) ? NULL : presence, NULL);
    }
    xy_room_leave(room);
}

void
muc_presence(struct muc *self, const struct xy_stanza *presence)
{
    struct xy_str type = xy_stanza_type(presence);
    if (type.len == 0)
        come(self, presence);
    else if (xy_str_is(type, "unavailable"))
        go(self, presence);
}
