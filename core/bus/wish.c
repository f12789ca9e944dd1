/* SPDX-License-Identifier: MIT */
/*
 * What a configuration wants: the `modules` map of the file and those of its hosts, each module
 * on, off or on with options. A host's options go over the server's, one by one. Nothing is
 * silently ignored: a name without a module is an error, also when it is switched off.
 */
#include <dirent.h>
#include <stdlib.h>

#include "core/bus/internal.h"

/* ---- the modules there are -------------------------------------------------------------- */

static int
by_text(const void *a, const void *b)
{
    return xy_str_compare(*(const struct xy_str *)a, *(const struct xy_str *)b);
}

static bool
is_among(struct xy_str name, const struct xy_str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (xy_str_equal(names[i], name))
            return true;
    return false;
}

struct found {
    struct xy_str *names;
    size_t count, room;
};

static void
find_in(struct found *found, struct xy_str directory)
{
    DIR *opened = opendir(xy_temp_cstr(directory));
    if (!opened)
        return;
    for (struct dirent *entry; (entry = readdir(opened));) {
        struct xy_str name = xy_str_from(entry->d_name);
        if (name.at[0] == '.' || name.len <= 3 || !xy_str_ends(name, XY_STR(".so")))
            continue;
        name.len -= 3;
        if (is_among(name, found->names, found->count))
            continue;
        if (found->count == found->room) {
            struct xy_str *more =
                xy_temp_alloc((found->room = found->room * 2 + 32) * sizeof(*more));
            if (found->count > 0)
                memcpy(more, found->names, found->count * sizeof(*more));
            found->names = more;
        }
        found->names[found->count++] = xy_temp_str(name);
    }
    closedir(opened);
}

size_t
xyi_modules_available(struct xy_str module_path, struct xy_str **names)
{
    struct found found = {0};
    for (struct xy_str rest = module_path; rest.len > 0;)
        find_in(&found, xy_str_cut(&rest, ':'));
    if (found.count > 1)
        qsort(found.names, found.count, sizeof(*found.names), by_text);
    *names = found.names;
    return found.count;
}

/* ---- picks: one name, everywhere it is mentioned ---------------------------------------- */

struct pick {
    struct xy_str name;
    const struct xyi_yaml *top;
    const struct xyi_yaml **per_host;
    struct xyi_library *library;
};
struct picks {
    struct pick *at;
    size_t count;
};

static bool
is_on(const struct xyi_yaml *value)
{
    bool on = false;
    if (!value)
        return false;
    return value->kind == XYI_YAML_MAP ||
           (value->kind == XYI_YAML_SCALAR && xyi_bool_parse(value->text, &on) == XY_OK && on);
}

static void
check_value(const struct xyi_yaml *value, struct xy_diagnostics *to)
{
    bool on;
    if (value->kind == XYI_YAML_MAP ||
        (value->kind == XYI_YAML_SCALAR && xyi_bool_parse(value->text, &on) == XY_OK))
        return;
    struct xy_str found = value->kind == XYI_YAML_SCALAR && value->text.len
                              ? xy_temp_printf("not `" XY_FMT "`", XY_ARG(value->text))
                          : value->kind == XYI_YAML_LIST ? XY_STR("not a list")
                                                         : XY_STR("not nothing");
    xyi_complain_at(to, value,
                    "module " XY_FMT ": must be on, off or a map of its options, " XY_FMT,
                    XY_ARG(value->key), XY_ARG(found));
}

static size_t
count_children(const struct xyi_yaml *map)
{
    size_t count = 0;
    for (const struct xyi_yaml *at = map ? map->first : NULL; at; at = at->next)
        count++;
    return count;
}

/* `host` is an index, or SIZE_MAX for the server's own map. */
static void
read_map(struct picks *picks, const struct xyi_bus_wish *wish, const struct xyi_yaml *map,
         size_t host, struct xy_diagnostics *to)
{
    if (map && map->kind != XYI_YAML_MAP && map->kind != XYI_YAML_NONE)
        xyi_complain_at(to, map,
                        "modules: must be a map of module names, such as { ping: on }");
    for (const struct xyi_yaml *value = map ? map->first : NULL; value; value = value->next) {
        if (value->key.len == 0)
            continue;
        check_value(value, to);
        struct pick *pick = picks->at;
        while (pick < picks->at + picks->count && !xy_str_equal(pick->name, value->key))
            pick++;
        if (pick == picks->at + picks->count) {
            pick->name = value->key;
            pick->per_host = xy_temp_alloc((wish->hosts_count + 1) * sizeof(*pick->per_host));
            picks->count++;
        }
        if (host == SIZE_MAX)
            pick->top = value;
        else
            pick->per_host[host] = value;
    }
}

static struct picks
read_picks(const struct xyi_bus_wish *wish, struct xy_diagnostics *to)
{
    size_t most = count_children(wish->modules);
    for (size_t i = 0; wish->host_modules && i < wish->hosts_count; i++)
        most += count_children(wish->host_modules[i]);
    struct picks picks = {xy_temp_alloc((most + 1) * sizeof(*picks.at)), 0};
    read_map(&picks, wish, wish->modules, SIZE_MAX, to);
    for (size_t i = 0; wish->host_modules && i < wish->hosts_count; i++)
        read_map(&picks, wish, wish->host_modules[i], i, to);
    return picks;
}

/* ---- names ------------------------------------------------------------------------------ */

static const struct xyi_yaml *
place_of(const struct pick *pick, const struct xyi_bus_wish *wish)
{
    const struct xyi_yaml *at = pick->top;
    for (size_t i = 0; !at && i < wish->hosts_count; i++)
        at = pick->per_host[i];
    return at;
}

static void
complain_of_unknown(const struct pick *pick, const struct xyi_bus_wish *wish,
                    const struct xy_str *names, size_t count, struct xy_diagnostics *to)
{
    struct xy_str meant = xyi_did_you_mean(pick->name, names, count);
    struct xy_str hint = meant.len
                             ? xy_temp_printf("did you mean `" XY_FMT "`?", XY_ARG(meant))
                             : xy_temp_printf("there is no " XY_FMT ".so in " XY_FMT,
                                              XY_ARG(pick->name), XY_ARG(wish->module_path));
    xyi_complain_key(to, place_of(pick, wish), "unknown module `" XY_FMT "`; " XY_FMT,
                     XY_ARG(pick->name), XY_ARG(hint));
}

/* What becomes of it on a host: the host's word, or the server's. */
static const struct xyi_yaml *
effective(const struct pick *pick, size_t host)
{
    return pick->per_host[host] ? pick->per_host[host] : pick->top;
}

static bool
is_on_somewhere(const struct pick *pick, const struct xyi_bus_wish *wish)
{
    bool on = is_on(pick->top);
    for (size_t i = 0; !on && i < wish->hosts_count; i++)
        on = is_on(pick->per_host[i]);
    return on;
}

static void
open_libraries(const struct picks *picks, const struct xyi_bus_wish *wish,
               struct xy_diagnostics *to)
{
    struct xy_str *names;
    size_t count = xyi_modules_available(wish->module_path, &names);
    for (size_t i = 0; i < picks->count; i++) {
        struct pick *pick = &picks->at[i];
        if (!is_among(pick->name, names, count))
            complain_of_unknown(pick, wish, names, count, to);
        else if (is_on_somewhere(pick, wish))
            pick->library = xyi_library_open(wish->module_path, wish->private_path, pick->name,
                                             place_of(pick, wish), to);
    }
}

/* ---- wants ------------------------------------------------------------------------------ */

static struct xyi_yaml *
copy_node(struct xyi_arena *arena, const struct xyi_yaml *node)
{
    struct xyi_yaml *copy = xyi_arena_alloc(arena, sizeof(*copy));
    *copy = *node;
    return copy;
}

static bool
is_map(const struct xyi_yaml *value)
{
    return value && value->kind == XYI_YAML_MAP;
}

/* The host's options, then those of the server that it does not mention; places are kept. */
static struct xyi_yaml *
merge_maps(struct xyi_arena *arena, const struct xyi_yaml *top, const struct xyi_yaml *own)
{
    struct xyi_yaml *merged = copy_node(arena, own), **last = &merged->first;
    for (const struct xyi_yaml *at = own->first; at; at = at->next, last = &(*last)->next) {
        const struct xyi_yaml *same = xyi_yaml_get(top, at->key);
        *last = is_map(at) && is_map(same) ? merge_maps(arena, same, at) : copy_node(arena, at);
    }
    for (const struct xyi_yaml *at = top->first; at; at = at->next)
        if (!xyi_yaml_get(own, at->key)) {
            *last = copy_node(arena, at);
            last = &(*last)->next;
        }
    *last = NULL;
    for (struct xyi_yaml *at = merged->first; at; at = at->next)
        at->parent = merged;
    return merged;
}

static const struct xyi_yaml *
merge(struct xyi_arena *arena, const struct xyi_yaml *top, const struct xyi_yaml *own)
{
    if (is_map(own) && is_map(top))
        return merge_maps(arena, top, own);
    return is_map(own) ? own : is_map(top) ? top : NULL;
}

static void
add(struct xyi_wants *wants, const struct pick *pick, struct xy_host *host,
    const struct xyi_yaml *at, const struct xyi_yaml *map)
{
    xyi_library_hold(pick->library);
    wants->at[wants->count++] =
        (struct xyi_want){.library = pick->library, .host = host, .at = at, .map = map};
}

static void
expand(struct xyi_wants *wants, const struct pick *pick, const struct xyi_bus_wish *wish,
       struct xy_host *const *hosts, struct xyi_arena *arena, struct xy_diagnostics *to)
{
    bool server = pick->library->module.scope == XY_SERVER;
    if (server && is_on(pick->top))
        add(wants, pick, NULL, pick->top, merge(arena, pick->top, NULL));
    for (size_t i = 0; i < wish->hosts_count; i++) {
        const struct xyi_yaml *own = pick->per_host[i];
        if (server && own)
            xyi_complain_key(to, own,
                             "module " XY_FMT " is one for the whole server: set it under the "
                             "top-level `modules`",
                             XY_ARG(pick->name));
        else if (!server && is_on(effective(pick, i)))
            add(wants, pick, hosts[i], effective(pick, i), merge(arena, pick->top, own));
    }
}

struct xyi_wants
xyi_wants_read(const struct xyi_bus_wish *wish, struct xy_host *const *hosts,
               struct xyi_arena *arena, struct xy_diagnostics *to)
{
    struct picks picks = read_picks(wish, to);
    struct xyi_wants wants = {0};
    open_libraries(&picks, wish, to);
    wants.at =
        xyi_arena_alloc(arena, (picks.count * (wish->hosts_count + 1) + 1) * sizeof(*wants.at));
    for (size_t i = 0; i < picks.count; i++)
        if (picks.at[i].library) {
            expand(&wants, &picks.at[i], wish, hosts, arena, to);
            xyi_library_drop(picks.at[i].library);
        }
    return wants;
}

void
xyi_wants_drop(const struct xyi_wants *wants)
{
    for (size_t i = 0; i < wants->count; i++)
        xyi_library_drop(wants->at[i].library);
}
