/* SPDX-License-Identifier: MIT */
/*
 * What the files of the door share: join.c, presence.c, nick.c, leave.c, occupants.c, broadcast.c.
 *
 * Occupants of one bare JID may share a nick (XEP-0045 7.2.9). The nick is one person to everybody
 * else: role and affiliation are the same for all its sessions, the presence shown is the one of
 * them that came last, and only the last one to go takes the nick away.
 */
#ifndef DOOR_H
#define DOOR_H

#include "modules/muc/muc.h"

#define NS_HATS "urn:xmpp:hats:0"

/* A presence of an occupant beside what its client said. */
struct showing {
    const char *type; /* NULL: available */
    enum xy_affiliation affiliation;
    enum xy_role role;
    const struct xy_jid *real; /* shown; NULL: not */
    struct xy_str new_nick, actor, reason;
    const struct xy_node *destroy;
    const int *codes; /* 0-terminated; NULL: none */
    bool self;        /* 110 */
    struct xy_room *change_in;    /* an affiliation's change is told (XEP-0463); NULL: none */
    struct xy_occupant *newcomer; /* whose own presence it is on entering; NULL: another */
};

/* ---- broadcast.c ---------------------------------------------------------------------------------- */
/* A presence from `nick`: payload of `said` (may be NULL) without what only a room may say. `who` is
 * the real JID the occupant id is made of. */
struct xy_stanza *door_presence(const struct muc *self, const struct xy_jid *nick,
                                const struct xy_jid *who, const struct xy_stanza *said,
                                const struct xy_node *hats, const struct showing *showing);
/* What the occupant said is what the others see from now on. */
void door_keep(const struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *said,
               const struct xy_node *hats);
const struct xy_stanza *door_kept(const struct muc *self, struct xy_occupant *occupant, bool jid);
/* To all of other nicks: what is kept. */
void door_show(const struct muc *self, struct xy_occupant *occupant);
/* To all of other nicks: this. `showing->real` is set for those who see real JIDs. */
void door_tell(const struct muc *self, struct xy_room *room, const struct xy_jid *nick,
               const struct xy_jid *who, const struct xy_stanza *said, const struct showing *showing);
/* To that session alone, about itself: 110. */
void door_tell_self(const struct muc *self, struct xy_occupant *occupant,
                    const struct xy_stanza *said, struct showing showing, struct xy_str id);
/* The same to all sessions of its nick but one, with what it said. */
void door_tell_nick(const struct muc *self, struct xy_occupant *shown, struct showing showing,
                    const struct xy_occupant *but);
/* All others as they are to be seen by `viewer`. */
void door_show_others(const struct muc *self, struct xy_occupant *viewer);

/* ---- occupants.c ---------------------------------------------------------------------------------- */
const struct person *door_person(const struct xy_occupant *occupant);
/* The session whose presence stands for the nick. */
struct xy_occupant *door_shown(const struct xy_room *room, const struct xy_jid *nick);
/* That session's presence is the newest of its nick. */
void door_is_newest(struct xy_occupant *occupant);
struct xy_occupant *door_newest(const struct xy_room *room, const struct xy_jid *nick);
/* Sets what follows from the role: whose presence is shown, who sees JIDs. */
void door_set_role(struct xy_occupant *occupant, enum xy_affiliation affiliation, enum xy_role role);
struct showing door_showing(const struct xy_occupant *occupant);
const struct xy_node *door_hats_shown(const struct xy_occupant *occupant);

/* ---- join.c, nick.c, leave.c: a refusal is answered outside the room -------------------------------- */
struct refusal {
    bool refused;
    xy_condition condition;
};
struct refusal door_refuse(xy_condition condition);
XY_SUSPENDS struct refusal door_join(struct muc *self, struct xy_room *room,
                                     const struct xy_stanza *presence, const struct xy_node *x);
/* One who is in joins again (7.2.1): gets everything once more. */
XY_SUSPENDS void door_join_again(struct muc *self, struct xy_occupant *occupant,
                                 const struct xy_stanza *presence, const struct xy_node *x);
XY_SUSPENDS struct refusal door_rename(struct muc *self, struct xy_occupant *occupant,
                                       const struct xy_stanza *presence);
/* 7.7 */
void door_update(struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *presence);
/* The nick, if it may be used by `who`: neither another's nor reserved for another. */
XY_SUSPENDS struct refusal door_look_at_nick(struct xy_room *room, const struct xy_jid *nick,
                                             const struct xy_jid *who);
/* That one session goes; `said` is its unavailable presence or NULL. */
XY_SUSPENDS void door_leave(struct muc *self, struct xy_occupant *occupant,
                            const struct xy_stanza *said, const int *codes);
/* A nick whose shown session has gone: its newest is seen now, if there is one. */
void door_promote(const struct muc *self, struct xy_room *room, const struct xy_jid *nick);
/* Everybody out of every room: the service ends (332). */
XY_SUSPENDS void door_close(struct muc *self);
XY_SUSPENDS void door_stop(struct muc *self); /* if nobody serves the domain any more */

/* ---- ghosts.c ------------------------------------------------------------------------------------- */
/* Of a session of ours that has ended. */
bool door_is_ghost(const struct xy_occupant *occupant);

/* ---- hats.c (XEP-0317) ------------------------------------------------------------------------------ */
extern const struct xy_statement muc_sql_hats_any, muc_sql_hats_of;
/* <hats/>, or NULL: that bare JID wears none. */
XY_SUSPENDS const struct xy_node *door_hats(struct xy_room *room, const struct xy_jid *bare);

#endif
