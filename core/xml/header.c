/* SPDX-License-Identifier: MIT */
/*
 * The start tag of a stream (RFC 6120 4.7, 4.8): its attributes and the namespaces it puts in
 * scope for all that follows.
 */
#include "core/xml/engine.h"

void
xyi_unusual_free(struct xyi_unusual *unusual)
{
    if (unusual)
        xyi_arena_free(unusual->arena);
}

static struct xyi_unusual *
unusual_new(const char *name)
{
    struct xyi_arena *arena = xyi_arena_new(512);
    struct xyi_unusual *names = xyi_arena_alloc(arena, sizeof(*names));
    names->arena = arena;
    names->start = xyi_arena_printf(arena, "<%s>", name);
    return names;
}

/* Returns the stream error, or NULL. */
static const char *
bind_names(struct xyi_unusual *names, const char **attrs)
{
    for (; attrs[0]; attrs += 2) {
        struct xy_str prefix, ns = xy_str_from(attrs[1]);
        if (!xyi_is_declaration(attrs[0], &prefix))
            continue;
        const char *condition = xyi_binding_check(prefix, ns);
        if (condition)
            return condition;
        struct xyi_binding *binding = xyi_arena_alloc(names->arena, sizeof(*binding));
        binding->prefix = xyi_arena_str(names->arena, prefix);
        binding->ns = xyi_arena_str(names->arena, ns);
        binding->next = names->bindings;
        names->bindings = binding;
    }
    return NULL;
}

static bool
is_usual(const struct xyi_unusual *names, enum xyi_content content)
{
    size_t count = 0;
    for (const struct xyi_binding *at = names->bindings; at; at = at->next)
        count++;
    const struct xyi_binding *stream = xyi_binding_find(names->bindings, XY_STR("stream"));
    return count == 2 && content != XYI_CONTENT_OTHER && stream &&
           xy_str_is(stream->ns, XY_NS_STREAM) && xy_str_is(names->start, "<stream:stream>");
}

static const char *
read_attrs(const struct xyi_unusual *names, const char **attrs,
           struct xyi_stream_header *header)
{
    for (; attrs[0]; attrs += 2) {
        struct xy_str prefix, local, value = xy_str_from(attrs[1]);
        if (xyi_is_declaration(attrs[0], &prefix))
            continue;
        if (!xyi_qname_cut(attrs[0], &prefix, &local))
            return "not-well-formed";
        if (prefix.len && !xy_str_is(prefix, "xml") &&
            !xyi_binding_find(names->bindings, prefix))
            return "bad-namespace-prefix";
        if (strcmp(attrs[0], "to") == 0)
            header->to = value;
        else if (strcmp(attrs[0], "from") == 0)
            header->from = value;
        else if (strcmp(attrs[0], "id") == 0)
            header->id = value;
        else if (strcmp(attrs[0], "version") == 0)
            header->version = value;
        else if (strcmp(attrs[0], "xml:lang") == 0)
            header->lang = value;
    }
    return NULL;
}

static const char *
read_name(const struct xyi_unusual *names, const char *name, struct xyi_stream_header *header)
{
    struct xy_str prefix, local;
    if (!xyi_qname_cut(name, &prefix, &local))
        return "not-well-formed";
    const struct xyi_binding *own = xyi_binding_find(names->bindings, prefix);
    const struct xyi_binding *outer = xyi_binding_find(names->bindings, XY_NO_STR);
    if (prefix.len && !own)
        return "bad-namespace-prefix";
    header->name_ns = own ? own->ns : XY_STR("");
    header->default_ns = outer ? outer->ns : XY_STR("");
    return xy_str_is(local, "stream") ? NULL : "bad-format";
}

void
xyi_header_read(struct xyi_engine *engine, const char *name, const char **attrs)
{
    struct xyi_parser *parser = engine->parser;
    struct xyi_stream_header header = {.id = XY_NO_STR};
    engine->position = (uint64_t)XML_GetCurrentByteIndex(engine->expat) +
                       (uint64_t)XML_GetCurrentByteCount(engine->expat);
    if (engine->position > parser->limits.stanza_bytes) {
        xyi_engine_fail(engine, "policy-violation", "too many bytes in the stream header");
        return;
    }
    struct xyi_unusual *names = unusual_new(name);
    const char *condition = bind_names(names, attrs);
    if (!condition)
        condition = read_name(names, name, &header);
    if (!condition)
        condition = read_attrs(names, attrs, &header);
    if (condition) {
        xyi_unusual_free(names);
        xyi_engine_fail(engine, condition, "stream header");
        return;
    }
    parser->content = xyi_content_of(header.default_ns);
    parser->unusual = names;
    parser->in_stream = true;
    parser->events->header(parser->argument, &header);
    if (is_usual(names, parser->content)) {
        xyi_unusual_free(names);
        parser->unusual = NULL;
    }
    if ((parser->paused && engine->position < engine->fed) || parser->restarted ||
        parser->freed)
        xyi_engine_stop(engine);
}
