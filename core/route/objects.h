/* SPDX-License-Identifier: MIT */
/*
 * What streams, sessions and users are inside core/route. Logic thread only. All three are
 * released by xyi_retire(), so a fiber that holds one may look at it until it ends.
 */
#ifndef XYI_OBJECTS_H
#define XYI_OBJECTS_H

#include "core/route/login.h"
#include "core/route/note.h"
#include "core/route/outbox.h"
#include "core/route/route_internal.h"
#include "core/route/trace.h"

struct xy_stream {
    struct xyi_link *link; /* NULL once the socket is gone */
    struct xyi_strand strand;
    struct xyi_link_node in_all;
    struct xyi_timer login_timer;
    struct xy_host *host;         /* NULL before the first header */
    const struct xy_jid *account; /* bare, after SASL */
    const struct xy_jid *from;    /* what the header claims; NULL: nothing, or no JID */
    struct xy_session *session;
    struct xyi_note *notes;
    enum xy_stream_stage stage;
    struct xyi_wait *quiet; /* somebody waits for its end */
    bool header_sent, closing;
    enum xy_login_path login_path; /* as far as it is known before the bind */
    bool steered;            /* the handler of this element told the link how to go on */
    int64_t pinged_after_ms; /* the silence that made us ping */
    char id[24];
    char lang[16];
};

struct xy_session {
    const struct xy_jid *jid;
    struct xy_user *user;
    struct xy_stream *stream; /* NULL: detached, waits for its client to come back */
    struct xyi_link_node in_user, in_all;
    struct xyi_link_node rooms;       /* its occupants (room.h) */
    struct xyi_link_node left_behind; /* it left a room with something waiting for a commit there */
    unsigned room_count;
    const struct xy_stanza *presence; /* kept; NULL: not available */
    struct xyi_note *notes;
    struct outbox out;
    struct inbox in;
    int64_t opened_ms;
    struct xyi_login *login;
    int64_t device;      /* 0: its client does not say who it is */
    xy_message_id since; /* taken when it bound */
    xy_message_id cut;   /* taken when it last became able to take messages */
    struct xyi_timer retry; /* of a drain the database did not answer */
    int8_t priority;
    bool open, reads_archive;
    bool screens_rooms; /* room_hearing is asked */
    bool draining, drain_again; /* again: somebody wanted it meanwhile */
    bool stalled; /* its outbox is blocked until the retry */
};

struct parting { /* in the frame of a fiber that ends a session */
    struct parting *next;
    void *fiber;
};

struct xy_user {
    const struct xy_jid *jid;
    xy_owner owner;
    struct xy_host *host;
    struct xyi_link_node sessions;
    struct xyi_link_node idle; /* on the list of users nobody uses, oldest first */
    struct xyi_note *notes;
    struct waiter *commit_waiters; /* fibers that wait until `commits` is 0 */
    struct parting *partings;      /* sessions that pass on what they were given */
    struct gate *gates;            /* fibers that wait for them: parting.c */
    int64_t pending;               /* rows waiting; -1: not known */
    int64_t *devices;              /* known ones, as soon as device_count >= 0 */
    int device_count;
    uint64_t changes;              /* rises when that may have changed */
    unsigned session_count, commits; /* commits: submitted for it, not yet dealt with */
    unsigned pins;                   /* jobs that will look at it, sessions that end */
    enum xy_account_kind kind;
    bool leaving, wanted; /* the cache drops it, unless somebody got it meanwhile */
    bool gone;
    bool disabled; /* nobody may bind */
};

extern struct xyi_route_counts xyi_route_counters;

/* ---- user.c ---- */
void xyi_users_init(void);
void xyi_user_used(struct xy_user *user);   /* it got a session, commit or lease */
void xyi_user_unused(struct xy_user *user); /* look whether it may go to the idle list */
void xyi_user_forget(struct xy_user *user); /* the account is deleted */
void xyi_user_bury(struct xy_user *user);   /* forgotten, and its last commit is done */
struct xy_user *xyi_user_known(const struct xy_jid *bare); /* in memory, or NULL */
struct xy_user *xyi_user_of_owner(xy_owner owner); /* in memory, or NULL; looks at all */
void xyi_users_forget_counts(
    xy_owner owner); /* of waiting messages: somebody removed rows; 0: of all */

/* ---- session.c ---- */
XY_SUSPENDS void xyi_session_end(struct xy_session *session); /* idempotent; fires the hooks */
bool xyi_session_takes_messages(
    const struct xy_session *session); /* available, priority >= 0, alive */
bool xyi_session_is_connected(const struct xy_session *session);
/* What is sent past the queue may be sent now. */
bool xyi_session_is_ready(const struct xy_session *session);
/* The connection is gone: detaches it if somebody wants to keep it, else ends it. */
XY_SUSPENDS void xyi_session_lost(struct xy_session *session);

/* ---- stream.c, negotiate.c ---- */
int64_t xyi_route_auth_timeout_ms(void);
void xyi_iq_init(void);
XY_SUSPENDS void xyi_stream_header(struct xy_stream *stream,
                                   const struct xyi_stream_header *header);
XY_SUSPENDS void xyi_stream_stanza(struct xy_stream *stream, struct xy_stanza *stanza);
void xyi_stream_listens(void); /* a server starts: see xyi_route_go_deaf() */

/* ---- router ---- */
XY_SUSPENDS void xyi_route_from_session(struct xy_session *session, struct xy_stanza *stanza);
XY_SUSPENDS void xyi_route_stanza(const struct xy_stanza *stanza); /* frozen, borrowed */
XY_SUSPENDS void xyi_route_message(struct xy_user *user, const struct xy_stanza *message);
XY_SUSPENDS void xyi_route_presence(struct xy_user *user, const struct xy_stanza *presence);
bool xyi_presence_is_subscription(const struct xy_stanza *presence);
XY_SUSPENDS void xyi_presence_from_session(struct xy_session *session,
                                           const struct xy_stanza *presence);
XY_SUSPENDS void xyi_route_iq(struct xy_host *host, struct xy_user *user,
                              const struct xy_stanza *iq);
XY_SUSPENDS void xyi_iq_from_session(struct xy_session *session, const struct xy_stanza *iq);

/* ---- message.c ---- */
/* A message nobody stored that its session could not be given goes on its way once more. */
XY_SUSPENDS void xyi_message_again(struct xy_user *user, const struct xy_stanza *message);

/* ---- stream.c ---- */
/* Returns once everything the stream had received is handled; what still comes is dropped. */
XY_SUSPENDS void xyi_stream_quiesce(struct xy_stream *stream);

/* ---- parting.c ---- */
void xyi_parting_begins(struct xy_user *user, struct parting *parting);
void xyi_parting_ends(struct xy_user *user, struct parting *parting);
bool xyi_parting_blocks(const struct xy_user *user); /* the running fiber's messages to it */
XY_SUSPENDS void xyi_parting_wait(struct xy_user *user);

/* ---- device.c ---- */
/* Fills user->devices, if it is not known. */
XY_SUSPENDS XY_CHECK xy_status xyi_devices_load(struct xy_user *user);
void xyi_device_arrives(struct xy_user *user, int64_t device); /* writes it; does not wait */
void xyi_devices_unknown(struct xy_user *user);                /* ask the store again */

/* ---- pending.c ---- */
/* What is in the store for the user is all that was submitted, or known to have failed. */
void xyi_user_pin(struct xy_user *user); /* it is not forgotten meanwhile */
void xyi_user_unpin(struct xy_user *user);
void xyi_user_commit_begins(struct xy_user *user);
void xyi_user_commit_done(struct xy_user *user);
/* Available sessions of that device get what waits for it. */
void xyi_redrain(struct xy_user *user, int64_t device);
/* A stored message as the user's devices see it: with delay, and stanza-id if archived. NULL: not
 * readable. */
struct xy_stanza *xyi_render(const struct xy_user *user, xy_message_id id, struct xy_str text,
                             bool archived);

#endif
