/* SPDX-License-Identifier: MIT */
/*
 * The lists of muc#admin (XEP-0045 8.5, 9.2, 9.5, 9.8, 10.5, 10.8): who has a role, who an
 * affiliation. Who may read which is rules.c's to say.
 */
#include "modules/muc/admin.h"

static struct xy_node *
add_item(struct xy_node *query, enum xy_affiliation affiliation)
{
    struct xy_node *item = xy_node_add(query, XY_NO_STR, XY_STR("item"));
    xy_node_set(item, "affiliation", xy_str_from(muc_affiliation_name(affiliation)));
    return item;
}

static struct refusal
list_affiliated(const struct asker *asker, enum xy_affiliation which, struct xy_node *query)
{
    struct affiliated *list;
    size_t count;
    if (which == XY_UNAFFILIATED)
        return muc_refusal(XY_BAD_REQUEST, "There is no list of those without an affiliation");
    if (!muc_may_list(muc_settings(asker->room), asker->standing, which))
        return muc_refusal(XY_FORBIDDEN, "You may not read that list");
    xy_status status = muc_affiliated(asker->room, which, &list, &count);
    if (status != XY_OK)
        return muc_refusal_of(status);
    for (size_t i = 0; i < count; i++) {
        struct xy_node *item = add_item(query, which);
        xy_node_set(item, "jid", xy_jid_text(list[i].jid));
        if (list[i].nick.len)
            xy_node_set(item, "nick", list[i].nick);
        if (which == XY_OUTCAST && list[i].reason.len)
            xy_node_add_text(xy_node_add(item, XY_NO_STR, XY_STR("reason")), list[i].reason);
    }
    return (struct refusal){0};
}

static struct refusal
list_role(const struct asker *asker, enum xy_role which, struct xy_node *query)
{
    if (which == XY_NO_ROLE)
        return muc_refusal(XY_BAD_REQUEST, "There is no list of those without a role");
    if (!muc_may_list_role(asker->standing, which))
        return muc_refusal(XY_FORBIDDEN, "You may not read that list");
    for (struct xy_occupant *at = xy_room_first(asker->room); at; at = xy_occupant_next(at)) {
        const struct person *person = muc_person(at);
        if (person->role != which || !person->shown)
            continue;
        struct xy_node *item = add_item(query, person->affiliation);
        xy_node_set(item, "jid", xy_jid_text(xy_occupant_real(at)));
        xy_node_set(item, "nick", xy_jid_resource(xy_occupant_nick(at)));
        xy_node_set(item, "role", xy_str_from(muc_role_name(which)));
    }
    return (struct refusal){0};
}

static struct refusal
list_one(const struct asker *asker, const struct xy_node *item, struct xy_node *query)
{
    struct xy_str role = xy_node_attr(item, "role");
    struct xy_str affiliation = xy_node_attr(item, "affiliation");
    enum xy_role which_role;
    enum xy_affiliation which;
    if (!role.at == !affiliation.at)
        return muc_refusal(XY_BAD_REQUEST, "A list is of a role or of an affiliation");
    if (role.at && muc_role_parse(role, &which_role) != XY_OK)
        return muc_refusal(XY_BAD_REQUEST, "There is no such role");
    if (role.at)
        return list_role(asker, which_role, query);
    if (muc_affiliation_parse(affiliation, &which) != XY_OK)
        return muc_refusal(XY_BAD_REQUEST, "There is no such affiliation");
    return list_affiliated(asker, which, query);
}

struct refusal
admin_list(const struct asker *asker, const struct xy_node *asked, struct xy_node *query)
{
    struct refusal why = muc_refusal(XY_BAD_REQUEST, "No list is asked for");
    unsigned lists = 0;
    for (const struct xy_node *at = xy_node_first(asked); at; at = xy_node_next(at)) {
        if (!xy_node_is(at, XY_STR(NS_MUC_ADMIN), XY_STR("item")))
            continue;
        if (++lists > XY_OWNER + XY_MODERATOR)
            return muc_refusal(XY_BAD_REQUEST, "Too many lists at once");
        why = list_one(asker, at, query);
        if (why.text)
            return why;
    }
    return why;
}
