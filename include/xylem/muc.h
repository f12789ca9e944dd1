/* SPDX-License-Identifier: MIT */
/*
 * What the module muc (XEP-0045) tells other modules about its rooms, and asks of them.
 */
#ifndef XYLEM_MUC_H
#define XYLEM_MUC_H

#include <xylem/hook.h>
#include <xylem/room.h>
#include <xylem/sql.h>

enum xy_affiliation { /* rising */
    XY_OUTCAST,
    XY_UNAFFILIATED, /* "none" */
    XY_MEMBER,
    XY_ADMIN,
    XY_OWNER,
};
enum xy_role { XY_NO_ROLE, XY_VISITOR, XY_PARTICIPANT, XY_MODERATOR };

struct xy_muc_access {
    enum xy_affiliation affiliation;
    enum xy_role role;     /* of an occupant */
    bool is_occupant;      /* that full JID, or any of that bare one */
    bool may_enter;        /* would be let in: neither banned nor kept out as no member; password aside */
    bool sees_real_jids;   /* by role and affiliation, in this room */
    bool archived;         /* the room's configuration wants an archive (muc#roomconfig_enablearchiving) */
    bool members_only, has_password;
};
/* The standing of `who` (full or bare) in the room at the bare JID of `room`. XY_ABSENT: there is no
 * such room. Provided by muc. May be called inside that room or outside any. */
XY_SERVICE(muc_access,
           (const struct xy_jid *room, const struct xy_jid *who, struct xy_muc_access *access),
           (room, who, access))

/* Who is a member of it or more, there or away. Columns: jid (bare), affiliation. Provided by muc. */
XY_SERVICE(muc_affiliates, (const struct xy_jid *room, struct xy_rows **rows), (room, rows))

/* Whether the room's configuration wants an archive: asked for every message, so it does not wait.
 * Inside that room. Provided by muc. */
XY_SERVICE(muc_archived, (struct xy_room *room, bool *archived), (room, archived))
/* Somebody allowed to asks for the room's disco#info: add to `query` what you offer there, now.
 * Inside the room; must not suspend. Fired by muc. */
XY_EVENT(muc_describing, (struct xy_room *room, struct xy_node *query), (room, query))

/* What a newcomer is shown: the newest messages that fit all bounds. */
struct xy_muc_history {
    int64_t since_ms;   /* wall clock; 0: no bound */
    int64_t messages;   /* at most */
    int64_t characters; /* of the stanzas, at most; XY_NONE: no bound */
    bool sees_real_jids;
    /* filled, in the fiber's memory: oldest first, each from its occupant and with <delay/> */
    const struct xy_stanza **at;
    const int64_t *ids; /* of the messages; NULL: they are stored nowhere */
    size_t count;
};
/* From the room's archive; asked from inside the room, after xy_room_settle(). Provided by muc_mam.
 * XY_ABSENT: this room has no archive. */
XY_SERVICE(muc_history, (struct xy_room *room, struct xy_muc_history *history), (room, history))

/* A message was accepted in a members-only room, and `member`, an account of ours, is not there.
 * `mentioned`: by nick or by XEP-0372 reference. Outside the room. */
XY_EVENT(muc_unread, (struct xy_user *member, const struct xy_jid *room,
                      const struct xy_stanza *message, bool mentioned),
         (member, room, message, mentioned))
/* The room is destroyed: drop what you keep for its archive's `owner` (0: it has none). */
XY_EVENT(muc_destroyed, (const struct xy_jid *room, xy_owner owner), (room, owner))

#endif
