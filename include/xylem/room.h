/* SPDX-License-Identifier: MIT */
/*
 * Rooms: addresses of a service (module.h, `services`) where what one says goes to many. The core
 * keeps who is there, what modules note about it and one archive for each, so a room outlives a
 * replacement of the module that runs it; the rules of the house are that module's (muc, XEP-0045).
 *
 * One fiber at a time is inside a room, others wait at the door in the order they came. Inside, wait
 * for nothing that may itself wait for this room: enter no other room, route nothing to an account.
 * Send to occupants, and read and write the database.
 */
#ifndef XYLEM_ROOM_H
#define XYLEM_ROOM_H

#include <xylem/message.h>
#include <xylem/session.h>

struct xy_room;
struct xy_occupant; /* one real full JID in a room; several may share a nick */

/* The domain the instance `self` serves, as a JID; valid from start() on. NULL: it serves none. */
XY_API const struct xy_jid *xy_service_jid(void *self);
/* Whether some module serves the domain of `jid`, and for which host; NULL: none. */
XY_API struct xy_host *xy_service_host(const struct xy_jid *jid);

/* ---- the door ---------------------------------------------------------------------------------- */
/* Goes into the room at the bare JID of `jid`, waiting for those before; may be nested. A room that
 * is in memory for nobody is made anew, without notes. Every way out calls xy_room_leave(); a room
 * without occupants and without anybody inside or at the door is forgotten. XY_ABSENT: nobody
 * serves that domain; XY_CANCELLED. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_room_enter(const struct xy_jid *jid, struct xy_room **room);
XY_API void xy_room_leave(struct xy_room *room);
XY_API struct xy_room *xy_room_known(const struct xy_jid *jid); /* in memory, or NULL; does not wait */
/* Rooms in memory of the service at `domain`; `each` must not suspend. */
XY_API void xy_rooms_each(const struct xy_jid *domain,
                          void (*each)(void *argument, struct xy_room *room), void *argument);

XY_API const struct xy_jid *xy_room_jid(const struct xy_room *room); /* bare */
XY_API struct xy_host *xy_room_host(const struct xy_room *room);     /* whose service it is */
/* The owner of its archive, a number no account or other room ever has; 0: it has none (yet). Look it up, or make
 * one, with xy_room_identify(): XY_ABSENT when there is none and none is to be made. */
XY_API xy_owner xy_room_owner(const struct xy_room *room);
XY_API XY_SUSPENDS XY_CHECK xy_status xy_room_identify(struct xy_room *room, bool make);
/* Its archive is erased and the owner forgotten. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_room_erase(struct xy_room *room);
/* Rooms of `host` that have an archive, in memory or not, behind the bare JID text `after`, in order,
 * at most `limit`. Columns: jid, owner. */
struct xy_rows;
XY_API XY_SUSPENDS XY_CHECK xy_status xy_room_list(const struct xy_host *host, struct xy_str after,
                                                   int64_t limit, struct xy_rows **rows);

/* Notes as in session.h; those of a room go when it is forgotten. */
XY_API void *xy_room_note(struct xy_room *room, const struct xy_note *kind);
XY_API void *xy_room_note_find(struct xy_room *room, const struct xy_note *kind);
XY_API void *xy_room_note_resize(struct xy_room *room, const struct xy_note *kind, size_t size);
XY_API size_t xy_room_note_size(struct xy_room *room, const struct xy_note *kind);
XY_API void xy_room_note_drop(struct xy_room *room, const struct xy_note *kind);

/* ---- who is there: only from inside ------------------------------------------------------------ */
/* Handles are good until removed, or until the fiber leaves the room. */
XY_API struct xy_occupant *xy_occupant_add(struct xy_room *room, const struct xy_jid *nick,
                                           const struct xy_jid *real); /* room/nick, real full JID */
XY_API void xy_occupant_remove(struct xy_occupant *occupant);
XY_API void xy_occupant_rename(struct xy_occupant *occupant, const struct xy_jid *nick);
XY_API size_t xy_room_count(const struct xy_room *room); /* occupants */
XY_API size_t xy_room_nicks(const struct xy_room *room); /* those that share a nick are one */
XY_API struct xy_occupant *xy_room_first(const struct xy_room *room); /* in the order they came */
XY_API struct xy_occupant *xy_occupant_next(const struct xy_occupant *occupant);
XY_API struct xy_occupant *xy_room_find(const struct xy_room *room, const struct xy_jid *real);
/* Those that share a nick: first and next. */
XY_API struct xy_occupant *xy_room_find_nick(const struct xy_room *room, const struct xy_jid *nick);
XY_API struct xy_occupant *xy_occupant_next_same(const struct xy_occupant *occupant);
XY_API const struct xy_jid *xy_occupant_nick(const struct xy_occupant *occupant); /* room/nick */
XY_API const struct xy_jid *xy_occupant_real(const struct xy_occupant *occupant); /* full */
XY_API struct xy_session *xy_occupant_session(const struct xy_occupant *occupant); /* NULL: remote, or ended */
XY_API struct xy_room *xy_occupant_room(const struct xy_occupant *occupant);
XY_API unsigned xy_session_rooms(const struct xy_session *session); /* how many it is in */
/* What it is called there: that many room/nick, the fiber's. */
XY_API const struct xy_jid **xy_session_nicks(const struct xy_session *session);
/* From now on room_hearing is asked about what rooms send it; off at first. */
XY_API void xy_session_screen_rooms(struct xy_session *session, bool on);
XY_API void *xy_occupant_note(struct xy_occupant *occupant, const struct xy_note *kind);
XY_API void *xy_occupant_note_find(struct xy_occupant *occupant, const struct xy_note *kind);
XY_API void *xy_occupant_note_resize(struct xy_occupant *occupant, const struct xy_note *kind, size_t size);
XY_API size_t xy_occupant_note_size(struct xy_occupant *occupant, const struct xy_note *kind);
XY_API void xy_occupant_note_drop(struct xy_occupant *occupant, const struct xy_note *kind);
/* A stanza the core keeps with the occupant (its presence as others see it, say) in one of
 * XY_OCCUPANT_KEPT places; NULL drops it. */
enum { XY_OCCUPANT_KEPT = 3 };
XY_API void xy_occupant_keep(struct xy_occupant *occupant, unsigned place, const struct xy_stanza *stanza);
XY_API const struct xy_stanza *xy_occupant_kept(const struct xy_occupant *occupant, unsigned place);

/* ---- sending: only from inside; does not wait --------------------------------------------------- */
/* One stanza for many: it is serialised once, and each gets it under his own `to`, in order behind
 * what the room sent him before, also if that still waits for its commit. Freezes it. `for_whom`
 * NULL: all. Nothing is stored. */
typedef bool xy_audience_fn(void *argument, const struct xy_occupant *occupant);
XY_API void xy_room_send(struct xy_room *room, const struct xy_stanza *stanza, xy_audience_fn *for_whom,
                         void *argument);
XY_API void xy_occupant_send(struct xy_occupant *occupant, const struct xy_stanza *stanza);
/* The same for one that bears the words of a stored message (xy_session_send_of()). */
XY_API void xy_occupant_send_of(struct xy_occupant *occupant, const struct xy_stanza *stanza,
                                int64_t message);

/* ---- a message to all ----------------------------------------------------------------------------- */
struct xy_txn;
struct xy_room_message {
    const struct xy_stanza *stanza; /* as occupants are to see it, but for `to` and stanza-id */
    const struct xy_jid *author;    /* who really wrote it; its bare JID is stored */
    const struct xy_stanza *original; /* what the author sent: for an error; NULL: nobody is told */
    xy_audience_fn *for_whom;       /* NULL: all */
    void *argument;
    /* Or NULL: adds what must not happen without it to the transaction that stores it, without waiting;
     * `id` is filled by then. The archive has it then in any case; or, `unforced`, if it would have it
     * anyway: else what is added is committed by itself, before anybody is told. */
    void (*add)(void *added, struct xy_txn *txn);
    void *added;
    bool unforced;
    /* filled */
    const struct xy_stanza *sent;   /* as occupants see it */
    xy_message_id id;               /* 0: nothing stores it */
};
/* Accepts it: asks room_keeping, stores it once if that says so, sends it to the occupants there
 * are now, after the commit. The author's session counts `original` as handled only then. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_room_accept(struct xy_room *room, struct xy_room_message *message);
/* Returns once everything accepted so far is committed, or known to have failed. */
XY_API XY_SUSPENDS void xy_room_settle(struct xy_room *room);

#endif
