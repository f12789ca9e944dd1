/* SPDX-License-Identifier: MIT */
/* What an archive is like: the fields a query may have (XEP-0313 4.1.5), where it begins and
 * ends (section 5), and the same at a Bind 2 (XEP-0386). */
#include "mam.h"

static struct xy_node *
add_field(struct xy_node *form, const char *type, const char *var)
{
    struct xy_node *field = xy_node_add(form, XY_NO_STR, XY_STR("field"));
    xy_node_set(field, "type", xy_str_from(type));
    xy_node_set(field, "var", xy_str_from(var));
    return field;
}

/* Of other types than these two. */
static const struct {
    const char *type, *var;
} simple[] = {{"jid-single", "with"},      {"text-single", "start"},
              {"text-single", "end"},      {"text-single", "before-id"},
              {"text-single", "after-id"}, {"boolean", "include-groupchat"}};

xy_status
mam_form(XY_SELF, struct xy_iq *iq)
{
    if (!xy_iq_is_own(iq))
        return XY_DENIED;
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *query =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_MAM), XY_STR("query"));
    struct xy_node *form = xy_node_add(query, XY_STR(XY_NS_DATA), XY_STR("x"));
    xy_node_set(form, "type", XY_STR("form"));
    xy_node_add_text(
        xy_node_add(add_field(form, "hidden", "FORM_TYPE"), XY_NO_STR, XY_STR("value")),
        XY_STR(XY_NS_MAM));
    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++)
        add_field(form, simple[i].type, simple[i].var);
    struct xy_node *open = xy_node_add(add_field(form, "list-multi", "ids"),
                                       XY_STR(XY_NS_VALIDATE), XY_STR("validate"));
    xy_node_set(open, "datatype", XY_STR("xs:string"));
    xy_node_add(open, XY_NO_STR, XY_STR("open"));
    return xy_iq_reply(iq, result);
}

static void
add_end(struct xy_node *metadata, const char *name, xy_owner owner, xy_message_id id)
{
    struct xy_node *end = xy_node_add(metadata, XY_NO_STR, xy_str_from(name));
    xy_node_set(end, "id", xy_stanza_id_make(owner, id));
    xy_node_set(end, "timestamp", xy_time_format(xy_message_id_ms(id)));
}

static void
add_metadata(struct xy_node *to, xy_owner owner, xy_message_id oldest, xy_message_id newest)
{
    struct xy_node *metadata = xy_node_add(to, XY_STR(XY_NS_MAM), XY_STR("metadata"));
    if (!newest)
        return;
    add_end(metadata, "start", owner, oldest);
    add_end(metadata, "end", owner, newest);
}

xy_status
mam_metadata(XY_SELF, struct xy_iq *iq)
{
    xy_message_id oldest, newest;
    if (!xy_iq_is_own(iq))
        return XY_DENIED;
    xy_owner owner = xy_user_owner(xy_iq_user(iq));
    xy_user_settle(xy_iq_user(iq));
    xy_status status = xy_archive_bounds(owner, 0, &oldest, &newest);
    if (status != XY_OK)
        return status;
    struct xy_stanza *result = xy_iq_result(iq);
    add_metadata(xy_stanza_top(result), owner, oldest, newest);
    return xy_iq_reply(iq, result);
}

/* As of the bind: what was accepted later comes live, so a client that reads up to `end` has
 * all. */
void
mam_bound(XY_SELF, struct xy_session *session, const struct xy_node *bind,
          struct xy_node *bound)
{
    (void)bind;
    xy_message_id oldest, newest;
    struct xy_user *user = xy_session_user(session);
    xy_owner owner = xy_user_owner(user);
    xy_user_settle(user);
    xy_status status = xy_archive_bounds(owner, xy_session_since(session), &oldest, &newest);
    if (status == XY_OK)
        add_metadata(bound, owner, oldest, newest);
    else
        xy_warn("mam.no_metadata", "a client is not told what its archive has",
                XY_F_STR_AS("account", xy_jid_text(xy_user_jid(user))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}
