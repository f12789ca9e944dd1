/* SPDX-License-Identifier: MIT */
/*
 * Answers for people, made from the same document programs get: fields as a list, rows as a
 * table, notes as lines, errors to standard error.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/server/ctl.h"

#define COLUMNS 24

json_t *
xyi_ctl_answer(xy_status status, struct xy_str error)
{
    json_t *answer = json_pack("{s:s, s:i, s:{}, s:[], s:[]}", "status", xy_status_name(status),
                               "exit", xyi_exit_code(status), "fields", "rows", "notes");
    if (status != XY_OK)
        json_object_set_new(answer, "error", xyi_json_text(error));
    return answer;
}

static struct xy_str
value_text(const json_t *value)
{
    if (json_is_string(value))
        return xyi_json_str(value);
    if (json_is_integer(value))
        return xy_temp_printf("%lld", (long long)json_integer_value(value));
    return json_is_true(value) ? XY_STR("yes") : value ? XY_STR("no") : XY_NO_STR;
}

static struct xy_str
title(const char *key)
{
    char *words = xy_temp_alloc(strlen(key) + 1);
    strcpy(words, key);
    for (char *at = words; *at; at++)
        if (*at == '_')
            *at = ' ';
    return xy_str_from(words);
}

static int
width(struct xy_str text)
{
    int letters = 0;
    for (size_t i = 0; i < text.len; i++)
        letters += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return letters;
}

static void
print_padded(struct xy_str text, int columns)
{
    printf(XY_FMT "%*s", XY_ARG(text), columns > width(text) ? columns - width(text) : 0, "");
}

static void
print_fields(json_t *fields)
{
    const char *key;
    json_t *value;
    int widest = 0;
    json_object_foreach(fields, key, value)
    {
        int own = width(title(key));
        widest = own > widest ? own : widest;
    }
    json_object_foreach(fields, key, value)
    {
        struct xy_str text = value_text(value);
        if (text.len && memchr(text.at, '\n', text.len)) {
            printf(XY_FMT, XY_ARG(text)); /* a document */
            continue;
        }
        print_padded(xy_temp_printf(XY_FMT ":", XY_ARG(title(key))), widest + 2);
        printf(XY_FMT "\n", XY_ARG(text));
    }
}

/* ---- tables
 * -----------------------------------------------------------------------------------------------
 */

struct table {
    const char *keys[COLUMNS];
    int widths[COLUMNS];
    size_t count;
};

static size_t
find_column(struct table *table, const char *key)
{
    size_t at = 0;
    while (at < table->count && strcmp(table->keys[at], key) != 0)
        at++;
    if (at == table->count && at < COLUMNS) {
        table->keys[table->count++] = key;
        table->widths[at] = width(title(key));
    }
    return at;
}

static void
measure(struct table *table, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i), *value;
        const char *key;
        json_object_foreach(row, key, value)
        {
            size_t at = find_column(table, key);
            int own = width(value_text(value));
            if (at < COLUMNS && own > table->widths[at])
                table->widths[at] = own;
        }
    }
}

static void
print_row(const struct table *table, const json_t *row)
{
    size_t last = 0;
    for (size_t i = 0; i < table->count; i++)
        if (!row || value_text(json_object_get(row, table->keys[i])).len)
            last = i;
    for (size_t i = 0; table->count && i <= last; i++) {
        struct xy_str text =
            row ? value_text(json_object_get(row, table->keys[i])) : title(table->keys[i]);
        print_padded(text, i == last ? 0 : table->widths[i] + 2);
    }
    printf("\n");
}

static bool
is_diagnostic(const json_t *row)
{
    return json_object_get(row, "where") && json_object_get(row, "severity") &&
           json_object_get(row, "text");
}

static void
print_diagnostic(const json_t *row)
{
    struct xy_str where = xyi_json_str(json_object_get(row, "where"));
    struct xy_str severity = xyi_json_str(json_object_get(row, "severity"));
    printf(XY_FMT "%s%s" XY_FMT "\n", XY_ARG(where), where.len ? ": " : "",
           xy_str_is(severity, "caution") ? "caution: " : "",
           XY_ARG(xyi_json_str(json_object_get(row, "text"))));
}

static void
print_rows(const json_t *rows)
{
    struct table table = {.count = 0};
    size_t count = json_array_size(rows);
    bool diagnostics = count && is_diagnostic(json_array_get(rows, 0));
    measure(&table, rows);
    if (count && table.count > 1 && !diagnostics)
        print_row(&table, NULL);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        if (diagnostics)
            print_diagnostic(row);
        else
            print_row(&table, row);
    }
}

int
xyi_ctl_print(const json_t *answer, bool as_json)
{
    const json_t *rows = json_object_get(answer, "rows"),
                 *notes = json_object_get(answer, "notes");
    json_t *fields = json_object_get(answer, "fields");
    struct xy_str error = xyi_json_str(json_object_get(answer, "error"));
    if (as_json) {
        json_dumpf(answer, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        print_fields(fields);
        if (json_object_size(fields) && json_array_size(rows))
            printf("\n");
        print_rows(rows);
        for (size_t i = 0; i < json_array_size(notes); i++)
            printf(XY_FMT "\n", XY_ARG(xyi_json_str(json_array_get(notes, i))));
    }
    fflush(stdout);
    if (error.at && !as_json)
        fprintf(stderr, "xylemctl: " XY_FMT "\n", XY_ARG(xy_str_trim(error)));
    return (int)json_integer_value(json_object_get(answer, "exit"));
}
