/* SPDX-License-Identifier: MIT */
/* The latest steps in the lives of messages, for `message trace`: no content, in memory. */
#ifndef XYI_TRACE_H
#define XYI_TRACE_H

#include <xylem/message.h>

enum xyi_trace_step {
    XYI_TRACE_ACCEPTED,
    XYI_TRACE_COMMITTED,
    XYI_TRACE_FAILED,
    XYI_TRACE_QUEUED,   /* nobody can take it now */
    XYI_TRACE_SENT,     /* to a session of a device */
    XYI_TRACE_WITHHELD, /* the device reads it in the archive */
    XYI_TRACE_ACKNOWLEDGED,
    XYI_TRACE_EXPIRED,
    XYI_TRACE_CLEARED,
};
struct xyi_trace_entry {
    xy_message_id id;
    int64_t at_ms; /* wall clock */
    xy_owner owner;
    int64_t device;
    enum xyi_trace_step step;
};
void xyi_trace(enum xyi_trace_step step, xy_message_id id, xy_owner owner, int64_t device);
/* Those still remembered of `id`, oldest first. */
void xyi_trace_each(xy_message_id id,
                    void (*each)(void *argument, const struct xyi_trace_entry *entry),
                    void *argument);
const char *xyi_trace_step_name(enum xyi_trace_step step);

#endif
