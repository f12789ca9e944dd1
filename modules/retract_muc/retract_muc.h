/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module retract_muc share: taking back what was said in a room, by its
 * author (XEP-0424, told by occupant-id) and by moderators (XEP-0425).
 */
#ifndef RETRACT_MUC_H
#define RETRACT_MUC_H

#define XY_STATE retract_muc
#include "modules/removals/removals.h"
#include <xylem/muc.h>

#define NS_MODERATE "urn:xmpp:message-moderate:1"

struct retract_muc {
    const bool authors, moderators, purge_by_preset;
    const xy_duration window, moderators_window, per, purge_after;
    const int64_t count;
    const xy_list classes;
    xy_counter accepted, refused;
    struct removals removals; /* approved: by the stanza-id of the original */
};

struct asked {                 /* about a message of a room */
    const struct xy_jid *room; /* bare */
    struct xy_session *session;
    struct xy_str id; /* the room's stanza-id */
    struct xy_muc_access access;
    struct xy_message_record original;
    struct verdict verdict;
};
/* Fills access and original; what is common to both ways. */
XY_SUSPENDS void retract_muc_look(struct retract_muc *self, struct asked *asked);
void retract_muc_asked(XY_SELF, struct xy_session *session, const struct xy_stanza *message,
                       enum xy_retraction *verdict);       /* authors.c */
xy_status retract_muc_moderate(XY_SELF, struct xy_iq *iq); /* moderators.c */

#endif
