/* SPDX-License-Identifier: MIT */
/*
 * Admin commands about modules: which are on, what one is and does, and in which order the
 * handlers of a hook run.
 */
#include "core/server/server.h"

/* The host of --host, else the first; server-wide modules belong to every host. */
static xy_status
host_argument(struct xy_command *command, struct xy_host **host)
{
    struct xy_str text = xy_arg(command, "host");
    const struct xy_jid *jid = text.len ? xy_jid_parse(text) : NULL;
    *host = text.at ? (jid ? xy_host_find(jid) : NULL) : xy_host_first();
    if (*host)
        return XY_OK;
    return xy_fail(command, XY_ABSENT, "`" XY_FMT "` is not served here", XY_ARG(text));
}

static struct xy_str
host_text(const struct xy_host *host)
{
    return host ? xy_jid_text(xy_host_jid(host)) : XY_STR("(all)");
}

/* ---- module list
 * --------------------------------------------------------------------------------------- */

static void
list_instance(void *argument, struct xy_instance *instance)
{
    struct xy_command *command = argument;
    const struct xy_module *module = instance->module;
    xy_row(command);
    xy_put_str(command, "module", xy_str_from(module->name));
    xy_put_str(command, "host", host_text(instance->host));
    xy_put_int(command, "calls", (int64_t)instance->calls);
    xy_put_str(command, "version", xy_str_from(module->version));
    xy_put_str(command, "about", xy_str_from(module->about));
}

static xy_status
list(XY_SELF, struct xy_command *command)
{
    xyi_bus_each_instance(list_instance, command);
    if (xyi_bus_draining() || xyi_bus_abandoned())
        xy_say(command, "%u replaced ones are finishing, %u would not and were abandoned",
               xyi_bus_draining(), xyi_bus_abandoned());
    return XY_OK;
}

/* ---- module info
 * --------------------------------------------------------------------------------------- */

struct search {
    struct xy_str name;
    const struct xy_host *host;
    struct xy_instance *found;
    struct xy_str names[128];
    size_t count;
};

static void
look_at(void *argument, struct xy_instance *instance)
{
    struct search *search = argument;
    struct xy_str name = xy_str_from(instance->module->name);
    if (search->count < 128)
        search->names[search->count++] = name;
    if (xy_str_equal(name, search->name) && (!instance->host || instance->host == search->host))
        search->found = instance;
}

static void
put_row(struct xy_command *command, const char *kind, struct xy_str name, struct xy_str detail)
{
    xy_row(command);
    xy_put_str(command, "kind", xy_str_from(kind));
    xy_put_str(command, "name", name);
    xy_put_str(command, "detail", detail);
}

/* Where a value comes from: the host's own map, the server's, or the module's default. */
static struct xy_str
origin(const struct xy_instance *instance, const char *option)
{
    const struct xyi_config *config = xyi_server.config;
    const struct xyi_yaml *maps[2] = {NULL, xyi_yaml_get(config->tree, XY_STR("modules"))};
    for (size_t i = 0; i < config->hosts_count; i++)
        if (instance->host && config->hosts[i] == xy_host_jid(instance->host))
            maps[0] = config->host_modules[i];
    for (size_t i = 0; i < 2; i++) {
        const struct xyi_yaml *map = xyi_yaml_get(maps[i], xy_str_from(instance->module->name));
        const struct xyi_yaml *value = xyi_option_at(map, xy_str_from(option));
        if (value)
            return xy_temp_printf(XY_FMT ":%d", XY_ARG(value->file), value->line);
    }
    return XY_STR("default");
}

static void
put_options(struct xy_command *command, const struct xy_instance *instance)
{
    const struct xy_module *module = instance->module;
    for (size_t i = 0; i < module->options_count; i++) {
        const struct xy_option *row = &module->options[i];
        if (row->type == XY_OPTION_GROUP)
            continue;
        xy_row(command);
        xy_put_str(command, "kind", XY_STR("option"));
        xy_put_str(command, "name", xy_str_from(row->name));
        xy_put_str(command, "value", xyi_option_text(row, xyi_instance_state(instance)));
        xy_put_str(command, "detail", origin(instance, row->name));
    }
}

static struct xy_str
order_text(const struct xy_hook *row)
{
    static const char *const bands[] = {"early", "", "late"};
    struct xy_buffer text = {0};
    xy_buffer_printf(&text, "%s", row->handler_name);
    if (row->order != XY_NORMAL)
        xy_buffer_printf(&text, ", %s", bands[row->order + 1]);
    if (row->before)
        xy_buffer_printf(&text, ", before %s", row->before);
    if (row->after)
        xy_buffer_printf(&text, ", after %s", row->after);
    if (!xyi_hook_is_bound(row->name))
        xy_buffer_add(&text, XY_STR(", nobody fires it"));
    return xy_buffer_str(&text);
}

static struct xy_str
places_text(unsigned where)
{
    static const char *const names[] = {"host",        "account", "own account",
                                        "its service", "rooms",   "all services"};
    struct xy_buffer text = {0};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (where & 1u << i)
            xy_buffer_printf(&text, "%s%s", text.len ? ", " : "", names[i]);
    return xy_buffer_str(&text);
}

static void
put_answers(struct xy_command *command, const struct xy_module *module)
{
    for (size_t i = 0; i < module->iqs_count; i++) {
        const struct xy_iq_route *row = &module->iqs[i];
        const char *types = row->types == (XY_GET | XY_SET) ? "get, set"
                            : row->types == XY_GET          ? "get"
                                                            : "set";
        struct xy_str where = places_text(row->where ? row->where : XY_IQ_HOST | XY_IQ_OWN);
        put_row(command, "iq", xy_temp_printf("%s %s", row->ns, row->element),
                xy_temp_printf("%s; " XY_FMT, types, XY_ARG(where)));
    }
    for (size_t i = 0; i < module->features_count; i++)
        put_row(
            command, "feature", xy_str_from(module->features[i].var),
            places_text(module->features[i].where ? module->features[i].where : XY_IQ_HOST));
}

static void
put_tables(struct xy_command *command, const struct xy_instance *instance)
{
    const struct xy_module *module = instance->module;
    put_options(command, instance);
    for (size_t i = 0; i < module->hooks_count; i++)
        put_row(command, "hook", xy_str_from(module->hooks[i].name),
                order_text(&module->hooks[i]));
    put_answers(command, module);
    for (size_t i = 0; i < module->commands_count; i++)
        put_row(command, "command", xy_str_from(module->commands[i].name),
                xy_str_from(module->commands[i].about));
    for (size_t i = 0; i < module->metrics_count; i++)
        put_row(command, "metric", xy_str_from(module->metrics[i].name),
                xy_str_from(module->metrics[i].doc));
}

static xy_status
describe(struct xy_command *command, const struct xy_instance *instance)
{
    const struct xy_module *module = instance->module;
    xy_put_str(command, "module", xy_str_from(module->name));
    xy_put_str(command, "about", xy_str_from(module->about));
    xy_put_str(command, "version", xy_str_from(module->version));
    xy_put_str(command, "host", host_text(instance->host));
    xy_put_str(command, "needs", xy_str_from(module->needs));
    xy_put_str(command, "file", xyi_library_path(instance));
    xy_put_str(command, "sha256", xyi_library_hash(instance));
    xy_put_str(command, "abi", xy_temp_printf("%u.%u", module->abi_major, module->abi_minor));
    xy_put_int(command, "calls", (int64_t)instance->calls);
    xy_put_int(command, "running", instance->running);
    put_tables(command, instance);
    return XY_OK;
}

static xy_status
inform(XY_SELF, struct xy_command *command)
{
    struct search *search = xy_temp_alloc(sizeof(*search));
    struct xy_host *host;
    xy_status status = host_argument(command, &host);
    if (status != XY_OK)
        return status;
    search->name = xy_arg(command, "NAME");
    search->host = host;
    xyi_bus_each_instance(look_at, search);
    if (search->found)
        return describe(command, search->found);
    struct xy_str meant = xyi_did_you_mean(search->name, search->names, search->count);
    struct xy_str hint =
        meant.len ? xy_temp_printf("; did you mean `" XY_FMT "`?", XY_ARG(meant)) : XY_NO_STR;
    return xy_fail(command, XY_ABSENT, "module `" XY_FMT "` is not on at " XY_FMT XY_FMT,
                   XY_ARG(search->name), XY_ARG(host_text(host)), XY_ARG(hint));
}

/* ---- hooks
 * ---------------------------------------------------------------------------------------------
 */

static void
list_hook(void *argument, const char *hook, const struct xy_instance *instance,
          const struct xy_hook *row)
{
    struct xy_command *command = argument;
    struct xy_str wanted = xy_arg(command, "NAME");
    if (wanted.len && !xy_str_equal(wanted, xy_str_from(hook)))
        return;
    xy_row(command);
    xy_put_str(command, "hook", xy_str_from(hook));
    xy_put_str(command, "module", xy_str_from(instance->module->name));
    xy_put_str(command, "handler", order_text(row));
}

static xy_status
hooks(XY_SELF, struct xy_command *command)
{
    struct xy_host *host;
    xy_status status = host_argument(command, &host);
    if (status != XY_OK)
        return status;
    xyi_bus_each_hook(host, list_hook, command);
    if (!command->row_open)
        return xy_fail(command, XY_ABSENT, "nobody listens to `" XY_FMT "`",
                       XY_ARG(xy_arg(command, "NAME")));
    return XY_OK;
}

const struct xy_command_row xyi_module_commands[] = {
    XY_COMMAND("module list", list, .about = "Lists the modules that are on."),
    XY_COMMAND("module info", inform, .arguments = "NAME [--host HOST]",
               .about =
                   "Shows a module's options with their origin, and all it takes part in."),
    XY_COMMAND("hooks", hooks, .arguments = "[NAME] [--host HOST]",
               .about = "Shows who listens to each hook, in the order they run."),
};
const size_t xyi_module_commands_count =
    sizeof(xyi_module_commands) / sizeof(xyi_module_commands[0]);
