/* SPDX-License-Identifier: MIT */
/*
 * Telling those concerned that an administrator removed a message (requirements S0-19, S1-2):
 * accounts by a message from their own domain, a room by one of the room. Nobody's name is
 * forged, and each notice is in the transaction of the removal it tells of.
 */
#include "modules/retract_admin/retract_admin.h"

static struct xy_stanza *
notice(const struct act *act, struct xy_str original, struct xy_str by)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    struct xy_node *top = xy_stanza_top(message);
    xy_stanza_set_id(message, act->notice_id);
    struct xy_node *retract = xy_node_add(top, XY_STR(NS_RETRACT), XY_STR("retract"));
    xy_node_set(retract, "id", original);
    xy_node_set(xy_node_add(retract, XY_STR(NS_MODERATE), XY_STR("moderated")), "by", by);
    xy_node_add_text(xy_node_add(retract, XY_NO_STR, XY_STR("reason")), act->request->code);
    (void)xy_node_add(top, XY_STR("urn:xmpp:hints"), XY_STR("store"));
    return message;
}

/* ---- accounts
 * ------------------------------------------------------------------------------------ */

struct together {
    struct act **acts;
    size_t count;
};

static void
add(void *argument, struct xy_txn *txn)
{
    const struct together *together = argument;
    for (size_t i = 0; i < together->count; i++)
        act_add(together->acts[i], txn);
}

static xy_status
without_notice(struct act **acts, size_t count)
{
    struct together together = {acts, count};
    struct xy_txn *txn = xy_txn_begin();
    add(&together, txn);
    return xy_txn_commit(txn);
}

static size_t
add_notices(const struct act *act, struct xy_stanza **messages)
{
    const struct parties *parties = &act->parties;
    size_t count = 0;
    for (size_t i = 0; i < parties->count; i++) {
        if (!parties->at[i].owner)
            continue;
        const struct xy_jid *domain = xy_jid_host(parties->at[i].jid);
        struct xy_stanza *message = notice(act, act->record.client_id, xy_jid_text(domain));
        xy_stanza_set_from(message, domain);
        xy_stanza_set_to(message, parties->at[i].jid);
        xy_stanza_set_type(message, xy_str_is(act->record.type, "chat") ? XY_STR("chat")
                                                                        : XY_STR("normal"));
        messages[count++] = message;
    }
    return count;
}

xy_status
notices_for_accounts(struct act **acts, size_t count)
{
    struct together together = {acts, count};
    struct xy_map *all = acts[0]->self->acts;
    size_t room = 0, notices = 0;
    for (size_t i = 0; i < count; i++)
        room += acts[i]->parties.count;
    struct xy_stanza **messages = xy_temp_alloc((room + 1) * sizeof(*messages));
    for (size_t i = 0; i < count; i++) {
        notices += add_notices(acts[i], messages + notices);
        (void)xy_map_put(all, acts[i]->notice_id, acts[i]);
    }
    xy_status status = notices ? xy_notices_send(messages, notices, add, &together)
                               : without_notice(acts, count);
    for (size_t i = 0; i < count; i++)
        (void)xy_map_remove(all, acts[i]->notice_id);
    return status;
}

/* ---- rooms
 * ----------------------------------------------------------------------------------------- */

/* From inside the room. */
static xy_status
broadcast(struct act *act, struct xy_room *room)
{
    const struct xy_jid *service = xy_jid_host(xy_room_jid(room));
    xy_status status = xy_room_identify(room, false);
    if (status != XY_OK)
        return status;
    struct xy_stanza *message = notice(
        act, xy_stanza_id_make(xy_room_owner(room), act->record.id), xy_jid_text(service));
    xy_stanza_set_from(message, xy_room_jid(room));
    xy_stanza_set_type(message, XY_STR("groupchat"));
    struct together together = {&act, 1};
    struct xy_room_message sent = {
        .stanza = message, .author = xy_room_jid(room), .add = add, .added = &together};
    status = xy_room_accept(room, &sent);
    if (status == XY_OK)
        xy_room_settle(room);
    return status;
}

xy_status
notices_for_room(struct act *act)
{
    struct xy_room *room;
    struct xy_message_record now;
    xy_status status = xy_room_enter(act->record.addressee, &room);
    if (status != XY_OK)
        return status == XY_ABSENT ? without_notice(&act, 1) : status;
    status = broadcast(act, room);
    xy_room_leave(room);
    if (status == XY_ABSENT)
        return without_notice(&act, 1); /* it has no archive and nobody who could be told */
    if (status == XY_OK)
        status = xy_message_look(act->record.id, &now);
    if (status == XY_OK && !xy_str_equal(now.operation, act->request->operation))
        status = XY_CONFLICT;
    return status;
}
