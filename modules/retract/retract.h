/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module retract share: authors taking back what they wrote to one person
 * (XEP-0424). A retraction that is allowed goes its way as the message it is; its effect is
 * written in the transaction that stores it, so that state, notice and access commit or fail
 * together.
 */
#ifndef RETRACT_H
#define RETRACT_H

#define XY_STATE retract
#include <xylem/xylem.h>
#include <xylem/audit.h>

#define NS_RETRACT "urn:xmpp:message-retract:1"

struct retract {
    const xy_duration window, per, purge_after;
    const int64_t count;
    const xy_list classes;
    const bool purge_by_preset;
    xy_counter accepted, refused;
    struct xy_map *approved; /* stanza pointer -> struct approved */
    struct xy_map *refusals; /* throttle: how many a user may have recorded */
    struct early *early;     /* asked for before the message itself came */
    unsigned early_count;
};

struct approved { /* between the decision and the commit; the instance's */
    const struct xy_stanza *stanza;
    int64_t at_ms; /* monotonic: it never was committed if it is still here much later */
    xy_owner author, addressee;
    struct xy_str operation, author_jid, notice_id, reason;
    bool archive_out, archive_in; /* whose archives had the original */
    size_t count;
    xy_message_id ids[]; /* the original, then what goes with it */
};

/* ---- judge.c: may it?
 * ------------------------------------------------------------------------- */
struct judgement {
    const struct xy_stanza *message;
    struct xy_session *session;
    struct xy_str id; /* of the original, as its author's client named it */
    struct xy_message_record original;
    xy_condition condition; /* of a refusal */
    const char *why, *text; /* why NULL: it may */
};
XY_SUSPENDS void retract_judge(struct retract *self, struct judgement *judgement);
bool retract_allows_class(const struct retract *self, enum xy_message_class class);

/* ---- act.c: what follows
 * ------------------------------------------------------------------------ */
XY_SUSPENDS XY_CHECK xy_status retract_approve(struct retract *self,
                                               struct judgement *judgement);
struct approved *retract_find(const struct retract *self, const struct xy_stanza *message);
void retract_forget_all(struct retract *self);
void retract_keeping(XY_SELF, struct xy_user *owner, const struct xy_stanza *message,
                     bool outgoing, unsigned *keep);
void retract_committing(XY_SELF, const struct xy_stanza *message, xy_message_id id,
                        struct xy_txn *txn);
XY_SUSPENDS void retract_record_refusal(struct retract *self,
                                        const struct judgement *judgement);

/* ---- early.c: asked for before the message itself came (S1-12)
 * ------------------------------------ */
void retract_forget_early(struct retract *self);
bool retract_wait_for(struct retract *self, struct judgement *judgement);
void retract_look_whether_awaited(struct retract *self, const struct xy_stanza *message);
void retract_give_up_waiting(void *self, void *argument); /* a task */

/* ---- rows.c
 * --------------------------------------------------------------------------------------- */
extern const struct xy_migration retract_schema[1];
extern const struct xy_statement *const retract_statements[];
enum { RETRACT_STATEMENTS = 3 };
XY_SUSPENDS XY_CHECK xy_status retract_count(xy_owner owner, int64_t since_ms, int64_t *count);
void retract_add(struct xy_txn *txn, xy_owner owner, xy_message_id id, int64_t now_ms);
XY_SUSPENDS void retract_drop(xy_owner owner);

#endif
