/* SPDX-License-Identifier: MIT */
/*
 * All commands there are, for finding one, for help and for the documentation: the core's
 * tables, then those of the modules, live or read from their files.
 */
#include "core/server/server.h"

struct relay {
    xyi_each_command_fn *each;
    void *argument;
};

static void
each_row(const struct xy_command_row *rows, size_t count, xyi_each_command_fn *each,
         void *argument)
{
    for (size_t i = 0; i < count; i++)
        each(argument, &rows[i]);
}

void
xyi_each_core_command(xyi_each_command_fn *each, void *argument)
{
    each_row(xyi_server_commands, xyi_server_commands_count, each, argument);
    if (xyi_server.test_clock)
        each_row(xyi_clock_commands, xyi_clock_commands_count, each, argument);
    each_row(xyi_user_commands, xyi_user_commands_count, each, argument);
    each_row(xyi_session_commands, xyi_session_commands_count, each, argument);
    each_row(xyi_message_commands, xyi_message_commands_count, each, argument);
    each_row(xyi_module_commands, xyi_module_commands_count, each, argument);
    each_row(xyi_config_commands, xyi_config_commands_count, each, argument);
}

static void
relay_row(void *argument, const struct xy_module *module, const struct xy_command_row *row)
{
    const struct relay *relay = argument;
    (void)module;
    relay->each(relay->argument, row);
}

/* Nothing has been started: what the files of the modules say that are on somewhere. */
static void
each_in_files(const struct xyi_yaml *map, xyi_each_command_fn *each, void *argument)
{
    struct xy_diagnostics *ignored = xyi_diagnostics_new(xyi_temp());
    for (const struct xyi_yaml *value = map ? map->first : NULL; value; value = value->next) {
        bool on = value->kind == XYI_YAML_MAP;
        if (!on && (xyi_bool_parse(value->text, &on) != XY_OK || !on))
            continue;
        const struct xy_module *module =
            xyi_module_peek(xyi_modules_path(), value->key, ignored);
        if (module)
            each_row(module->commands, module->commands_count, each, argument);
    }
}

void
xyi_each_command(xyi_each_command_fn *each, void *argument)
{
    struct relay relay = {each, argument};
    const struct xyi_config *config = xyi_server.config;
    xyi_each_core_command(each, argument);
    xyi_bus_each_command(relay_row, &relay);
    if (xyi_server.started || !config)
        return;
    each_in_files(xyi_yaml_get(config->tree, XY_STR("modules")), each, argument);
}
