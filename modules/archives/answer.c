/* SPDX-License-Identifier: MIT */
/*
 * What an archive answers (XEP-0313 4.2, 4.3): the results as messages to the asker alone, then
 * the iq result that says where the page begins and ends; the fields a query may have (4.1.5);
 * where the archive begins and ends (section 5).
 */
#include "modules/archives/archives.h"

/* ---- results ---- */

static struct xy_stanza *
wrap(const struct xy_jid *from, const struct xy_jid *to, const struct xy_archived *archived,
     struct xy_str queryid)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_from(message, from);
    xy_stanza_set_to(message, to);
    struct xy_node *result =
        xy_node_add(xy_stanza_top(message), XY_STR(XY_NS_MAM), XY_STR("result"));
    xy_node_set(result, "queryid", queryid);
    xy_node_set(result, "id", archived->stanza_id);
    struct xy_node *forwarded = xy_node_add(result, XY_STR(XY_NS_FORWARD), XY_STR("forwarded"));
    struct xy_node *delay = xy_node_add(forwarded, XY_STR(XY_NS_DELAY), XY_STR("delay"));
    xy_node_set(delay, "stamp", xy_time_format(xy_message_id_ms(archived->id)));
    xy_node_add_copy(forwarded, xy_stanza_root(archived->stanza));
    return message;
}

/* To a client of ours past everything that would store, copy or bounce a message. */
static xy_status
send(const struct xy_iq *iq, struct xy_stanza *message, xy_message_id of)
{
    struct xy_session *session = xy_iq_session(iq);
    if (session)
        return xy_session_send_of(session, message, of);
    xy_route(message);
    return XY_OK;
}

xy_status
answer_results(const struct xy_iq *iq, const struct request *request,
               const struct xy_archive_page *page)
{
    struct xy_str queryid = xy_node_attr(xy_iq_payload(iq), "queryid");
    for (size_t i = 0; i < page->count; i++) {
        const struct xy_archived *at = &page->at[request->flip ? page->count - 1 - i : i];
        xy_status status = send(iq, wrap(request->address, xy_iq_from(iq), at, queryid),
                                at->state == XY_MESSAGE_LIVE ? at->id : 0);
        if (status != XY_OK)
            return status;
    }
    return XY_OK;
}

xy_status
answer_end(struct xy_iq *iq, const struct xy_archive_page *page)
{
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *fin = xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_MAM), XY_STR("fin"));
    if (!page->more)
        xy_node_set(fin, "complete", XY_STR("true"));
    struct xy_node *set = xy_node_add(fin, XY_STR(XY_NS_RSM), XY_STR("set"));
    if (page->count) {
        xy_node_add_text(xy_node_add(set, XY_NO_STR, XY_STR("first")), page->at[0].stanza_id);
        xy_node_add_text(xy_node_add(set, XY_NO_STR, XY_STR("last")),
                         page->at[page->count - 1].stanza_id);
    }
    return xy_iq_reply(iq, result);
}

/* ---- the form ---- */

static struct xy_node *
add_field(struct xy_node *form, const char *type, const char *var)
{
    struct xy_node *field = xy_node_add(form, XY_NO_STR, XY_STR("field"));
    xy_node_set(field, "type", xy_str_from(type));
    xy_node_set(field, "var", xy_str_from(var));
    return field;
}

static const struct {
    const char *type, *var;
} simple[] = {{"jid-single", "with"},
              {"text-single", "start"},
              {"text-single", "end"},
              {"text-single", "before-id"},
              {"text-single", "after-id"}};

xy_status
answer_form(struct xy_iq *iq, bool groupchat)
{
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
    if (groupchat)
        add_field(form, "boolean", "include-groupchat");
    struct xy_node *open = xy_node_add(add_field(form, "list-multi", "ids"),
                                       XY_STR(XY_NS_VALIDATE), XY_STR("validate"));
    xy_node_set(open, "datatype", XY_STR("xs:string"));
    xy_node_add(open, XY_NO_STR, XY_STR("open"));
    return xy_iq_reply(iq, result);
}

/* ---- metadata ---- */

static void
add_bound(struct xy_node *metadata, const char *name, xy_owner owner, xy_message_id id)
{
    struct xy_node *bound = xy_node_add(metadata, XY_NO_STR, xy_str_from(name));
    xy_node_set(bound, "id", xy_stanza_id_make(owner, id));
    xy_node_set(bound, "timestamp", xy_time_format(xy_message_id_ms(id)));
}

void
answer_add_metadata(struct xy_node *to, xy_owner owner, xy_message_id oldest,
                    xy_message_id newest)
{
    struct xy_node *metadata = xy_node_add(to, XY_STR(XY_NS_MAM), XY_STR("metadata"));
    if (!newest)
        return;
    add_bound(metadata, "start", owner, oldest);
    add_bound(metadata, "end", owner, newest);
}
