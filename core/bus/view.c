/* SPDX-License-Identifier: MIT */
/*
 * A host's view: for each hook the handlers in order, as flat arrays. Built before anything is
 * started, from instances that need not live yet, so that a circle or a second provider is
 * found before it can do harm.
 */
#include <stdlib.h>

#include "core/bus/internal.h"

bool
xyi_want_is_at(const struct xyi_want *want, const struct xy_host *host)
{
    return !want->host || want->host == host;
}

static bool
is_service(const struct xyi_row *row)
{
    return strncmp(row->row->signature, "SERVICE ", 8) == 0;
}

/* The rows of a hook among all those of the view, in order of configuration. A listener of
 * another signature is left out: without a definer (gate 6) listeners may differ among
 * themselves. */
static size_t
collect(const struct xyi_view *view, const char *name, const char *signature,
        struct xyi_row *rows)
{
    size_t count = 0;
    const struct xyi_wants *wants = &view->bus->wants;
    for (size_t i = 0; i < wants->count; i++) {
        const struct xy_module *module = &wants->at[i].library->module;
        for (size_t k = 0; xyi_want_is_at(&wants->at[i], view->host) && k < module->hooks_count;
             k++)
            if (strcmp(module->hooks[k].name, name) == 0 &&
                strcmp(module->hooks[k].signature, signature) == 0)
                rows[count++] = (struct xyi_row){&module->hooks[k], &wants->at[i]};
    }
    return count;
}

static size_t
rows_of(const struct xyi_view *view)
{
    size_t count = 0;
    for (size_t i = 0; i < view->bus->wants.count; i++)
        count += view->bus->wants.at[i].library->module.hooks_count;
    return count;
}

static struct xyi_handlers
resolve(const struct xyi_view *view, const char *name, const char *signature,
        struct xyi_row *rows, struct xy_diagnostics *to)
{
    size_t count = collect(view, name, signature, rows);
    if (count == 0 || !xyi_rows_order(rows, count, name, to))
        return (struct xyi_handlers){0};
    if (count > 1 && is_service(rows))
        xyi_complain_at(to, rows[1].want->at, "the service %s has two providers: %s and %s",
                        name, rows[0].want->library->module.name,
                        rows[1].want->library->module.name);
    struct xyi_arena *arena = view->bus->arena;
    struct xy_bound *bound = xyi_arena_alloc(arena, count * sizeof(*bound));
    const struct xy_hook **of = xyi_arena_alloc(arena, count * sizeof(*of));
    for (size_t i = 0; i < count; i++) {
        struct xy_instance *instance = rows[i].want->chosen;
        bound[i] =
            (struct xy_bound){rows[i].row->handler, xyi_instance_state(instance), instance};
        of[i] = rows[i].row;
    }
    return (struct xyi_handlers){bound, of, count};
}

/* ---- hooks of modules ------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct xyi_module_hook *)a)->name,
                  ((const struct xyi_module_hook *)b)->name);
}

static size_t
defined_by(const struct xy_module *module)
{
    return (size_t)(module->defines_end - module->defines);
}

static void
note(struct xyi_view *view, const char *name, const char *signature, bool defined)
{
    for (size_t i = 0; i < view->hooks_count; i++)
        if (strcmp(view->hooks[i].name, name) == 0) {
            view->hooks[i].defined |= defined;
            return;
        }
    view->hooks[view->hooks_count++] = (struct xyi_module_hook){name, signature, defined, {0}};
}

/* Everything defined by a module of this generation, wherever it is on, and everything listened
 * to. */
static void
list_module_hooks(struct xyi_view *view, size_t *definitions)
{
    const struct xyi_wants *wants = &view->bus->wants;
    size_t most = rows_of(view);
    for (size_t i = 0; i < wants->count; i++)
        *definitions += defined_by(&wants->at[i].library->module);
    view->hooks =
        xyi_arena_alloc(view->bus->arena, (most + *definitions) * sizeof(*view->hooks));
    for (size_t i = 0; i < wants->count; i++) {
        const struct xy_module *module = &wants->at[i].library->module;
        for (size_t k = 0; k < defined_by(module); k++)
            note(view, module->defines[k]->name, module->defines[k]->signature, true);
        for (size_t k = 0; k < module->hooks_count; k++)
            if (!xyi_core_hook(module->hooks[k].name))
                note(view, module->hooks[k].name, module->hooks[k].signature, false);
    }
    if (view->hooks_count > 1)
        qsort(view->hooks, view->hooks_count, sizeof(*view->hooks), by_name);
}

static void
enter_key(struct xyi_view *view, const struct xy_hook_def *hook)
{
    size_t place = 0, at = (uintptr_t)hook >> 4;
    while (strcmp(view->hooks[place].name, hook->name) != 0)
        place++;
    while (view->keys[at & view->keys_mask] && view->keys[at & view->keys_mask] != hook)
        at++;
    view->keys[at & view->keys_mask] = hook;
    view->places[at & view->keys_mask] = place;
}

static void
hash_definitions(struct xyi_view *view, size_t definitions)
{
    size_t size = 2;
    while (size < 2 * definitions)
        size *= 2;
    view->keys_mask = size - 1;
    view->keys = xyi_arena_alloc(view->bus->arena, size * sizeof(const struct xy_hook_def *));
    view->places = xyi_arena_alloc(view->bus->arena, size * sizeof(*view->places));
    for (size_t i = 0; i < view->bus->wants.count; i++) {
        const struct xy_module *module = &view->bus->wants.at[i].library->module;
        for (size_t k = 0; k < defined_by(module); k++)
            enter_key(view, module->defines[k]);
    }
}

static void
resolve_hooks(struct xyi_view *view, struct xy_diagnostics *to)
{
    size_t count, definitions = 0;
    const struct xy_hook_def *const *core = xyi_core_hooks(&count);
    struct xyi_row *rows = xyi_alloc((rows_of(view) + 1) * sizeof(*rows));
    view->core = xyi_arena_alloc(view->bus->arena, count * sizeof(*view->core));
    for (size_t i = 0; i < count; i++)
        view->core[i] = resolve(view, core[i]->name, core[i]->signature, rows, to);
    list_module_hooks(view, &definitions);
    hash_definitions(view, definitions);
    for (size_t i = 0; i < view->hooks_count; i++)
        view->hooks[i].handlers =
            resolve(view, view->hooks[i].name, view->hooks[i].signature, rows, to);
    xyi_free(rows);
}

struct xyi_view *
xyi_view_new(struct xyi_bus *bus, struct xy_host *host, struct xy_diagnostics *to)
{
    struct xyi_view *view = xyi_arena_alloc(bus->arena, sizeof(*view));
    view->bus = bus;
    view->host = host;
    resolve_hooks(view, to);
    xyi_view_iqs(view, to);
    xyi_view_features(view);
    return view;
}
