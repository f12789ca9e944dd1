/* SPDX-License-Identifier: MIT */
/*
 * Namespaces in XML 1.0: declarations, prefixes, qualified names. Bindings of a stanza are in
 * its block; those of the stream's header are the stream's.
 */
#include "core/xml/engine.h"

#define NS_XMLNS "http://www.w3.org/2000/xmlns/"

enum { MOST_BINDINGS = 128 }; /* in scope: lookups go one by one */

/* Expat has checked that the whole is a name, not that either part is one. Of the letters that
 * may begin a part only those of ASCII are taken: nobody names a thing otherwise, and what is
 * let through here is sent on to parsers that do check. */
static bool
begins_a_name(struct xy_str part)
{
    char c = part.len ? part.at[0] : '\0';
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

bool
xyi_qname_cut(const char *name, struct xy_str *prefix, struct xy_str *local)
{
    const char *colon = strchr(name, ':');
    *prefix = XY_NO_STR;
    *local = xy_str_from(name);
    if (!colon)
        return true;
    *prefix = xy_str_of(name, (size_t)(colon - name));
    *local = xy_str_from(colon + 1);
    return prefix->len && begins_a_name(*local) && !strchr(local->at, ':');
}

bool
xyi_is_declaration(const char *name, struct xy_str *prefix)
{
    if (strncmp(name, "xmlns", 5) != 0 || (name[5] != '\0' && name[5] != ':'))
        return false;
    *prefix = name[5] ? xy_str_from(name + 6) : XY_NO_STR;
    return true;
}

const char *
xyi_binding_check(struct xy_str prefix, struct xy_str ns)
{
    bool is_xml = xy_str_is(prefix, "xml");
    if (prefix.at && (!begins_a_name(prefix) || memchr(prefix.at, ':', prefix.len)))
        return "not-well-formed";
    if (is_xml != xy_str_is(ns, XY_NS_XML) || xy_str_is(prefix, "xmlns") ||
        xy_str_is(ns, NS_XMLNS) || (prefix.len && ns.len == 0))
        return "not-well-formed";
    return NULL;
}

const struct xyi_binding *
xyi_binding_find(const struct xyi_binding *first, struct xy_str prefix)
{
    while (first && !xy_str_equal(first->prefix, prefix))
        first = first->next;
    return first;
}

static void
declare(struct xyi_engine *engine, struct xy_str prefix, const char *value)
{
    struct xyi_block *block = &engine->stanza->block;
    struct xy_str ns = xy_str_from(value);
    const char *condition = xyi_binding_check(prefix, ns);
    if (condition || engine->binding_count == MOST_BINDINGS) {
        xyi_engine_fail(engine, condition ? condition : "policy-violation",
                        "namespace declaration");
        return;
    }
    struct xyi_binding *binding = xyi_block_take(block, sizeof(*binding));
    bool is_content = xyi_content_of(ns) != XYI_CONTENT_OTHER &&
                      xyi_content_of(ns) == engine->parser->content;
    *binding = (struct xyi_binding){
        .next = engine->bindings,
        .prefix = xyi_block_str(block, prefix),
        .ns = is_content ? XY_STR(XY_NS_CLIENT) : xyi_block_str(block, ns),
        .depth = engine->depth,
    };
    engine->bindings = binding;
    engine->binding_count++;
}

/* What the stream's header bound. */
static struct xy_str
outer_ns(struct xyi_engine *engine, struct xy_str prefix)
{
    const struct xyi_parser *parser = engine->parser;
    if (prefix.len == 0 && parser->content != XYI_CONTENT_OTHER)
        return XY_STR(XY_NS_CLIENT);
    if (prefix.len)
        engine->plain = false;
    if (!parser->unusual)
        return xy_str_is(prefix, "stream") ? XY_STR(XY_NS_STREAM) : XY_NO_STR;
    const struct xyi_binding *binding = xyi_binding_find(parser->unusual->bindings, prefix);
    if (!binding)
        return prefix.len ? XY_NO_STR : XY_STR("");
    /* The header may end before the stanza: a restart frees its names. */
    return xyi_block_str(&engine->stanza->block, binding->ns);
}

struct xy_str
xyi_ns_of(struct xyi_engine *engine, struct xy_str prefix)
{
    if (xy_str_is(prefix, "xml"))
        return XY_STR(XY_NS_XML);
    const struct xyi_binding *binding = xyi_binding_find(engine->bindings, prefix);
    if (binding)
        return binding->ns;
    struct xy_str ns = outer_ns(engine, prefix);
    if (!ns.at)
        xyi_engine_fail(engine, "bad-namespace-prefix", "prefix without a declaration");
    return ns;
}

bool
xyi_ns_declare(struct xyi_engine *engine, const char **attrs)
{
    bool any = false;
    for (; attrs[0] && !engine->condition; attrs += 2) {
        struct xy_str prefix;
        if (!xyi_is_declaration(attrs[0], &prefix))
            continue;
        any |= prefix.at != NULL;
        declare(engine, prefix, attrs[1]);
    }
    return any;
}

void
xyi_ns_leave(struct xyi_engine *engine)
{
    while (engine->bindings && engine->bindings->depth == engine->depth) {
        engine->bindings = engine->bindings->next;
        engine->binding_count--;
    }
}
