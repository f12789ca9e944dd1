/* SPDX-License-Identifier: MIT */
/*
 * State handed over at a reload: named records with a version, copied, so that neither side
 * sees the other's memory or layout. A record of another version is absent.
 */
#include "core/bus/internal.h"

struct record {
    struct record *next;
    struct xy_str name, bytes;
    unsigned version;
};
struct xy_handover {
    struct xyi_arena *arena;
    struct record *first;
};

static struct record *
find(const struct xy_handover *handover, struct xy_str name, unsigned version)
{
    struct record *record = handover->first;
    while (record && !(record->version == version && xy_str_equal(record->name, name)))
        record = record->next;
    return record;
}

void
xy_handover_put(struct xy_handover *handover, const char *name, unsigned version,
                struct xy_str bytes)
{
    struct record *record = find(handover, xy_str_from(name), version);
    if (!record) {
        record = xyi_arena_alloc(handover->arena, sizeof(*record));
        record->name = xyi_arena_str(handover->arena, xy_str_from(name));
        record->version = version;
        record->next = handover->first;
        handover->first = record;
    }
    record->bytes = xyi_arena_str(handover->arena, bytes);
}

xy_status
xy_handover_get(struct xy_handover *handover, const char *name, unsigned version,
                struct xy_str *bytes)
{
    const struct record *record = find(handover, xy_str_from(name), version);
    *bytes = record ? record->bytes : XY_NO_STR;
    return record ? XY_OK : XY_ABSENT;
}

void
xyi_handover(struct xy_instance *old, struct xy_instance *fresh)
{
    if (!old->module->hand_over || !fresh->module->adopt)
        return;
    struct xy_handover handover = {xyi_arena_new(1024), NULL};
    xyi_forbid_wait("hand_over and adopt");
    struct xy_instance *former = xyi_instance_enter(old);
    old->module->hand_over(xyi_instance_state(old), &handover);
    xyi_instance_leave(old, former);
    former = xyi_instance_enter(fresh);
    fresh->module->adopt(xyi_instance_state(fresh), &handover);
    xyi_instance_leave(fresh, former);
    xyi_allow_wait();
    xyi_arena_free(handover.arena);
}
