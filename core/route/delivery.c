/* SPDX-License-Identifier: MIT */
/*
 * What modules see of a message on its way, and the copies they make of it.
 */
#include "core/route/delivery.h"

const struct xy_stanza *
xyi_stamped(const struct xy_jid *by, xy_owner owner, xy_message_id id,
            const struct xy_stanza *message)
{
    struct xy_stanza *stamped = xy_stanza_edit(message);
    struct xy_node *node =
        xy_node_add(xy_stanza_top(stamped), XY_STR(XY_NS_SID), XY_STR("stanza-id"));
    xy_node_set(node, "by", xy_jid_text(by));
    xy_node_set(node, "id", xy_stanza_id_make(owner, id));
    xyi_stanza_freeze(stamped);
    return stamped;
}

void
xyi_delivery_tell(struct xy_delivery *delivery)
{
    xyi_forbid_wait("message_delivering");
    xy_run_message_delivering(delivery->user->host, delivery);
    xyi_allow_wait();
}

struct xy_user *
xy_delivery_user(const struct xy_delivery *delivery)
{
    return delivery->user;
}

bool
xy_delivery_is_outgoing(const struct xy_delivery *delivery)
{
    return delivery->outgoing;
}

const struct xy_stanza *
xy_delivery_message(const struct xy_delivery *delivery)
{
    return delivery->message;
}

bool
xy_delivery_is_again(const struct xy_delivery *delivery)
{
    return delivery->again;
}

struct xy_session *
xy_delivery_sender(const struct xy_delivery *delivery)
{
    return delivery->sender;
}

bool
xy_delivery_takes(const struct xy_delivery *delivery, const struct xy_session *session)
{
    for (size_t i = 0; i < delivery->taken; i++)
        if (delivery->takers[i] == session)
            return true;
    return false;
}

unsigned
xy_delivery_taken(const struct xy_delivery *delivery)
{
    return (unsigned)delivery->taken;
}

xy_message_id
xy_delivery_id(const struct xy_delivery *delivery)
{
    return delivery->parcel ? delivery->parcel->id : 0;
}

unsigned
xy_delivery_keep(const struct xy_delivery *delivery)
{
    return delivery->keep;
}

void
xy_delivery_copy(struct xy_delivery *delivery, struct xy_session *session,
                 struct xy_stanza *copy)
{
    xyi_stanza_freeze(copy);
    xyi_outbox_put(session, &(struct item){
                                .kind = ITEM_COPY,
                                .stanza = copy,
                                .parcel = delivery->parcel,
                                .message = delivery->queued ? delivery->parcel->id : 0,
                                .content = xy_delivery_id(delivery),
                                .queued = delivery->queued,
                                .archived = delivery->archived,
                            });
}
