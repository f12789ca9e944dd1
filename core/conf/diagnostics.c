/* SPDX-License-Identifier: MIT */
/*
 * Diagnostics: what is wrong with a configuration, collected so that an operator sees all of it
 * at once. Within a file they stand in the order of its lines, and the same sentence about the
 * same place is kept once, because several hosts read the same map.
 */
#include "core/conf/conf_internal.h"

struct entry {
    struct xyi_diagnostic shown; /* first: a list of these is a list of diagnostics */
    struct xy_str file;
    int line, column;
};

struct xy_diagnostics {
    struct xyi_arena *arena;
    struct xyi_diagnostic *first;
    size_t errors;
    const struct xyi_yaml *aim;
    struct xy_str file;
};

struct xy_diagnostics *
xyi_diagnostics_new(struct xyi_arena *arena)
{
    struct xy_diagnostics *diagnostics = xyi_arena_alloc(arena, sizeof(*diagnostics));
    diagnostics->arena = arena;
    return diagnostics;
}

size_t
xyi_errors(const struct xy_diagnostics *of)
{
    return of->errors;
}

const struct xyi_diagnostic *
xyi_diagnostics_first(const struct xy_diagnostics *of)
{
    return of->first;
}

void
xyi_diagnostics_aim(struct xy_diagnostics *to, const struct xyi_yaml *map)
{
    to->aim = map;
}

void
xyi_diagnostics_file(struct xy_diagnostics *to, struct xy_str file)
{
    if (to->file.len == 0)
        to->file = xyi_arena_str(to->arena, file);
}

static bool
stands_before(const struct entry *a, const struct entry *b)
{
    return a->line < b->line || (a->line == b->line && a->column <= b->column);
}

static bool
is_same(const struct xyi_diagnostic *a, const struct xyi_diagnostic *b)
{
    return a->is_caution == b->is_caution && xy_str_equal(a->where, b->where) &&
           xy_str_equal(a->text, b->text);
}

/* Behind the entries of the same file that stand before it; a file new to us goes last. */
static struct xyi_diagnostic **
find_place(struct xy_diagnostics *to, const struct entry *entry)
{
    struct xyi_diagnostic **at = &to->first, **place = NULL;
    for (; *at; at = &(*at)->next) {
        const struct entry *other = (const struct entry *)*at;
        if (is_same(*at, &entry->shown))
            return NULL;
        if (!xy_str_equal(other->file, entry->file))
            continue;
        if (stands_before(other, entry))
            place = &(*at)->next;
        else if (!place)
            place = at;
    }
    return place ? place : at;
}

void
xyi_diagnostics_add(struct xy_diagnostics *to, bool is_caution, struct xyi_place place,
                    const char *option, const char *format, va_list arguments)
{
    struct xy_str file = place.file.len ? place.file : to->file;
    struct entry *entry = xyi_arena_alloc(to->arena, sizeof(*entry));
    entry->file = xyi_arena_str(to->arena, file);
    entry->line = place.line;
    entry->column = place.column;
    entry->shown.is_caution = is_caution;
    entry->shown.where = place.line ? xyi_arena_printf(to->arena, XY_FMT ":%d:%d", XY_ARG(file),
                                                       place.line, place.column)
                                    : entry->file;
    entry->shown.text = xyi_arena_vprintf(to->arena, format, arguments);
    if (option)
        entry->shown.text =
            xyi_arena_printf(to->arena, "%s: " XY_FMT, option, XY_ARG(entry->shown.text));
    struct xyi_diagnostic **before = find_place(to, entry);
    if (!before)
        return;
    entry->shown.next = *before;
    *before = &entry->shown;
    to->errors += !is_caution;
}

struct xyi_place
xyi_place_of(const struct xyi_yaml *at)
{
    if (!at)
        return (struct xyi_place){XY_NO_STR, 0, 0};
    return (struct xyi_place){at->file, at->line, at->column};
}

struct xyi_place
xyi_place_of_key(const struct xyi_yaml *at)
{
    if (!at || !at->key_line)
        return xyi_place_of(at);
    return (struct xyi_place){at->file, at->key_line, at->key_column};
}

void
xyi_complain_place(struct xy_diagnostics *to, struct xyi_place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    xyi_diagnostics_add(to, false, place, NULL, format, arguments);
    va_end(arguments);
}

void
xyi_complain_at(struct xy_diagnostics *to, const struct xyi_yaml *at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    xyi_diagnostics_add(to, false, xyi_place_of(at), NULL, format, arguments);
    va_end(arguments);
}

void
xyi_complain_key(struct xy_diagnostics *to, const struct xyi_yaml *at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    xyi_diagnostics_add(to, false, xyi_place_of_key(at), NULL, format, arguments);
    va_end(arguments);
}

void
xyi_caution_at(struct xy_diagnostics *to, const struct xyi_yaml *at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    xyi_diagnostics_add(to, true, xyi_place_of(at), NULL, format, arguments);
    va_end(arguments);
}

/* An option that was not written stands where its map does. */
XY_PRINTF(4, 0)
static void
add_option(struct xy_diagnostics *to, bool is_caution, const char *option, const char *format,
           va_list arguments)
{
    const struct xyi_yaml *value = xyi_option_at(to->aim, xy_str_from(option));
    struct xyi_place place = value ? xyi_place_of(value) : xyi_place_of_key(to->aim);
    xyi_diagnostics_add(to, is_caution, place, option, format, arguments);
}

void
xy_complain(struct xy_diagnostics *to, const char *option, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_option(to, false, option, format, arguments);
    va_end(arguments);
}

void
xy_caution(struct xy_diagnostics *to, const char *option, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_option(to, true, option, format, arguments);
    va_end(arguments);
}

struct xy_str
xyi_diagnostics_text(const struct xy_diagnostics *of)
{
    struct xy_buffer lines = {0};
    for (const struct xyi_diagnostic *at = of->first; at; at = at->next) {
        xy_buffer_add(&lines, at->where);
        if (at->where.len)
            xy_buffer_add(&lines, XY_STR(": "));
        if (at->is_caution)
            xy_buffer_add(&lines, XY_STR("caution: "));
        xy_buffer_add(&lines, at->text);
        xy_buffer_add(&lines, XY_STR("\n"));
    }
    return xy_buffer_str(&lines);
}
