/* SPDX-License-Identifier: MIT */
/*
 * YAML to a tree that knows where everything stands (libyaml events carry marks). Stricter than
 * YAML itself: one document, no anchors, aliases or tags, no key twice, keys are plain text.
 * What a value means is decided by whoever reads it, so `no` can be a host name.
 */
#include <yaml.h>

#include "core/conf/conf_internal.h"

#define DEPTH 32

struct reading {
    struct xyi_arena *arena;
    struct xy_diagnostics *to;
    struct xy_str name, text;
    struct xyi_yaml *root, *open; /* the list or map that is being filled */
    struct xyi_yaml *key;         /* a key whose value comes next */
    int depth;
    bool failed;
};

static struct xyi_place
place_at(const struct reading *reading, yaml_mark_t mark)
{
    return (struct xyi_place){reading->name, (int)mark.line + 1, (int)mark.column + 1};
}

static struct xyi_yaml *
make_node(struct reading *reading, enum xyi_yaml_kind kind, yaml_mark_t mark)
{
    struct xyi_yaml *node = xyi_arena_alloc(reading->arena, sizeof(*node));
    struct xyi_place place = place_at(reading, mark);
    *node = (struct xyi_yaml){
        .kind = kind, .file = place.file, .line = place.line, .column = place.column};
    return node;
}

static struct xyi_yaml **
find_end(struct xyi_yaml *node)
{
    struct xyi_yaml **end = &node->first;
    while (*end)
        end = &(*end)->next;
    return end;
}

/* Puts a finished value into the open list or map, under the key that waits for it. */
static void
place_node(struct reading *reading, struct xyi_yaml *node)
{
    node->parent = reading->open;
    if (!reading->open) {
        reading->root = node;
        return;
    }
    if (reading->open->kind == XYI_YAML_MAP) {
        const struct xyi_yaml *key = reading->key;
        reading->key = NULL;
        node->key = key->text;
        node->key_line = key->line;
        node->key_column = key->column;
        const struct xyi_yaml *former = xyi_yaml_get(reading->open, node->key);
        if (former)
            xyi_complain_key(reading->to, node,
                             "`" XY_FMT "` is set twice; the first is at " XY_FMT ":%d:%d",
                             XY_ARG(node->key), XY_ARG(former->file), former->key_line,
                             former->key_column);
    }
    *find_end(reading->open) = node;
}

static bool
wants_key(const struct reading *reading)
{
    return reading->open && reading->open->kind == XYI_YAML_MAP && !reading->key;
}

static void
refuse_extras(struct reading *reading, const yaml_event_t *event, const unsigned char *anchor,
              const unsigned char *tag)
{
    if (anchor)
        xyi_complain_place(
            reading->to, place_at(reading, event->start_mark),
            "anchors (`&%s`) are not supported: write the value where it is needed", anchor);
    if (tag)
        xyi_complain_place(reading->to, place_at(reading, event->start_mark),
                           "tags (`%s`) are not supported: the option decides the type", tag);
}

static void
take_scalar(struct reading *reading, const yaml_event_t *event)
{
    refuse_extras(reading, event, event->data.scalar.anchor, event->data.scalar.tag);
    struct xyi_yaml *node = make_node(reading, XYI_YAML_SCALAR, event->start_mark);
    node->text = xyi_arena_str(reading->arena, xy_str_of((const char *)event->data.scalar.value,
                                                         event->data.scalar.length));
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (wants_key(reading)) {
        reading->key = node;
        return;
    }
    if (!node->quoted && node->text.len == 0)
        node->kind = XYI_YAML_NONE;
    place_node(reading, node);
}

static void
open_node(struct reading *reading, const yaml_event_t *event, enum xyi_yaml_kind kind,
          const unsigned char *anchor, const unsigned char *tag)
{
    refuse_extras(reading, event, anchor, tag);
    struct xyi_place place = place_at(reading, event->start_mark);
    if (wants_key(reading)) {
        xyi_complain_place(reading->to, place, "a key must be plain text");
        reading->failed = true;
        return;
    }
    if (++reading->depth > DEPTH) {
        xyi_complain_place(reading->to, place, "nested more than %d deep", DEPTH);
        reading->failed = true;
        return;
    }
    struct xyi_yaml *node = make_node(reading, kind, event->start_mark);
    place_node(reading, node);
    reading->open = node;
}

static void
take_alias(struct reading *reading, const yaml_event_t *event)
{
    struct xyi_yaml *node = make_node(reading, XYI_YAML_NONE, event->start_mark);
    xyi_complain_place(reading->to, xyi_place_of(node),
                       "aliases (`*%s`) are not supported: write the value where it is needed",
                       event->data.alias.anchor);
    if (wants_key(reading)) {
        node->text = XY_STR("*");
        reading->key = node;
        return;
    }
    place_node(reading, node);
}

static void
take(struct reading *reading, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        take_scalar(reading, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        open_node(reading, event, XYI_YAML_LIST, event->data.sequence_start.anchor,
                  event->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        open_node(reading, event, XYI_YAML_MAP, event->data.mapping_start.anchor,
                  event->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reading->open = reading->open->parent;
        reading->depth--;
        break;
    case YAML_ALIAS_EVENT:
        take_alias(reading, event);
        break;
    case YAML_DOCUMENT_START_EVENT:
        if (reading->root) {
            xyi_complain_place(reading->to, place_at(reading, event->start_mark),
                               "a second document begins here; only one is read");
            reading->failed = true;
        }
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

/* libyaml gives a byte offset for what it could not even decode. */
static struct xyi_place
place_of_offset(const struct reading *reading, size_t offset)
{
    struct xyi_place place = {reading->name, 1, 1};
    for (size_t i = 0; i < offset && i < reading->text.len; i++) {
        unsigned char byte = (unsigned char)reading->text.at[i];
        if (byte == '\n') {
            place.line++;
            place.column = 1;
        } else if ((byte & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static void
complain_of_syntax(struct reading *reading, const yaml_parser_t *parser)
{
    reading->failed = true;
    const char *problem = parser->problem ? parser->problem : "cannot be parsed";
    if (parser->error == YAML_READER_ERROR) {
        bool control = strstr(problem, "control") != NULL;
        unsigned byte = (unsigned char)reading->text.at[parser->problem_offset];
        xyi_complain_place(
            reading->to, place_of_offset(reading, parser->problem_offset), "%s (0x%02x)",
            control ? "a control character is not allowed here" : "not valid UTF-8", byte);
        return;
    }
    struct xyi_place place = place_at(reading, parser->problem_mark);
    if (parser->context)
        xyi_complain_place(reading->to, place, "not YAML: %s, %s at line %zu", problem,
                           parser->context, parser->context_mark.line + 1);
    else
        xyi_complain_place(reading->to, place, "not YAML: %s", problem);
}

static struct xyi_yaml *
read_tree(struct reading *reading)
{
    yaml_parser_t parser;
    xy_assert(yaml_parser_initialize(&parser));
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)reading->text.at,
                                 reading->text.len);
    bool more = true;
    while (more && !reading->failed) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            complain_of_syntax(reading, &parser);
            break;
        }
        take(reading, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return reading->failed ? NULL : reading->root;
}

struct xyi_yaml *
xyi_yaml_parse(struct xyi_arena *arena, struct xy_str name, struct xy_str text,
               struct xy_diagnostics *to)
{
    struct reading reading = {
        .arena = arena, .to = to, .name = xyi_arena_str(arena, name), .text = text};
    xyi_diagnostics_file(to, name);
    struct xyi_yaml *root = read_tree(&reading);
    if (reading.failed)
        return NULL;
    if (!root || root->kind == XYI_YAML_NONE) {
        root = xyi_arena_alloc(arena, sizeof(*root));
        *root = (struct xyi_yaml){.kind = XYI_YAML_MAP, .file = reading.name};
    }
    if (root->kind != XYI_YAML_MAP) {
        xyi_complain_at(to, root, "the file must be a map of `key: value` lines");
        return NULL;
    }
    return root;
}

struct xyi_yaml *
xyi_yaml_value(struct xyi_arena *arena, struct xy_str text)
{
    struct reading reading = {.arena = arena, .to = xyi_diagnostics_new(arena), .text = text};
    struct xyi_yaml *value = read_tree(&reading);
    return xyi_errors(reading.to) ? NULL : value;
}

struct xyi_yaml *
xyi_yaml_get(const struct xyi_yaml *map, struct xy_str key)
{
    if (!map || map->kind != XYI_YAML_MAP)
        return NULL;
    for (struct xyi_yaml *child = map->first; child; child = child->next)
        if (xy_str_equal(child->key, key))
            return child;
    return NULL;
}
