/* SPDX-License-Identifier: MIT */
/*
 * muc#owner (XEP-0045 10.1, 10.2, 10.9): the configuration form, instant rooms (an empty form),
 * the end of a room. Invariant: only owners; what is asked for is looked at as a whole first.
 */
#include "modules/muc/config_form.h"

static struct refusal
set_roster(const struct asker *asker, const struct affiliated *changes, size_t count)
{
    xy_status status = count ? muc_set_affiliations(asker->self, asker->room, changes, count,
                                                    xy_room_find(asker->room, asker->jid))
                             : XY_OK;
    if (status == XY_FULL)
        return muc_refusal(XY_RESOURCE_CONSTRAINT, "The lists of this room are full");
    return status == XY_OK ? (struct refusal){0} : muc_refusal_of(status);
}

static struct refusal
submit(const struct asker *asker, const struct xy_node *form)
{
    struct submitted wanted;
    struct affiliated *changes;
    size_t count = 0;
    struct xy_str error = XY_NO_STR;
    struct refusal why = config_form_read(asker, form, &wanted);
    if (!why.text)
        why = roster_changes(asker, &wanted.roster, &changes, &count);
    if (why.text)
        return why;
    xy_status status =
        muc_configure(asker->self, asker->room, &wanted.configuration, asker->occupant, &error);
    if (status == XY_INVALID)
        return muc_refusal(XY_NOT_ACCEPTABLE, xy_temp_cstr(error));
    if (status != XY_OK)
        return muc_refusal_of(status);
    why = set_roster(asker, changes, count);
    muc_look_whether_empty(asker->self, asker->room);
    return why;
}

/* Of the first form it means that the room is not wanted after all. */
static struct refusal
cancel(const struct asker *asker)
{
    if (!muc_state(asker->room)->locked)
        return (struct refusal){0};
    xy_status status = muc_destroy(asker->self, asker->room, NULL, XY_NO_STR, XY_NO_STR);
    return status == XY_OK ? (struct refusal){0} : muc_refusal_of(status);
}

static struct xy_str
child_text(const struct xy_node *node, const char *name)
{
    const struct xy_node *child = xy_node_child(node, XY_STR(NS_MUC_OWNER), xy_str_from(name));
    return child ? xy_node_text(child) : XY_NO_STR;
}

static struct refusal
destroy(const struct asker *asker, const struct xy_node *wish)
{
    struct xy_str jid = xy_node_attr(wish, "jid");
    const struct xy_jid *alternate = jid.len ? xy_jid_parse(jid) : NULL;
    if (jid.len && !alternate)
        return muc_refusal(XY_JID_MALFORMED, "The other venue has a JID");
    xy_status status = muc_destroy(asker->self, asker->room, alternate,
                                   child_text(wish, "password"), child_text(wish, "reason"));
    return status == XY_OK ? (struct refusal){0} : muc_refusal_of(status);
}

static struct refusal
serve_set(const struct asker *asker, const struct xy_node *query)
{
    const struct xy_node *wish = xy_node_first(query);
    if (!wish || xy_node_next(wish))
        return muc_refusal(XY_BAD_REQUEST, "Send a form, or <destroy/>");
    if (xy_node_is(wish, XY_STR(NS_MUC_OWNER), XY_STR("destroy")))
        return destroy(asker, wish);
    if (!xy_node_is(wish, XY_STR(XY_NS_DATA), XY_STR("x")))
        return muc_refusal(XY_BAD_REQUEST, "Send a form, or <destroy/>");
    struct xy_str type = xy_node_attr(wish, "type");
    if (xy_str_is(type, "submit"))
        return submit(asker, wish);
    if (xy_str_is(type, "cancel"))
        return cancel(asker);
    return muc_refusal(XY_BAD_REQUEST, "The form is neither submitted nor cancelled");
}

xy_status
muc_on_owner(XY_SELF, struct xy_iq *iq)
{
    struct asker asker;
    struct refusal why = {0};
    struct xy_room *room;
    struct xy_stanza *result = xy_iq_result(iq);
    xy_status status = muc_enter(self, xy_iq_place(iq), &room);
    if (status != XY_OK)
        return status;
    status = asker_find(self, room, xy_iq_from(iq), &asker);
    if (status == XY_OK && asker.standing.affiliation < XY_OWNER)
        why = muc_refusal(XY_FORBIDDEN, "Only owners of the room may do that");
    else if (status == XY_OK && xy_str_is(xy_stanza_type(xy_iq_stanza(iq)), "set"))
        why = serve_set(&asker, xy_iq_payload(iq));
    else if (status == XY_OK)
        status = config_form_write(
            &asker, xy_node_add(xy_stanza_top(result), XY_STR(NS_MUC_OWNER), XY_STR("query")));
    xy_room_leave(room);
    if (status != XY_OK)
        return status;
    if (why.text)
        return xy_iq_error(iq, why.condition, xy_str_from(why.text));
    return xy_iq_reply(iq, result);
}
