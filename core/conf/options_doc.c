/* SPDX-License-Identifier: MIT */
/*
 * Documents made from option tables: the commented defaults, the manual page's list and the
 * JSON Schema. What the reader of a file accepts and what is written about it come from the
 * same row.
 */
#include <jansson.h>
#include <stdlib.h>

#include "core/conf/conf_internal.h"

#define WIDTH 92

static const char *
type_name(const struct xy_option *row)
{
    switch (row->type) {
    case XY_OPTION_BOOL:
        return "on or off";
    case XY_OPTION_INT:
        return "number";
    case XY_OPTION_TEXT:
        return "text";
    case XY_OPTION_DURATION:
        return "duration";
    case XY_OPTION_SIZE:
        return "size";
    case XY_OPTION_RATE:
        return "rate";
    case XY_OPTION_CHOICE:
        return "one of";
    case XY_OPTION_SECRET:
        return "secret";
    case XY_OPTION_PATH:
        return "path";
    case XY_OPTION_LIST:
        return "list";
    case XY_OPTION_JID:
        return "JID";
    case XY_OPTION_GROUP:
        return "map";
    }
    return "";
}

static struct xy_str
bound(const struct xy_option *row, int64_t value)
{
    if (row->type == XY_OPTION_DURATION)
        return xy_duration_text(value);
    if (row->type == XY_OPTION_SIZE)
        return xyi_size_text(value);
    return xy_temp_printf("%lld", (long long)value);
}

/* "duration, 1 s to 5 min, or none; a reload replaces the module" */
static struct xy_str
describe(const struct xy_option *row)
{
    static const char *const effects[] = {
        [XY_LIVE] = "changes live at a reload",
        [XY_REPLACE] = "a reload restarts the module with it",
        [XY_RECONNECT] = "connections made after a reload see it",
        [XY_RESTART] = "takes a restart of the server",
    };
    struct xy_buffer text = {0};
    if (row->type == XY_OPTION_GROUP)
        return XY_STR("map of the options that follow");
    xy_buffer_printf(&text, "%s", type_name(row));
    for (int i = 0; row->choices && xyi_choice_name(row->choices, i).len; i++)
        xy_buffer_printf(&text, "%s" XY_FMT, i ? ", " : " ",
                         XY_ARG(xyi_choice_name(row->choices, i)));
    bool ends = row->max && row->max != INT64_MAX;
    if (row->min && (ends || row->min < 0))
        xy_buffer_printf(&text, ", " XY_FMT " to " XY_FMT, XY_ARG(bound(row, row->min)),
                         XY_ARG(bound(row, row->max)));
    else if (row->min)
        xy_buffer_printf(&text, ", at least " XY_FMT, XY_ARG(bound(row, row->min)));
    else if (ends)
        xy_buffer_printf(&text, ", at most " XY_FMT, XY_ARG(bound(row, row->max)));
    xy_buffer_printf(&text, "%s%s; %s", row->none ? ", or none" : "",
                     row->initial ? "" : "; required", effects[row->effect]);
    return xy_buffer_str(&text);
}

/* Comment lines of at most WIDTH columns. */
static void
add_comment(struct xy_buffer *to, struct xy_str text, unsigned indent)
{
    size_t column = 0;
    while (text.len) {
        struct xy_str word = xy_str_cut(&text, ' ');
        if (column && column + 1 + word.len > WIDTH) {
            xy_buffer_add(to, XY_STR("\n"));
            column = 0;
        }
        if (!column) {
            xy_buffer_printf(to, "%*s#", (int)indent, "");
            column = indent + 1;
        }
        xy_buffer_printf(to, " " XY_FMT, XY_ARG(word));
        column += 1 + word.len;
    }
    xy_buffer_add(to, XY_STR("\n"));
}

static void
add_initial(struct xy_buffer *to, const struct xy_option *row)
{
    struct xy_str initial = xy_str_from(row->initial);
    if (row->type == XY_OPTION_LIST)
        xy_buffer_add(to, initial.len ? initial : XY_STR("[]"));
    else
        xyi_yaml_write(to, initial);
}

struct xy_str
xyi_options_defaults(struct xyi_option_table table, unsigned indent)
{
    struct xy_buffer text = {0};
    for (size_t i = 0; i < table.count; i++) {
        const struct xy_option *row = &table.rows[i];
        const char *dot = strrchr(row->name, '.');
        unsigned depth = indent + (dot ? 2 : 0);
        add_comment(&text, xy_str_from(row->doc ? row->doc : row->name), depth);
        add_comment(&text, xy_temp_printf("(" XY_FMT ")", XY_ARG(describe(row))), depth);
        xy_buffer_printf(&text, "%*s%s%s:%s", (int)depth, "", row->initial ? "" : "# ",
                         dot ? dot + 1 : row->name, row->type == XY_OPTION_GROUP ? "" : " ");
        if (row->initial && row->type != XY_OPTION_GROUP)
            add_initial(&text, row);
        xy_buffer_add(&text, XY_STR("\n"));
    }
    return xy_buffer_str(&text);
}

/* roff reads a backslash as an escape and a leading dot or quote as a request. */
static void
add_roff(struct xy_buffer *to, struct xy_str text)
{
    if (text.len && strchr(".'", text.at[0]))
        xy_buffer_add(to, XY_STR("\\&"));
    for (size_t i = 0; i < text.len; i++) {
        struct xy_str letter = xy_str_of(text.at + i, 1);
        if (text.at[i] == '\\')
            letter = XY_STR("\\e");
        else if (text.at[i] == '-')
            letter = XY_STR("\\-");
        xy_buffer_add(to, letter);
    }
}

struct xy_str
xyi_options_man(struct xyi_option_table table)
{
    struct xy_buffer text = {0};
    for (size_t i = 0; i < table.count; i++) {
        const struct xy_option *row = &table.rows[i];
        xy_buffer_printf(&text, ".TP\n\\fB%s\\fR", row->name);
        if (row->initial && row->type != XY_OPTION_GROUP) {
            struct xy_buffer initial = {0};
            add_initial(&initial, row);
            xy_buffer_add(&text, XY_STR(": \\fI"));
            add_roff(&text, xy_buffer_str(&initial));
            xy_buffer_add(&text, XY_STR("\\fR"));
        }
        xy_buffer_add(&text, XY_STR("\n"));
        add_roff(&text, xy_str_from(row->doc ? row->doc : ""));
        xy_buffer_add(&text, XY_STR("\n("));
        add_roff(&text, describe(row));
        xy_buffer_add(&text, XY_STR(")\n"));
    }
    return xy_buffer_str(&text);
}

static void
set(json_t *object, const char *key, json_t *value)
{
    xy_assert(json_object_set_new(object, key, value) == 0);
}

static json_t *
text_json(struct xy_str text)
{
    return json_stringn(text.at ? text.at : "", text.len);
}

static json_t *
type_schema(const struct xy_option *row)
{
    json_t *schema = json_object();
    if (row->type == XY_OPTION_BOOL) {
        set(schema, "enum", json_pack("[b,b,s,s,s,s]", 1, 0, "on", "off", "yes", "no"));
    } else if (row->type == XY_OPTION_CHOICE) {
        json_t *names = json_array();
        for (int i = 0; xyi_choice_name(row->choices, i).len; i++)
            json_array_append_new(names, text_json(xyi_choice_name(row->choices, i)));
        set(schema, "enum", names);
    } else if (row->type == XY_OPTION_INT && !row->none) {
        set(schema, "type", json_string("integer"));
        set(schema, "minimum", json_integer(row->min));
        if (row->max || row->min < 0)
            set(schema, "maximum", json_integer(row->max));
    } else if (row->type == XY_OPTION_LIST) {
        set(schema, "type", json_pack("[s,s]", "array", "string"));
        set(schema, "items", json_pack("{s:s}", "type", "string"));
    } else {
        set(schema, "type", json_pack("[s,s,s]", "string", "integer", "number"));
    }
    return schema;
}

static json_t *
map_schema(json_t *properties, json_t *required)
{
    json_t *schema = json_pack("{s:s, s:b, s:o, s:o}", "type", "object", "additionalProperties",
                               0, "properties", properties, "required", required);
    xy_assert(schema);
    return schema;
}

/* Where the row is described: its group's map or the outermost. */
static json_t *
map_of(json_t *whole, const char *name)
{
    const char *dot = strrchr(name, '.');
    json_t *properties = json_object_get(whole, "properties");
    if (dot)
        return json_object_getn(properties, name, (size_t)(dot - name));
    return whole;
}

struct xy_str
xyi_options_schema(struct xyi_option_table table)
{
    json_t *whole = map_schema(json_object(), json_array());
    for (size_t i = 0; i < table.count; i++) {
        const struct xy_option *row = &table.rows[i];
        const char *dot = strrchr(row->name, '.'), *key = dot ? dot + 1 : row->name;
        bool is_group = row->type == XY_OPTION_GROUP;
        json_t *map = map_of(whole, row->name);
        json_t *schema = is_group ? map_schema(json_object(), json_array()) : type_schema(row);
        set(schema, "description",
            text_json(xy_temp_printf("%s (" XY_FMT ")", row->doc ? row->doc : "",
                                     XY_ARG(describe(row)))));
        if (row->initial && !is_group)
            set(schema, "default", json_string(row->initial));
        else if (!is_group)
            json_array_append_new(json_object_get(map, "required"), json_string(key));
        set(json_object_get(map, "properties"), key, schema);
    }
    char *text = json_dumps(whole, JSON_COMPACT);
    struct xy_str copy = xy_temp_str(xy_str_from(text));
    free(text);
    json_decref(whole);
    return copy;
}
