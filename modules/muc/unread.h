/* SPDX-License-Identifier: MIT */
/*
 * Who hears that something was said in a room he is not in: members.c knows the members, unread.c tells
 * other modules (push), activity.c those who watch (XEP-0437).
 */
#ifndef MUC_UNREAD_H
#define MUC_UNREAD_H

#include "modules/muc/talk.h"

#define NS_RAI "urn:xmpp:rai:0"

struct member { /* or admin, or owner */
    const struct xy_jid *jid; /* bare */
    struct xy_str nick;       /* registered, else the last one he was seen under; may be absent */
    bool registered, behind;  /* something was said since he was last here: has a row in muc_behind */
    bool here;                /* as of muc_see_who_is_here() */
};
/* Of a room in memory; by address, good while inside it. */
struct hints {
    const struct xy_jid *room;
    int64_t number, version; /* of struct state, when they were read */
    struct member *members;  /* by address of the JID */
    size_t count;
    /* unread.c */
    const struct xy_stanza *waiting; /* said since the last hint */
    xy_message_id waiting_id;
    int64_t told_ms;                 /* monotonic; 0: never */
    bool timed;
};

/* ---- members.c ------------------------------------------------------------------------------- */
XY_SUSPENDS struct hints *muc_hints(struct muc *self, struct xy_room *room); /* NULL: cannot be read */
struct member *muc_member(const struct hints *hints, const struct xy_jid *jid);
void muc_drop_hints(struct muc *self); /* all */
/* How many members are away. */
size_t muc_see_who_is_here(struct muc *self, struct hints *hints, struct xy_room *room);

/* ---- unread.c ---------------------------------------------------------------------------------- */
/* What was taken back meanwhile is told of without its words. */
void muc_forget_unread(struct muc *self, xy_message_id id);
/* Another edition of this code held it back; those it mentions have been told. Inside. */
XY_SUSPENDS void muc_make_up_for(struct muc *self, struct xy_room *room, const struct xy_stanza *sent,
                                 xy_message_id id);
/* Runs `task` behind what is being written in muc_behind. */
void muc_errand(struct muc *self, xy_task_fn *task, void *argument);

/* ---- mention.c --------------------------------------------------------------------------------- */
/* By nick, as a word, or by a reference (XEP-0372). */
bool muc_is_mentioned(const struct xy_stanza *message, const struct member *member);

/* ---- activity.c -------------------------------------------------------------------------------- */
bool muc_is_watched(const struct muc *self);
/* Tells the watching sessions of the members that are not in the room. Inside. */
void muc_tell_watchers(struct muc *self, struct xy_room *room, const struct hints *hints);
void muc_watcher_sees(struct muc *self, struct xy_room *room, const struct xy_jid *real);
struct xy_str muc_watchers_save(const struct muc *self); /* for a handover */
void muc_drop_watchers(struct muc *self);
void muc_watchers_load(struct muc *self, struct xy_str saved);

#endif
