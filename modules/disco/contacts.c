/* SPDX-License-Identifier: MIT */
/* Contact addresses (XEP-0157): a form in the server's disco#info. */
#include "modules/disco/disco.h"

static const char *const kinds[] = {"abuse",    "admin",  "feedback", "sales",
                                    "security", "status", "support"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* "abuse mailto:abuse@example.org" */
static bool
split(struct xy_str entry, struct xy_str *kind, struct xy_str *uri)
{
    *kind = xy_str_cut(&entry, ' ');
    *uri = xy_str_trim(entry);
    bool is_uri = uri->len && memchr(uri->at, ':', uri->len);
    for (size_t i = 0; i < KINDS; i++)
        if (xy_str_equal(*kind, xy_str_from(kinds[i])))
            return is_uri;
    return false;
}

static struct xy_node *
add_field(struct xy_node *form, struct xy_str var, const char *type)
{
    struct xy_node *field = xy_node_add(form, XY_NO_STR, XY_STR("field"));
    xy_node_set(field, "var", var);
    xy_node_set(field, "type", xy_str_from(type));
    return field;
}

static void
add_value(struct xy_node *field, struct xy_str value)
{
    xy_node_add_text(xy_node_add(field, XY_NO_STR, XY_STR("value")), value);
}

static void
add_kind(const struct disco *self, struct xy_node *form, const char *wanted)
{
    struct xy_node *field = NULL;
    for (size_t i = 0; i < self->contacts.count; i++) {
        struct xy_str kind, uri;
        if (!split(self->contacts.at[i], &kind, &uri) ||
            !xy_str_equal(kind, xy_str_from(wanted)))
            continue;
        if (!field)
            field = add_field(form, xy_temp_printf("%s-addresses", wanted), "list-multi");
        add_value(field, uri);
    }
}

void
contacts_add(const struct disco *self, struct xy_node *query)
{
    if (!self->contacts.count)
        return;
    struct xy_node *form = xy_node_add(query, XY_STR(XY_NS_DATA), XY_STR("x"));
    xy_node_set(form, "type", XY_STR("result"));
    add_value(add_field(form, XY_STR("FORM_TYPE"), "hidden"),
              XY_STR("http://jabber.org/network/serverinfo"));
    for (size_t i = 0; i < KINDS; i++)
        add_kind(self, form, kinds[i]);
}

void
contacts_check(const struct disco *self, struct xy_diagnostics *to)
{
    for (size_t i = 0; i < self->contacts.count; i++) {
        struct xy_str kind, uri;
        if (!split(self->contacts.at[i], &kind, &uri))
            xy_complain(
                to, "contacts",
                "\"" XY_FMT "\" is not a kind (abuse, admin, feedback, sales, security, "
                "status, support) and an address, like \"abuse mailto:abuse@example.org\"",
                XY_ARG(self->contacts.at[i]));
    }
}
