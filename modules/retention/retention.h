/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module retention share: rules.c says how long a message is kept,
 * expire.c takes out what has been kept long enough, purge.c destroys the content of what was
 * taken back, erase.c what proves what a person wrote; admin.c answers the administrator. One
 * job does it all, one piece at a time; a legal hold wins everywhere.
 */
#ifndef RETENTION_H
#define RETENTION_H

#define XY_STATE retention
#include <xylem/xylem.h>
#include <xylem/room.h>

enum { CLASSES = XY_INTEGRATION_MESSAGE + 1, ANY_CLASS = -1 };

struct retention {
    const struct {
        xy_duration user, notice, service, integration;
    } keep_for;
    xy_counter purged, expired, erased, failures;
    int64_t expire_ms; /* monotonic: the next round */
    bool busy;         /* somebody purges, expires or erases */
    bool unscrubbed;   /* bytes of what was destroyed may still be in files */
    bool released;     /* a hold let messages go: what waited for that may be erased */
    bool soon;         /* a look at what is due is scheduled */
    bool again;        /* something was taken back while busy */
};

/* ---- module.c ---- */
void retention_rest(XY_SELF); /* not busy any more */

/* ---- rules.c
 * ---------------------------------------------------------------------------------- */
struct rule {
    struct xy_str subject, peer; /* a domain; a bare JID; two of them; absent: an option */
    int class;                   /* or ANY_CLASS */
    int64_t keep_for;            /* ms; XY_NONE: for ever */
};
struct rules {
    struct rule *at; /* the first CLASSES are the options */
    size_t count;
};
extern const struct xy_migration retention_schema[1];
extern const struct xy_statement *const retention_statements[];
enum { RETENTION_STATEMENTS = 8 };
XY_SUSPENDS XY_CHECK xy_status retention_rules_read(const struct retention *self,
                                                    struct rules *rules);
void retention_rule_set(struct xy_txn *txn, const struct rule *rule);
void retention_rule_clear(struct xy_txn *txn, const struct rule *rule);
/* The rule for a message of `class` between two, a person and a person or a room. */
const struct rule *retention_rule_of(const struct rules *rules, struct xy_str author,
                                     struct xy_str addressee, int class);
/* The shortest period of any; XY_NONE: nothing ever expires. */
int64_t retention_rules_shortest(const struct rules *rules);
/* ---- shorter.c ---- */
bool retention_is_shorter(int64_t a, int64_t b);
/* Whether some message may be kept for less long when `rule`, which is not among them, is added with
 * `keep_for`, or dropped that had it. */
bool retention_may_shorten(const struct rules *rules, const struct rule *rule, int64_t keep_for,
                           bool dropped);
struct xy_str retention_rule_name(const struct rule *rule); /* "romeo@example.org, service" */
const char *retention_class_name(int class);
bool retention_class_parse(struct xy_str name, int *class);

/* ---- purge.c: what was taken back
 * ------------------------------------------------------------- */
XY_SUSPENDS XY_CHECK xy_status retention_purge(XY_SELF, struct xy_str actor, int64_t *purged);
XY_SUSPENDS void retention_scrub(XY_SELF);

/* ---- expire.c: what has been kept long enough
 * ------------------------------------------------- */
struct tally { /* by rule, as in struct rules */
    int64_t due, held;
    xy_message_id first, last;
};
/* `by` absent: only counts. */
XY_SUSPENDS XY_CHECK xy_status retention_expire(XY_SELF, struct xy_str by,
                                                const struct rules *rules,
                                                struct tally *tallies);
/* What `author` wrote, below an id, whoever else has it. */
XY_SUSPENDS XY_CHECK xy_status retention_expire_author(XY_SELF, const struct xy_jid *author,
                                                       xy_message_id before,
                                                       const struct xy_audit_record *record,
                                                       int64_t *expired);

/* ---- erase.c
 * ------------------------------------------------------------------------------------- */
XY_SUSPENDS void retention_erase_left(XY_SELF); /* what a crash interrupted */
xy_status retention_command_erase(XY_SELF, struct xy_command *command);
extern const struct xy_statement retention_erasure_add, retention_erasure_read,
    retention_erasure_step, retention_erasure_end, retention_erasure_again;

/* ---- change.c: rules that are set, and what commands share ---- */
struct subject {
    const struct xy_jid *what, *peer; /* peer NULL: one alone */
};
XY_CHECK xy_status retention_read_subject(struct xy_command *command, struct subject *subject);
xy_status retention_no_database(struct xy_command *command, xy_status status);
struct xy_str retention_period(int64_t ms);

/* ---- admin.c
 * ------------------------------------------------------------------------------------- */
xy_status retention_command_show(XY_SELF, struct xy_command *command);
xy_status retention_command_preview(XY_SELF, struct xy_command *command);
xy_status retention_command_run(XY_SELF, struct xy_command *command);
xy_status retention_command_set(XY_SELF, struct xy_command *command);
xy_status retention_command_clear(XY_SELF, struct xy_command *command);

#endif
