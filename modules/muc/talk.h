/* SPDX-License-Identifier: MIT */
/*
 * What the files about talking in rooms share: message.c, subject.c, private.c, relay.c, history.c,
 * invite.c, voice.c, rate.c, unread.c, activity.c. Stanzas to accounts and refusals are made inside
 * the room and routed after leaving it.
 */
#ifndef MUC_TALK_H
#define MUC_TALK_H

#include "modules/muc/muc.h"

#define NS_MUC_REQUEST  "http://jabber.org/protocol/muc#request"
#define NS_MUC_REGISTER "http://jabber.org/protocol/muc#register"
#define NS_ADDRESS      "http://jabber.org/protocol/address"

/* Why something is refused; .text NULL: it is not, or has been answered. */
struct refusal {
    xy_condition condition;
    const char *type; /* NULL: the condition's own */
    const char *text;
};

/* ---- talk.c -------------------------------------------------------------------------------- */
struct refusal muc_refusal(xy_condition condition, const char *text);
struct refusal muc_refusal_of(xy_status status); /* of muc_enter() and the like */
/* The error for `stanza`, `by` the room; NULL: it must not be answered. Counted. */
struct xy_stanza *muc_error(struct muc *self, const struct xy_stanza *stanza, const struct refusal *why);
/* Sends it to who sent `stanza`. Outside the room. Nothing happens without a reason. */
XY_SUSPENDS void muc_refuse(struct muc *self, const struct xy_stanza *stanza, const struct refusal *why);
struct refusal muc_no_occupant(struct xy_room *room); /* who asked is not in the room */
struct xy_str muc_new_id(void);
/* As others may see `stanza`, which an occupant sent: from room/nick, with its occupant-id and without
 * what only the room may say. No `to`. */
struct xy_stanza *muc_clean(const struct muc *self, const struct xy_occupant *sender,
                            const struct xy_stanza *stanza);
/* Takes what names a real JID off an error that comes back. */
void muc_hide_origin(struct xy_stanza *error);
struct xy_node *muc_add_user(struct xy_stanza *stanza); /* <x xmlns='…muc#user'/> */
/* The value of a field of a submitted form; absent: none. */
struct xy_str muc_form_value(const struct xy_node *form, const char *var);

/* Stanzas for accounts, sent in order once outside. Zeroed: empty. */
struct post {
    struct xy_stanza **at;
    size_t count, size;
};
void muc_post(struct post *post, struct xy_stanza *stanza);
XY_SUSPENDS void muc_post_send(const struct post *post);

/* ---- one file each ---------------------------------------------------------------------------- */
bool muc_is_subject(const struct xy_stanza *message);
XY_SUSPENDS struct refusal muc_change_subject(struct muc *self, struct xy_room *room, struct xy_occupant *by,
                                              const struct xy_stanza *message);
XY_SUSPENDS void muc_private(struct muc *self, const struct xy_stanza *message);
XY_SUSPENDS void muc_take_error(struct muc *self, const struct xy_stanza *error);
/* <invite/> and <decline/> in `x`. Inside. */
XY_SUSPENDS struct refusal muc_invite(struct muc *self, struct xy_room *room, const struct xy_stanza *message,
                                      const struct xy_node *x, struct post *post);
XY_SUSPENDS struct refusal muc_decline(struct muc *self, struct xy_room *room, const struct xy_stanza *message,
                                       const struct xy_node *decline, struct post *post);
/* A form of muc#request. Inside. */
struct refusal muc_voice(struct muc *self, struct xy_room *room, struct xy_occupant *sender,
                         const struct xy_node *form);
/* A form of muc#register: an admin lets somebody register, or not (9.9). Inside. register.c */
XY_SUSPENDS struct refusal muc_answer_registration(struct muc *self, struct xy_room *room,
                                                   const struct xy_stanza *message,
                                                   const struct xy_node *form);
/* A message to all was accepted without being stored: history keeps it. Inside. */
void muc_remember(struct muc *self, struct xy_room *room, const struct xy_occupant *author,
                  const struct xy_stanza *sent);
/* One of `most` in `period_ms` for `who` (bare) in `room`, by account. */
bool muc_take(struct muc *self, const char *what, const struct xy_jid *room, const struct xy_jid *who,
              int64_t most, int64_t period_ms);
/* Those who are not there hear of `sent`. Inside. */
/* `id` 0: nothing stores it. */
XY_SUSPENDS void muc_note_unread(struct muc *self, struct xy_room *room,
                                 const struct xy_stanza *sent, xy_message_id id);
/* That one sees for himself now. Inside. */
XY_SUSPENDS void muc_note_seen(struct muc *self, struct xy_room *room, struct xy_occupant *newcomer);

#endif
