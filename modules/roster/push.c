/* SPDX-License-Identifier: MIT */
/*
 * What clients are told: roster pushes (RFC 6121 2.1.6), subscription stanzas, presence that
 * follows from an approval, and what came while nobody was there.
 */
#include "roster.h"

const struct xy_note roster_interested = {"roster.interested", 1, 1};

void
roster_add_item(struct xy_node *query, const struct item *item, const struct xy_jid *contact)
{
    struct xy_node *node = xy_node_add(query, XY_NO_STR, XY_STR("item"));
    xy_node_set(node, "jid", xy_jid_text(contact));
    if (item->listed != LISTED) {
        xy_node_set(node, "subscription", XY_STR("remove"));
        return;
    }
    xy_node_set(node, "subscription", xy_str_from(roster_subscription_name(item->state)));
    if (item->name.len)
        xy_node_set(node, "name", item->name);
    if (item->state & OUT)
        xy_node_set(node, "ask", XY_STR("subscribe"));
    if (item->state & APPROVED)
        xy_node_set(node, "approved", XY_STR("true"));
    struct xy_roster_item public = roster_public_item(item, contact);
    for (size_t i = 0; i < public.group_count; i++)
        xy_node_add_text(xy_node_add(node, XY_NO_STR, XY_STR("group")), public.groups[i]);
}

static void
push_to(struct xy_session *session, const struct side *side)
{
    struct xy_stanza *iq = xy_stanza_new(XY_NO_STR, XY_STR("iq"));
    xy_stanza_set_type(iq, XY_STR("set"));
    xy_stanza_set_id(iq, xy_temp_printf("push-%lld", (long long)side->item.version));
    xy_stanza_set_to(iq, xy_session_jid(session));
    struct xy_node *query =
        xy_node_add(xy_stanza_top(iq), XY_STR(XY_NS_ROSTER), XY_STR("query"));
    xy_node_set(query, "ver", xy_temp_printf("%lld", (long long)side->item.version));
    roster_add_item(query, &side->item, side->contact);
    (void)xy_session_send(session, iq);
}

void
roster_push(XY_SELF, const struct side *side)
{
    if (roster_side_visible(side)) {
        xy_count(&self->pushes);
        for (struct xy_session *s = xy_user_first(side->user); s; s = xy_session_next(s))
            if (xy_session_note_find(s, &roster_interested))
                push_to(s, side);
    }
    struct xy_roster_item public = roster_public_item(&side->item, side->contact);
    xy_run_roster_changed(xy_user_host(side->user), side->user, &public);
}

unsigned
roster_deliver(struct xy_user *user, const struct xy_stanza *presence)
{
    unsigned taken = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (xy_session_is_available(s) && xy_session_note_find(s, &roster_interested))
            taken += xy_session_send(s, presence) == XY_OK;
    return taken;
}

static struct xy_stanza *
gone(const struct xy_session *session)
{
    struct xy_stanza *presence = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
    xy_stanza_set_type(presence, XY_STR("unavailable"));
    xy_stanza_set_from(presence, xy_session_jid(session));
    return presence;
}

void
roster_show_presence(struct xy_user *user, const struct xy_jid *contact, bool available)
{
    size_t count = 0, at = 0;
    if (xy_run_presence_hidden(xy_user_host(user), user, contact) == XY_DONE)
        return;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        count++;
    struct xy_stanza **show = xy_temp_alloc((count + 1) * sizeof(struct xy_stanza *));
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (xy_session_is_available(s))
            show[at++] = available ? xy_stanza_edit(xy_session_presence(s)) : gone(s);
    for (size_t i = 0; i < at; i++) { /* routing may wait, the list of sessions may change */
        xy_stanza_set_to(show[i], contact);
        xy_route(show[i]);
    }
}

static void
hand_over(struct xy_session *session, struct xy_str text)
{
    struct xy_stanza *presence = xy_stanza_parse(text);
    if (presence)
        (void)xy_session_send(session, presence);
}

/* S3-16: requests come again at every login until answered, decisions of others once. */
void
roster_welcome(XY_SELF, struct xy_session *session, const struct xy_stanza *presence,
               bool first)
{
    (void)presence;
    struct xy_user *user = xy_session_user(session);
    struct xy_rows *rows;
    if (!first || roster_load_all(user, 0, &rows) != XY_OK)
        return;
    while (xy_rows_next(rows)) {
        const struct xy_jid *contact;
        struct item item = roster_row_item(rows, &contact);
        if ((item.state & IN) && item.request.len)
            hand_over(session, item.request);
    }
    if (roster_notices(user, &rows) != XY_OK || xy_rows_count(rows) == 0)
        return;
    while (xy_rows_next(rows))
        hand_over(session, xy_rows_text(rows, 2));
    xy_status status = xy_session_is_open(session) ? roster_notices_clear(user) : XY_GONE;
    if (status != XY_OK)
        xy_info("roster.notices_kept", "decisions will be told again",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}
