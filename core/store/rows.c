/* SPDX-License-Identifier: MIT */
/*
 * Results: rows linked in one arena, filled by a storage thread, then handed to the fiber
 * whole.
 */
#include "core/store/driver.h"

struct xy_rows {
    struct xyi_arena *arena;
    size_t columns, count;
    struct xyi_row *first, **last;
    struct xyi_row *at;
    bool begun;
};

struct xy_rows *
xyi_rows_new(struct xyi_arena *arena, size_t columns)
{
    struct xy_rows *rows = xyi_arena_alloc(arena, sizeof(*rows));
    rows->arena = arena;
    rows->columns = columns;
    rows->last = &rows->first;
    return rows;
}

struct xyi_row *
xyi_rows_add(struct xy_rows *rows)
{
    struct xyi_row *row =
        xyi_arena_alloc(rows->arena, sizeof(*row) + rows->columns * sizeof(row->cell[0]));
    *rows->last = row;
    rows->last = &row->next;
    rows->count++;
    return row;
}

bool
xy_rows_next(struct xy_rows *rows)
{
    if (!rows->begun)
        rows->at = rows->first;
    else if (rows->at)
        rows->at = rows->at->next;
    rows->begun = true;
    return rows->at != NULL;
}

size_t
xy_rows_count(const struct xy_rows *rows)
{
    return rows->count;
}

static const struct xy_value *
cell(const struct xy_rows *rows, unsigned column)
{
    xy_assert(rows->at && column < rows->columns);
    return &rows->at->cell[column];
}

bool
xy_rows_is_null(const struct xy_rows *rows, unsigned column)
{
    return cell(rows, column)->type == XY_VALUE_NULL;
}

int64_t
xy_rows_int(const struct xy_rows *rows, unsigned column)
{
    const struct xy_value *value = cell(rows, column);
    int64_t integer = value->integer;
    if (value->type == XY_VALUE_TEXT &&
        xy_str_to_int(value->text, INT64_MIN, INT64_MAX, &integer) != XY_OK)
        return 0;
    return integer;
}

struct xy_str
xy_rows_text(const struct xy_rows *rows, unsigned column)
{
    const struct xy_value *value = cell(rows, column);
    return value->type == XY_VALUE_INT ? xy_temp_printf("%lld", (long long)value->integer)
                                       : value->text;
}
