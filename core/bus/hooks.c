/* SPDX-License-Identifier: MIT */
/*
 * Firing. The core's own hooks have their bodies here and are found by index; a module's are
 * found by the address of their definition, else (code on its way out) by name. Invariant: from
 * the first handler to the end a firing holds its generation, so handlers and their order stay
 * what they were, also across waits and reloads, and each handler is counted into its instance.
 */
#define XY_HOOKS_HERE
#define XY_HOOK_SLOT_(NAME)    static int xy_hook_slot_##NAME;
#define XY_HOOK_SLOT_AT_(NAME) &xy_hook_slot_##NAME
#include <xylem/hooks.h>

#include "core/bus/internal.h"

/* ---- the core's hooks ------------------------------------------------------------------- */

const struct xy_hook_def *const *
xyi_core_hooks(size_t *count)
{
    static bool numbered; /* logic thread */
    *count = (size_t)(__stop_xy_hooks - __start_xy_hooks);
    for (size_t i = 0; i < *count && !numbered; i++)
        *__start_xy_hooks[i]->slot = (int)i;
    numbered = true;
    return __start_xy_hooks;
}

const struct xy_hook_def *
xyi_core_hook(const char *name)
{
    size_t count;
    const struct xy_hook_def *const *hooks = xyi_core_hooks(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(hooks[i]->name, name) == 0)
            return hooks[i];
    return NULL;
}

/* ---- finding ---------------------------------------------------------------------------- */

/* A definition of a library that is not of this generation. Its listeners may have been built
 * for another signature: then nobody hears it. */
static const struct xyi_handlers *
find_by_name(const struct xyi_view *view, const struct xy_hook_def *hook)
{
    static const struct xyi_handlers nobody;
    size_t low = 0, high = view->hooks_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(view->hooks[middle].name, hook->name);
        if (order == 0)
            return strcmp(view->hooks[middle].signature, hook->signature) == 0
                       ? &view->hooks[middle].handlers
                       : &nobody;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return &nobody;
}

static const struct xyi_handlers *
find(const struct xyi_view *view, const struct xy_hook_def *hook)
{
    if (__builtin_expect(hook->slot != NULL, 1))
        return &view->core[*hook->slot];
    for (size_t at = (uintptr_t)hook >> 4;; at++) {
        const struct xy_hook_def *key = view->keys[at & view->keys_mask];
        if (key == hook)
            return &view->hooks[view->places[at & view->keys_mask]].handlers;
        if (!key)
            return find_by_name(view, hook);
    }
}

/* ---- firing ----------------------------------------------------------------------------- */

static inline const struct xy_bound *
enter(struct xy_firing *firing)
{
    struct xy_instance *instance = firing->at->instance;
    instance->running++;
    instance->calls++;
    *firing->current = instance;
    return firing->at;
}

static inline void
leave(struct xy_firing *firing)
{
    struct xy_instance *instance = firing->at->instance;
    if (--instance->running == 0 && __builtin_expect(instance->leaving, 0))
        xyi_drain_look(instance);
}

static inline void
finish(struct xy_firing *firing)
{
    *firing->current = firing->outer;
    struct xyi_bus *bus = firing->snapshot;
    if (--bus->holds == 0)
        xyi_bus_free(bus);
}

const struct xy_bound *
xy_fire_first(struct xy_firing *firing, struct xy_host *host, const struct xy_hook_def *hook)
{
    const struct xyi_view *view = host           ? host->view
                                  : xyi_bus_live ? xyi_bus_live->server
                                                 : NULL;
    if (!view)
        return NULL;
    const struct xyi_handlers *handlers = find(view, hook);
    if (handlers->count == 0)
        return NULL;
    firing->at = handlers->at;
    firing->end = handlers->at + handlers->count;
    firing->snapshot = view->bus;
    view->bus->holds++;
    firing->current = xyi_fiber_instance_place();
    firing->outer = *firing->current;
    return enter(firing);
}

const struct xy_bound *
xy_fire_next(struct xy_firing *firing)
{
    leave(firing);
    if (++firing->at < firing->end)
        return enter(firing);
    finish(firing);
    return NULL;
}

void
xy_fire_end(struct xy_firing *firing)
{
    leave(firing);
    finish(firing);
}
