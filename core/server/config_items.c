/* SPDX-License-Identifier: MIT */
/*
 * A configuration as a list of named values with where each comes from and what a change of it
 * takes: what `config show` prints and `config diff` compares. Module options are read by the
 * tables of the modules' files, so that secrets are known as such.
 */
#include "core/server/config.h"

struct list {
    struct xyi_item *first, **end;
};

static struct xyi_item *
add_item(struct list *list, struct xy_str name, struct xy_str value, const struct xyi_yaml *at)
{
    struct xyi_item *item = xy_temp_alloc(sizeof(*item));
    item->name = name;
    item->value = value;
    item->origin = at && at->line ? xy_temp_printf(XY_FMT ":%d", XY_ARG(at->file), at->line)
                                  : XY_STR("default");
    *list->end = item;
    list->end = &item->next;
    return item;
}

static void
add_table(struct list *list, const char *prefix, struct xyi_option_table table,
          const void *from, const struct xyi_yaml *map)
{
    for (size_t i = 0; i < table.count; i++) {
        const struct xy_option *row = &table.rows[i];
        if (row->type == XY_OPTION_GROUP)
            continue;
        const struct xyi_yaml *at = xyi_option_at(map, xy_str_from(row->name));
        struct xy_str value = xyi_option_text(row, from);
        bool secret = row->type == XY_OPTION_SECRET;
        if (secret && xy_str_is(value, "(set)"))
            value = ((const xy_secret *)(const void *)((const char *)from + row->offset))->text;
        struct xyi_item *item =
            add_item(list, xy_temp_printf("%s%s", prefix, row->name), value, at);
        item->secret = secret;
        item->effect = row->effect;
    }
}

static void
add_sections(struct list *list, const struct xyi_config *config)
{
    for (size_t i = 0; i < xyi_sections_count; i++) {
        const struct xyi_section *section = &xyi_sections[i];
        const struct xyi_yaml *map = config->tree;
        const char *prefix = "";
        if (section->name) {
            map = xyi_yaml_get(config->tree, xy_str_from(section->name));
            prefix = xy_temp_printf("%s.", section->name).at;
        }
        add_table(list, prefix, section->table, (const char *)config + section->offset, map);
    }
}

static void
add_hosts(struct list *list, const struct xyi_config *config)
{
    struct xy_str *names = xy_temp_alloc((config->hosts_count + 1) * sizeof(*names));
    for (size_t i = 0; i < config->hosts_count; i++)
        names[i] = xy_jid_text(config->hosts[i]);
    struct xy_str all = xy_temp_join(names, config->hosts_count, ", ");
    add_item(list, XY_STR("hosts"), xy_temp_printf("[" XY_FMT "]", XY_ARG(all)),
             xyi_yaml_get(config->tree, XY_STR("hosts")));
    for (size_t i = 0; i < config->hosts_count; i++)
        if (config->host_tls[i].certificate.path.len)
            add_table(list, xy_temp_printf("host_config." XY_FMT ".tls.", XY_ARG(names[i])).at,
                      xyi_tls_table, &config->host_tls[i], NULL);
}

static void
add_sockets(struct list *list, const struct xyi_config *config)
{
    static const char *const tls[] = {"none", "starttls", "direct"};
    for (size_t i = 0; i < config->sockets_count; i++) {
        const struct xyi_listen *listen = &config->sockets[i].listen;
        struct xy_str name = xy_temp_printf("listen." XY_FMT ".%u", XY_ARG(listen->address),
                                            (unsigned)listen->port);
        struct xy_str value =
            xy_temp_printf("{ for: " XY_FMT ", tls: %s }",
                           XY_ARG(xyi_config_service_name(listen->tag)), tls[listen->tls]);
        add_item(list, name, value, config->sockets[i].at);
    }
}

/* The options of a module that is on, read into a state of its own that nobody starts. */
static void
add_options(struct list *list, const char *prefix, const struct xyi_config *config,
            const struct xyi_yaml *value)
{
    struct xy_diagnostics *ignored = xyi_diagnostics_new(xyi_temp());
    const struct xy_module *module = xyi_module_peek(xyi_modules_path(), value->key, ignored);
    if (!module)
        return;
    struct xyi_option_table table = {module->options, module->options_count};
    const struct xyi_yaml *map = value->kind == XYI_YAML_MAP ? value : NULL;
    void *state = xy_temp_alloc(module->state_size + 1);
    xyi_options_read(table, map, NULL, config->base, xyi_temp(), state, ignored);
    add_table(list, prefix, table, state, map);
    xyi_options_release(table, state);
}

static void
add_modules(struct list *list, const char *prefix, const struct xyi_config *config,
            const struct xyi_yaml *map)
{
    for (const struct xyi_yaml *value = map ? map->first : NULL; value; value = value->next) {
        struct xy_str name = xy_temp_printf("%smodules." XY_FMT, prefix, XY_ARG(value->key));
        bool on = value->kind == XYI_YAML_MAP;
        if (!on && xyi_bool_parse(value->text, &on) != XY_OK)
            continue;
        add_item(list, name, on ? XY_STR("on") : XY_STR("off"), value);
        if (on)
            add_options(list, xy_temp_printf(XY_FMT ".", XY_ARG(name)).at, config, value);
    }
}

struct xy_str
xyi_item_text(const struct xyi_item *item)
{
    return item->secret && !xy_str_is(item->value, "\"\"") ? XY_STR("(set)") : item->value;
}

struct xyi_item *
xyi_config_items(const struct xyi_config *config, bool everything)
{
    struct list list = {NULL, &list.first};
    add_hosts(&list, config);
    add_sections(&list, config);
    if (!everything)
        return list.first;
    add_sockets(&list, config);
    add_modules(&list, "", config, xyi_yaml_get(config->tree, XY_STR("modules")));
    for (size_t i = 0; i < config->hosts_count; i++)
        add_modules(
            &list,
            xy_temp_printf("host_config." XY_FMT ".", XY_ARG(xy_jid_text(config->hosts[i]))).at,
            config, config->host_modules[i]);
    return list.first;
}
