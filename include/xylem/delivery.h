/* SPDX-License-Identifier: MIT */
/*
 * How stanzas get to a session and how it is known that they did.
 *
 * Every session has an outbound queue. A message that is stored waits in it for its commit, and
 * what is sent later waits behind, so that order holds and many commits can be under way. What a
 * person wrote stays in the queue, as sent, until it is acknowledged: by stream management
 * (xy_session_retain), else by the peer's kernel and a grace period. When the session ends
 * unacknowledged stored messages still wait for its device, those nobody stored go the way of a
 * message to an unavailable resource, each exactly once; copies are dropped.
 */
#ifndef XYLEM_DELIVERY_H
#define XYLEM_DELIVERY_H

#include <xylem/message.h>

/* ---- binding in one step with other things (XEP-0386) ---------------------------------------- */
struct xy_bind {
    struct xy_str resource; /* absent: made up */
    struct xy_str device;   /* who the client is, the same at every login (SASL2's user-agent id);
                               absent: it does not say. Older sessions of this device end. */
    int64_t known_device;   /* instead of `device`: xy_session_device() of an earlier run, or 0 */
    bool resumes;           /* it is a session of an earlier run: xy_session_restore() follows */
    bool reads_archive;     /* it will fetch what the archive has by now (Bind 2) */
    const struct xy_node *request; /* <bind/> of a Bind 2, for session_binding; or NULL */
};
/* As xy_stream_bind(), but nothing is sent to the session until xy_session_release(): what comes
 * meanwhile queues. Messages accepted from this call on reach it live, older ones are in the
 * archive or the queue: see xy_session_since(). */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_stream_bind_as(struct xy_stream *stream,
                                                        const struct xy_bind *bind,
                                                        struct xy_session **session);
XY_API void xy_session_release(struct xy_session *session);
XY_API int64_t xy_session_device(const struct xy_session *session); /* 0: it did not say */
XY_API bool xy_session_reads_archive(const struct xy_session *session);
/* Ids below were taken before it bound. What has one is committed, or known to have failed, once
 * xy_user_settle() returns. */
XY_API xy_message_id xy_session_since(const struct xy_session *session);
XY_API XY_SUSPENDS void xy_user_settle(struct xy_user *user);

/* ---- stream management (XEP-0198) ------------------------------------------------------------ */
/* From now on stanzas to the session are counted and kept until acknowledged, stanzas from it are
 * counted. `request` (<r/>) is sent whenever something is unacknowledged and no answer is due;
 * NULL: never. Beyond `most` stanzas those that are stored keep only their id in memory.
 * XY_CONFLICT: it is on already. */
XY_API XY_CHECK xy_status xy_session_retain(struct xy_session *session, struct xy_stanza *request,
                                            int64_t most);
XY_API bool xy_session_is_retained(const struct xy_session *session);
XY_API uint32_t xy_session_sent(const struct xy_session *session);         /* modulo 2^32 */
XY_API uint32_t xy_session_acknowledged(const struct xy_session *session);
/* The client has handled `h` stanzas. XY_INVALID: more than were sent; nothing changes. */
XY_API XY_CHECK xy_status xy_session_acknowledge(struct xy_session *session, uint32_t h);
/* Stanzas from the client we are responsible for: a prefix of what came, all durable or delivered. */
XY_API uint32_t xy_session_handled(const struct xy_session *session);
/* Fires session_handled once everything that has come until now is handled; at once if it is. */
XY_API void xy_session_when_handled(struct xy_session *session);
/* Returns once everything that has come until now is handled, or the session has ended. */
XY_API XY_SUSPENDS void xy_session_settle(struct xy_session *session);
/* Whether it has a connection just now; sends queue without one. */
XY_API bool xy_session_is_connected(const struct xy_session *session);

/* Gives `session` to another stream of the same account: an older stream that is still open ends
 * with <conflict/>, acknowledges `h`, binds the stream. Nothing is sent before
 * xy_session_release(), which then sends everything unacknowledged again. XY_DENIED: another
 * account's; XY_GONE: it has ended; XY_INVALID: `h` is more than was sent, nothing changed. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_stream_resume(struct xy_stream *stream,
                                                       struct xy_session *session, uint32_t h);

/* What is unacknowledged, oldest first. `message` 0: not stored. `stanza` NULL: only its id is in
 * memory, or without one: it was taken back and counts only. `each` must not suspend. */
XY_API void xy_session_queue_each(const struct xy_session *session,
                                  void (*each)(void *argument, xy_message_id message,
                                               const struct xy_stanza *stanza),
                                  void *argument);
/* A session of an earlier run of the server comes back: bound by xy_stream_bind_as(), retained, not
 * released yet. `kept` is what was unacknowledged, oldest first, of which the client has received
 * the first `received`: they are dealt with as acknowledged, the others are sent again, messages
 * through the reader that applies their state. The counters go on from `h` and `handled`. */
struct xy_kept {
    xy_message_id message;    /* 0: not stored */
    struct xy_stanza *stanza; /* of one not stored; NULL: it only counts and is not sent again */
};
XY_API XY_SUSPENDS XY_CHECK xy_status xy_session_restore(struct xy_session *session, uint32_t h,
                                                         uint32_t handled,
                                                         const struct xy_kept *kept,
                                                         size_t count, size_t received);
/* All its notes as bytes that mean the same in a later run of the server (the fiber's memory); and
 * back: notes the session has already are replaced. XY_INVALID: no such bytes; nothing changes. */
XY_API struct xy_str xy_session_notes(const struct xy_session *session);
XY_API XY_CHECK xy_status xy_session_set_notes(struct xy_session *session, struct xy_str bytes);

/* ---- one message on its way (hook message_delivering) ---------------------------------------- */
struct xy_delivery;
XY_API struct xy_user *xy_delivery_user(const struct xy_delivery *delivery); /* whose side this is */
XY_API bool xy_delivery_is_outgoing(const struct xy_delivery *delivery);     /* that user sent it */
/* Nobody stored it, and the session that was given it has ended: its other side, and who was to get
 * copies, have been told. */
XY_API bool xy_delivery_is_again(const struct xy_delivery *delivery);
/* As that user's devices see it: with stanza-id if archived for the user. */
XY_API const struct xy_stanza *xy_delivery_message(const struct xy_delivery *delivery);
XY_API struct xy_session *xy_delivery_sender(const struct xy_delivery *delivery); /* or NULL */
XY_API bool xy_delivery_takes(const struct xy_delivery *delivery,
                              const struct xy_session *session); /* it gets the original */
XY_API unsigned xy_delivery_taken(const struct xy_delivery *delivery); /* by how many sessions */
XY_API xy_message_id xy_delivery_id(const struct xy_delivery *delivery); /* 0: nothing stores it */
XY_API unsigned xy_delivery_keep(const struct xy_delivery *delivery); /* this user's, enum xy_keep */
/* Sends `copy` to `session` in the message's place in the order, after its commit. Copies are never
 * stored, bounced, copied or delivered to anybody else. A device that acknowledges one need not
 * get the message itself any more. */
XY_API void xy_delivery_copy(struct xy_delivery *delivery, struct xy_session *session,
                             struct xy_stanza *copy);

/* ---- holding output back (XEP-0352) ---------------------------------------------------------- */
/* While on, the filter session_output sees each stanza before it is sent (and counted). */
XY_API void xy_session_watch_output(struct xy_session *session, bool on);
/* Drops held stanzas for which `superseded` is true. It must not suspend. */
XY_API void xy_session_drop_held(struct xy_session *session,
                                 bool (*superseded)(void *argument, const struct xy_stanza *held),
                                 void *argument);
XY_API size_t xy_session_held(const struct xy_session *session); /* how many are held back */
XY_API void xy_session_flush(struct xy_session *session); /* sends what is held back, in order */

#endif
