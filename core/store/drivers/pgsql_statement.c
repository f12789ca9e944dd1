/* SPDX-License-Identifier: MIT */
/*
 * Prepared statements of a connection, by text and parameter types, and parameters in
 * PostgreSQL's binary form. Integers are always bigint, so a value too large for a column is an
 * error of the statement and not of the protocol, and a comparison with it is simply false.
 */
#include <endian.h>
#include <stdio.h>
#include "core/store/drivers/pgsql.h"

struct text *
pg_text(struct xyi_connection *connection, const struct xy_statement *statement)
{
    void **remembered = xyi_memo_slot(&connection->memo, statement);
    if (*remembered)
        return *remembered;
    const char *sql = statement->pgsql ? statement->pgsql : statement->sql;
    struct text *text = xy_map_get(connection->by_text, xy_str_from(sql));
    if (!text) {
        text = xyi_alloc(sizeof(*text));
        text->sql = xyi_str_copy(xy_str_from(sql)).at;
        text->numbered = xyi_str_copy(xyi_sql_numbered(connection->batch, sql));
        xyi_list_append(&connection->texts, &text->node);
        xy_map_put(connection->by_text, xy_str_from(sql), text);
    }
    return *remembered = text;
}

struct variant *
pg_variant(struct xyi_connection *connection, struct text *text, const char *types,
           size_t count)
{
    for (struct variant *v = text->variants; v; v = v->next)
        if (v->count == count && memcmp(v->types, types, count) == 0)
            return v;
    struct variant *made = xyi_alloc(sizeof(*made) + count + 1);
    snprintf(made->name, sizeof(made->name), "x%u", connection->names++);
    made->count = count;
    memcpy(made->types, types, count);
    made->next = text->variants;
    text->variants = made;
    return made;
}

void
pg_forget_statements(struct xyi_connection *connection)
{
    while (!xyi_list_empty(&connection->texts)) {
        struct text *text = XYI_LIST_OF(connection->texts.next, struct text, node);
        xyi_list_remove(&text->node);
        for (struct variant *v = text->variants, *next; v; v = next) {
            next = v->next;
            xyi_free(v);
        }
        xyi_free(text->sql);
        xyi_free(text->numbered.at);
        xyi_free(text);
    }
    xy_map_free(connection->by_text);
}

/* ---- parameters -------------------------------------------------------------------------- */

static struct parameters
room(struct xyi_arena *arena, size_t count)
{
    return (struct parameters){
        .count = count,
        .types = xyi_arena_alloc(arena, count + 1),
        .values = xyi_arena_alloc(arena, (count + 1) * sizeof(char *)),
        .lengths = xyi_arena_alloc(arena, (count + 1) * sizeof(int)),
        .formats = xyi_arena_alloc(arena, (count + 1) * sizeof(int)),
    };
}

static char
letter(const struct xy_value *value)
{
    static const char letters[] = {[XY_VALUE_NULL] = 'n',
                                   [XY_VALUE_INT] = 'i',
                                   [XY_VALUE_TEXT] = 't',
                                   [XY_VALUE_BYTES] = 'b'};
    return letters[value->type];
}

struct parameters
pg_parameters(struct xyi_arena *arena, struct xy_values values)
{
    struct parameters to = room(arena, values.count);
    for (size_t i = 0; i < values.count; i++) {
        const struct xy_value *value = &values.at[i];
        to.types[i] = letter(value);
        to.formats[i] = 1;
        to.values[i] = value->type == XY_VALUE_NULL ? NULL
                       : value->text.at             ? value->text.at
                                                    : "";
        to.lengths[i] = (int)value->text.len;
        if (value->type == XY_VALUE_INT) {
            uint64_t *bytes = xyi_arena_alloc(arena, sizeof(*bytes));
            *bytes = htobe64((uint64_t)value->integer);
            to.values[i] = (const char *)bytes;
            to.lengths[i] = sizeof(*bytes);
        }
    }
    return to;
}

static char *
put_word(char *to, size_t word)
{
    uint32_t bytes = htobe32((uint32_t)word);
    return mempcpy(to, &bytes, sizeof(bytes));
}

static size_t
size_of(const struct xy_value *value)
{
    return value->type == XY_VALUE_INT ? 8 : value->text.len;
}

static char *
put_element(char *to, const struct xy_value *value)
{
    if (value->type == XY_VALUE_NULL)
        return put_word(to, UINT32_MAX); /* length -1 */
    to = put_word(to, size_of(value));
    if (value->type == XY_VALUE_INT) {
        uint64_t bytes = htobe64((uint64_t)value->integer);
        return mempcpy(to, &bytes, sizeof(bytes));
    }
    return value->text.len ? mempcpy(to, value->text.at, value->text.len) : to;
}

static char
array_letter(struct xyi_txn_statement *const *rows, size_t count, size_t column)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i]->values.at[column].type != XY_VALUE_NULL)
            return (char)(letter(&rows[i]->values.at[column]) - 'a' + 'A');
    return 'B';
}

/* One dimension from 1: header of five words, then each element with its length. */
static void
put_array(struct xyi_arena *arena, struct parameters *to, size_t column,
          struct xyi_txn_statement *const *rows, size_t count)
{
    char type = array_letter(rows, count, column);
    size_t size = 5 * 4 + count * 4;
    for (size_t i = 0; i < count; i++)
        size += size_of(&rows[i]->values.at[column]);
    char *array = xyi_arena_take(arena, size);
    char *at = put_word(array, 1);
    at = put_word(at, 1); /* may hold NULLs */
    at = put_word(at, type == 'I' ? PG_BIGINT : type == 'T' ? PG_TEXT : PG_BYTEA);
    at = put_word(at, count);
    at = put_word(at, 1);
    for (size_t i = 0; i < count; i++)
        at = put_element(at, &rows[i]->values.at[column]);
    to->types[column] = type;
    to->formats[column] = 1;
    to->values[column] = array;
    to->lengths[column] = (int)(at - array);
}

struct parameters
pg_array_parameters(struct xyi_arena *arena, struct xyi_txn_statement *const *rows,
                    size_t count)
{
    struct parameters to = room(arena, rows[0]->values.count);
    for (size_t column = 0; column < to.count; column++)
        put_array(arena, &to, column, rows, count);
    return to;
}
