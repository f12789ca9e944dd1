/* SPDX-License-Identifier: MIT */
/*
 * Rooms and their door. Invariants: at most one fiber is inside, others go in in the order they
 * came; a room is in the table exactly while somebody needs it.
 */
#include "core/route/room.h"

static struct xy_map *rooms; /* bare JID pointer -> room */

void
xyi_rooms_init(void)
{
    rooms = xyi_map_new();
}

struct xy_room *
xy_room_known(const struct xy_jid *jid)
{
    const struct xy_jid *bare = xy_jid_bare(jid);
    return xy_map_get(rooms, XY_KEY(bare));
}

void
xy_rooms_each(const struct xy_jid *domain, void (*each)(void *argument, struct xy_room *room),
              void *argument)
{
    size_t at = 0;
    struct xy_str key;
    void *value;
    while (xy_map_next(rooms, &at, &key, &value)) {
        struct xy_room *room = value;
        if (xy_jid_host(room->jid) == domain)
            each(argument, room);
    }
}

/* ---- as long as somebody needs it ---------------------------------------------------------
 */

static void
release(void *object)
{
    struct xy_room *room = object;
    xyi_notes_free(&room->notes);
    if (room->by_real)
        xy_map_free(room->by_real);
    if (room->by_nick)
        xy_map_free(room->by_nick);
    xy_jid_drop(room->jid);
    xyi_free(room);
}

static void
look_whether_needed(struct xy_room *room)
{
    if (room->gone || room->count || room->commits || room->inside || room->first)
        return;
    room->gone = true;
    xy_map_remove(rooms, XY_KEY(room->jid));
    xyi_retire(room, release);
}

static struct xy_room *
make(const struct xy_jid *bare, struct xy_host *host)
{
    struct xy_room *room = xyi_alloc(sizeof(*room));
    room->jid = xy_jid_keep(bare);
    room->host = host;
    room->last = &room->first;
    xyi_list_init(&room->occupants);
    xy_map_put(rooms, XY_KEY(room->jid), room);
    return room;
}

/* ---- the door -----------------------------------------------------------------------------
 */

static void
take_from_door(struct xy_room *room, const struct at_door *who)
{
    struct at_door **at = &room->first;
    while (*at != who)
        at = &(*at)->next;
    *at = who->next;
    if (!*at)
        room->last = at;
}

static xy_status
wait_at_door(struct xy_room *room)
{
    struct at_door who = {.next = NULL};
    *room->last = &who;
    room->last = &who.next;
    xy_status status = xyi_wait(&who.wait, XY_NONE, 0);
    if (status != XY_OK) { /* nobody let us in: who is woken is inside already */
        take_from_door(room, &who);
        look_whether_needed(room);
    }
    return status;
}

xy_status
xy_room_enter(const struct xy_jid *jid, struct xy_room **found)
{
    struct xy_room *room = xy_room_known(jid);
    struct xy_host *host = room ? room->host : xy_service_host(jid);
    void *self = xyi_fiber_self();
    *found = NULL;
    if (!host)
        return XY_ABSENT;
    if (!room)
        room = make(xy_jid_bare(jid), host);
    if (!room->inside) {
        room->inside = self;
    } else if (room->inside != self) {
        xy_status status = wait_at_door(room);
        if (status != XY_OK)
            return status;
    }
    room->depth++;
    *found = room;
    return XY_OK;
}

static void
let_next_in(struct xy_room *room)
{
    struct at_door *who = room->first;
    room->inside = NULL;
    if (!who)
        return;
    take_from_door(room, who);
    room->inside = who->wait.fiber;
    xyi_wake(&who->wait, XY_OK);
}

void
xy_room_leave(struct xy_room *room)
{
    xy_assert(room->depth > 0 && room->inside == xyi_fiber_self());
    if (--room->depth > 0)
        return;
    let_next_in(room);
    look_whether_needed(room);
}

/* ---- commits under way --------------------------------------------------------------------
 */

struct waiter { /* in a frame of a fiber that waits for the writer */
    struct xyi_wait wait;
    struct waiter *next;
};

void
xyi_room_commit_begins(struct xy_room *room)
{
    room->commits++;
}

void
xyi_room_commit_done(struct xy_room *room)
{
    if (--room->commits > 0)
        return;
    struct waiter *waiter;
    while ((waiter = room->commit_waiters)) {
        room->commit_waiters = waiter->next;
        xyi_wake(&waiter->wait, XY_OK);
    }
    look_whether_needed(room);
}

/* A commit answers in bounded time. */
void
xy_room_settle(struct xy_room *room)
{
    while (room->commits) {
        struct waiter waiter = {.next = room->commit_waiters};
        room->commit_waiters = &waiter;
        (void)xyi_wait(&waiter.wait, XY_NONE, XYI_UNCANCELLABLE);
    }
}

/* ---- facts --------------------------------------------------------------------------------
 */

const struct xy_jid *
xy_room_jid(const struct xy_room *room)
{
    return room->jid;
}

struct xy_host *
xy_room_host(const struct xy_room *room)
{
    return room->host;
}

xy_owner
xy_room_owner(const struct xy_room *room)
{
    return room->owner;
}

xy_status
xy_room_identify(struct xy_room *room, bool create)
{
    if (room->owner)
        return XY_OK;
    return create ? xyi_room_add(room->jid, xy_host_jid(room->host), &room->owner)
                  : xyi_room_find(room->jid, &room->owner);
}

xy_status
xy_room_erase(struct xy_room *room)
{
    xy_room_settle(room);
    xy_status status = xy_room_identify(room, false);
    if (status == XY_OK)
        status = xyi_room_remove(room->owner);
    if (status == XY_OK)
        room->owner = 0;
    return status == XY_ABSENT ? XY_OK : status;
}

xy_status
xy_room_list(const struct xy_host *host, struct xy_str after, int64_t limit,
             struct xy_rows **rows)
{
    return xyi_room_list(xy_host_jid(host), after, limit, rows);
}

XYI_NOTE_FUNCTIONS(room)
