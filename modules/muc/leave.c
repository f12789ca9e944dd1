/* SPDX-License-Identifier: MIT */
/*
 * Going (XEP-0045 7.14), being put out (8.2, 9.1, 9.4, 10.9), and the end of the service
 * (12.2). To the others a nick is gone with the last of its sessions; each session is told of
 * its own end.
 */
#include "modules/muc/door.h"

/* Of those that are left of the nick, the newest is seen now. */
void
door_promote(const struct muc *self, struct xy_room *room, const struct xy_jid *nick)
{
    struct xy_occupant *newest = door_newest(room, nick);
    if (!newest)
        return;
    muc_person(newest)->shown = true;
    door_keep(self, newest, door_kept(self, newest, false), door_hats_shown(newest));
    door_show(self, newest);
    door_tell_nick(self, newest, door_showing(newest), NULL);
}

void
door_leave(struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *said,
           const int *codes)
{
    struct xy_room *room = xy_occupant_room(occupant);
    const struct xy_jid *nick = xy_jid_keep(xy_occupant_nick(occupant));
    const struct xy_jid *real = xy_jid_keep(xy_occupant_real(occupant));
    const struct person person = *door_person(occupant);
    struct showing showing = door_showing(occupant);
    showing.type = "unavailable";
    showing.role = XY_NO_ROLE;
    showing.codes = codes;
    if (person.role == XY_VISITOR && !muc_settings(room)->allow_visitor_status)
        said = NULL;
    door_tell_self(self, occupant, said, showing, said ? xy_stanza_id(said) : XY_NO_STR);
    xy_occupant_remove(occupant);
    if (xy_room_find_nick(room, nick)) {
        if (person.shown)
            door_promote(self, room, nick);
    } else if (!person.silent) {
        door_tell(self, room, nick, real, said, &showing);
    }
    xy_jid_drop(nick);
    xy_jid_drop(real);
    muc_look_whether_empty(self, room);
}

/* ---- out
 * -------------------------------------------------------------------------------- */

static bool
has_code(const int *codes, int code)
{
    for (; codes && *codes; codes++)
        if (*codes == code)
            return true;
    return false;
}

/* Of a room or service that ends each is told for itself alone (10.9, 12.2). */
void
muc_eject(struct muc *self, struct xy_occupant *occupant, const int *codes,
          const struct xy_occupant *actor, struct xy_str reason, const struct xy_node *destroy)
{
    struct xy_room *room = xy_occupant_room(occupant);
    const struct xy_jid *nick = xy_jid_keep(xy_occupant_nick(occupant));
    const struct xy_occupant *shown = door_shown(room, nick);
    const struct xy_jid *real = xy_jid_keep(xy_occupant_real(shown ? shown : occupant));
    bool silent = door_person(occupant)->silent || destroy || has_code(codes, 332);
    struct showing showing = door_showing(occupant);
    showing.type = "unavailable";
    showing.role = XY_NO_ROLE;
    showing.codes = codes;
    showing.destroy = destroy;
    showing.change_in = room;
    showing.reason = reason;
    if (actor)
        showing.actor = xy_temp_str(xy_jid_resource(xy_occupant_nick(actor)));
    for (struct xy_occupant *at; (at = xy_room_find_nick(room, nick));) {
        door_tell_self(self, at, NULL, showing, XY_NO_STR);
        xy_occupant_remove(at);
        xy_count(&self->kicked);
    }
    if (!silent)
        door_tell(self, room, nick, real, NULL, &showing);
    xy_jid_drop(nick);
    xy_jid_drop(real);
}

void
muc_look_whether_empty(struct muc *self, struct xy_room *room)
{
    const struct state *state = muc_state(room);
    if (xy_room_count(room) > 0 || state->created_ms == 0 || state->destroyed ||
        (muc_settings(room)->persistent && !state->locked))
        return;
    xy_status status = muc_destroy(self, room, NULL, XY_NO_STR, XY_NO_STR);
    if (status != XY_OK)
        xy_error("muc.not_destroyed", "an empty room remains",
                 XY_F_STR_AS("room", xy_jid_text(xy_room_jid(room))),
                 XY_F_CSTR_AS("status", xy_status_name(status)));
}

/* ---- the end of the service
 * -------------------------------------------------------------------------------- */

struct list {
    const struct xy_jid **at;
    size_t count, room;
};

static void
count(void *argument, struct xy_room *room)
{
    (void)room;
    ((struct list *)argument)->room++;
}

static void
collect(void *argument, struct xy_room *room)
{
    struct list *list = argument;
    if (list->count < list->room)
        list->at[list->count++] = xy_jid_keep(xy_room_jid(room));
}

/* Their rows stay: rooms and members are there again when the service is. */
void
door_close(struct muc *self)
{
    static const int codes[] = {332, 0};
    struct list list = {0};
    xy_rooms_each(xy_service_jid(self), count, &list);
    list.at = xy_temp_alloc((list.room + 1) * sizeof(struct xy_jid *));
    xy_rooms_each(xy_service_jid(self), collect, &list);
    for (size_t i = 0; i < list.count; i++) {
        struct xy_room *room;
        struct xy_occupant *occupant;
        if (xy_room_enter(list.at[i], &room) == XY_OK) {
            while ((occupant = xy_room_first(room)))
                muc_eject(self, occupant, codes, NULL, XY_NO_STR, NULL);
            xy_room_leave(room);
        }
        xy_jid_drop(list.at[i]);
    }
}

/* Replaced by new code, it leaves everybody where they are; switched off, or given another
 * domain, it leaves a domain nobody serves. */
void
door_stop(struct muc *self)
{
    if (!self->closing && !xy_service_host(xy_service_jid(self)))
        door_close(self);
}

void
muc_on_stopping(XY_SELF, const char *reason)
{
    (void)reason;
    self->closing = true;
    door_close(self);
}
