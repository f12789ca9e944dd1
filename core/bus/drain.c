/* SPDX-License-Identifier: MIT */
/*
 * Leaving. An instance that left the live set goes when nothing of it runs and no snapshot
 * lists it, and then only after every fiber of that time has ended, since one may still hold a
 * constant of its code. Then stop(), then its memory, then the mapping. After the grace time
 * its waits are cancelled, again and again; after as long again it is abandoned: counted and
 * warned about, never unmapped under a stack. If it does come to its end later, it goes like
 * the others.
 */
#include "core/bus/internal.h"

enum { ROUNDS = 10 }; /* of cancelling, in the second grace time */

static struct xyi_link_node leavers = {&leavers, &leavers}; /* logic thread, like all below */
static struct xyi_wait *watcher;                            /* of xyi_drain_all() */
static bool ending;                                         /* it runs */

static void
notify(void)
{
    struct xyi_wait *waiting = watcher;
    watcher = NULL;
    if (waiting)
        xyi_wake(waiting, XY_OK);
}

static unsigned
count(bool abandoned)
{
    unsigned found = 0;
    for (struct xyi_link_node *at = leavers.next; at != &leavers; at = at->next)
        found += XYI_LIST_OF(at, struct xy_instance, leaver)->abandoned == abandoned;
    return found;
}

unsigned
xyi_bus_draining(void)
{
    return count(false);
}

unsigned
xyi_bus_abandoned(void)
{
    return count(true);
}

/* ---- the end of an instance ------------------------------------------------------------- */

static void
stop(struct xy_instance *instance)
{
    instance->stage = XYI_STOPPING;
    if (instance->abandoned)
        xy_notice("module.drained", "an abandoned module has come to its end",
                  XY_F_STR_AS("left", xyi_label(instance->module->name, instance->host)));
    struct xy_instance *former = xyi_instance_enter(instance);
    if (instance->started && instance->module->stop)
        instance->module->stop(xyi_instance_state(instance));
    xyi_instance_leave(instance, former);
    instance->abandoned = instance->running > 0; /* by an offloaded job that stop() gave up */
    if (!instance->abandoned)
        xyi_list_remove(&instance->leaver);
}

static void
farewell(struct xyi_job *job)
{
    struct xy_instance *instance = XYI_LIST_OF(job, struct xy_instance, farewell);
    stop(instance);
    if (!instance->abandoned)
        xyi_instance_free(instance);
    notify();
}

/* Every fiber that could know of it has ended. */
static void
unknown_now(void *retired)
{
    struct xy_instance *instance = retired;
    if (instance->stage == XYI_HOLLOW) {
        xyi_free(instance);
        return;
    }
    instance->stage = XYI_STOPPING;
    instance->farewell = (struct xyi_job){.run = farewell};
    xyi_spawn(&instance->farewell);
}

void
xyi_drain_look(struct xy_instance *instance)
{
    if (instance->running > 0 || instance->snapshots > 0 || instance->stage != XYI_AT_WORK)
        return;
    xyi_timer_clear(&instance->grace);
    if (ending) {
        notify();
        return;
    }
    instance->stage = XYI_DRAINED;
    xyi_retire(instance, unknown_now);
}

/* ---- the time it has -------------------------------------------------------------------- */

static void
abandon(struct xyi_timer *timer)
{
    struct xy_instance *instance = XYI_LIST_OF(timer, struct xy_instance, grace);
    if (instance->running == 0 &&
        !ending) { /* only listed, by the firing of a module that stays */
        xyi_timer_set(timer, instance->grace_ms, abandon);
        return;
    }
    instance->abandoned = true;
    xy_warn("module.abandoned",
            "a module that was replaced or removed does not come to its end; its "
            "code stays mapped",
            XY_F_STR_AS("left", xyi_label(instance->module->name, instance->host)),
            XY_F_INT_AS("running", instance->running));
    notify();
}

/* A fiber that is in another module at the moment, called from this one, comes back: so more
 * than once. */
static void
lose_patience(struct xyi_timer *timer)
{
    struct xy_instance *instance = XYI_LIST_OF(timer, struct xy_instance, grace);
    xyi_cancel_instance(instance);
    instance->cancelled++;
    xyi_timer_set(timer, instance->grace_ms / ROUNDS,
                  instance->cancelled < ROUNDS ? lose_patience : abandon);
}

void
xyi_drain(struct xy_instance *instance, int64_t grace_ms)
{
    instance->leaving = true;
    instance->live = false;
    instance->grace_ms = grace_ms;
    xyi_tasks_disarm(instance);
    xyi_list_append(&leavers, &instance->leaver);
    xyi_timer_set(&instance->grace, grace_ms, lose_patience);
    xyi_drain_look(instance);
}

/* ---- the end of the server -------------------------------------------------------------- */

/* The caller's own fiber lives, so what was retired would wait for it for ever. */
static bool
end_one(struct xy_instance *instance)
{
    bool idle = instance->running == 0 && instance->snapshots == 0;
    if (!idle || (instance->stage != XYI_AT_WORK && instance->stage != XYI_DRAINED))
        return false;
    bool retired = instance->stage == XYI_DRAINED;
    xyi_timer_clear(&instance->grace);
    stop(instance);
    if (instance->abandoned)
        return true;
    if (retired) {
        xyi_instance_hollow(instance);
        instance->stage = XYI_HOLLOW;
    } else {
        xyi_instance_free(instance);
    }
    return true;
}

static bool
end_any(void)
{
    for (struct xyi_link_node *at = leavers.next; at != &leavers; at = at->next)
        if (end_one(XYI_LIST_OF(at, struct xy_instance, leaver)))
            return true;
    return false;
}

void
xyi_drain_all(void)
{
    ending = true;
    for (;;) {
        while (end_any())
            ;
        if (xyi_bus_draining() == 0)
            break;
        struct xyi_wait wait = {0};
        watcher = &wait;
        (void)!xyi_wait(&wait, XY_NONE, XYI_UNCANCELLABLE);
    }
    ending = false;
}
