/* SPDX-License-Identifier: MIT */
/* What the files of the module carbons share. */
#ifndef CARBONS_H
#define CARBONS_H

#define XY_STATE carbons
#include <xylem/xylem.h>

struct carbons {
    xy_counter received, sent;
};

/* ---- rules.c: which messages are copied (XEP-0280 section 6.1) ------------------------------- */
/* `in_room`: the counterpart is an occupant of a room the user is in. */
bool carbons_is_eligible(struct xy_user *user, const struct xy_stanza *message, bool outgoing,
                         bool in_room);
/* Remembers an eligible message, so that an error that answers it is one, too. */
void carbons_note_eligible(struct xy_user *user, const struct xy_stanza *message, bool outgoing);

/* ---- rooms.c: which rooms a session is in, and as whom --------------------------------------- */
xy_verdict carbons_note_room(XY_SELF, struct xy_session *session,
                             const struct xy_stanza *presence);
void carbons_leave_rooms(XY_SELF, struct xy_session *session, const struct xy_stanza *presence,
                         bool first);
/* "room@service/nick", absent when it is not there. */
struct xy_str carbons_nick_in(struct xy_session *session, const struct xy_jid *room);

#endif
