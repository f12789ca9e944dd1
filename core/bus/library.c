/* SPDX-License-Identifier: MIT */
/*
 * Libraries: one open shared object per content of a module's file. glibc recognises a library
 * by path and by inode, so replaced code is seen only through a copy at a path never used
 * before: private_path/NAME-HASH-GENERATION.so. The copy stays while it is mapped, for gdb and
 * perf.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bus/internal.h"

static struct xyi_library *libraries; /* open ones; logic thread */
static unsigned generation;           /* of copies: rises with each */

/* ---- keeping ---------------------------------------------------------------------------- */

void
xyi_library_hold(struct xyi_library *library)
{
    library->holds++;
}

/* Sanitizers and valgrind report at the end, and need the symbols then. */
static bool
must_stay_mapped(void)
{
#ifdef XYI_SANITIZED
    return true;
#else
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
#endif
}

static void
close_library(struct xyi_library *library)
{
    bool mapped = library->opened && must_stay_mapped();
    if (library->opened && !mapped) {
        dlclose(library->opened);
        if (library->copy.len > 0)
            unlink(library->copy.at);
    }
    if (library->image >= 0 && !mapped) /* its number is its name */
        close(library->image);
    xyi_free(library->name.at);
    xyi_free(library->path.at);
    xyi_free(library->copy.at);
    xyi_free(library->hash.at);
    xyi_free(library);
}

void
xyi_library_drop(struct xyi_library *library)
{
    if (--library->holds > 0)
        return;
    struct xyi_library **at = &libraries;
    while (*at && *at != library)
        at = &(*at)->next;
    if (*at)
        *at = library->next;
    close_library(library);
}

static struct xyi_library *
find(struct xy_str name, struct xy_str hash, bool peeked)
{
    struct xyi_library *library = libraries;
    while (library && !(xy_str_equal(library->name, name) &&
                        xy_str_equal(library->hash, hash) && (library->image < 0 || peeked)))
        library = library->next;
    return library;
}

/* ---- the private directory -------------------------------------------------------------- */

void
xyi_libraries_clean(struct xy_str private_path)
{
    DIR *directory = opendir(xy_temp_cstr(private_path));
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));)
        if (xy_str_ends(xy_str_from(entry->d_name), XY_STR(".so")))
            unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
}

/* Whoever could put a file there could have us run it. */
static bool
have_directory(struct xy_str private_path, struct xy_str *why)
{
    const char *path = xy_temp_cstr(private_path);
    struct stat found;
    if ((mkdir(path, 0700) != 0 && errno != EEXIST) || lstat(path, &found) != 0)
        *why = xy_temp_printf("%s, for copies of modules: %s", path, strerror(errno));
    else if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & 022))
        *why = xy_temp_printf(
            "%s, for copies of modules, must be a directory that only its owner, "
            "uid %u, can write; found: mode %06o, uid %u",
            path, (unsigned)geteuid(), (unsigned)found.st_mode, (unsigned)found.st_uid);
    else
        return true;
    return false;
}

/* Another process may use the same directory (--check beside the server): its names are
 * skipped. */
static bool
copy_image(struct xyi_library *library, const struct xyi_image *image,
           struct xy_str private_path, struct xy_str *why)
{
    if (!have_directory(private_path, why))
        return false;
    struct xy_str path;
    do {
        path = xy_temp_printf(XY_FMT "/" XY_FMT "-%.16s-%u.so", XY_ARG(private_path),
                              XY_ARG(library->name), image->hash, ++generation);
    } while (access(xy_temp_cstr(path), F_OK) == 0);
    if (!xyi_image_copy(image, path, why))
        return false;
    library->copy = xyi_str_copy(path);
    return true;
}

/* ---- opening ---------------------------------------------------------------------------- */

/* The linker names the copy; people know the file. */
static void
explain_open_failure(const struct xyi_image *image, struct xy_str opened, struct xy_str *why)
{
    struct xy_str said = xy_str_from(dlerror());
    const char *at = said.len ? strstr(said.at, opened.at) : NULL;
    if (!at) {
        *why =
            xy_temp_printf(XY_FMT " does not load: " XY_FMT, XY_ARG(image->path), XY_ARG(said));
        return;
    }
    struct xy_str before = xy_str_of(said.at, (size_t)(at - said.at)),
                  after = xy_str_from(at + opened.len);
    *why = xy_temp_printf(XY_FMT " does not load: " XY_FMT XY_FMT XY_FMT, XY_ARG(image->path),
                          XY_ARG(before), XY_ARG(image->path), XY_ARG(after));
}

static bool
open_copy(struct xyi_library *library, const struct xyi_image *image,
          struct xy_str private_path, struct xy_str *why)
{
    struct xy_str path;
    if (private_path.len > 0) {
        if (!copy_image(library, image, private_path, why))
            return false;
        path = library->copy;
    } else {
        library->image = xyi_image_in_memory(image);
        path = xy_temp_printf("/proc/self/fd/%d", library->image);
    }
    library->opened = dlopen(path.at, RTLD_NOW | RTLD_LOCAL);
    if (!library->opened)
        explain_open_failure(image, path, why);
    return library->opened != NULL;
}

static size_t
size_of_symbol(const void *at)
{
    Dl_info whose;
    const ElfW(Sym) *symbol = NULL;
    return dladdr1(at, &whose, (void **)(uintptr_t)&symbol, RTLD_DL_SYMENT) && symbol
               ? symbol->st_size
               : 0;
}

static bool
pass_gates(struct xyi_library *library, const struct xyi_image *image,
           struct xy_str private_path, struct xy_str *why)
{
    if (!xyi_elf_check(image, why) || !xyi_image_keeps_off(image, why) ||
        !open_copy(library, image, private_path, why))
        return false;
    const struct xy_module *theirs = dlsym(library->opened, "xy_module");
    struct xy_str what = XY_STR("it exports no xy_module: is it a module of xylem?");
    if (theirs &&
        xyi_gates_check(theirs, size_of_symbol(theirs), library->name, &library->module, &what))
        return true;
    *why = xy_temp_printf(XY_FMT ": " XY_FMT, XY_ARG(image->path), XY_ARG(what));
    return false;
}

static struct xyi_library *
new_library(struct xy_str name, const struct xyi_image *image)
{
    struct xyi_library *library = xyi_alloc(sizeof(*library));
    library->name = xyi_str_copy(name);
    library->path = xyi_str_copy(image->path);
    library->hash = xyi_str_copy(xy_str_from(image->hash));
    library->image = -1;
    library->holds = 1;
    return library;
}

static struct xyi_library *
open_image(const struct xyi_image *image, struct xy_str private_path, struct xy_str name,
           struct xy_str *why)
{
    struct xyi_library *library = find(name, xy_str_from(image->hash), private_path.len == 0);
    if (library) {
        xyi_library_hold(library);
        return library;
    }
    library = new_library(name, image);
    if (!pass_gates(library, image, private_path, why)) {
        if (library->copy.len > 0)
            unlink(library->copy.at);
        close_library(library);
        return NULL;
    }
    library->next = libraries;
    libraries = library;
    return library;
}

/* The first directory of the list that has it. */
static struct xy_str
file_of(struct xy_str module_path, struct xy_str name)
{
    struct xy_str rest = module_path, first = XY_NO_STR;
    while (rest.len > 0) {
        struct xy_str directory = xy_str_cut(&rest, ':');
        struct xy_str path =
            xy_temp_printf(XY_FMT "/" XY_FMT ".so", XY_ARG(directory), XY_ARG(name));
        if (access(xy_temp_cstr(path), F_OK) == 0)
            return path;
        if (first.len == 0)
            first = path;
    }
    return first;
}

struct xyi_library *
xyi_library_open(struct xy_str module_path, struct xy_str private_path, struct xy_str name,
                 const struct xyi_yaml *at, struct xy_diagnostics *to)
{
    struct xyi_image image;
    struct xy_str why;
    struct xyi_library *library = NULL;
    if (xyi_image_read(&image, file_of(module_path, name), &why))
        library = open_image(&image, private_path, name, &why);
    struct xy_str faults = library ? xyi_elf_faults(&image) : XY_NO_STR;
    if (!library)
        xyi_complain_at(to, at, "module " XY_FMT ": " XY_FMT, XY_ARG(name), XY_ARG(why));
    else if (faults.len > 0)
        xyi_caution_at(to, at, "module " XY_FMT " has" XY_FMT " see scripts/check-module",
                       XY_ARG(name), XY_ARG(faults));
    xyi_image_close(&image);
    return library;
}

/* ---- for commands and tools ------------------------------------------------------------- */

struct xy_str
xyi_library_path(const struct xy_instance *instance)
{
    return instance->library->path;
}

struct xy_str
xyi_library_hash(const struct xy_instance *instance)
{
    return instance->library->hash;
}

/* Its tables are handed out for good, so the hold is never given back. */
const struct xy_module *
xyi_module_peek(struct xy_str module_path, struct xy_str name, struct xy_diagnostics *to)
{
    struct xyi_library *library = xyi_library_open(module_path, XY_NO_STR, name, NULL, to);
    return library ? &library->module : NULL;
}
