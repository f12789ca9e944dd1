/* SPDX-License-Identifier: MIT */
/*
 * Gates 5 and 6, over all that is wanted at once: needs that are met and go in no circle, hooks
 * whose listeners were built for the definer's signature, commands with one owner.
 */
#include "core/bus/internal.h"

struct xy_str
xyi_label(const char *module, const struct xy_host *host)
{
    return host ? xy_temp_printf("%s@" XY_FMT, module, XY_ARG(xy_jid_text(host->jid)))
                : xy_str_from(module);
}

/* ---- needs ------------------------------------------------------------------------------ */

struct walk {
    const struct xyi_wants *wants;
    struct xyi_want **order;
    size_t done;
    const struct xyi_want **path; /* from a module to what it needs */
    size_t depth;
    struct xy_diagnostics *to;
};

/* What a server-wide module needs may be on for any host. */
static struct xyi_want *
find(const struct xyi_wants *wants, struct xy_str name, const struct xy_host *host)
{
    for (size_t i = 0; i < wants->count; i++)
        if (xy_str_equal(xy_str_from(wants->at[i].library->module.name), name) &&
            (!host || xyi_want_is_at(&wants->at[i], host)))
            return &wants->at[i];
    return NULL;
}

static void
complain_of_circle(struct walk *walk, const struct xyi_want *want)
{
    struct xy_buffer circle = {0};
    size_t from = 0;
    while (walk->path[from] != want)
        from++;
    for (size_t i = from; i < walk->depth; i++)
        xy_buffer_printf(&circle, "%s needs ", walk->path[i]->library->module.name);
    xyi_complain_at(walk->to, want->at, "modules need each other in a circle: %s%s",
                    circle.text, want->library->module.name);
}

static bool
is_on_path(const struct walk *walk, const struct xyi_want *want)
{
    for (size_t i = 0; i < walk->depth; i++)
        if (walk->path[i] == want)
            return true;
    return false;
}

/* Depth is bounded by the number of wants: a want is entered once. */
static void
visit(struct walk *walk, struct xyi_want *want)
{
    want->seen = true;
    walk->path[walk->depth++] = want;
    struct xy_str rest = xy_str_from(want->library->module.needs);
    while (rest.len > 0) {
        struct xy_str name = xy_str_cut(&rest, ' ');
        struct xyi_want *needed = name.len ? find(walk->wants, name, want->host) : want;
        if (name.len > 0 && !needed)
            xyi_complain_at(walk->to, want->at, "module %s needs " XY_FMT ", which is off",
                            xyi_label(want->library->module.name, want->host).at, XY_ARG(name));
        else if (name.len > 0 && is_on_path(walk, needed))
            complain_of_circle(walk, needed);
        else if (!needed->seen)
            visit(walk, needed);
    }
    walk->depth--;
    walk->order[walk->done++] = want;
}

void
xyi_wants_order(const struct xyi_wants *wants, struct xyi_want **order,
                struct xy_diagnostics *to)
{
    struct walk walk = {.wants = wants, .order = order, .to = to};
    walk.path = xy_temp_alloc((wants->count + 1) * sizeof(*walk.path));
    for (size_t i = 0; i < wants->count; i++)
        if (!wants->at[i].seen)
            visit(&walk, &wants->at[i]);
}

/* ---- hooks ------------------------------------------------------------------------------ */

static void
complain_of_signature(const struct xyi_want *want, const char *who, const char *hook,
                      const char *definer, const char *wanted, const char *found,
                      struct xy_diagnostics *to)
{
    xyi_complain_at(to, want->at,
                    "module %s: %s was built for another %s: wanted (of %s) `%s`, found `%s`",
                    want->library->module.name, who, hook, definer, wanted, found);
}

static void
compare_with_definer(const struct xyi_want *want, const char *who, const char *hook,
                     const char *found, const struct xyi_want *definer,
                     struct xy_diagnostics *to)
{
    const struct xy_module *module = &definer->library->module;
    for (const struct xy_hook_def *const *at = module->defines; at < module->defines_end; at++)
        if (strcmp((*at)->name, hook) == 0 && strcmp((*at)->signature, found) != 0)
            complain_of_signature(want, who, hook, module->name, (*at)->signature, found, to);
}

static void
check_listener(const struct xyi_wants *wants, const struct xyi_want *want,
               const struct xy_hook *row, struct xy_diagnostics *to)
{
    const char *who = row->handler_name ? row->handler_name : "a handler";
    const struct xy_hook_def *core = xyi_core_hook(row->name);
    if (core && strcmp(core->signature, row->signature) != 0)
        complain_of_signature(want, who, row->name, "the core", core->signature, row->signature,
                              to);
    for (size_t i = 0; !core && i < wants->count; i++)
        compare_with_definer(want, who, row->name, row->signature, &wants->at[i], to);
}

void
xyi_hooks_check(const struct xyi_wants *wants, struct xy_diagnostics *to)
{
    for (size_t i = 0; i < wants->count; i++) {
        const struct xyi_want *want = &wants->at[i];
        const struct xy_module *module = &want->library->module;
        for (size_t k = 0; k < module->hooks_count; k++)
            check_listener(wants, want, &module->hooks[k], to);
        for (const struct xy_hook_def *const *at = module->defines; at < module->defines_end;
             at++)
            for (size_t other = 0; other < i; other++)
                compare_with_definer(want, "the hook it fires", (*at)->name, (*at)->signature,
                                     &wants->at[other], to);
    }
}

/* ---- commands --------------------------------------------------------------------------- */

static void
check_command(const struct xyi_bus *bus, const struct xyi_want *want, const char *name,
              struct xy_diagnostics *to)
{
    for (size_t i = 0; i < bus->commands_count; i++) {
        const char *other = bus->commands[i].instance->module->name;
        if (strcmp(bus->commands[i].row->name, name) == 0 &&
            strcmp(other, want->library->module.name) != 0)
            xyi_complain_at(to, want->at, "the command `%s` has two owners: %s and %s", name,
                            other, want->library->module.name);
    }
}

void
xyi_commands_list(struct xyi_bus *bus, struct xy_diagnostics *to)
{
    size_t most = 1;
    for (size_t i = 0; i < bus->wants.count; i++)
        most += bus->wants.at[i].library->module.commands_count;
    bus->commands = xyi_arena_alloc(bus->arena, most * sizeof(*bus->commands));
    for (size_t i = 0; i < bus->wants.count; i++) {
        const struct xyi_want *want = &bus->wants.at[i];
        const struct xy_module *module = &want->library->module;
        for (size_t k = 0; k < module->commands_count; k++) {
            check_command(bus, want, module->commands[k].name, to);
            bus->commands[bus->commands_count++] =
                (struct xyi_bus_command){&module->commands[k], want->chosen};
        }
    }
}
