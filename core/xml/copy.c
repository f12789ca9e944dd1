/* SPDX-License-Identifier: MIT */
/*
 * Copying trees, without recursion: a stanza may be deeper than a fiber's stack.
 */
#include "core/xml/tree.h"

void
xyi_copy_attrs(struct xy_node *to, const struct xy_node *from, bool share_text)
{
    struct xyi_block *block = &to->stanza->block;
    struct xyi_attr **last = &to->attrs;
    for (const struct xyi_attr *attr = from->attrs; attr; attr = attr->next) {
        struct xyi_attr *copy = xyi_block_take(block, sizeof(*copy));
        *copy = *attr;
        copy->next = NULL;
        if (!share_text) {
            copy->ns = xyi_block_str(block, attr->ns);
            copy->name = xyi_block_str(block, attr->name);
            copy->value = xyi_block_str(block, attr->value);
        }
        *last = copy;
        last = &copy->next;
    }
}

/* Where the parent's namespace is the same slice, so is the copy's. */
static struct xy_str
copy_ns(struct xy_node *parent, const struct xy_node *from)
{
    if (xy_str_equal(from->ns, parent->ns))
        return parent->ns;
    return xyi_block_str(&parent->stanza->block, from->ns);
}

/* Not linked yet: its parent may lie inside what is being copied. */
static struct xy_node *
copy_item(struct xy_node *parent, const struct xy_node *from, bool share_text)
{
    struct xyi_block *block = &parent->stanza->block;
    struct xy_str name = share_text ? from->name : xyi_block_str(block, from->name);
    struct xy_node *copy = xyi_item_make(parent, name);
    if (xyi_is_text(from)) {
        copy->text = share_text ? from->text : xyi_block_str(block, from->text);
        return copy;
    }
    copy->ns = share_text ? from->ns : copy_ns(parent, from);
    xyi_copy_attrs(copy, from, share_text);
    if (share_text)
        copy->origin = from->origin ? from->origin : from;
    return copy;
}

void
xyi_copy_items(struct xy_node *to, const struct xy_node *from, bool share_text)
{
    const struct xy_node *item = from->first;
    const struct xy_node *top =
        item ? item->parent : NULL; /* shared content keeps its parent */
    while (item) {
        struct xy_node *copy = copy_item(to, item, share_text);
        xyi_item_link(copy);
        if (item->first) {
            to = copy;
            item = item->first;
            continue;
        }
        while (!item->next && item->parent != top) {
            item = item->parent;
            to = to->parent;
        }
        item = item->next;
    }
}

struct xy_node *
xy_node_add_copy(struct xy_node *parent, const struct xy_node *child)
{
    static const char *const own[] = {"id", "type", "from", "to", "xml:lang"};
    xy_assert(!parent->stanza->frozen);
    xyi_stanza_own(parent->stanza);
    struct xy_node *copy = copy_item(parent, child, false);
    for (size_t i = 0; !child->parent && i < sizeof(own) / sizeof(own[0]); i++)
        xy_node_set(copy, own[i], xy_node_attr(child, own[i]));
    xyi_copy_items(copy, child, false);
    xyi_item_link(copy);
    return copy;
}

static struct xy_str
copy_address(struct xyi_block *block, const struct xy_jid *jid, struct xy_str text)
{
    return jid ? text : xyi_block_str(block, text); /* a JID brings its text */
}

static struct xy_stanza *
copy_into(struct xyi_block block, const struct xy_stanza *stanza)
{
    struct xy_stanza *copy = xyi_stanza_make_in(block, XY_NO_STR, XY_NO_STR);
    struct xyi_block *room = &copy->block;
    copy->kind = stanza->kind;
    copy->root.name = xyi_block_str(room, stanza->root.name);
    copy->root.ns = xyi_block_str(room, stanza->root.ns);
    copy->id = xyi_block_str(room, stanza->id);
    copy->type = xyi_block_str(room, stanza->type);
    copy->lang = xyi_block_str(room, stanza->lang);
    copy->from = xy_jid_keep(stanza->from);
    copy->to = xy_jid_keep(stanza->to);
    copy->from_text = copy_address(room, stanza->from, stanza->from_text);
    copy->to_text = copy_address(room, stanza->to, stanza->to_text);
    copy->received_ms = stanza->received_ms;
    copy->login = stanza->login;
    copy->bytes = stanza->bytes;
    xyi_copy_attrs(&copy->root, &stanza->root, false);
    xyi_copy_items(&copy->root, &stanza->root, false);
    return copy;
}

const struct xy_stanza *
xyi_stanza_compact(const struct xy_stanza *stanza)
{
    struct xyi_block block;
    xyi_block_open(&block);
    struct xy_stanza *draft = copy_into(block, stanza); /* tells the size */
    xyi_block_open_for(&block, xyi_block_used(&draft->block));
    struct xy_stanza *copy = copy_into(block, draft);
    xy_stanza_drop(draft);
    xyi_stanza_freeze(copy);
    return copy;
}
