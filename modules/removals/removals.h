/* SPDX-License-Identifier: MIT */
/*
 * What the modules that let people take messages back have in common (retract, retract_muc): an
 * approval lives from the decision until the transaction that stores the notice; its effect,
 * its record and its count are written in that transaction, and queues in memory follow when it
 * is durable.
 */
#ifndef REMOVALS_H
#define REMOVALS_H

#include <xylem/xylem.h>
#include <xylem/audit.h>

/* For whoever switches it on (S0-28, S0-29): in the log, from `xylemd --check`, in the answer to a
 * reload and in the policy; docs/retraction.md says it in the same words. */
#define REMOVALS_WARNING                                                                     \
    "it has no effect on other servers, generic clients may ignore it, and who has read a "  \
    "message has read it"

struct removals_rows { /* of the module's own table (owner, at, message): how often somebody did
                          it */
    const struct xy_statement *add, *add_below, *count, *drop;
};
/* Schema, statements and rows of such a table, in the module's own file. */
#define REMOVALS_TABLE(table)                                                                \
    static const struct xy_migration schema[] = {                                            \
        {1,                                                                                  \
         "create table " table " (owner bigint not null, at bigint not null,"                \
         " message bigint not null, primary key (owner, at, message))",                      \
         NULL},                                                                              \
    };                                                                                       \
    static const struct xy_statement add =                                                   \
        XY_SQL("insert into " table " (owner, at, message) values (?, ?, ?)");               \
    static const struct xy_statement add_below =                                             \
        XY_SQL("insert into " table " (owner, at, message) select cast(? as bigint),"        \
               " cast(? as bigint), cast(? as bigint) where (select count(*) from " table    \
               " where owner = ? and at > ?) < ?");                                          \
    static const struct xy_statement count =                                                 \
        XY_SQL("select count(*) from " table " where owner = ? and at > ?");                 \
    static const struct xy_statement drop = XY_SQL("delete from " table " where owner = ?"); \
    static const struct xy_statement *const statements[] = {&add, &add_below, &count, &drop};            \
    static const struct removals_rows rows = {&add, &add_below, &count, &drop}
struct removals {
    void *self; /* the module's instance */
    const struct removals_rows *rows;
    xy_counter *accepted, *refused;
    struct xy_map *approved;   /* by what the module calls it -> struct approval */
    struct applying *applying; /* committed or about to be: queues in memory are to follow */
    struct xy_map *refusals;   /* throttle: how many a user may have recorded */
};
void removals_start(struct removals *removals, void *self, const struct removals_rows *rows,
                    xy_counter *accepted, xy_counter *refused);
/* What is approved is dropped, what is committed is brought to its end. */
XY_SUSPENDS void removals_stop(struct removals *removals);

/* ---- deciding ---- */
struct verdict { /* why NULL: it may */
    xy_condition condition;
    const char *why, *text;
};
void removals_deny(struct verdict *verdict, xy_condition condition, const char *why,
                   const char *text);
#define NS_RETRACT "urn:xmpp:message-retract:1"
/* How it is asked for: by this version, a type that is stored, and which message. *id: of that. */
void removals_judge_form(const struct xy_stanza *message, bool in_room, struct xy_str *id,
                         struct verdict *verdict);
/* Of a list of classes as operators write it. */
bool removals_class_allowed(const xy_list *classes, enum xy_message_class class);
/* S0-27 */
void removals_check_window(const char *option, int64_t ms, struct xy_diagnostics *to);
void removals_check_classes(const xy_list *classes, struct xy_diagnostics *to);
/* S0-23, S0-26, S1-11. `window_ms` XY_NONE: any. */
void removals_judge(const struct xy_message_record *original, const xy_list *classes,
                    int64_t window_ms, struct verdict *verdict);
/* Not his although it bears his name: an account that has been deleted since wrote it. */
XY_SUSPENDS XY_CHECK xy_status removals_judge_author(const struct xy_message_record *original,
                                                     struct xy_session *who,
                                                     struct verdict *verdict);
/* S0-35. Whether an account may take back `wanted` more. */
struct quota {
    int64_t most, per_ms; /* most XY_NONE: any number */
};
XY_SUSPENDS XY_CHECK xy_status removals_judge_count(const struct removals *removals,
                                                    xy_owner owner, struct quota quota,
                                                    size_t wanted, struct verdict *verdict);
/* Counts and records it; a user may cause only so many records. `message` 0: none was found. */
XY_SUSPENDS void removals_record_refusal(struct removals *removals, struct xy_session *who,
                                         xy_message_id message, const char *why);

/* ---- approving ---- */
struct approval {
    struct xy_str key;
    const struct xy_stanza *stanza; /* kept while approved; may be NULL */
    int64_t at_ms;                  /* monotonic: it never came to anything if it is old */
    xy_owner owner;                 /* whose count it is; 0: nobody's */
    enum xy_message_class class;
    struct quota quota;
    enum xy_message_state state;
    const char *kind; /* of the audit record */
    struct xy_str operation, actor, actor_bare, notice_id, by, reason, room;
    bool archive_out, archive_in; /* whose archives had the original */
    size_t originals, count;
    xy_message_id ids[]; /* the originals, then what goes with them */
};
struct approving { /* what the caller says */
    struct xy_str key, notice_id, by, reason;
    const struct xy_stanza *stanza;
    const struct xy_jid *room;  /* that says it to all; NULL: its author says it to one */
    struct xy_session *session; /* whose doing it is */
    enum xy_message_state state;
    const char *kind;
    bool counts;
    struct quota quota;
    const struct xy_message_record *originals; /* by one author to one place */
    size_t count;
};
/* Looks for what goes with them, and notes it. XY_OK: *approval is good until it is committed. */
XY_SUSPENDS XY_CHECK xy_status removals_approve(struct removals *removals,
                                                const struct approving *approving,
                                                struct approval **approval);
struct approval *removals_find(const struct removals *removals, struct xy_str key);
void removals_forget(struct removals *removals, struct approval *approval);
/* From message_committing: everything into `txn`; the approval is used up. */
void removals_commit(struct removals *removals, struct approval *approval, int64_t purge_ms,
                     struct xy_txn *txn);
/* A task: what is committed is not sent any more. `argument`: the struct removals. */
XY_SUSPENDS void removals_apply_all(void *self, void *argument);

XY_SUSPENDS void removals_drop_account(const struct removals *removals, xy_owner owner);

#endif
