/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module hold share (requirement N4). A case is who, where, when and
 * which word; its messages are in the core's table `held`, so that no statement that destroys
 * content can forget to look. rows.c keeps the cases, cases.c holds what commits against them,
 * work.c puts those that were there under them and lets them go, admin.c, release.c and
 * package.c answer the administrator. Users never notice.
 */
#ifndef HOLD_H
#define HOLD_H

#define XY_STATE hold
#include <xylem/xylem.h>
#include <xylem/room.h>

struct hold {
    const xy_duration keep_released;
    xy_counter held, destroyed, failures;
    struct legal_case *first;
    bool busy, asked; /* asked: for more while it was busy */
    bool unscrubbed; /* bytes of what was destroyed may still be in files */
};

enum phase {
    GATHERING, /* messages that were there before it are put under it */
    COMPLETE,
    RELEASING, /* what something else keeps is let go */
    RELEASED,  /* what only it kept waits for its time */
    ENDED,
};
struct legal_case { /* the instance's, while messages may come under it or leave it */
    struct legal_case *next;
    int64_t id;
    enum phase phase;
    bool coming; /* its row is not there yet */
    bool fenced; /* what was on its way when we began has been committed */
    xy_message_id cursor;
    int64_t released_ms;
    struct xy_message_scope scope;
    const struct xy_jid *person, *with, *room;
    struct xy_str name;
};

/* ---- rows.c
 * ------------------------------------------------------------------------------------- */
struct case_row {
    int64_t id, created_ms, since_ms, until_ms, released_ms; /* 0: not said */
    struct xy_str name, person, with, room, keyword, reason, created_by, released_by;
    enum phase phase;
    xy_message_id cursor;
};
extern const struct xy_migration hold_schema[1];
extern const struct xy_statement *const hold_statements[];
enum { HOLD_STATEMENTS = 7 };
XY_SUSPENDS XY_CHECK xy_status hold_read_all(struct case_row **at, size_t *count);
XY_SUSPENDS XY_CHECK xy_status hold_read_one(int64_t id, struct case_row *row);
XY_SUSPENDS XY_CHECK xy_status hold_next_id(const struct hold *self, int64_t *id);
void hold_row_add(struct xy_txn *txn, const struct case_row *row);
void hold_row_move(struct xy_txn *txn, int64_t id, enum phase phase, xy_message_id cursor);
/* Up to there everything in scope is held, if the hold is complete. */
void hold_row_mark(struct xy_txn *txn, int64_t id, xy_message_id through);
void hold_row_release(struct xy_txn *txn, int64_t id, struct xy_str by, int64_t now_ms);
const char *hold_phase_name(enum phase phase);

/* ---- cases.c
 * ------------------------------------------------------------------------------------- */
XY_CHECK xy_status hold_know(XY_SELF, const struct case_row *row, struct legal_case **known);
void hold_forget(XY_SELF, struct legal_case *legal);
struct legal_case *hold_find(const struct hold *self, int64_t id);
XY_SUSPENDS XY_CHECK xy_status hold_load(XY_SELF);
void hold_on_committing(XY_SELF, const struct xy_stanza *message, xy_message_id id,
                        struct xy_txn *txn);

/* ---- work.c
 * ------------------------------------------------------------------------------------- */
XY_SUSPENDS void hold_work(XY_SELF);
void hold_work_soon(XY_SELF);

/* ---- admin.c, release.c, package.c
 * ------------------------------------------------------------------------- */
xy_status hold_command_add(XY_SELF, struct xy_command *command);
xy_status hold_command_list(XY_SELF, struct xy_command *command);
xy_status hold_command_show(XY_SELF, struct xy_command *command);
xy_status hold_command_release(XY_SELF, struct xy_command *command);
xy_status hold_command_export(XY_SELF, struct xy_command *command);
XY_SUSPENDS XY_CHECK xy_status hold_argument(struct xy_command *command, struct case_row *row);
struct xy_audit_record hold_record(const struct xy_command *command, const struct case_row *row,
                                   const char *kind);
/* What became of it for users; absent: nothing. */
struct xy_str hold_fate(const struct xy_message_found *found);

#endif
