/* SPDX-License-Identifier: MIT */
/*
 * Reads a map by a table of options into the fields the rows name. Everything that is wrong is
 * complained of where it stands; a field whose value is wrong keeps its default, so that later
 * checks do not report what follows from it.
 */
#include "core/conf/conf_internal.h"

struct reader {
    const struct xy_option *row;
    struct xy_str base;
    struct xyi_arena *arena;
    struct xy_diagnostics *to;
    const struct xyi_yaml *at; /* the value, or the map when a default is read */
};

XY_PRINTF(2, 3)
static xy_status
refuse(const struct reader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    xyi_diagnostics_add(reader->to, false, xyi_place_of(reader->at), reader->row->name, format,
                        arguments);
    va_end(arguments);
    return XY_INVALID;
}

static struct xy_str
bound_text(const struct xy_option *row, int64_t bound)
{
    if (row->type == XY_OPTION_DURATION)
        return xy_duration_text(bound);
    if (row->type == XY_OPTION_SIZE)
        return xyi_size_text(bound);
    return xy_temp_printf("%lld", (long long)bound);
}

static xy_status
check_range(const struct reader *reader, int64_t value, struct xy_str text)
{
    const struct xy_option *row = reader->row;
    int64_t max = row->max == 0 && row->min >= 0 ? INT64_MAX : row->max;
    if (value >= row->min && value <= max)
        return XY_OK;
    struct xy_str low = bound_text(row, row->min), high = bound_text(row, max);
    if (max == INT64_MAX)
        return refuse(reader, "must be at least " XY_FMT ", not " XY_FMT, XY_ARG(low),
                      XY_ARG(text));
    return refuse(reader, "must be between " XY_FMT " and " XY_FMT ", not " XY_FMT, XY_ARG(low),
                  XY_ARG(high), XY_ARG(text));
}

static const char *
or_none(const struct reader *reader)
{
    return reader->row->none ? ", or `none`" : "";
}

static xy_status
read_number(const struct reader *reader, struct xy_str text, int64_t *into)
{
    struct xy_str error = XY_NO_STR;
    xy_status status;
    int64_t value = 0;
    if (reader->row->none && xy_str_is(text, "none")) {
        *into = XY_NONE;
        return XY_OK;
    }
    if (reader->row->type == XY_OPTION_DURATION)
        status = xy_duration_parse(text, &value, &error);
    else if (reader->row->type == XY_OPTION_SIZE)
        status = xyi_size_parse(text, &value, &error);
    else
        status = xy_str_to_int(text, INT64_MIN, INT64_MAX, &value);
    if (status != XY_OK && !error.len)
        error = xy_temp_printf("`" XY_FMT "` is not a whole number", XY_ARG(text));
    if (status != XY_OK)
        return refuse(reader, XY_FMT "%s", XY_ARG(error), or_none(reader));
    if (check_range(reader, value, text) != XY_OK)
        return XY_INVALID;
    *into = value;
    return XY_OK;
}

static xy_status
read_rate(const struct reader *reader, struct xy_str text, xy_rate *into)
{
    struct xy_str error = XY_NO_STR;
    xy_rate rate = {XY_NONE, XY_NONE};
    if (!(reader->row->none && xy_str_is(text, "none")) &&
        xyi_rate_parse(text, &rate, &error) != XY_OK)
        return refuse(reader, XY_FMT "%s", XY_ARG(error), or_none(reader));
    *into = rate;
    return XY_OK;
}

static xy_status
read_choice(const struct reader *reader, struct xy_str text, xy_choice *into)
{
    struct xy_str names[32], all = XY_NO_STR;
    int count = 0;
    for (; count < 32; count++) {
        names[count] = xyi_choice_name(reader->row->choices, count);
        if (names[count].len == 0)
            break;
        if (xy_str_equal(names[count], text)) {
            into->index = count;
            return XY_OK;
        }
    }
    struct xy_str meant = xyi_did_you_mean(text, names, (size_t)count);
    if (meant.len)
        return refuse(reader, "`" XY_FMT "` is not known; did you mean `" XY_FMT "`?",
                      XY_ARG(text), XY_ARG(meant));
    all = xy_temp_join(names, (size_t)count, ", ");
    return refuse(reader, "must be one of " XY_FMT ", not `" XY_FMT "`", XY_ARG(all),
                  XY_ARG(text));
}

static xy_status
read_path(const struct reader *reader, struct xy_str text, xy_path *into)
{
    if (memchr(text.at, 0, text.len))
        return refuse(reader, "a path cannot contain a NUL");
    if (text.len == 0 || text.at[0] == '/')
        into->path = xyi_arena_str(reader->arena, text);
    else
        into->path = xyi_arena_printf(reader->arena, XY_FMT "/" XY_FMT, XY_ARG(reader->base),
                                      XY_ARG(text));
    return XY_OK;
}

static xy_status
read_jid(const struct reader *reader, struct xy_str text, const struct xy_jid **into)
{
    const struct xy_jid *jid = text.len ? xy_jid_parse(text) : NULL;
    if (text.len && !jid)
        return refuse(reader, "`" XY_FMT "` is not a JID", XY_ARG(text));
    xy_jid_drop(*into);
    *into = xy_jid_keep(jid);
    return XY_OK;
}

static xy_status
read_scalar(const struct reader *reader, struct xy_str text, void *field)
{
    const struct xy_option *row = reader->row;
    if (text.len == 0 && (!row->initial || row->initial[0]))
        return refuse(reader, "has no value");
    switch (row->type) {
    case XY_OPTION_BOOL:
        if (xyi_bool_parse(text, field) == XY_OK)
            return XY_OK;
        return refuse(reader, "must be on or off, not `" XY_FMT "`", XY_ARG(text));
    case XY_OPTION_INT:
    case XY_OPTION_DURATION:
    case XY_OPTION_SIZE:
        return read_number(reader, text, field);
    case XY_OPTION_RATE:
        return read_rate(reader, text, field);
    case XY_OPTION_CHOICE:
        return read_choice(reader, text, field);
    case XY_OPTION_TEXT:
    case XY_OPTION_SECRET:
        *(struct xy_str *)field = xyi_arena_str(reader->arena, text);
        return XY_OK;
    case XY_OPTION_PATH:
        return read_path(reader, text, field);
    case XY_OPTION_JID:
        return read_jid(reader, text, field);
    case XY_OPTION_LIST:
    case XY_OPTION_GROUP:
        break;
    }
    return XY_INVALID;
}

static xy_status
read_list(struct reader *reader, const struct xyi_yaml *value, xy_list *into)
{
    size_t count = 0;
    for (const struct xyi_yaml *item = value->first; item; item = item->next)
        count++;
    bool single = value->kind == XYI_YAML_SCALAR && value->text.len;
    struct xy_str *texts = xyi_arena_alloc(reader->arena, (count + 1) * sizeof(*texts));
    count = 0;
    if (single)
        texts[count++] = xyi_arena_str(reader->arena, value->text);
    for (const struct xyi_yaml *item = value->first; item; item = item->next) {
        reader->at = item;
        if (item->kind != XYI_YAML_SCALAR || item->text.len == 0)
            return refuse(reader, "each entry must be a text");
        texts[count++] = xyi_arena_str(reader->arena, item->text);
    }
    *into = (xy_list){texts, count};
    return XY_OK;
}

static xy_status
read_value(struct reader *reader, const struct xyi_yaml *value, void *field)
{
    bool list = reader->row->type == XY_OPTION_LIST;
    reader->at = value;
    if (value->kind == XYI_YAML_MAP || (value->kind == XYI_YAML_LIST && !list))
        return refuse(reader, "must be a %s, not a %s", list ? "list" : "single value",
                      value->kind == XYI_YAML_MAP ? "map" : "list");
    if (value->kind == XYI_YAML_NONE)
        return refuse(reader, "has no value");
    if (list)
        return read_list(reader, value, field);
    return read_scalar(reader, value->text, field);
}

static void
read_default(struct reader *reader, const struct xyi_yaml *map, void *field)
{
    struct xy_str text = xy_str_from(reader->row->initial);
    reader->at = map;
    if (!text.at) {
        xyi_complain_key(reader->to, map, "%s: is required", reader->row->name);
    } else if (reader->row->type == XY_OPTION_LIST) {
        const struct xyi_yaml *value = xyi_yaml_value(reader->arena, text);
        *(xy_list *)field = (xy_list){NULL, 0};
        if (value)
            (void)!read_list(reader, value, field);
    } else {
        (void)!read_scalar(reader, text, field);
    }
}

/* ---- keys
 * ------------------------------------------------------------------------------------ */

struct xyi_yaml *
xyi_option_at(const struct xyi_yaml *map, struct xy_str name)
{
    struct xyi_yaml *at = NULL;
    while (name.len) {
        at = xyi_yaml_get(map, xy_str_cut(&name, '.'));
        if (name.len && (!at || at->kind != XYI_YAML_MAP))
            return NULL;
        map = at;
    }
    return at;
}

/* The key of a row in the map of `group` (NULL: the outermost); absent if it is of another. */
static struct xy_str
key_in(const struct xy_option *group, const struct xy_option *row)
{
    struct xy_str key = xy_str_from(row->name), prefix = xy_str_from(group ? group->name : "");
    if (group && (!xy_str_starts(key, prefix) || key.at[prefix.len] != '.'))
        return XY_NO_STR;
    if (group)
        key = xy_str_from(row->name + prefix.len + 1);
    return memchr(key.at, '.', key.len) ? XY_NO_STR : key;
}

static bool
is_known(struct xyi_option_table table, const struct xy_option *group, const char *const *known,
         struct xy_str key)
{
    for (size_t i = 0; i < table.count; i++)
        if (key.len && xy_str_equal(key, key_in(group, &table.rows[i])))
            return true;
    for (; known && *known; known++)
        if (xy_str_equal(key, xy_str_from(*known)))
            return true;
    return false;
}

static void
complain_unknown(struct xyi_option_table table, const struct xy_option *group,
                 const char *const *known, const struct xyi_yaml *child, struct reader *reader)
{
    size_t count = table.count;
    for (const char *const *more = known; more && *more; more++)
        count++;
    struct xy_str *names = xyi_arena_alloc(reader->arena, (count + 1) * sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = i < table.count ? key_in(group, &table.rows[i])
                                   : xy_str_from(known[i - table.count]);
    struct xy_str meant = xyi_did_you_mean(child->key, names, count);
    if (meant.len)
        xyi_complain_key(reader->to, child,
                         "unknown option `" XY_FMT "`; did you mean `" XY_FMT "`?",
                         XY_ARG(child->key), XY_ARG(meant));
    else
        xyi_complain_key(reader->to, child, "unknown option `" XY_FMT "`", XY_ARG(child->key));
}

static void
check_keys(struct xyi_option_table table, const struct xy_option *group,
           const char *const *known, const struct xyi_yaml *map, struct reader *reader)
{
    for (const struct xyi_yaml *child = map->first; child; child = child->next)
        if (!is_known(table, group, known, child->key))
            complain_unknown(table, group, known, child, reader);
}

static void
read_group(struct xyi_option_table table, const struct xyi_yaml *value, struct reader *reader)
{
    reader->at = value;
    if (value->kind == XYI_YAML_MAP)
        check_keys(table, reader->row, NULL, value, reader);
    else if (value->kind != XYI_YAML_NONE)
        (void)!refuse(reader, "must be a map of options, such as { key: value }");
}

void
xyi_options_read(struct xyi_option_table table, const struct xyi_yaml *map,
                 const char *const *known, struct xy_str base, struct xyi_arena *arena,
                 void *into, struct xy_diagnostics *to)
{
    struct reader reader = {.base = base, .arena = arena, .to = to};
    if (map && map->kind != XYI_YAML_MAP && map->kind != XYI_YAML_NONE) {
        xyi_complain_at(to, map, "must be a map of options, such as { key: value }");
        return;
    }
    if (map)
        check_keys(table, NULL, known, map, &reader);
    for (size_t i = 0; i < table.count; i++) {
        reader.row = &table.rows[i];
        void *field = (char *)into + reader.row->offset;
        const struct xyi_yaml *value = xyi_option_at(map, xy_str_from(reader.row->name));
        if (reader.row->type == XY_OPTION_GROUP) {
            if (value)
                read_group(table, value, &reader);
            continue;
        }
        if (!value || reader.row->initial)
            read_default(&reader, map, field);
        if (value)
            (void)!read_value(&reader, value, field);
    }
}
