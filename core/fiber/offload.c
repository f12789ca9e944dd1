/* SPDX-License-Identifier: MIT */
/*
 * xy_offload(): a fiber waits for a helper thread. The helper cannot be stopped, so the record
 * is shared: whoever comes last frees it, and the instance counts as running until the work has
 * ended, so that its code stays mapped.
 */
#include "core/fiber/fiber_internal.h"

enum { PATIENCE_MS = 30000 };

struct offload {
    struct xyi_wait wait;
    struct xy_instance *instance;
    void (*work)(void *argument);
    void *argument;
    bool given_up;
};

void (*xyi_instance_count)(struct xy_instance *instance, int by);

static void
count(struct xy_instance *instance, int by)
{
    if (xyi_instance_count)
        xyi_instance_count(instance, by);
}

static void
run(void *record)
{
    struct offload *offload = record;
    offload->work(offload->argument);
}

static void
done(void *record)
{
    struct offload *offload = record;
    struct xy_instance *instance = offload->instance;
    if (offload->given_up)
        xyi_free(offload);
    else
        xyi_wake(&offload->wait, XY_OK);
    count(instance, -1);
}

xy_status
xy_offload(void (*work)(void *argument), void *argument)
{
    struct offload *offload = xyi_alloc(sizeof(*offload));
    offload->instance = xyi_fiber_instance();
    offload->work = work;
    offload->argument = argument;
    count(offload->instance, +1);
    xyi_offload(run, done, offload);
    xy_status status = xyi_wait(&offload->wait, PATIENCE_MS, XYI_UNCANCELLABLE);
    if (offload->wait.done)
        xyi_free(offload);
    else
        offload->given_up = true;
    return status;
}
