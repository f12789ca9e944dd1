/* SPDX-License-Identifier: MIT */
/*
 * Occupants that are gone and have not said so (XEP-0045 15.1.2, 12.1): a session of ours that
 * ended, and a client elsewhere to which nothing can be delivered any more. An error that only
 * says "not this one" puts nobody out.
 */
#include "modules/muc/door.h"

bool
door_is_ghost(const struct xy_occupant *occupant)
{
    const struct xy_session *session = xy_occupant_session(occupant);
    return xy_host_find(xy_occupant_real(occupant)) &&
           !(session && xy_session_is_open(session));
}

/* The session's presence module may have told us first, and its client may be back already. */
void
muc_on_lost(XY_SELF, const struct xy_jid *jid, const struct xy_jid *real)
{
    struct xy_room *room;
    if (!xy_room_known(jid) || xy_room_enter(jid, &room) != XY_OK)
        return;
    struct xy_occupant *occupant = xy_room_find(room, real);
    if (occupant && door_is_ghost(occupant)) {
        xy_count(&self->left);
        door_leave(self, occupant, NULL, NULL);
    }
    xy_room_leave(room);
}

static struct xy_str
condition_of(const struct xy_stanza *error)
{
    const struct xy_node *at = xy_stanza_child(error, XY_STR(XY_NS_CLIENT), XY_STR("error"));
    at = at ? xy_node_child(at, XY_STR(XY_NS_STANZA_ERRORS), XY_NO_STR) : NULL;
    return at ? xy_node_name(at) : XY_NO_STR;
}

/* A client of ours answers service-unavailable for many reasons; a server of others when it
 * knows no such client. */
static bool
means_gone(const struct xy_stanza *error)
{
    static const char *const conditions[] = {
        "gone",         "item-not-found",          "recipient-unavailable",
        "redirect",     "remote-server-not-found", "remote-server-timeout",
        "jid-malformed"};
    struct xy_str condition = condition_of(error);
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
        if (xy_str_equal(condition, xy_str_from(conditions[i])))
            return true;
    return xy_str_is(condition, "service-unavailable") && !xy_host_find(xy_stanza_from(error));
}

bool
muc_bounced(struct muc *self, const struct xy_stanza *error)
{
    static const int codes[] = {333, 0};
    const struct xy_jid *jid = xy_jid_bare(xy_stanza_to(error));
    struct xy_room *room;
    if (!means_gone(error) || !xy_room_known(jid) || xy_room_enter(jid, &room) != XY_OK)
        return false;
    struct xy_occupant *occupant = xy_room_find(room, xy_stanza_from(error));
    if (occupant) {
        xy_count(&self->kicked);
        door_leave(self, occupant, NULL, codes);
    }
    xy_room_leave(room);
    return occupant != NULL;
}
