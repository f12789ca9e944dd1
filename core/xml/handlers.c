/* SPDX-License-Identifier: MIT */
/*
 * From expat's events to trees, under the restrictions of RFC 6120 section 11. Invariant: an
 * element reaches the stream whole or not at all; after a failure or a stop no event does
 * anything.
 */
#include "core/xml/engine.h"

static bool
is_done(const struct xyi_engine *engine)
{
    return engine->condition || engine->stopped || engine->ended;
}

/* ---- elements -----------------------------------------------------------------------------
 */

static void
add_attr(struct xyi_engine *engine, const char *name, const char *value)
{
    struct xy_node *node = engine->node;
    struct xy_str prefix, local, ns = XY_NO_STR;
    if (!xyi_qname_cut(name, &prefix, &local)) {
        xyi_engine_fail(engine, "not-well-formed", "attribute name");
        return;
    }
    if (prefix.len) {
        ns = xyi_ns_of(engine, prefix);
        for (const struct xyi_attr *attr = node->attrs; attr && ns.at; attr = attr->next) {
            if (attr->ns.at && xy_str_equal(attr->ns, ns) && xy_str_equal(attr->name, local))
                xyi_engine_fail(engine, "not-well-formed", "duplicate attribute");
        }
    }
    if (engine->condition)
        return;
    bool is_lang = prefix.len && xy_str_is(local, "lang") && xy_str_is(ns, XY_NS_XML);
    struct xy_str *slot = NULL;
    if (engine->depth == 2 && (!prefix.len || is_lang))
        slot = xyi_root_slot(engine->stanza, is_lang ? XY_STR("xml:lang") : local);
    if (slot) {
        *slot = xyi_block_str(&engine->stanza->block, xy_str_from(value));
    } else {
        *engine->last_attr =
            xyi_attr_make(&engine->stanza->block, ns, local, xy_str_from(value));
        engine->last_attr = &(*engine->last_attr)->next;
    }
}

static void
open_node(struct xyi_engine *engine, struct xy_str local)
{
    if (engine->depth == 2) {
        engine->stanza = xyi_stanza_make(XY_STR(""), XY_STR(""));
        engine->node = &engine->stanza->root;
        engine->node->name = xyi_block_str(&engine->stanza->block, local);
    } else {
        struct xy_str name = xyi_block_str(&engine->stanza->block, local);
        engine->node = xyi_node_append(engine->node, XY_NO_STR, name);
    }
    engine->last_attr = &engine->node->attrs;
}

static bool
within_limits(struct xyi_engine *engine, const char **attrs)
{
    const struct xyi_parser_limits *limits = &engine->parser->limits;
    size_t count = 0;
    while (attrs[2 * count])
        count++;
    const char *excess = count > limits->attributes          ? "too many attributes"
                         : engine->depth > limits->depth + 1 ? "nested too deep"
                         : engine->depth > 2 && engine->node->children >= limits->children
                             ? "too many children"
                             : NULL;
    if (excess)
        xyi_engine_fail(engine, "policy-violation", excess);
    return !excess;
}

static void
start_element(struct xyi_engine *engine, const char *name, const char **attrs)
{
    struct xy_str prefix, local;
    if (engine->depth == 2) {
        engine->element_at = (uint64_t)XML_GetCurrentByteIndex(engine->expat);
        engine->content_at =
            engine->element_at + (uint64_t)XML_GetCurrentByteCount(engine->expat);
        engine->plain = true;
    }
    if (!xyi_qname_cut(name, &prefix, &local)) {
        xyi_engine_fail(engine, "not-well-formed", "element name");
        return;
    }
    open_node(engine, local);
    bool declares = xyi_ns_declare(engine, attrs);
    if (engine->depth == 2 && (declares || prefix.len))
        engine->plain = false;
    if (!engine->condition)
        engine->node->ns = xyi_ns_of(engine, prefix);
    for (; attrs[0] && !engine->condition; attrs += 2) {
        if (!xyi_is_declaration(attrs[0], &prefix))
            add_attr(engine, attrs[0], attrs[1]);
    }
}

static void XMLCALL
on_start(void *user, const XML_Char *name, const XML_Char **attrs)
{
    struct xyi_engine *engine = user;
    if (is_done(engine))
        return;
    engine->depth++;
    if (!within_limits(engine, attrs))
        return;
    if (engine->depth == 1)
        xyi_header_read(engine, name, attrs);
    else
        start_element(engine, name, attrs);
}

/* ---- the end of an element ----------------------------------------------------------------
 */

/* Keeps the bytes between the root's tags, if they came in one piece. */
static void
keep_raw(struct xyi_engine *engine, uint64_t content_end)
{
    struct xy_stanza *stanza = engine->stanza;
    uint64_t start = engine->content_at;
    if (!engine->plain || start < engine->piece_at || start >= content_end)
        return;
    const char *bytes = engine->piece + (start - engine->piece_at);
    stanza->raw = xyi_block_str(&stanza->block, xy_str_of(bytes, content_end - start));
    stanza->raw_on = engine->parser->content;
}

static void
finish_element(struct xyi_engine *engine)
{
    struct xyi_parser *parser = engine->parser;
    struct xy_stanza *stanza = engine->stanza;
    uint64_t tag_at = (uint64_t)XML_GetCurrentByteIndex(engine->expat);
    uint64_t end = tag_at + (uint64_t)XML_GetCurrentByteCount(engine->expat);
    uint64_t size = end - engine->element_at;
    if (size > parser->limits.stanza_bytes) {
        xyi_engine_fail(engine, "policy-violation", "too many bytes in one element");
        return;
    }
    keep_raw(engine, tag_at);
    stanza->bytes = size;
    stanza->kind = xyi_kind_of(stanza->root.ns, stanza->root.name);
    engine->longest = size > engine->longest ? size : engine->longest;
    engine->elements++;
    engine->stanza = NULL;
    engine->node = NULL;
    engine->position = end;
    parser->events->element(parser->argument, stanza);
    if ((parser->paused && end < engine->fed) || parser->restarted || parser->freed)
        xyi_engine_stop(engine);
}

static void XMLCALL
on_end(void *user, const XML_Char *name)
{
    struct xyi_engine *engine = user;
    (void)name;
    /* The end of an empty stream header comes although the header stopped expat. */
    if (engine->condition || engine->ended || (engine->stopped && engine->depth != 1))
        return;
    xyi_ns_leave(engine);
    engine->depth--;
    if (engine->depth > 1) {
        engine->node = engine->node->parent;
    } else if (engine->depth == 1) {
        finish_element(engine);
    } else {
        engine->ended = true;
        XML_StopParser(engine->expat, XML_FALSE);
    }
}

/* ---- everything else ----------------------------------------------------------------------
 */

static void XMLCALL
on_text(void *user, const XML_Char *text, int len)
{
    struct xyi_engine *engine = user;
    if (is_done(engine) || len == 0)
        return;
    if (engine->depth > 1) {
        xyi_node_append_text(engine->node, xy_str_of(text, (size_t)len));
        return;
    }
    for (int i = 0; i < len; i++) {
        if (!strchr(" \t\r\n", text[i]))
            xyi_engine_fail(engine, "bad-format", "text between elements");
    }
}

static void
restrict_xml(struct xyi_engine *engine, const char *what)
{
    if (!is_done(engine))
        xyi_engine_fail(engine, "restricted-xml", what);
}

static void XMLCALL
on_comment(void *user, const XML_Char *text)
{
    (void)text;
    restrict_xml(user, "comment");
}

static void XMLCALL
on_instruction(void *user, const XML_Char *target, const XML_Char *text)
{
    (void)target;
    (void)text;
    restrict_xml(user, "processing instruction");
}

static void XMLCALL
on_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public_id,
           int internal)
{
    (void)name;
    (void)system;
    (void)public_id;
    (void)internal;
    restrict_xml(user, "document type declaration");
}

static void XMLCALL
on_declaration(void *user, const XML_Char *version, const XML_Char *encoding, int standalone)
{
    struct xyi_engine *engine = user;
    (void)version;
    (void)standalone;
    if (!is_done(engine) && encoding && strcasecmp(encoding, "UTF-8") != 0)
        xyi_engine_fail(engine, "unsupported-encoding", "encoding other than UTF-8");
}

void
xyi_engine_set_handlers(struct xyi_engine *engine)
{
    XML_SetElementHandler(engine->expat, on_start, on_end);
    XML_SetCharacterDataHandler(engine->expat, on_text);
    XML_SetCommentHandler(engine->expat, on_comment);
    XML_SetProcessingInstructionHandler(engine->expat, on_instruction);
    XML_SetStartDoctypeDeclHandler(engine->expat, on_doctype);
    XML_SetXmlDeclHandler(engine->expat, on_declaration);
}
