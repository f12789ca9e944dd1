/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module retract share: authors taking back what they wrote to one person
 * (XEP-0424). A retraction that is allowed goes its way as the message it is; its effect is
 * written in the transaction that stores it.
 */
#ifndef RETRACT_H
#define RETRACT_H

#define XY_STATE retract
#include "modules/removals/removals.h"


struct retract {
    const xy_duration window, per, purge_after;
    const int64_t count;
    const xy_list classes;
    const bool purge_by_preset;
    xy_counter accepted, refused;
    struct removals removals; /* approved: by the stanza's address */
    struct early *early;      /* asked for before the message itself came */
    unsigned early_count;
};

/* ---- judge.c: may it?
 * ------------------------------------------------------------------------- */
struct judgement {
    const struct xy_stanza *message;
    struct xy_session *session;
    struct xy_str id; /* of the original, as its author's client named it */
    struct xy_message_record *originals; /* all that bear it and are live */
    size_t count;
    xy_message_id about; /* one of them, for the record; 0: none was found */
    struct verdict verdict;
};
XY_SUSPENDS void retract_judge(struct retract *self, struct judgement *judgement);
/* Notes that it may; a failure becomes the verdict. */
XY_SUSPENDS void retract_approve(struct retract *self, struct judgement *judgement);
/* Tells its sender why not, and records it. */
XY_SUSPENDS void retract_refuse(struct retract *self, const struct judgement *judgement);

/* ---- early.c: asked for before the message itself came (S1-12)
 * ------------------------------------ */
bool retract_wait_for(struct retract *self, struct judgement *judgement);
void retract_look_whether_awaited(struct retract *self, const struct xy_stanza *message);
void retract_forget_early(struct retract *self);

#endif
