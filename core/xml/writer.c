/* SPDX-License-Identifier: MIT */
/*
 * Stanzas to bytes. Invariant: what is written means the same tree on the stream it is written
 * for. A root in jabber:client takes the stream's own default namespace (RFC 6120 4.8.2);
 * below, an element declares its namespace where it differs from the default in scope; elements
 * of the streams namespace use the prefix every header declares. The content of a root that
 * nobody changed is not walked: its bytes from the wire are copied, or those of an earlier
 * writing. What many are sent under their own `to` is written once: the rest is the same for
 * all.
 */
#include <stdio.h>

#include "core/xml/sink.h"
#include "core/xml/tree.h"

struct writer {
    struct xyi_sink *sink;
    struct xy_str
        scope; /* the default namespace around the root; absent: none, no prefix either */
};

/* Empty for an element that declares its namespace; the one of `xml:` must not be anybody's
 * default. */
static struct xy_str
prefix_of(const struct writer *writer, const struct xy_node *node)
{
    if (writer->scope.at && xy_str_is(node->ns, XY_NS_STREAM))
        return XY_STR("stream:");
    return xy_str_is(node->ns, XY_NS_XML) ? XY_STR("xml:") : XY_NO_STR;
}

static bool
has_prefix(const struct writer *writer, const struct xy_node *node)
{
    return prefix_of(writer, node).len > 0;
}

/* The default namespace inside an element; `around` is the one outside `top`. */
static struct xy_str
scope_in(const struct writer *writer, const struct xy_node *node, const struct xy_node *top,
         struct xy_str around)
{
    while (node != top && has_prefix(writer, node))
        node = node->parent;
    return node == top ? around : node->ns;
}

/* "xml:", or one made up for a foreign namespace and declared on the spot. */
static void
put_attr_prefix(struct writer *writer, const struct xy_node *node, const struct xyi_attr *attr)
{
    char prefix[32];
    int number = 1;
    const struct xyi_attr *first = node->attrs;
    if (xy_str_is(attr->ns, XY_NS_XML)) {
        XYI_SINK_LITERAL(writer->sink, " xml:");
        return;
    }
    for (; !xy_str_equal(first->ns, attr->ns); first = first->next)
        number++;
    size_t len = (size_t)snprintf(prefix, sizeof(prefix), "ns%d", number);
    if (first == attr) {
        XYI_SINK_LITERAL(writer->sink, " xmlns:");
        xyi_sink_put(writer->sink, prefix, len);
        XYI_SINK_LITERAL(writer->sink, "='");
        xyi_sink_escape(writer->sink, attr->ns, XYI_IN_ATTRIBUTE);
        XYI_SINK_LITERAL(writer->sink, "'");
    }
    XYI_SINK_LITERAL(writer->sink, " ");
    xyi_sink_put(writer->sink, prefix, len);
    XYI_SINK_LITERAL(writer->sink, ":");
}

static void
put_attrs(struct writer *writer, const struct xy_node *node)
{
    struct xyi_sink *sink = writer->sink;
    for (const struct xyi_attr *attr = node->attrs; attr; attr = attr->next) {
        if (attr->ns.at)
            put_attr_prefix(writer, node, attr);
        else
            XYI_SINK_LITERAL(sink, " ");
        xyi_sink_put_str(sink, attr->name);
        XYI_SINK_LITERAL(sink, "='");
        xyi_sink_escape(sink, attr->value, XYI_IN_ATTRIBUTE);
        XYI_SINK_LITERAL(sink, "'");
    }
}

/* "<name xmlns='…'", `scope` being the default namespace outside. */
static void
put_tag(struct writer *writer, const struct xy_node *node, struct xy_str scope)
{
    struct xyi_sink *sink = writer->sink;
    struct xy_str prefix = prefix_of(writer, node);
    XYI_SINK_LITERAL(sink, "<");
    xyi_sink_put_str(sink, prefix);
    xyi_sink_put_str(sink, node->name);
    if (prefix.len)
        return;
    if (node->ns.at != scope.at && !xy_str_equal(node->ns, scope)) {
        XYI_SINK_LITERAL(sink, " xmlns='");
        xyi_sink_escape(sink, node->ns, XYI_IN_ATTRIBUTE);
        XYI_SINK_LITERAL(sink, "'");
    }
}

static void
put_end_tag(struct writer *writer, const struct xy_node *node)
{
    XYI_SINK_LITERAL(writer->sink, "</");
    xyi_sink_put_str(writer->sink, prefix_of(writer, node));
    xyi_sink_put_str(writer->sink, node->name);
    XYI_SINK_LITERAL(writer->sink, ">");
}

/* The items of a root. Goes by the links between nodes, for a tree may be deeper than a stack.
 */
static void
put_items(struct writer *writer, const struct xy_node *item, struct xy_str around)
{
    const struct xy_node *top = item ? item->parent : NULL;
    while (item) {
        if (xyi_is_text(item)) {
            xyi_sink_escape(writer->sink, item->text, XYI_IN_TEXT);
        } else {
            put_tag(writer, item, scope_in(writer, item->parent, top, around));
            put_attrs(writer, item);
            if (item->first) {
                XYI_SINK_LITERAL(writer->sink, ">");
                item = item->first;
                continue;
            }
            XYI_SINK_LITERAL(writer->sink, "/>");
        }
        while (!item->next && item->parent != top) {
            item = item->parent;
            put_end_tag(writer, item);
        }
        item = item->next;
    }
}

static void
put_own_attr(struct xyi_sink *sink, const char *name, size_t len, struct xy_str value)
{
    if (!value.at)
        return;
    xyi_sink_put(sink, name, len);
    xyi_sink_escape(sink, value, XYI_IN_ATTRIBUTE);
    XYI_SINK_LITERAL(sink, "'");
}
#define PUT_OWN(sink, name, value) \
    put_own_attr((sink), " " name "='", sizeof(name) + 2, (value))

/* Between the root's `to` and its content. */
static void
put_root_attrs(struct writer *writer, const struct xy_stanza *stanza)
{
    PUT_OWN(writer->sink, "from", stanza->from_text);
    PUT_OWN(writer->sink, "id", stanza->id);
    PUT_OWN(writer->sink, "type", stanza->type);
    PUT_OWN(writer->sink, "xml:lang", stanza->lang);
    put_attrs(writer, &stanza->root);
}

/* ---- content kept from an earlier writing -------------------------------------------------
 */

struct growing {
    struct xyi_inner *inner;
    size_t room;
};

static void
append_inner(struct xyi_out *out, const char *at, size_t len)
{
    struct growing *growing = (void *)out;
    size_t used = growing->inner ? growing->inner->len : 0;
    if (!growing->inner || used + len > growing->room) {
        growing->room = 2 * (used + len);
        growing->inner = xyi_resize(growing->inner, sizeof(*growing->inner) + growing->room);
    }
    memcpy(growing->inner->bytes + used, at, len);
    growing->inner->len = used + len;
}

/* What `put` writes of a stanza, for later. Another thread may be at the same: the first one
 * wins, and all use what it has published. */
typedef void put_fn(struct writer *writer, const struct xy_stanza *stanza);

static const struct xyi_inner *
publish(_Atomic(struct xyi_inner *) *place, put_fn *put, const struct xy_stanza *stanza,
        struct xy_str scope)
{
    struct growing growing = {NULL, 0};
    struct xyi_sink sink;
    sink.write = append_inner;
    sink.out = (void *)&growing;
    sink.used = 0;
    put(&(struct writer){&sink, scope}, stanza);
    xyi_sink_flush(&sink);
    struct xyi_inner *expected = NULL;
    if (atomic_compare_exchange_strong_explicit(place, &expected, growing.inner,
                                                memory_order_acq_rel, memory_order_acquire))
        return growing.inner;
    xyi_free(growing.inner);
    return expected;
}

static void
put_inner(struct writer *writer, const struct xy_stanza *stanza)
{
    put_items(writer, stanza->root.first, stanza->root.ns);
}

static struct xy_str
kept_inner(const struct writer *writer, const struct xy_stanza *stanza)
{
    struct xy_stanza *holder = (struct xy_stanza *)(uintptr_t)xyi_stanza_holder(stanza);
    bool cacheable = holder->frozen && writer->scope.at && holder->root.first &&
                     !has_prefix(writer, &holder->root);
    if (!cacheable)
        return XY_NO_STR;
    const struct xyi_inner *inner = atomic_load_explicit(&holder->inner, memory_order_acquire);
    if (!inner && atomic_fetch_add_explicit(&holder->writes, 1, memory_order_relaxed) == 0)
        return XY_NO_STR; /* most stanzas are written once */
    if (!inner)
        inner = publish(&holder->inner, put_inner, holder, writer->scope);
    return xy_str_of(inner->bytes, inner->len);
}

/* ---- the whole ----------------------------------------------------------------------------
 */

static void
put_content(struct writer *writer, const struct xy_stanza *stanza, struct xy_str inner)
{
    const struct xy_node *root = &stanza->root;
    if (inner.at)
        xyi_sink_put_str(writer->sink, inner);
    else
        put_items(writer, root->first, has_prefix(writer, root) ? writer->scope : root->ns);
}

static struct xy_str
raw_inner(const struct xy_stanza *stanza, enum xyi_content content)
{
    const struct xy_stanza *holder = xyi_stanza_holder(stanza);
    return holder->raw_on != XYI_CONTENT_OTHER && holder->raw_on == content ? holder->raw
                                                                            : XY_NO_STR;
}

/* Everything behind the root's `to`. */
static void
put_rest(struct writer *writer, const struct xy_stanza *stanza, struct xy_str inner)
{
    put_root_attrs(writer, stanza);
    if (!stanza->root.first) {
        XYI_SINK_LITERAL(writer->sink, "/>");
        return;
    }
    XYI_SINK_LITERAL(writer->sink, ">");
    put_content(writer, stanza, inner);
    put_end_tag(writer, &stanza->root);
}

static void
put_client_rest(struct writer *writer, const struct xy_stanza *stanza)
{
    put_rest(writer, stanza, raw_inner(stanza, XYI_CONTENT_CLIENT));
}

/* Of one that goes to clients, each by name: from the second on. */
static struct xy_str
kept_rest(const struct xy_stanza *frozen)
{
    struct xy_stanza *stanza = (struct xy_stanza *)(uintptr_t)frozen;
    if (!stanza->frozen)
        return XY_NO_STR;
    const struct xyi_inner *rest = atomic_load_explicit(&stanza->rest, memory_order_acquire);
    if (!rest && !atomic_exchange_explicit(&stanza->addressed, true, memory_order_relaxed))
        return XY_NO_STR;
    if (!rest)
        rest = publish(&stanza->rest, put_client_rest, stanza, XY_STR(XY_NS_CLIENT));
    return xy_str_of(rest->bytes, rest->len);
}

void
xyi_stanza_write(const struct xy_stanza *stanza, struct xy_str ns, const struct xy_jid *to,
                 xyi_write_fn *write, struct xyi_out *out)
{
    enum xyi_content content = xyi_content_of(ns);
    struct xyi_sink sink;
    struct writer writer = {&sink, content != XYI_CONTENT_OTHER ? XY_STR(XY_NS_CLIENT) : ns};
    sink.write = write;
    sink.out = out;
    sink.used = 0;
    struct xy_str rest = to && content == XYI_CONTENT_CLIENT ? kept_rest(stanza) : XY_NO_STR;
    put_tag(&writer, &stanza->root, writer.scope);
    PUT_OWN(&sink, "to", to ? xy_jid_text(to) : stanza->to_text);
    if (rest.at) {
        xyi_sink_put_str(&sink, rest);
    } else {
        struct xy_str inner = raw_inner(stanza, content);
        put_rest(&writer, stanza, inner.at ? inner : kept_inner(&writer, stanza));
    }
    xyi_sink_flush(&sink);
}

static void
append_text(struct xyi_out *out, const char *at, size_t len)
{
    xy_buffer_add((void *)out, xy_str_of(at, len));
}

struct xy_str
xy_stanza_text(const struct xy_stanza *stanza)
{
    struct xy_buffer buffer = {NULL, 0, 0};
    xyi_stanza_write(stanza, XY_STR(XY_NS_CLIENT), NULL, append_text, (void *)&buffer);
    return xy_buffer_str(&buffer);
}
