/* SPDX-License-Identifier: MIT */
/*
 * Single elements as text, for storing (vCards, private XML). The text stands for itself: what
 * namespace it is in does not depend on where it is read again.
 */
#include "core/xml/xml.h"

struct xy_str
xy_node_xml(const struct xy_node *node)
{
    struct xy_stanza *around = xy_stanza_new(XY_NO_STR, XY_STR("x"));
    xy_node_add_copy(xy_stanza_top(around), node);
    struct xy_str text = xy_stanza_text(around), open = XY_STR("<x>"), close = XY_STR("</x>");
    xy_assert(xy_str_starts(text, open) && xy_str_ends(text, close));
    return xy_str_of(text.at + open.len, text.len - open.len - close.len);
}

struct xy_node *
xy_node_add_xml(struct xy_node *parent, struct xy_str text)
{
    const struct xy_stanza *parsed = xy_stanza_parse(text);
    return parsed ? xy_node_add_copy(parent, xy_stanza_root(parsed)) : NULL;
}
