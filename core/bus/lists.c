/* SPDX-License-Identifier: MIT */
/*
 * The live generation: what holds it, and what it can be asked for by commands.
 */
#include "core/bus/internal.h"

struct xyi_bus *xyi_bus_live; /* logic thread */

void
xyi_bus_hold(struct xyi_bus *bus)
{
    bus->holds++;
}

void
xyi_bus_release(struct xyi_bus *bus)
{
    if (--bus->holds == 0)
        xyi_bus_free(bus);
}

void
xyi_bus_free(struct xyi_bus *bus)
{
    for (size_t i = 0; i < bus->wants.count; i++) {
        struct xy_instance *instance = bus->wants.at[i].chosen;
        if (instance && --instance->snapshots == 0 && instance->leaving)
            xyi_drain_look(instance);
    }
    xyi_arena_free(bus->arena);
}

void
xyi_bus_each_instance(void (*each)(void *argument, struct xy_instance *instance),
                      void *argument)
{
    for (size_t i = 0; xyi_bus_live && i < xyi_bus_live->wants.count; i++)
        each(argument, xyi_bus_live->wants.at[i].chosen);
}

/* ---- hooks ------------------------------------------------------------------------------ */

static void
each_row(const char *hook, const struct xyi_handlers *handlers,
         void (*each)(void *argument, const char *hook, const struct xy_instance *instance,
                      const struct xy_hook *row),
         void *argument)
{
    for (size_t i = 0; i < handlers->count; i++)
        each(argument, hook, handlers->at[i].instance, handlers->rows[i]);
}

void
xyi_bus_each_hook(struct xy_host *host,
                  void (*each)(void *argument, const char *hook,
                               const struct xy_instance *instance, const struct xy_hook *row),
                  void *argument)
{
    const struct xyi_view *view = host           ? host->view
                                  : xyi_bus_live ? xyi_bus_live->server
                                                 : NULL;
    if (!view)
        return;
    size_t count;
    const struct xy_hook_def *const *core = xyi_core_hooks(&count);
    for (size_t i = 0; i < count; i++)
        each_row(core[i]->name, &view->core[i], each, argument);
    for (size_t i = 0; i < view->hooks_count; i++)
        each_row(view->hooks[i].name, &view->hooks[i].handlers, each, argument);
}

bool
xyi_hook_is_bound(const char *hook)
{
    if (xyi_core_hook(hook))
        return true;
    for (size_t i = 0; xyi_bus_live && i < xyi_bus_live->server->hooks_count; i++)
        if (strcmp(xyi_bus_live->server->hooks[i].name, hook) == 0)
            return xyi_bus_live->server->hooks[i].defined;
    return false;
}

/* ---- commands --------------------------------------------------------------------------- */

static bool
begins_with_words(struct xy_str name, struct xy_str words)
{
    return xy_str_starts(name, words) && (name.len == words.len || name.at[words.len] == ' ');
}

const struct xy_command_row *
xyi_bus_command_at(struct xy_str name, const struct xy_host *host,
                   struct xy_instance **instance)
{
    const struct xyi_bus_command *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; xyi_bus_live && i < xyi_bus_live->commands_count; i++) {
        const struct xyi_bus_command *command = &xyi_bus_live->commands[i];
        struct xy_str words = xy_str_from(command->row->name);
        bool nearer = words.len > longest ||
                      (best && words.len == longest && host && command->instance->host == host);
        if (begins_with_words(name, words) && nearer) {
            best = command;
            longest = words.len;
        }
    }
    *instance = best ? best->instance : NULL;
    return best ? best->row : NULL;
}

const struct xy_command_row *
xyi_bus_command(struct xy_str name, struct xy_instance **instance)
{
    return xyi_bus_command_at(name, NULL, instance);
}

static bool
is_first(const struct xyi_bus *bus, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (bus->commands[i].row == bus->commands[at].row)
            return false;
    return true;
}

void
xyi_bus_each_command(void (*each)(void *argument, const struct xy_module *module,
                                  const struct xy_command_row *row),
                     void *argument)
{
    for (size_t i = 0; xyi_bus_live && i < xyi_bus_live->commands_count; i++)
        if (is_first(xyi_bus_live, i))
            each(argument, xyi_bus_live->commands[i].instance->module,
                 xyi_bus_live->commands[i].row);
}
