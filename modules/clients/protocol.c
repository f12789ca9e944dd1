/* SPDX-License-Identifier: MIT */
/* The protocol of XEP-0494: an account's own clients look at the list and revoke. */
#include "modules/clients/clients.h"

static void
add_text(struct xy_node *parent, const char *name, struct xy_str text)
{
    if (text.len)
        xy_node_add_text(xy_node_add(parent, XY_NO_STR, xy_str_from(name)), text);
}

static void
add_client(struct xy_node *list, const struct access *access, size_t at)
{
    const struct client *client = &access->all[at];
    struct xy_node *node = xy_node_add(list, XY_NO_STR, XY_STR("client"));
    bool now = access->connected[at];
    xy_node_set(node, "id", client->id);
    xy_node_set(node, "connected", now ? XY_STR("true") : XY_STR("false"));
    xy_node_set(node, "type", client->session ? XY_STR("session") : XY_STR("access"));
    add_text(node, "first-seen", xy_time_format(client->first_ms));
    add_text(node, "last-seen", xy_time_format(now ? xy_now_ms() : client->last_ms));
    struct xy_node *auth = xy_node_add(node, XY_NO_STR, XY_STR("auth"));
    if (access_by_password(access, at))
        xy_node_add(auth, XY_NO_STR, XY_STR("password"));
    if (access->has_token[at])
        xy_node_add(auth, XY_NO_STR, XY_STR("fast"));
    xy_node_set(xy_node_add(node, XY_NO_STR, XY_STR("permission")), "status",
                XY_STR("unrestricted"));
    if (!client->software.len && !client->device.len)
        return;
    struct xy_node *agent = xy_node_add(node, XY_NO_STR, XY_STR("user-agent"));
    add_text(agent, "software", client->software);
    add_text(agent, "device", client->device);
}

xy_status
protocol_list(struct clients *self, struct xy_iq *iq)
{
    struct access access;
    xy_status status = access_read(self, xy_iq_user(iq), &access);
    if (status != XY_OK)
        return status;
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *list =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_CLIENTS), XY_STR("clients"));
    for (size_t i = 0; i < access.count; i++) /* what has no access any more is not listed */
        if (access.connected[i] || access.has_token[i] || access_by_password(&access, i))
            add_client(list, &access, i);
    return xy_iq_reply(iq, result);
}

static xy_status
ask_for_a_new_password(struct xy_iq *iq)
{
    struct xy_stanza *error =
        xy_stanza_error(xy_iq_stanza(iq), XY_SERVICE_UNAVAILABLE,
                        XY_STR("It is logged out, and knows the password: change that"));
    xy_stanza_error_add(error, XY_STR(XY_NS_CLIENTS), XY_STR("password-reset-required"));
    return xy_iq_reply(iq, error);
}

/* The answer goes first: the asker's own session may end. */
xy_status
protocol_revoke(struct clients *self, struct xy_iq *iq)
{
    struct xy_user *user = xy_iq_user(iq);
    struct xy_str id = xy_node_attr(xy_iq_payload(iq), "id");
    int64_t number;
    if (!id.len)
        return xy_iq_error(iq, XY_BAD_REQUEST, XY_STR("Which client? Give its id"));
    xy_status status = access_revoke(self, user, id, xy_jid_text(xy_iq_from(iq)), &number);
    if (status == XY_ABSENT)
        return xy_iq_error(iq, XY_ITEM_NOT_FOUND, XY_NO_STR);
    if (status != XY_OK && status != XY_DENIED)
        return status;
    status = status == XY_OK ? xy_iq_reply(iq, NULL) : ask_for_a_new_password(iq);
    access_end_sessions(user, number);
    return status;
}
