/* SPDX-License-Identifier: MIT */
/*
 * The second half of a change: pointer stores that cannot fail and do not wait. Firings that
 * run hold the former generation; new ones find this one.
 */
#include "core/bus/internal.h"

/* ---- what stays, with other values ------------------------------------------------------ */

static size_t
size_of(enum xy_option_type type)
{
    static const size_t sizes[] = {
        [XY_OPTION_BOOL] = sizeof(bool),
        [XY_OPTION_INT] = sizeof(int64_t),
        [XY_OPTION_TEXT] = sizeof(struct xy_str),
        [XY_OPTION_DURATION] = sizeof(xy_duration),
        [XY_OPTION_SIZE] = sizeof(xy_size),
        [XY_OPTION_RATE] = sizeof(xy_rate),
        [XY_OPTION_CHOICE] = sizeof(xy_choice),
        [XY_OPTION_SECRET] = sizeof(xy_secret),
        [XY_OPTION_PATH] = sizeof(xy_path),
        [XY_OPTION_LIST] = sizeof(xy_list),
        [XY_OPTION_JID] = sizeof(const struct xy_jid *),
        [XY_OPTION_GROUP] = 0,
    };
    return sizes[type];
}

static void
free_former_values(void *instance)
{
    xyi_instance_free(instance);
}

/* The former values go with the instance that brought the new ones, once no fiber that runs now
 * can hold one of its texts. */
static void
retune(struct xy_instance *instance, struct xy_instance *values)
{
    for (size_t i = 0; i < instance->module->options_count; i++) {
        const struct xy_option *row = &instance->module->options[i];
        char *ours = (char *)xyi_instance_state(instance) + row->offset;
        char *theirs = (char *)xyi_instance_state(values) + row->offset;
        char held[sizeof(xy_rate)];
        _Static_assert(sizeof(held) >= sizeof(struct xy_str), "the largest option");
        memcpy(held, ours, size_of(row->type));
        memcpy(ours, theirs, size_of(row->type));
        memcpy(theirs, held, size_of(row->type));
    }
    struct xyi_arena *former = instance->options_arena;
    instance->options_arena = values->options_arena;
    values->options_arena = former;
    xyi_retire(values, free_former_values);
}

/* ---- what is replaced ------------------------------------------------------------------- */

static void
add_counts(const struct xy_metric *row, char *to, const char *from)
{
    if (row->type == XY_METRIC_GAUGE)
        return;
    if (row->type == XY_METRIC_COUNTER) {
        ((xy_counter *)(void *)to)->count += ((const xy_counter *)(const void *)from)->count;
        return;
    }
    xy_histogram *sum = (xy_histogram *)(void *)to;
    const xy_histogram *more = (const xy_histogram *)(const void *)from;
    for (size_t i = 0; i < XY_HISTOGRAM_BUCKETS; i++)
        sum->bucket[i] += more->bucket[i];
    sum->count += more->count;
    sum->sum += more->sum;
}

/* Counters go on counting: to an operator it is the same module. */
static void
carry_metrics(struct xy_instance *old, struct xy_instance *fresh)
{
    for (size_t i = 0; i < fresh->module->metrics_count; i++)
        for (size_t k = 0; k < old->module->metrics_count; k++) {
            const struct xy_metric *row = &fresh->module->metrics[i],
                                   *was = &old->module->metrics[k];
            if (strcmp(row->name, was->name) == 0 && row->type == was->type)
                add_counts(row, (char *)xyi_instance_state(fresh) + row->offset,
                           (char *)xyi_instance_state(old) + was->offset);
        }
}

static void
take_over(const struct xyi_want *want)
{
    if (want->change == XYI_RETUNED) {
        retune(want->old, want->fresh);
    } else if (want->change == XYI_REPLACED) {
        xyi_handover(want->old, want->fresh);
        carry_metrics(want->old, want->fresh);
    }
}

/* ---- the switch ------------------------------------------------------------------------- */

/* In reverse order of starting, so that what needs others ends first. */
static void
dismiss(struct xyi_bus *former, const struct xyi_bus *bus, int64_t grace_ms)
{
    for (size_t i = former->wants.count; i-- > 0;)
        if (former->order[i]->chosen->latest != bus)
            xyi_drain(former->order[i]->chosen, grace_ms);
    xyi_bus_release(former);
}

static struct xyi_bus *
publish(struct xyi_bus *bus)
{
    struct xyi_bus *former = xyi_bus_live;
    xyi_bus_live = bus;
    xyi_hosts_switch(bus);
    return former;
}

void
xyi_bus_commit(struct xyi_bus *bus, int64_t grace_ms)
{
    if (!xyi_bus_may_commit()) {
        xyi_bus_discard(bus);
        return;
    }
    for (size_t i = 0; i < bus->wants.count; i++)
        take_over(&bus->wants.at[i]);
    struct xyi_bus *former = publish(bus);
    for (size_t i = 0; i < bus->wants.count; i++) {
        struct xy_instance *instance = bus->wants.at[i].chosen;
        instance->latest = bus;
        if (!instance->live) {
            instance->live = true;
            instance->calls = 0; /* start() is no handler */
            xyi_tasks_arm(instance);
        }
    }
    if (former)
        dismiss(former, bus, grace_ms);
    xyi_bus_committed();
}

void
xyi_bus_end(int64_t grace_ms)
{
    xyi_bus_stop_preparing(grace_ms);
    struct xyi_bus *former = publish(NULL);
    if (former)
        dismiss(former, NULL, grace_ms);
    xyi_drain_all();
    xyi_bus_stopped();
}
