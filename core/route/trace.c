/* SPDX-License-Identifier: MIT */
/* A ring: what is older than the last 64 Ki steps is forgotten. Logic thread. */
#include "core/route/trace.h"
#include "core/base/base.h"

enum { STEPS = 1 << 16 };
static struct xyi_trace_entry *ring; /* made at the first step */
static uint64_t taken;

void
xyi_trace(enum xyi_trace_step step, xy_message_id id, xy_owner owner, int64_t device)
{
    if (!ring)
        ring = xyi_alloc(STEPS * sizeof(*ring));
    ring[taken++ % STEPS] = (struct xyi_trace_entry){
        .id = id, .at_ms = xy_now_ms(), .owner = owner, .device = device, .step = step};
}

void
xyi_trace_each(xy_message_id id,
               void (*each)(void *argument, const struct xyi_trace_entry *entry),
               void *argument)
{
    uint64_t at = taken > STEPS ? taken - STEPS : 0;
    for (; at < taken; at++)
        if (ring[at % STEPS].id == id)
            each(argument, &ring[at % STEPS]);
}

const char *
xyi_trace_step_name(enum xyi_trace_step step)
{
    static const char *const names[] = {"accepted", "committed",    "failed",  "queued", "sent",
                                        "withheld", "acknowledged", "expired", "cleared"};
    return names[step];
}
