/* SPDX-License-Identifier: MIT */
/*
 * Changing trees. Invariants: nothing of a frozen stanza changes; whoever changes content first
 * makes it the stanza's own (xyi_stanza_own), so a base and its edits never meet; names are
 * names of XML, because a wrong one would let its author write markup.
 */
#include "core/xml/tree.h"

static bool
is_name(struct xy_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        bool start = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
        if (!start && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '.')))
            return false;
    }
    return name.len > 0;
}

/* ---- as the parser does it ----------------------------------------------------------------
 */

struct xy_node *
xyi_item_make(struct xy_node *parent, struct xy_str name)
{
    struct xy_node *item = xyi_block_take(&parent->stanza->block, sizeof(*item));
    *item = (struct xy_node){.parent = parent, .stanza = parent->stanza, .name = name};
    return item;
}

void
xyi_item_link(struct xy_node *item)
{
    struct xy_node *parent = item->parent;
    if (parent->last)
        parent->last->next = item;
    else
        parent->first = item;
    parent->last = item;
    parent->children += !xyi_is_text(item);
}

struct xy_node *
xyi_node_append(struct xy_node *parent, struct xy_str ns, struct xy_str name)
{
    struct xy_node *child = xyi_item_make(parent, name);
    child->ns = ns;
    xyi_item_link(child);
    return child;
}

void
xyi_node_append_text(struct xy_node *parent, struct xy_str text)
{
    struct xyi_block *block = &parent->stanza->block;
    if (parent->last && xyi_is_text(parent->last)) {
        parent->last->text = xyi_block_extend(block, parent->last->text, text);
        return;
    }
    struct xy_node *item = xyi_item_make(parent, XY_NO_STR);
    item->text = xyi_block_str(block, text);
    xyi_item_link(item);
}

struct xyi_attr *
xyi_attr_make(struct xyi_block *block, struct xy_str ns, struct xy_str name,
              struct xy_str value)
{
    struct xyi_attr *attr = xyi_block_take(block, sizeof(*attr));
    *attr = (struct xyi_attr){
        .ns = ns, .name = xyi_block_str(block, name), .value = xyi_block_str(block, value)};
    return attr;
}

/* ---- as modules do it ---------------------------------------------------------------------
 */

static void
change(struct xy_node *node)
{
    xy_assert(!node->stanza->frozen);
    xyi_stanza_own(node->stanza);
}

struct xy_stanza *
xy_stanza_new(struct xy_str ns, struct xy_str name)
{
    xy_assert(is_name(name));
    struct xy_stanza *stanza = xyi_stanza_make(ns.at ? ns : XY_STR(XY_NS_CLIENT), name);
    stanza->root.name = xyi_block_str(&stanza->block, name);
    stanza->root.ns = ns.at ? xyi_block_str(&stanza->block, ns) : XY_STR(XY_NS_CLIENT);
    stanza->received_ms = xy_now_ms();
    xyi_stanza_leave_to_fiber(stanza);
    return stanza;
}

struct xy_node *
xy_node_add(struct xy_node *parent, struct xy_str ns, struct xy_str name)
{
    struct xyi_block *block = &parent->stanza->block;
    xy_assert(is_name(name));
    change(parent);
    bool inherits = !ns.at || xy_str_equal(ns, parent->ns);
    return xyi_node_append(parent, inherits ? parent->ns : xyi_block_str(block, ns),
                           xyi_block_str(block, name));
}

void
xy_node_add_text(struct xy_node *node, struct xy_str text)
{
    if (text.len == 0)
        return;
    change(node);
    xyi_node_append_text(node, text);
}

/* The root's own attributes. An address that is malformed counts as absent. */
static bool
set_on_root(struct xy_node *root, struct xy_str name, struct xy_str value)
{
    struct xy_stanza *stanza = root->stanza;
    struct xy_str *slot = xyi_root_slot(stanza, name);
    if (slot == &stanza->from_text)
        xy_stanza_set_from(stanza, value.at ? xy_jid_parse(value) : NULL);
    else if (slot == &stanza->to_text)
        xy_stanza_set_to(stanza, value.at ? xy_jid_parse(value) : NULL);
    else if (slot)
        *slot = xyi_block_str(&stanza->block, value);
    return slot != NULL;
}

void
xy_node_set(struct xy_node *node, const char *text, struct xy_str value)
{
    struct xy_str name = xy_str_from(text), ns = XY_NO_STR;
    struct xy_stanza *stanza = node->stanza;
    xy_assert(!stanza->frozen);
    if (!node->parent && set_on_root(node, name, value))
        return;
    if (node->parent)
        change(node);
    if (xy_str_starts(name, XY_STR("xml:"))) {
        ns = XY_STR(XY_NS_XML);
        name = xy_str_of(name.at + 4, name.len - 4);
    }
    struct xyi_attr **at = &node->attrs;
    while (*at && !(xy_str_equal((*at)->ns, ns) && xy_str_equal((*at)->name, name)))
        at = &(*at)->next;
    if (*at && value.at) {
        (*at)->value = xyi_block_str(&stanza->block, value);
    } else if (*at) {
        *at = (*at)->next;
    } else if (value.at) {
        xy_assert(is_name(name) && !xy_str_is(name, "xmlns"));
        *at = xyi_attr_make(&stanza->block, ns, name, value);
    }
}

/* What `child` is a copy of, so that a node found in a base finds its copy in the edit. */
static bool
is_same(const struct xy_node *node, const struct xy_node *child)
{
    return node == child ||
           (node->origin && node->origin == (child->origin ? child->origin : child));
}

void
xy_node_remove(struct xy_node *parent, const struct xy_node *child)
{
    change(parent);
    struct xy_node *before = NULL, *item = parent->first;
    while (item && (xyi_is_text(item) || !is_same(item, child))) {
        before = item;
        item = item->next;
    }
    if (!item)
        return;
    if (before)
        before->next = item->next;
    else
        parent->first = item->next;
    if (parent->last == item)
        parent->last = before;
    parent->children--;
}

void
xy_node_clear(struct xy_node *node)
{
    change(node);
    node->first = node->last = NULL;
    node->children = 0;
}

struct xy_node *
xy_node_mutable(struct xy_stanza *stanza, const struct xy_node *child)
{
    xy_assert(!stanza->frozen);
    xyi_stanza_own(stanza);
    struct xy_node *node = &stanza->root;
    if (!child->parent)
        return node;
    /* Document order, by the parents' links. */
    while (!is_same(node, child)) {
        if (node->first) {
            node = node->first;
            continue;
        }
        while (node->parent && !node->next)
            node = node->parent;
        xy_assert(node->parent); /* `child` is no element of this stanza */
        node = node->next;
    }
    return node;
}
