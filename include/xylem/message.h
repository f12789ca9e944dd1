/* SPDX-License-Identifier: MIT */
/*
 * The message store: one row for one message; archives, offline queues and resend buffers are
 * views on it (archive.h, the queue below, delivery.h). All content is read through one reader that
 * applies the message's state (live, retracted, …); modules cannot reach the raw rows.
 *
 * Who keeps a message is asked once, when it is accepted (hook message_keeping), and written with
 * it in one transaction; nothing is delivered before that is durable.
 */
#ifndef XYLEM_MESSAGE_H
#define XYLEM_MESSAGE_H

#include <xylem/session.h>

/* Milliseconds since 2020 << 12 | node (4 bits) << 8 | counter: time-ordered, never reused. */
typedef int64_t xy_message_id;
XY_API int64_t xy_message_id_ms(xy_message_id id);                 /* wall clock */
XY_API xy_message_id xy_message_id_at(int64_t ms);                 /* the lowest id of that time */
/* Above all that were given, not above those to come. No time says that: after a crash ids run ahead of
 * the clock for a while. */
XY_API xy_message_id xy_message_id_end(void);

/* XEP-0334 and XEP-0160: would an offline queue keep it? By type, hints and payload. */
XY_API bool xy_message_is_storable(const struct xy_stanza *message);
/* XEP-0313 and XEP-0334: would an archive? As above, and not without no-permanent-store(age). */
XY_API bool xy_message_is_archivable(const struct xy_stanza *message);
/* The same for one of type groupchat and the archive of its room. */
XY_API bool xy_groupchat_is_archivable(const struct xy_stanza *message);

/* Answers to message_keeping, set bit by bit. */
enum xy_keep {
    XY_KEEP_ARCHIVED = 1, /* the owner's archive shows it */
    XY_KEEP_QUEUED = 2,   /* it waits for every device of the owner that has not got it yet */
};

/* ---- the queue ------------------------------------------------------------------------------- */
/* A message waits for each known device of an account until that device has acknowledged it: by
 * stream management, by an archive sync that brought it there, or, without either, by a confirmed
 * write and a grace period. A client that says who it is (SASL2's user-agent) is a device of its
 * own; those that do not are one together. A device that comes for the first time gets what waits
 * for any other. */

/* Messages that wait for `owner`: for the device that has the most of them. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_pending_count(xy_owner owner, int64_t *count);
/* The same as the core last knew it, without asking; XY_NONE: not known yet. */
XY_API int64_t xy_user_pending(const struct xy_user *user);
enum xy_drain {
    XY_DRAIN_ALL,
    XY_DRAIN_UNARCHIVED, /* leave out what the owner's archive had when the session bound: it
                            reads that there (Bind 2) */
    XY_DRAIN_NOTHING,    /* forget what waited for its device when it bound: loses messages */
};
/* Hands the waiting messages to `session`, oldest first, each with its delay stamp and, if the
 * archive has it, its stanza-id. Live messages to the session queue behind until it is done.
 * XY_GONE: the session ended half way; what was not acknowledged still waits. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_pending_drain(struct xy_session *session, enum xy_drain how,
                                                       int64_t *handed_over);
/* Forgets what has waited since before `before_ms`; each is logged by id (message.expired). */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_pending_expire(struct xy_host *host, int64_t before_ms,
                                                        int64_t *expired);
/* Forgets all that waits for `owner`. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_pending_clear(xy_owner owner, int64_t *cleared);
/* Forgets devices not seen since `before_ms`, with what waits for them, on accounts that have
 * another device seen since. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_devices_expire(struct xy_host *host, int64_t before_ms,
                                                        int64_t *forgotten);
/* These have been sent to `session` in another way (archive results): when everything sent to it
 * until now is acknowledged, they no longer wait for its device. */
XY_API void xy_session_passes(struct xy_session *session, const xy_message_id *ids, size_t count);

#endif
