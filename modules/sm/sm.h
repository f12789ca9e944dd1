/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the sm module share. A session under stream management carries a note; the
 * core owns it, so the module itself keeps no list of sessions and its code may be replaced at
 * any time. What lets a client resume is a row (rows.c), found by a hash of the id the client
 * was given.
 */
#ifndef SM_H
#define SM_H

#define XY_STATE sm
#include <xylem/xylem.h>

struct sm {
    const xy_duration resume_for, ack_timeout;
    const int64_t queue;
    xy_counter enabled, acks, resumed, restored, failed, expired, unanswered;
};

/* How long the number of stanzas handled is remembered once a session cannot be resumed any
 * more: its client learns from it what it need not send again. */
#define REMEMBER_MS ((int64_t)48 * 3600 * 1000)
/* The longest an <a/> is put off by commits that are under way. */
enum { PROMPTLY_MS = 2000, WATCH_EVERY_MS = 5000 };

struct managed {
    int64_t id;      /* of its row; 0: it cannot be resumed */
    int64_t max_ms;  /* how long it may be without a connection */
    int64_t lost_ms; /* when it lost it; monotonic */
    int64_t asked_ms, due_ms;
    bool detached;
    bool asked;  /* the client waits for <a/> since asked_ms */
    bool due;    /* we wait for <a/>, since due_ms at least */
    bool stale;  /* without a connection, and the row does not know what came since */
    bool broken; /* the row says that a restart would lose something */
};
extern const struct xy_note managed_kind;

static inline struct managed *
managed(struct xy_session *session)
{
    return xy_session_note_find(session, &managed_kind);
}

/* ---- elements.c ---- */
struct xy_stanza *sm_element(const char *name); /* a new one in our namespace */
/* <failed/>; `handled`, if not NULL, as its h. */
void sm_fill_failed(struct xy_node *failed, xy_condition condition, const uint32_t *handled);
void sm_set_number(struct xy_node *node, const char *name, uint32_t number);
XY_CHECK xy_status sm_number(const struct xy_node *node, const char *name, uint32_t *number);
bool sm_is(const struct xy_node *node, const char *name); /* an element of our namespace */

/* ---- enable.c ---- */
/* Turns it on and adds <enabled/> to `parent`. False: it is on already. */
XY_SUSPENDS bool sm_enable(struct sm *self, struct xy_session *session,
                           const struct xy_node *enable, struct xy_node *parent);
/* Retains the session, with our request and our limit. */
XY_CHECK xy_status sm_retain(struct sm *self, struct xy_session *session);

/* ---- acks.c ---- */
void sm_take_request(struct sm *self, struct xy_session *session);
XY_SUSPENDS void sm_take_ack(struct sm *self, struct xy_session *session,
                             const struct xy_node *ack);
void sm_answer(struct xy_session *session); /* sends <a/> */

/* ---- resume.c ---- */
/* Resumes what `resume` names on `stream`, or says in `parent` why not. True: `parent` has
 * <resumed/>, and the session's output is held until it is released. */
XY_SUSPENDS bool sm_resume(struct sm *self, struct xy_stream *stream,
                           const struct xy_node *resume, struct xy_node *parent);
/* Behind the answer: releases what was resumed on `stream`; it shows itself again, if it comes
 * from an earlier run. */
XY_SUSPENDS void sm_release(struct xy_stream *stream);

/* ---- inline.c: hooks ---- */
xy_sasl2_offer_fn sm_offer_resumption;
xy_sasl2_resume_fn sm_resume_inline;
xy_sasl2_finished_fn sm_release_inline;
xy_bind2_offer_fn sm_offer_enabling;
xy_bind2_bound_fn sm_enable_inline;

/* ---- session.c: hooks ---- */
xy_session_lost_fn sm_keep_lost;
xy_session_detached_fn sm_save_detached;
xy_session_resumed_fn sm_save_resumed;
xy_session_queued_fn sm_note_queued;
xy_session_handled_fn sm_answer_handled;
xy_message_storing_fn sm_save_handled;
xy_session_closed_fn sm_save_end;
xy_account_deleted_fn sm_forget_account;

/* ---- rows.c ---- */
struct sm_row {
    xy_owner owner;
    struct xy_str resource, presence, queue, notes;
    int64_t device, max_ms;
    uint32_t sent, acknowledged, handled;
};
int64_t sm_row_id(struct xy_str token);
XY_SUSPENDS XY_CHECK xy_status sm_row_add(struct xy_session *session, int64_t id,
                                          int64_t max_ms);
void sm_row_handled(struct xy_txn *txn, int64_t id, uint32_t handled);
/* Without a connection: all that a later run needs. */
XY_SUSPENDS void sm_row_detach(struct xy_session *session);
XY_SUSPENDS void sm_row_attach(struct xy_session *session);
XY_SUSPENDS void sm_row_end(int64_t id, uint32_t handled);
/* XY_OK: nobody else can have it any more. XY_GONE: it cannot be resumed; only `handled` is
 * filled. XY_ABSENT: nobody knows it. */
XY_SUSPENDS XY_CHECK xy_status sm_row_claim(int64_t id, xy_owner owner, struct sm_row *row);
XY_SUSPENDS void sm_rows_orphan(const struct xy_host *host); /* of a run that ended badly */
XY_SUSPENDS void sm_rows_sweep(const struct xy_host *host);
XY_SUSPENDS XY_CHECK xy_status sm_rows_drop(xy_owner owner);
enum { SM_STATEMENTS = 11 };
extern const struct xy_statement *const sm_statements[SM_STATEMENTS];

/* ---- queue.c: what is unacknowledged, as bytes ---- */
/* complete: nothing in it would be lost with the server's memory. */
struct xy_str sm_queue_save(const struct xy_session *session, bool *complete);
bool sm_only_counts(const struct xy_stanza *stanza); /* presence and the like */
size_t sm_queue_load(struct xy_str bytes, struct xy_kept **kept);

/* ---- watch.c ---- */
void sm_watch(struct sm *self);
XY_SUSPENDS void sm_end_waiting(const struct xy_host *host); /* those without a connection */
/* Runs `task` on a fiber of its own; it gets the session's full JID as a string of the
 * instance, to find it by and to free (sm_later_session()). */
void sm_later(struct sm *self, int64_t ms, xy_task_fn *task, const struct xy_session *session);
struct xy_session *sm_later_session(struct sm *self, void *argument); /* NULL: it has ended */

#endif
