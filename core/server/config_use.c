/* SPDX-License-Identifier: MIT */
/*
 * What the rest of the server makes of a configuration: certificates, the bus's wish, paths,
 * and whether a running server can follow it.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/server/config.h"

/* ---- paths
 * ----------------------------------------------------------------------------------------- */

/* The folder libxylem.so lies in, with a slash. */
static struct xy_str
find_library(void)
{
    Dl_info about;
    char *path = dladdr(xyi_sections, &about) ? realpath(about.dli_fname, NULL) : NULL;
    struct xy_str folder = XY_STR("/usr/lib/");
    if (path) {
        *(strrchr(path, '/') + 1) = 0;
        folder = xy_temp_str(xy_str_from(path));
    }
    free(path);
    return folder;
}

/* Installed in a folder `xylem` beside the library, in a build tree beside it: asked for
 * second, since /usr/lib/modules is the kernel's. */
static struct xy_str
find_folder(const char *name)
{
    struct xy_str installed = xy_temp_printf(XY_FMT "xylem/%s", XY_ARG(find_library()), name);
    if (access(installed.at, F_OK) == 0)
        return installed;
    return xy_temp_printf(XY_FMT "%s", XY_ARG(find_library()), name);
}

struct xy_str
xyi_modules_path(void)
{
    const char *first = getenv("XYLEM_MODULES");
    struct xy_str own = find_folder("modules");
    if (first && first[0])
        return xy_temp_printf("%s:" XY_FMT, first, XY_ARG(own));
    return own;
}

struct xy_str
xyi_drivers_path(void)
{
    return find_folder("drivers");
}

/* ---- certificates
 * ------------------------------------------------------------------------------------ */

struct certificates {
    struct xyi_tls_certificate *at;
    const struct xyi_yaml **places;
    size_t count;
};

static const struct xyi_yaml *
find_override(const struct xyi_config *config, size_t host)
{
    const struct xyi_yaml *map = xyi_yaml_get(config->tree, XY_STR("host_config"));
    for (const struct xyi_yaml *at = map ? map->first : NULL; at; at = at->next)
        if (xy_jid_parse(at->key) == config->hosts[host])
            return at;
    return NULL;
}

static void
add_certificate(struct certificates *all, const struct xyi_config_tls *tls, struct xy_str host,
                const struct xyi_yaml *parent)
{
    if (!tls->certificate.path.len || !tls->key.path.len)
        return;
    const struct xyi_yaml *map = xyi_yaml_get(parent, XY_STR("tls"));
    all->places[all->count] = xyi_yaml_get(map, XY_STR("certificate"));
    all->at[all->count++] = (struct xyi_tls_certificate){
        .host = host, .certificate = tls->certificate.path, .key = tls->key.path};
}

static struct certificates
collect(const struct xyi_config *config)
{
    size_t most = config->hosts_count + 1;
    struct certificates all = {.at = xy_temp_alloc(most * sizeof(*all.at)),
                               .places = xy_temp_alloc(most * sizeof(*all.places))};
    add_certificate(&all, &config->tls, XY_NO_STR, config->tree);
    for (size_t i = 0; i < config->hosts_count; i++)
        add_certificate(&all, &config->host_tls[i], xy_jid_text(config->hosts[i]),
                        find_override(config, i));
    return all;
}

/* One by one, so that each bad one is reported at its place. */
static void
complain_of_each(const struct certificates *all, struct xy_str whole, struct xy_diagnostics *to)
{
    size_t before = xyi_errors(to);
    for (size_t i = 0; i < all->count; i++) {
        struct xy_str error = XY_NO_STR;
        struct xyi_tls *tls = xyi_tls_new(&all->at[i], 1, &error);
        if (tls)
            xyi_tls_drop(tls);
        else
            xyi_complain_at(to, all->places[i], XY_FMT, XY_ARG(error));
    }
    if (xyi_errors(to) == before)
        xyi_complain_at(to, all->places[0], XY_FMT, XY_ARG(whole));
}

/* Of the file as it is now; whoever renews a certificate writes or renames it. */
static uint64_t
file_version(struct xy_str path)
{
    struct stat about;
    if (stat(xy_temp_cstr(path), &about) != 0)
        return 0;
    int64_t marks[] = {about.st_mtim.tv_sec, about.st_mtim.tv_nsec, (int64_t)about.st_ino,
                       (int64_t)about.st_size};
    return xyi_hash(xy_str_of((const char *)marks, sizeof(marks)));
}

static void
note_versions(struct xyi_config *config, const struct certificates *all)
{
    config->certificates =
        xyi_arena_alloc(config->arena, (all->count + 1) * sizeof(*config->certificates));
    config->certificates_count = all->count;
    for (size_t i = 0; i < all->count; i++)
        config->certificates[i] = (struct xyi_certificate){
            .host = all->at[i].host,
            .path = all->at[i].certificate,
            .version = file_version(all->at[i].certificate),
        };
}

struct xyi_tls *
xyi_config_load_tls(struct xyi_config *config, struct xy_diagnostics *to)
{
    struct certificates all = collect(config);
    struct xy_str error = XY_NO_STR;
    note_versions(config, &all);
    if (!all.count)
        return NULL;
    struct xyi_tls *tls = xyi_tls_new(all.at, all.count, &error);
    if (!tls)
        complain_of_each(&all, error, to);
    return tls;
}

/* ---- the bus
 * -------------------------------------------------------------------------------------------
 */

struct xyi_bus_wish
xyi_config_wish(const struct xyi_config *config)
{
    return (struct xyi_bus_wish){
        .module_path = xyi_modules_path(),
        .private_path = xy_temp_printf(XY_FMT "/modules", XY_ARG(config->core.data_dir.path)),
        .modules = xyi_yaml_get(config->tree, XY_STR("modules")),
        .hosts = config->hosts,
        .host_modules = config->host_modules,
        .hosts_count = config->hosts_count,
        .base = config->base,
    };
}

unsigned
xyi_config_io_threads(const struct xyi_config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (config->core.io_threads.index > 0)
        return (unsigned)config->core.io_threads.index - 1;
    if (cores <= 3)
        return 0;
    return cores - 2 > 8 ? 8 : (unsigned)(cores - 2);
}

struct xyi_config *
xyi_config_check(struct xy_str file, struct xy_diagnostics *to)
{
    struct xyi_config *config = xyi_config_load(file, to);
    if (!config)
        return NULL;
    struct xyi_tls *tls = xyi_config_load_tls(config, to);
    if (tls)
        xyi_tls_drop(tls);
    struct xyi_bus_report report = {0};
    struct xyi_bus_wish wish = xyi_config_wish(config);
    wish.tables_only = true;
    wish.private_path = XY_NO_STR;
    struct xyi_bus *bus = xyi_bus_prepare(&wish, to, &report);
    if (bus)
        xyi_bus_discard(bus);
    if (!xyi_errors(to))
        xyi_config_lint(config, to);
    return config;
}

/* ---- what takes a restart
 * --------------------------------------------------------------------------------- */

void
xyi_config_check_restart(const struct xyi_config *running, const struct xyi_config *next,
                         struct xy_diagnostics *to)
{
    for (size_t i = 0; i < xyi_sections_count; i++) {
        const struct xyi_section *section = &xyi_sections[i];
        const void *was = (const char *)running + section->offset;
        const void *will = (const char *)next + section->offset;
        const struct xyi_yaml *map = next->tree;
        if (section->name)
            map = xyi_yaml_get(next->tree, xy_str_from(section->name));
        xyi_diagnostics_aim(to, map);
        for (size_t j = 0; j < section->table.count; j++) {
            const struct xy_option *row = &section->table.rows[j];
            enum xy_effect effect;
            struct xyi_option_table one = {row, 1};
            if (xyi_options_differ(one, was, will, &effect) && effect == XY_RESTART)
                xy_complain(to, row->name,
                            "changing it takes a restart; the server runs with " XY_FMT,
                            XY_ARG(xyi_option_text(row, was)));
        }
    }
    xyi_diagnostics_aim(to, NULL);
}
