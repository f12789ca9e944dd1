/* SPDX-License-Identifier: MIT */
/*
 * What rooms are inside core/route (xylem/room.h). Logic thread only. A room is forgotten when
 * it has neither occupants nor commits under way nor anybody inside or at the door; the memory
 * goes when the fibers that may look at it have ended.
 */
#ifndef XYI_ROOM_H
#define XYI_ROOM_H

#include "core/route/objects.h"

struct xy_occupant {
    struct xy_room *room;
    const struct xy_jid *nick, *real;
    struct xy_session *session; /* NULL: remote, or it has ended */
    struct xyi_link_node in_room, in_session;
    struct xy_occupant *same; /* the next of that nick */
    struct xyi_note *notes;
    const struct xy_stanza *kept[XY_OCCUPANT_KEPT];
};

struct at_door { /* in a frame of a fiber that waits to go in */
    struct xyi_wait wait;
    struct at_door *next;
};

struct xy_room {
    const struct xy_jid *jid;
    struct xy_host *host;
    xy_owner owner; /* 0: none, or not looked up */
    struct xyi_link_node occupants;
    struct xy_map *by_real,
        *by_nick; /* JID pointer -> occupant (of a nick: the first); NULL: empty */
    struct xyi_note *notes;
    void *inside;   /* the fiber */
    unsigned depth; /* how often it went in */
    struct at_door *first, **last;
    struct waiter *commit_waiters;
    size_t count;
    unsigned commits; /* submitted, not yet dealt with */
    bool gone;
};

void xyi_rooms_init(void);
void xyi_room_commit_begins(struct xy_room *room);
void xyi_room_commit_done(struct xy_room *room);
/* One of its messages has been dealt with: sends what waited for that. */
void xyi_room_pump(const struct xy_room *room);
/* A session that has left it may have something waiting for one of its commits. */
void xyi_room_left_behind(struct xy_session *session);
/* The session has ended: its occupants are ghosts, and modules hear of it. */
XY_SUSPENDS void xyi_rooms_session_ended(struct xy_session *session);
void
xyi_room_forget_session(struct xy_session *session); /* from the list of those left behind */

#endif
