/* SPDX-License-Identifier: MIT */
/*
 * Reads the configuration file: sections by their tables, hosts and what single hosts override.
 * Every error is reported, nothing is ignored in silence.
 */
#include <stdlib.h>
#include <unistd.h>

#include "core/server/config.h"

struct xy_str
xyi_config_base(struct xyi_arena *arena, struct xy_str file)
{
    size_t len = file.len;
    while (len && file.at[len - 1] != '/')
        len--;
    struct xy_str folder = xyi_arena_str(arena, len ? xy_str_of(file.at, len) : XY_STR("."));
    char *absolute = realpath(folder.at, NULL);
    struct xy_str base = absolute ? xyi_arena_str(arena, xy_str_from(absolute)) : folder;
    free(absolute);
    return base;
}

static void
read_sections(struct xyi_config *config, struct xy_diagnostics *to)
{
    for (size_t i = 0; i < xyi_sections_count; i++) {
        const struct xyi_section *section = &xyi_sections[i];
        const struct xyi_yaml *map = config->tree;
        if (section->name)
            map = xyi_yaml_get(config->tree, xy_str_from(section->name));
        xyi_options_read(section->table, map, section->name ? NULL : xyi_top_keys, config->base,
                         config->arena, (char *)config + section->offset, to);
    }
}

/* ---- hosts
 * ------------------------------------------------------------------------------------- */

static const struct xy_jid *
read_host(const struct xyi_yaml *at, struct xy_diagnostics *to)
{
    const struct xy_jid *jid =
        at->kind == XYI_YAML_SCALAR && at->text.len ? xy_jid_parse(at->text) : NULL;
    if (jid && !xy_jid_local(jid).len && !xy_jid_resource(jid).len)
        return jid;
    if (at->kind == XYI_YAML_SCALAR)
        xyi_complain_at(to, at, "`" XY_FMT "` is not a domain such as example.org",
                        XY_ARG(at->text));
    else
        xyi_complain_at(to, at, "each host must be a domain such as example.org");
    return NULL;
}

static size_t
find_host(const struct xyi_config *config, const struct xy_jid *jid)
{
    size_t at = 0;
    while (at < config->hosts_count && config->hosts[at] != jid)
        at++;
    return at;
}

static void
add_host(struct xyi_config *config, const struct xyi_yaml *at, struct xy_diagnostics *to)
{
    const struct xy_jid *jid = read_host(at, to);
    if (jid && find_host(config, jid) < config->hosts_count)
        xyi_complain_at(to, at, "host " XY_FMT " is named twice", XY_ARG(xy_jid_text(jid)));
    else if (jid)
        config->hosts[config->hosts_count++] = xy_jid_keep(jid);
}

static void
read_hosts(struct xyi_config *config, struct xy_diagnostics *to)
{
    const struct xyi_yaml *hosts = xyi_yaml_get(config->tree, XY_STR("hosts"));
    size_t most = 1;
    for (const struct xyi_yaml *at = hosts ? hosts->first : NULL; at; at = at->next)
        most++;
    config->hosts = xyi_arena_alloc(config->arena, most * sizeof(*config->hosts));
    config->host_tls = xyi_arena_alloc(config->arena, most * sizeof(*config->host_tls));
    config->host_modules = xyi_arena_alloc(config->arena, most * sizeof(*config->host_modules));
    if (hosts && hosts->kind == XYI_YAML_SCALAR)
        add_host(config, hosts, to);
    else if (hosts && hosts->kind == XYI_YAML_MAP)
        xyi_complain_at(to, hosts, "hosts: must be a list of domains, such as [example.org]");
    else if (!hosts || !hosts->first)
        xyi_complain_key(to, hosts,
                         "hosts: name at least one domain, such as hosts: [example.org]");
    else
        for (const struct xyi_yaml *at = hosts->first; at; at = at->next)
            add_host(config, at, to);
}

/* ---- host_config
 * --------------------------------------------------------------------------------- */

static void
complain_of_host(const struct xyi_config *config, const struct xyi_yaml *at,
                 struct xy_diagnostics *to)
{
    struct xy_str *names = xy_temp_alloc((config->hosts_count + 1) * sizeof(*names));
    for (size_t i = 0; i < config->hosts_count; i++)
        names[i] = xy_jid_text(config->hosts[i]);
    struct xy_str meant = xyi_did_you_mean(at->key, names, config->hosts_count);
    struct xy_str hint =
        meant.len ? xy_temp_printf("; did you mean `" XY_FMT "`?", XY_ARG(meant)) : XY_NO_STR;
    xyi_complain_key(to, at, "`" XY_FMT "` is not one of the hosts" XY_FMT, XY_ARG(at->key),
                     XY_ARG(hint));
}

static void
read_override(struct xyi_config *config, const struct xyi_yaml *at, struct xy_diagnostics *to)
{
    static const char *const keys[] = {"tls", "modules", NULL};
    const struct xy_jid *jid = xy_jid_parse(at->key);
    size_t host = jid ? find_host(config, jid) : config->hosts_count;
    struct xyi_option_table none = {NULL, 0};
    if (host == config->hosts_count) {
        complain_of_host(config, at, to);
        return;
    }
    xyi_options_read(none, at, keys, config->base, config->arena, NULL, to);
    xyi_options_read(xyi_tls_table, xyi_yaml_get(at, XY_STR("tls")), NULL, config->base,
                     config->arena, &config->host_tls[host], to);
    config->host_modules[host] = xyi_yaml_get(at, XY_STR("modules"));
}

static void
read_overrides(struct xyi_config *config, struct xy_diagnostics *to)
{
    const struct xyi_yaml *map = xyi_yaml_get(config->tree, XY_STR("host_config"));
    if (map && map->kind != XYI_YAML_MAP && map->kind != XYI_YAML_NONE)
        xyi_complain_at(to, map, "host_config: must be a map of hosts");
    for (const struct xyi_yaml *at = map ? map->first : NULL; at; at = at->next)
        read_override(config, at, to);
}

/* ---- across options
 * -------------------------------------------------------------------------------- */

static void
check_tls(const struct xyi_config_tls *tls, const struct xyi_yaml *map,
          struct xy_diagnostics *to)
{
    xyi_diagnostics_aim(to, map);
    if (tls->certificate.path.len && !tls->key.path.len)
        xy_complain(to, "certificate", "needs a key beside it");
    if (tls->key.path.len && !tls->certificate.path.len)
        xy_complain(to, "key", "needs a certificate beside it");
}

static void
check_storage(struct xyi_config *config, struct xy_diagnostics *to)
{
    const struct xyi_yaml *map = xyi_yaml_get(config->tree, XY_STR("storage"));
    struct xyi_config_storage *storage = &config->storage;
    bool embedded = storage->driver.index == 0;
    xyi_diagnostics_aim(to, map);
    if (embedded && storage->url.text.len)
        xy_complain(to, "url", "is for driver: pgsql; sqlite takes a path");
    if (!embedded && storage->path.path.len)
        xy_complain(to, "path", "is for driver: sqlite; pgsql takes a url");
    if (!embedded && !storage->url.text.len)
        xy_complain(to, "url", "is needed, such as postgresql:///xylem");
    if (embedded && !storage->path.path.len)
        storage->path.path = xyi_arena_printf(config->arena, XY_FMT "/xylem.db",
                                              XY_ARG(config->core.data_dir.path));
    xyi_diagnostics_aim(to, NULL);
}

static void
check_whole(struct xyi_config *config, struct xy_diagnostics *to)
{
    const struct xyi_yaml *hosts = xyi_yaml_get(config->tree, XY_STR("host_config"));
    check_storage(config, to);
    check_tls(&config->tls, xyi_yaml_get(config->tree, XY_STR("tls")), to);
    for (size_t i = 0; i < config->hosts_count; i++)
        for (const struct xyi_yaml *at = hosts ? hosts->first : NULL; at; at = at->next)
            if (xy_jid_parse(at->key) == config->hosts[i])
                check_tls(&config->host_tls[i], xyi_yaml_get(at, XY_STR("tls")), to);
    xyi_diagnostics_aim(to, NULL);
}

struct xyi_config *
xyi_config_load(struct xy_str file, struct xy_diagnostics *to)
{
    struct xyi_arena *arena = xyi_arena_new(8192);
    struct xyi_config *config = xyi_arena_alloc(arena, sizeof(*config));
    config->arena = arena;
    config->file = xyi_arena_str(arena, file);
    config->tree = xyi_yaml_read(arena, file, to);
    if (!config->tree) {
        xyi_arena_free(arena);
        return NULL;
    }
    config->base = xyi_config_base(arena, file);
    read_sections(config, to);
    read_hosts(config, to);
    read_overrides(config, to);
    check_whole(config, to);
    xyi_config_read_listen(config, to);
    return config;
}

void
xyi_config_free(struct xyi_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->hosts_count; i++)
        xy_jid_drop(config->hosts[i]);
    xyi_arena_free(config->arena);
}

bool
xyi_config_has(const struct xyi_config *config, const char *section, const char *option)
{
    return xyi_yaml_get(xyi_yaml_get(config->tree, xy_str_from(section)), xy_str_from(option));
}
