/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module retract_admin share: removal by administrators (requirements
 * S0-16 to S0-21, S1). A plan is a stored set of messages; a request says why and, where it
 * takes two, waits for somebody else's consent; applying it is a job that survives a crash.
 * Invariant: nothing is removed without its record and its notices, all in one transaction.
 */
#ifndef RETRACT_ADMIN_H
#define RETRACT_ADMIN_H

#define XY_STATE retract_admin
#include <xylem/xylem.h>
#include <xylem/archive.h>
#include <xylem/audit.h>
#include <xylem/muc.h>
#include <xylem/namespaces.h>

#define NS_RETRACT  "urn:xmpp:message-retract:1"
#define NS_MODERATE "urn:xmpp:message-moderate:1"

struct retract_admin {
    const xy_list grant, approvers;
    const int64_t approvals;
    const xy_duration approval_for, purge_after;
    const bool purge_by_preset;
    xy_counter removed, refused, planned, mended;
    struct xy_map *acts;  /* id of a notice to accounts -> struct act, while it is sent */
    bool working;         /* a lot of a job is being done */
    xy_message_id begins; /* with this one the lot began, */
    unsigned again;       /* so often in a row: nothing comes of it */
};

/* ---- grant.c: who may ------------------------------------------------------------------------ */
enum right { RIGHT_REMOVE, RIGHT_APPROVE };
/* XY_OK, or it has been refused, which is recorded. */
XY_SUSPENDS XY_CHECK xy_status grant_check(struct retract_admin *self, struct xy_command *command,
                                           enum right right);
/* Refuses for another reason, and records it. */
XY_SUSPENDS xy_status grant_refuse(struct retract_admin *self, struct xy_command *command,
                                   const char *reason, const char *words);
/* A record of its own, before what it speaks of is done. */
XY_SUSPENDS XY_CHECK xy_status grant_record(struct xy_command *command,
                                            const struct xy_audit_record *record);

/* ---- choose.c: which messages an administrator means ------------------------------------------ */
struct choice {
    xy_message_id one;        /* 0: many */
    xy_message_id after, before;
    const struct xy_jid *from, *to, *room, *a, *b; /* NULL: any */
};
XY_SUSPENDS XY_CHECK xy_status choose(struct xy_command *command, struct choice *choice);
/* A message's number, a stanza-id of any archive, or with --account JID a client's id. */
XY_SUSPENDS XY_CHECK xy_status choose_one(struct xy_command *command, struct xy_str text,
                                          xy_message_id *id);
bool chosen(const struct choice *choice, xy_message_id id, const struct xy_jid *author,
            const struct xy_jid *addressee);

/* ---- survey.c: the messages of a plan, and what refers to them -------------------------------- */
enum role {
    ROLE_CHOSEN,
    ROLE_FOLLOWS, /* corrections, reactions: go with it */
    ROLE_REPLY,   /* names it (XEP-0461); stays */
    ROLE_QUOTE,   /* has its text behind "> ": a possible copy; stays */
};
struct item {
    xy_message_id id, of; /* of: which chosen one it refers to */
    enum role role;
};
struct survey {
    const struct choice *choice;
    struct item *items;
    size_t count, room;
    int64_t live, already, notices; /* of the chosen; notices of removals stay */
};
XY_SUSPENDS XY_CHECK xy_status survey_make(void *self, struct survey *survey);
/* What has come since, to what has been chosen before. */
XY_SUSPENDS XY_CHECK xy_status survey_again(void *self, struct survey *survey,
                                            const xy_message_id *ids, size_t count,
                                            xy_message_id after);

/* ---- parties.c: who has it -------------------------------------------------------------------- */
struct party {
    const struct xy_jid *jid; /* bare */
    xy_owner owner;           /* 0: not an account of ours */
    bool local;               /* of a host of ours */
    bool archive;             /* its archive shows it */
};
struct parties {
    struct party *at;
    size_t count;
    const struct xy_jid *place; /* a room's, or NULL */
};
/* Of one message; for a room everybody who is there, belongs to it or has spoken there. */
XY_SUSPENDS XY_CHECK xy_status parties_of(const struct xy_message_record *record,
                                          struct parties *parties);
/* Rows for one message: archives, devices, foreign parties. */
XY_SUSPENDS XY_CHECK xy_status parties_show(struct xy_command *command,
                                            const struct xy_message_record *record,
                                            const struct parties *parties);
bool jid_is_foreign(const struct xy_jid *jid);

/* ---- plan.c, request.c, status.c, verify.c, find.c: commands ------------------------------------ */
xy_status command_plan(XY_SELF, struct xy_command *command);
xy_status command_request(XY_SELF, struct xy_command *command);
xy_status command_approve(XY_SELF, struct xy_command *command);
xy_status command_apply(XY_SELF, struct xy_command *command);
xy_status command_status(XY_SELF, struct xy_command *command);
xy_status command_report(XY_SELF, struct xy_command *command);
xy_status command_verify(XY_SELF, struct xy_command *command);
xy_status command_repair(XY_SELF, struct xy_command *command);
xy_status command_find(XY_SELF, struct xy_command *command);
xy_status command_who(XY_SELF, struct xy_command *command);
/* The local copies, devices, foreign parties and references of one message. */
XY_SUSPENDS XY_CHECK xy_status plan_show_one(XY_SELF, struct xy_command *command, xy_message_id id,
                                             const struct item *items, size_t count);

/* ---- rows.c ----------------------------------------------------------------------------------------- */
enum request_state { ASKED, APPROVED, APPLYING, DONE };
struct request {
    struct xy_str id, plan, requester, approver, code, words, operation;
    int64_t at, expires, finished;
    enum request_state state;
    bool despite_foreign;
    int64_t foreign; /* parties, as the plan found */
};
extern const struct xy_statement rows_add_plan, rows_add_item, rows_add_request, rows_approve,
    rows_start, rows_finish, rows_item_done, rows_read_request, rows_open, rows_next_items,
    rows_plan, rows_counts, rows_add_outcome, rows_outcomes, rows_followers, rows_chosen, rows_never,
    rows_recent;
XY_SUSPENDS XY_CHECK xy_status request_read(struct xy_str id, struct request *request);
const char *request_state_name(const struct request *request);
/* status.c: the argument REQUEST, or the command fails; its fields. */
XY_SUSPENDS XY_CHECK xy_status request_find(struct xy_command *command, struct request *request);
void request_put(struct xy_command *command, const struct request *request);

/* ---- job.c: doing it ------------------------------------------------------------------------------------ */
enum item_state { OPEN, REMOVED, ALREADY, GONE };
struct act { /* one message with what goes with it */
    struct retract_admin *self;
    const struct request *request;
    struct xy_message_record record;
    xy_message_id *ids; /* the first is the message */
    size_t count;
    struct xy_str notice_id, by;
    struct parties parties;
};
/* One lot; *more: there is another. */
XY_SUSPENDS XY_CHECK xy_status job_step(struct retract_admin *self, const struct request *request,
                                        bool *more);
void job_continue(struct retract_admin *self); /* whatever is being applied, in the background */
/* act.c: everything into the transaction. */
void act_add(struct act *act, struct xy_txn *txn);

/* ---- notices.c ---------------------------------------------------------------------------------------------- */
/* Tells everybody, with the act in the same transaction. XY_CONFLICT: it is not live any more. */
XY_SUSPENDS XY_CHECK xy_status notices_for_accounts(struct act **acts, size_t count);
XY_SUSPENDS XY_CHECK xy_status notices_for_room(struct act *act);

#endif
