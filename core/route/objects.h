/* SPDX-License-Identifier: MIT */
/*
 * What streams, sessions and users are inside core/route. Logic thread only. All three are
 * released by xyi_retire(), so a fiber that holds one may look at it until it ends.
 */
#ifndef XYI_OBJECTS_H
#define XYI_OBJECTS_H

#include "core/route/note.h"
#include "core/route/route_internal.h"

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
    bool header_sent, closing;
    bool steered;            /* the handler of this element told the link how to go on */
    int64_t pinged_after_ms; /* the silence that made us ping */
    char id[24];
    char lang[16];
};

struct xy_session {
    const struct xy_jid *jid;
    struct xy_user *user;
    struct xy_stream *stream;
    struct xyi_link_node in_user;
    const struct xy_stanza *presence; /* kept; NULL: not available */
    struct xyi_note *notes;
    int64_t opened_ms;
    xy_message_id drained_after;  /* pending rows up to here were not this session's */
    xy_message_id handed_through; /* and up to here it was given them */
    int8_t priority;
    bool open;
};

struct xy_user {
    const struct xy_jid *jid;
    xy_owner owner;
    struct xy_host *host;
    struct xyi_link_node sessions;
    struct xyi_link_node idle; /* on the list of users nobody uses, oldest first */
    struct xyi_note *notes;
    struct held *held_first, **held_last; /* messages that wait for the drain: pending.c */
    struct waiter *commit_waiters;        /* fibers that wait until `commits` is 0 */
    int64_t pending;                      /* rows waiting; -1: not known */
    unsigned session_count, commits;      /* commits: pending rows submitted, not yet durable */
    unsigned holding;                     /* sessions coming up: messages queue behind */
    void *releaser; /* the fiber that empties the queue behind them, or NULL */
    bool draining;
    bool leaving, wanted; /* the cache drops it, unless somebody got it meanwhile */
    bool gone;
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

/* ---- stream.c, negotiate.c ---- */
int64_t xyi_route_auth_timeout_ms(void);
void xyi_iq_init(void);
XY_SUSPENDS void xyi_stream_header(struct xy_stream *stream,
                                   const struct xyi_stream_header *header);
XY_SUSPENDS void xyi_stream_stanza(struct xy_stream *stream, struct xy_stanza *stanza);

/* ---- router ---- */
XY_SUSPENDS void xyi_route_from_session(struct xy_session *session, struct xy_stanza *stanza);
XY_SUSPENDS void xyi_route_stanza(const struct xy_stanza *stanza); /* frozen, borrowed */
XY_SUSPENDS void xyi_route_message(struct xy_user *user, const struct xy_stanza *message);
XY_SUSPENDS void xyi_deliver_message(struct xy_user *user,
                                     const struct xy_stanza *message); /* past the queue */
XY_SUSPENDS void xyi_route_presence(struct xy_user *user, const struct xy_stanza *presence);
bool xyi_presence_is_subscription(const struct xy_stanza *presence);
XY_SUSPENDS void xyi_presence_from_session(struct xy_session *session,
                                           const struct xy_stanza *presence);
XY_SUSPENDS void xyi_route_iq(struct xy_host *host, struct xy_user *user,
                              const struct xy_stanza *iq);
XY_SUSPENDS void xyi_iq_from_session(struct xy_session *session, const struct xy_stanza *iq);

/* ---- pending.c ---- */
void xyi_user_hold(struct xy_user *user); /* once for each session that comes up */
XY_SUSPENDS void xyi_user_release(struct xy_user *user);
bool xyi_user_queue(struct xy_user *user,
                    const struct xy_stanza *message); /* true: it queued */
XY_SUSPENDS void
xyi_user_settle(struct xy_user *user); /* until all that was submitted for it is in the store */
void xyi_pending_confirmed(struct xy_session *session, uint64_t mark);

#endif
