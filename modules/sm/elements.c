/* SPDX-License-Identifier: MIT */
/* The elements of XEP-0198, read and made. Numbers are xs:unsignedInt. */
#include "modules/sm/sm.h"

struct xy_stanza *
sm_element(const char *name)
{
    return xy_stanza_new(XY_STR(XY_NS_SM), xy_str_from(name));
}

bool
sm_is(const struct xy_node *node, const char *name)
{
    return xy_node_is(node, XY_STR(XY_NS_SM), xy_str_from(name));
}

void
sm_set_number(struct xy_node *node, const char *name, uint32_t number)
{
    xy_node_set(node, name, xy_temp_printf("%u", (unsigned)number));
}

xy_status
sm_number(const struct xy_node *node, const char *name, uint32_t *number)
{
    int64_t value;
    xy_status status = xy_str_to_int(xy_node_attr(node, name), 0, UINT32_MAX, &value);
    if (status == XY_OK)
        *number = (uint32_t)value;
    return status;
}

void
sm_fill_failed(struct xy_node *failed, xy_condition condition, const uint32_t *handled)
{
    if (handled)
        sm_set_number(failed, "h", *handled);
    xy_node_add(failed, XY_STR(XY_NS_STANZA_ERRORS), xy_str_from(xy_condition_name(condition)));
}
