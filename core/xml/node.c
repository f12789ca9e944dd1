/* SPDX-License-Identifier: MIT */
/*
 * Reading elements. NULL nodes and absent strings are ordinary answers and can be passed on.
 */
#include "core/xml/tree.h"

struct xy_str
xy_node_name(const struct xy_node *node)
{
    return node ? node->name : XY_NO_STR;
}

struct xy_str
xy_node_ns(const struct xy_node *node)
{
    return node ? node->ns : XY_NO_STR;
}

bool
xy_node_is(const struct xy_node *node, struct xy_str ns, struct xy_str name)
{
    return node && (!name.at || xy_str_equal(node->name, name)) &&
           (!ns.at || xy_str_equal(node->ns, ns));
}

static const struct xy_node *
element_from(const struct xy_node *item)
{
    while (item && xyi_is_text(item))
        item = item->next;
    return item;
}

const struct xy_node *
xy_node_first(const struct xy_node *node)
{
    return node ? element_from(node->first) : NULL;
}

const struct xy_node *
xy_node_next(const struct xy_node *node)
{
    return node ? element_from(node->next) : NULL;
}

const struct xy_node *
xy_node_child(const struct xy_node *node, struct xy_str ns, struct xy_str name)
{
    const struct xy_node *child = xy_node_first(node);
    while (child && !xy_node_is(child, ns, name))
        child = xy_node_next(child);
    return child;
}

const struct xy_node *
xy_stanza_child(const struct xy_stanza *stanza, struct xy_str ns, struct xy_str name)
{
    return stanza ? xy_node_child(&stanza->root, ns, name) : NULL;
}

const struct xy_node *
xy_stanza_payload(const struct xy_stanza *stanza)
{
    const struct xy_node *only = xy_node_first(&stanza->root);
    return xy_node_next(only) ? NULL : only;
}

struct xy_str
xy_node_attr(const struct xy_node *node, const char *name)
{
    if (!node)
        return XY_NO_STR;
    struct xy_str wanted = xy_str_from(name);
    if (!node->parent) {
        struct xy_str *slot = xyi_root_slot(node->stanza, wanted);
        if (slot)
            return *slot;
    }
    bool of_xml = xy_str_starts(wanted, XY_STR("xml:"));
    if (of_xml)
        wanted = xy_str_of(wanted.at + 4, wanted.len - 4);
    for (const struct xyi_attr *attr = node->attrs; attr; attr = attr->next) {
        bool same_ns = of_xml ? xy_str_is(attr->ns, XY_NS_XML) : !attr->ns.at;
        if (same_ns && xy_str_equal(attr->name, wanted))
            return attr->value;
    }
    return XY_NO_STR;
}

struct xy_str
xy_node_text(const struct xy_node *node)
{
    const struct xy_node *only = NULL;
    size_t len = 0;
    unsigned pieces = 0;
    for (const struct xy_node *item = node ? node->first : NULL; item; item = item->next) {
        if (!xyi_is_text(item))
            continue;
        only = item;
        len += item->text.len;
        pieces++;
    }
    if (pieces < 2)
        return only ? only->text : XY_NO_STR;
    char *joined = xy_temp_alloc(len + 1), *at = joined;
    for (const struct xy_node *item = node->first; item; item = item->next) {
        if (xyi_is_text(item))
            at = mempcpy(at, item->text.at, item->text.len);
    }
    return xy_str_of(joined, len);
}
