/* SPDX-License-Identifier: MIT */
/*
 * Admin commands about the configuration. `check` and `defaults` need no server: xylemctl
 * carries them out itself, also while one runs.
 */
#include "core/server/server.h"

static xy_status
check(XY_SELF, struct xy_command *command)
{
    struct xy_diagnostics *to = xyi_diagnostics_new(xyi_temp());
    struct xyi_config *config = xyi_config_check(xyi_server.file, to);
    xyi_config_free(config);
    xyi_put_diagnostics(command, to);
    command->row_open = NULL;
    xy_put_str(command, "file", xyi_server.file);
    xy_put_int(command, "errors", (int64_t)xyi_errors(to));
    if (xyi_errors(to))
        return xy_fail(command, XY_INVALID, "the configuration has errors");
    return XY_OK;
}

static const char *
effect_text(enum xy_effect effect)
{
    switch (effect) {
    case XY_LIVE:
        return "live";
    case XY_REPLACE:
        return "replaces the module";
    case XY_RECONNECT:
        return "new connections";
    case XY_RESTART:
        return "restart";
    }
    return "";
}

static xy_status
show(XY_SELF, struct xy_command *command)
{
    struct xy_str wanted = xy_arg(command, "KEY");
    const struct xyi_item *item = xyi_config_items(xyi_server.config, true);
    for (; item; item = item->next) {
        bool below = item->name.len > wanted.len && item->name.at[wanted.len] == '.';
        if (wanted.len && !xy_str_equal(item->name, wanted) &&
            !(below && xy_str_starts(item->name, wanted)))
            continue;
        xy_row(command);
        xy_put_str(command, "key", item->name);
        xy_put_str(command, "value", xyi_item_text(item));
        xy_put_str(command, "origin", item->origin);
        xy_put_str(command, "change", xy_str_from(effect_text(item->effect)));
    }
    if (!command->row_open)
        return xy_fail(command, XY_ABSENT, "there is no key `" XY_FMT "`", XY_ARG(wanted));
    return XY_OK;
}

static const struct xyi_item *
find_item(const struct xyi_item *items, struct xy_str name)
{
    while (items && !xy_str_equal(items->name, name))
        items = items->next;
    return items;
}

static void
put_difference(struct xy_command *command, const struct xyi_item *running,
               const struct xyi_item *file)
{
    const struct xyi_item *any = file ? file : running;
    xy_row(command);
    xy_put_str(command, "key", any->name);
    xy_put_str(command, "running", running ? xyi_item_text(running) : XY_STR("-"));
    xy_put_str(command, "file", file ? xyi_item_text(file) : XY_STR("-"));
    xy_put_str(command, "change", xy_str_from(effect_text(any->effect)));
}

static xy_status
diff(XY_SELF, struct xy_command *command)
{
    struct xy_diagnostics *to = xyi_diagnostics_new(xyi_temp());
    struct xyi_config *config = xyi_config_load(xyi_server.file, to);
    if (!config) {
        xyi_put_diagnostics(command, to);
        return xy_fail(command, XY_INVALID, "the configuration cannot be read");
    }
    const struct xyi_item *running = xyi_config_items(xyi_server.config, true);
    const struct xyi_item *file = xyi_config_items(config, true);
    for (const struct xyi_item *at = file; at; at = at->next) {
        const struct xyi_item *same = find_item(running, at->name);
        if (!same || !xy_str_equal(same->value, at->value))
            put_difference(command, same, at);
    }
    for (const struct xyi_item *at = running; at; at = at->next)
        if (!find_item(file, at->name))
            put_difference(command, at, NULL);
    if (xyi_errors(to))
        xy_say(command, "the file has %zu errors: see config check", xyi_errors(to));
    else if (!command->row_open)
        xy_say(command, "the server runs with what the file says");
    xyi_config_free(config);
    return XY_OK;
}

static xy_status
defaults(XY_SELF, struct xy_command *command)
{
    xy_put_str(command, "defaults", xyi_config_defaults());
    return XY_OK;
}

const struct xy_command_row xyi_config_commands[] = {
    XY_COMMAND("config check", check, .stopped = true,
               .about = "Reports every error of the file; changes nothing."),
    XY_COMMAND("config show", show, .arguments = "[KEY]", .stopped = true,
               .about = "Shows every value with its origin and what changing it takes."),
    XY_COMMAND("config diff", diff,
               .about = "Compares the running configuration with the file."),
    XY_COMMAND("config defaults", defaults, .stopped = true,
               .about = "Prints every key with its default, as YAML."),
};
const size_t xyi_config_commands_count =
    sizeof(xyi_config_commands) / sizeof(xyi_config_commands[0]);
