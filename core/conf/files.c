/* SPDX-License-Identifier: MIT */
/*
 * The configuration file and conf.d/ *.yaml beside it, merged into one tree: later files may
 * add keys and list entries, never change what an earlier one says. Nodes keep the file they
 * came from.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf/conf_internal.h"

#define FILE_BYTES (4 << 20)

static struct xyi_place
place_of_file(struct xy_str path)
{
    return (struct xyi_place){path, 0, 0};
}

static bool
read_all(int fd, char *into, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, into + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO; /* shorter than a moment ago: somebody is writing it */
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

static bool
read_open(int fd, struct xyi_arena *arena, struct xy_str path, struct xy_str *text,
          struct xy_diagnostics *to)
{
    struct stat about;
    if (fstat(fd, &about) == 0 && !S_ISREG(about.st_mode)) {
        xyi_complain_place(to, place_of_file(path), "%s",
                           S_ISDIR(about.st_mode) ? "is a directory, not a configuration file"
                                                  : "is not a regular file");
        return false;
    }
    if (about.st_size > FILE_BYTES) {
        xyi_complain_place(to, place_of_file(path),
                           "is larger than %d MiB; no configuration is", FILE_BYTES >> 20);
        return false;
    }
    size_t size = (size_t)about.st_size;
    char *bytes = xyi_arena_alloc(arena, size + 1);
    if (!read_all(fd, bytes, size)) {
        xyi_complain_place(to, place_of_file(path), "cannot be read: %s", strerror(errno));
        return false;
    }
    *text = xy_str_of(bytes, size);
    return true;
}

static struct xyi_yaml *
read_file(struct xyi_arena *arena, struct xy_str path, struct xy_diagnostics *to)
{
    struct xy_str name = xyi_arena_str(arena, path), text;
    int fd = open(name.at, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        xyi_complain_place(to, place_of_file(path), "cannot be read: %s", strerror(errno));
        return NULL;
    }
    bool whole = read_open(fd, arena, name, &text, to);
    close(fd);
    return whole ? xyi_yaml_parse(arena, name, text, to) : NULL;
}

static bool merge_value(struct xyi_yaml *into, struct xyi_yaml *from,
                        struct xy_diagnostics *to);

static void
append_all(struct xyi_yaml *into, struct xyi_yaml *first)
{
    struct xyi_yaml **end = &into->first;
    while (*end)
        end = &(*end)->next;
    *end = first;
    for (; first; first = first->next)
        first->parent = into;
}

static void
merge_maps(struct xyi_yaml *into, struct xyi_yaml *from, struct xy_diagnostics *to)
{
    struct xyi_yaml *next;
    for (struct xyi_yaml *child = from->first; child; child = next) {
        next = child->next;
        child->next = NULL;
        struct xyi_yaml *former = xyi_yaml_get(into, child->key);
        if (!former)
            append_all(into, child);
        else if (!merge_value(former, child, to))
            xyi_complain_key(to, child,
                             "`" XY_FMT "` is set already, at " XY_FMT
                             ":%d:%d; a second file can only add to lists and maps",
                             XY_ARG(child->key), XY_ARG(former->file), former->key_line,
                             former->key_column);
    }
}

/* False when the two cannot be one value. */
static bool
merge_value(struct xyi_yaml *into, struct xyi_yaml *from, struct xy_diagnostics *to)
{
    if (from->kind == XYI_YAML_NONE)
        return true;
    if (into->kind == XYI_YAML_NONE) {
        struct xyi_yaml *next = into->next, *parent = into->parent;
        *into = *from;
        into->next = next;
        into->parent = parent;
        for (struct xyi_yaml *child = into->first; child; child = child->next)
            child->parent = into;
        return true;
    }
    if (into->kind != from->kind || into->kind == XYI_YAML_SCALAR)
        return false;
    if (into->kind == XYI_YAML_LIST)
        append_all(into, from->first);
    else
        merge_maps(into, from, to);
    return true;
}

static int
is_yaml(const struct dirent *entry)
{
    struct xy_str name = xy_str_from(entry->d_name);
    return entry->d_name[0] != '.' && xy_str_ends(name, XY_STR(".yaml"));
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Returns whether all of them could be read. */
static bool
merge_folder(struct xyi_arena *arena, struct xy_str folder, struct xyi_yaml *root,
             struct xy_diagnostics *to)
{
    struct dirent **entries = NULL;
    int count = scandir(folder.at, &entries, is_yaml, by_name);
    if (count < 0 && errno != ENOENT) {
        xyi_complain_place(to, place_of_file(folder), "cannot be read: %s", strerror(errno));
        return false;
    }
    bool all = true;
    for (int i = 0; i < count; i++) {
        struct xy_str path = xyi_arena_printf(arena, "%s/%s", folder.at, entries[i]->d_name);
        struct xyi_yaml *more = read_file(arena, path, to);
        if (more)
            merge_maps(root, more, to);
        all = all && more;
        free(entries[i]);
    }
    free(entries);
    return all;
}

struct xyi_yaml *
xyi_yaml_read(struct xyi_arena *arena, struct xy_str path, struct xy_diagnostics *to)
{
    xyi_diagnostics_file(to, path);
    struct xyi_yaml *root = read_file(arena, path, to);
    size_t folder_len = path.len;
    while (folder_len && path.at[folder_len - 1] != '/')
        folder_len--;
    struct xy_str folder =
        xyi_arena_printf(arena, XY_FMT "conf.d", XY_ARG(xy_str_of(path.at, folder_len)));
    struct xyi_yaml nothing = {.kind = XYI_YAML_MAP};
    bool all = merge_folder(arena, folder, root ? root : &nothing, to);
    if (!root || !all)
        return NULL;
    if (!root->first)
        xyi_complain_place(to, place_of_file(path), "has no configuration in it");
    return root;
}
