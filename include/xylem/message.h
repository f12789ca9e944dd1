/* SPDX-License-Identifier: MIT */
/*
 * The message store: one row for one message; archives, offline queues and resend buffers are
 * views on it. All content is read through one reader that applies the message's state (live,
 * retracted, …); modules cannot reach the raw rows.
 */
#ifndef XYLEM_MESSAGE_H
#define XYLEM_MESSAGE_H

#include <xylem/session.h>

/* Milliseconds since 2020 << 12 | node (4 bits) << 8 | counter: time-ordered, never reused. */
typedef int64_t xy_message_id;
XY_API int64_t xy_message_id_ms(xy_message_id id);                 /* wall clock */
XY_API xy_message_id xy_message_id_at(int64_t ms);                 /* the lowest id of that time */

/* XEP-0334 and XEP-0160: would an offline queue keep it? By type, hints and payload. */
XY_API bool xy_message_is_storable(const struct xy_stanza *message);

/* Keeps `message` for `to` until a device has certainly received it. Does not wait: deliveries to
 * `to` that come later keep their place behind it. If the commit fails the sender gets the error
 * stanza. XY_FULL: `quota` messages wait already (XY_NONE: unlimited), nothing was done. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_pending_add(struct xy_user *to,
                                                     const struct xy_stanza *message, int64_t quota);
/* Messages that wait for `owner`. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_pending_count(xy_owner owner, int64_t *count);
/* Hands the waiting messages to `session`, oldest first, each with its delay stamp. Live messages
 * to the account queue behind until it is done. Rows go when the peer's kernel has acknowledged
 * the bytes, not before. XY_CONFLICT: another session is at it; XY_GONE: this one ended half way. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_pending_drain(struct xy_session *session, int64_t *handed_over);
/* Forgets what has waited since before `before_ms`; each is logged by id (message.expired). */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_pending_expire(struct xy_host *host, int64_t before_ms,
                                                        int64_t *expired);
/* Forgets all that waits for `owner`. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_pending_clear(xy_owner owner, int64_t *cleared);

#endif
