/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module ephemeral share: timer.c reads what a message says of its time
 * and what the operator allows, destroy.c keeps the list of what is due and works it off.
 */
#ifndef EPHEMERAL_H
#define EPHEMERAL_H

#define XY_STATE ephemeral
#include <xylem/xylem.h>
#include <xylem/audit.h>

#define NS_EPHEMERAL "urn:xmpp:ephemeral:0"
#define NS_REFUSAL   "urn:xylem:ephemeral:0" /* conditions of refusals */

struct ephemeral {
    const xy_duration least, most; /* most XY_NONE: no bound */
    xy_counter destroyed, refused, failures;
    struct xy_timer *timer;
    int64_t wake_ms;   /* wall clock, of `timer` */
    int64_t worked_ms; /* wall clock, when the last round began; 0: none */
    bool busy;         /* a round is running */
    bool unscrubbed;   /* bytes of what was destroyed may still be in files */
};

/* ---- timer.c ---- */
enum timer {
    TIMER_NONE,   /* it bears none */
    TIMER_BROKEN, /* more than one, or not a number of seconds */
    TIMER_FOUND,
};
enum timer ephemeral_timer(const struct xy_stanza *message, int64_t *ms);
/* There is something to destroy: not only a timer that is agreed upon, or a retraction. */
bool ephemeral_has_content(const struct xy_stanza *message);
/* A filter: refuses what a client asks for and the operator does not allow. */
xy_verdict ephemeral_judge(XY_SELF, struct xy_session *session, const struct xy_stanza *stanza);

/* ---- destroy.c ---- */
extern const struct xy_migration ephemeral_schema[1];
extern const struct xy_statement *const ephemeral_statements[];
enum { EPHEMERAL_STATEMENTS = 4 };
void ephemeral_note(XY_SELF, const struct xy_stanza *message, xy_message_id id,
                    struct xy_txn *txn);
void ephemeral_begin(XY_SELF);
/* Of all, of one (bare), or between two. *next_ms XY_NONE: nothing waits for its time. */
XY_SUSPENDS XY_CHECK xy_status ephemeral_next(XY_SELF, const struct xy_jid *of,
                                              const struct xy_jid *with, int64_t *next_ms,
                                              int64_t *count);

#endif
