/* SPDX-License-Identifier: MIT */
/*
 * The order of a hook's handlers: band, then .before and .after of the row and of its module
 * within the band, then the order of the configuration. A circle is an error that prints it.
 */
#include "core/bus/internal.h"

static const struct xy_module *
module_of(const struct xyi_row *row)
{
    return &row->want->library->module;
}

static bool
names(const char *list, const char *name)
{
    struct xy_str rest = xy_str_from(list);
    while (rest.len > 0)
        if (xy_str_equal(xy_str_cut(&rest, ' '), xy_str_from(name)))
            return true;
    return false;
}

/* Whether a is told to come before b. What a row says beats what its module says of all its
 * rows. */
static bool
precedes(const struct xyi_row *a, const struct xyi_row *b)
{
    const struct xy_module *of_a = module_of(a), *of_b = module_of(b);
    if (a->row->order != b->row->order)
        return a->row->order < b->row->order;
    if (strcmp(of_a->name, of_b->name) == 0)
        return false;
    if (names(a->row->before, of_b->name) || names(b->row->after, of_a->name))
        return true;
    if (names(a->row->after, of_b->name) || names(b->row->before, of_a->name))
        return false;
    return names(of_a->before, of_b->name) || names(of_b->after, of_a->name);
}

/* The first of the rows from `first` on that must come before `row`, or count. */
static size_t
predecessor(const struct xyi_row *rows, size_t first, size_t count, size_t row)
{
    size_t i = first;
    while (i < count && (i == row || !precedes(&rows[i], &rows[row])))
        i++;
    return i;
}

/* Every row from `first` on has a predecessor there, so walking back must come round. */
static void
complain_of_circle(const struct xyi_row *rows, size_t first, size_t count, const char *hook,
                   struct xy_diagnostics *to)
{
    size_t at = first;
    for (size_t i = first; i < count; i++)
        at = predecessor(rows, first, count, at);
    struct xy_buffer circle = {0};
    size_t start = at, *walk = xy_temp_alloc((count + 1) * sizeof(*walk)), steps = 0;
    do {
        walk[steps++] = at;
        at = predecessor(rows, first, count, at);
    } while (at != start);
    xy_buffer_printf(&circle, "%s", module_of(&rows[start])->name);
    while (steps-- > 0)
        xy_buffer_printf(&circle, " before %s", module_of(&rows[walk[steps]])->name);
    xyi_complain_at(to, rows[start].want->at, "the order of hook %s is a circle: %s", hook,
                    circle.text);
}

bool
xyi_rows_order(struct xyi_row *rows, size_t count, const char *hook, struct xy_diagnostics *to)
{
    for (size_t done = 0; done < count; done++) {
        size_t next = done;
        while (next < count && predecessor(rows, done, count, next) < count)
            next++;
        if (next == count) {
            complain_of_circle(rows, done, count, hook, to);
            return false;
        }
        struct xyi_row row = rows[next];
        memmove(&rows[done + 1], &rows[done], (next - done) * sizeof(row));
        rows[done] = row;
    }
    return true;
}
