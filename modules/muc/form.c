/* SPDX-License-Identifier: MIT */
/* Data forms (XEP-0004) as disco, search and hats build and read them. */
#include "modules/muc/show.h"
#include "modules/muc/talk.h"

struct xy_node *
form_field(struct xy_node *form, const char *type, const char *var, const char *label)
{
    struct xy_node *field = xy_node_add(form, XY_NO_STR, XY_STR("field"));
    xy_node_set(field, "var", xy_str_from(var));
    xy_node_set(field, "type", xy_str_from(type));
    xy_node_set(field, "label", xy_str_from(label));
    return field;
}

void
form_value(struct xy_node *field, struct xy_str value)
{
    xy_node_add_text(xy_node_add(field, XY_NO_STR, XY_STR("value")), value);
}

void
form_say(struct xy_node *form, const char *type, const char *var, const char *label,
         struct xy_str value)
{
    if (value.len)
        form_value(form_field(form, type, var, label), value);
}

struct xy_node *
form_begin(struct xy_node *parent, const char *type, const char *form_type)
{
    struct xy_node *form = xy_node_add(parent, XY_STR(XY_NS_DATA), XY_STR("x"));
    xy_node_set(form, "type", xy_str_from(type));
    form_say(form, "hidden", "FORM_TYPE", NULL, xy_str_from(form_type));
    return form;
}

struct xy_str
form_read(const struct xy_node *form, const char *var)
{
    return form ? muc_form_value(form, var) : XY_NO_STR;
}
