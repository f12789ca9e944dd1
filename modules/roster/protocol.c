/* SPDX-License-Identifier: MIT */
/*
 * jabber:iq:roster (RFC 6121 section 2), with versioning (2.6): a known version is answered
 * with the changes since, as pushes, when they are fewer than the whole.
 */
#include "roster.h"

static void
send_changes(XY_SELF, struct xy_session *session, struct xy_rows *rows)
{
    struct side side = {.user = xy_session_user(session)};
    while (xy_rows_next(rows)) {
        side.item = roster_row_item(rows, &side.contact);
        if (side.item.listed == NEVER_LISTED || !side.contact)
            continue;
        struct xy_stanza *iq = xy_stanza_new(XY_NO_STR, XY_STR("iq"));
        xy_stanza_set_type(iq, XY_STR("set"));
        xy_stanza_set_id(iq, xy_temp_printf("push-%lld", (long long)side.item.version));
        xy_stanza_set_to(iq, xy_session_jid(session));
        struct xy_node *query =
            xy_node_add(xy_stanza_top(iq), XY_STR(XY_NS_ROSTER), XY_STR("query"));
        xy_node_set(query, "ver", xy_temp_printf("%lld", (long long)side.item.version));
        roster_add_item(query, &side.item, side.contact);
        (void)xy_session_send(session, iq);
    }
}

static struct xy_stanza *
whole(struct xy_iq *iq, struct xy_rows *rows, int64_t version)
{
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *query =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_ROSTER), XY_STR("query"));
    xy_node_set(query, "ver", xy_temp_printf("%lld", (long long)version));
    while (xy_rows_next(rows)) {
        const struct xy_jid *contact;
        struct item item = roster_row_item(rows, &contact);
        if (item.listed == LISTED && contact)
            roster_add_item(query, &item, contact);
    }
    return result;
}

xy_status
roster_get_iq(XY_SELF, struct xy_iq *iq)
{
    struct xy_session *session = xy_iq_session(iq);
    if (!session)
        return XY_DENIED;
    struct xy_user *user = xy_session_user(session);
    *(char *)xy_session_note(session, &roster_interested) =
        1; /* before reading: no change slips between */
    struct xy_str ver = xy_node_attr(xy_iq_payload(iq), "ver");
    int64_t version, known = 0;
    xy_status status = roster_version(user, &version);
    bool has_version =
        ver.len && xy_str_to_int(ver, 1, INT64_MAX, &known) == XY_OK && known <= version;
    struct xy_rows *all = NULL;
    if (status == XY_OK)
        status = roster_load_all(user, has_version ? known : 0, &all);
    if (status != XY_OK)
        return status;
    if (!has_version)
        return xy_iq_reply(iq, whole(iq, all, version));
    status = xy_iq_reply(iq, NULL);
    send_changes(self, session, all);
    return status;
}

/* RFC 6121 2.3.3 */
static xy_condition
read_groups(XY_SELF, const struct xy_node *item, struct xy_buffer *groups)
{
    for (const struct xy_node *at = xy_node_first(item); at; at = xy_node_next(at)) {
        if (!xy_node_is(at, XY_STR(XY_NS_ROSTER), XY_STR("group")))
            continue;
        struct xy_str group = xy_node_text(at);
        if (group.len == 0 || (int64_t)group.len > self->name_size.bytes)
            return XY_NOT_ACCEPTABLE;
        struct xy_str rest = xy_buffer_str(groups);
        while (rest.len)
            if (xy_str_equal(xy_str_cut(&rest, '\0'), group))
                return XY_BAD_REQUEST;
        xy_buffer_add(groups, group);
        xy_buffer_add(groups, xy_str_of("", 1));
    }
    return XY_CONDITIONS;
}

static xy_status
set_item(XY_SELF, struct xy_iq *iq, const struct xy_node *item, const struct xy_jid *contact)
{
    struct xy_buffer groups = {0};
    struct xy_str name = xy_node_attr(item, "name");
    xy_condition wrong = read_groups(self, item, &groups);
    if (wrong == XY_CONDITIONS && (int64_t)name.len > self->name_size.bytes)
        wrong = XY_NOT_ACCEPTABLE;
    if (wrong != XY_CONDITIONS)
        return xy_iq_error(iq, wrong, XY_NO_STR);
    xy_status status = roster_set(self, xy_iq_user(iq), contact, name, xy_buffer_str(&groups));
    return status == XY_OK ? xy_iq_reply(iq, NULL) : status;
}

xy_status
roster_set_iq(XY_SELF, struct xy_iq *iq)
{
    const struct xy_node *item = xy_node_first(xy_iq_payload(iq));
    if (!item || xy_node_next(item) || !xy_node_is(item, XY_STR(XY_NS_ROSTER), XY_STR("item")))
        return xy_iq_error(iq, XY_BAD_REQUEST, XY_NO_STR);
    struct xy_str text = xy_node_attr(item, "jid");
    const struct xy_jid *contact = text.len ? xy_jid_parse(text) : NULL;
    if (!contact)
        return xy_iq_error(iq, text.len ? XY_JID_MALFORMED : XY_BAD_REQUEST, XY_NO_STR);
    contact = xy_jid_bare(contact);
    if (contact == xy_user_jid(xy_iq_user(iq)))
        return xy_iq_error(iq, XY_NOT_ALLOWED, XY_NO_STR);
    if (!xy_str_is(xy_node_attr(item, "subscription"), "remove"))
        return set_item(self, iq, item, contact);
    xy_status status = roster_remove(self, xy_iq_user(iq), contact);
    return status == XY_OK ? xy_iq_reply(iq, NULL) : status;
}
