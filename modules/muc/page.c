/* SPDX-License-Identifier: MIT */
/* Which part of a list a client wants, and which it got (XEP-0059). */
#include "modules/muc/show.h"

static bool
read_number(const struct xy_node *node, int64_t most, int64_t *number)
{
    struct xy_str text = xy_str_trim(xy_node_text(node));
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    if (!text.len)
        return false;
    if (xy_str_to_int(text, 0, most, number) != XY_OK)
        *number = most;
    return true;
}

bool
page_read(const struct xy_node *query, int64_t limit, struct page *page)
{
    const struct xy_str ns = XY_STR(XY_NS_RSM);
    const struct xy_node *set = xy_node_child(query, ns, XY_STR("set"));
    *page = (struct page){.asked = set, .most = limit, .index = XY_NONE};
    if (!set)
        return true;
    const struct xy_node *max = xy_node_child(set, ns, XY_STR("max")),
                         *after = xy_node_child(set, ns, XY_STR("after")),
                         *before = xy_node_child(set, ns, XY_STR("before")),
                         *index = xy_node_child(set, ns, XY_STR("index"));
    page->after = after ? xy_node_text(after) : XY_NO_STR;
    page->before = before ? xy_node_text(before) : XY_NO_STR;
    page->backwards = before;
    if (index && (after || before))
        return false;
    return (!max || read_number(max, limit, &page->most)) &&
           (!index || read_number(index, INT32_MAX, &page->index));
}

void
page_add(struct xy_node *query, struct xy_str first, struct xy_str last, int64_t index,
         int64_t count)
{
    struct xy_node *set = xy_node_add(query, XY_STR(XY_NS_RSM), XY_STR("set"));
    if (first.len) {
        struct xy_node *node = xy_node_add(set, XY_NO_STR, XY_STR("first"));
        if (index != XY_NONE)
            xy_node_set(node, "index", xy_temp_printf("%lld", (long long)index));
        xy_node_add_text(node, first);
        xy_node_add_text(xy_node_add(set, XY_NO_STR, XY_STR("last")), last);
    }
    if (count != XY_NONE)
        xy_node_add_text(xy_node_add(set, XY_NO_STR, XY_STR("count")),
                         xy_temp_printf("%lld", (long long)count));
}
