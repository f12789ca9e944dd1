/* SPDX-License-Identifier: MIT */
/*
 * A moderator takes back what somebody said (XEP-0425). The room tells everybody, under its own
 * address; that notice is in the archive before the moderator has the answer, so members who
 * were away learn of it there.
 */
#include "modules/retract_muc/retract_muc.h"

enum { MOST_REASON = 1024 };

static void
judge(struct retract_muc *self, struct asked *asked)
{
    retract_muc_look(self, asked);
    if (asked->verdict.why)
        return;
    if (asked->access.role != XY_MODERATOR)
        removals_deny(&asked->verdict, XY_FORBIDDEN, "not-moderator",
                      "Only moderators of the room may do that");
    else
        removals_judge(&asked->original, &self->classes, self->moderators_window.ms,
                       &asked->verdict);
}

/* ---- telling everybody
 * ------------------------------------------------------------------------ */

static struct xy_str
occupant_id_of(struct xy_occupant *moderator)
{
    const struct xy_stanza *shown = xy_occupant_kept(moderator, 0);
    const struct xy_node *id =
        shown ? xy_stanza_child(shown, XY_STR(XY_NS_OCCUPANT_ID), XY_STR("occupant-id")) : NULL;
    return id ? xy_node_attr(id, "id") : XY_NO_STR;
}

static struct xy_stanza *
notice(struct xy_room *room, struct xy_occupant *moderator, const struct approval *approval)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    struct xy_node *top = xy_stanza_top(message);
    xy_stanza_set_type(message, XY_STR("groupchat"));
    xy_stanza_set_from(message, xy_room_jid(room));
    xy_stanza_set_id(message, approval->notice_id);
    struct xy_node *retract = xy_node_add(top, XY_STR(NS_RETRACT), XY_STR("retract"));
    xy_node_set(retract, "id", approval->key);
    struct xy_node *moderated = xy_node_add(retract, XY_STR(NS_MODERATE), XY_STR("moderated"));
    xy_node_set(moderated, "by", approval->by);
    struct xy_str id = occupant_id_of(moderator);
    if (id.len)
        xy_node_set(xy_node_add(moderated, XY_STR(XY_NS_OCCUPANT_ID), XY_STR("occupant-id")),
                    "id", id);
    if (approval->reason.len)
        xy_node_add_text(xy_node_add(retract, XY_NO_STR, XY_STR("reason")), approval->reason);
    return message;
}

/* XY_OK: everybody is told, and it is durable. */
static xy_status
tell(struct retract_muc *self, const struct asked *asked, struct approval *approval)
{
    struct xy_room *room;
    struct xy_message_record now;
    xy_status status = xy_room_enter(asked->room, &room);
    if (status != XY_OK)
        return status;
    if (removals_find(&self->removals, asked->id) != approval) { /* too long at the door */
        xy_room_leave(room);
        return XY_TIMEOUT;
    }
    struct xy_occupant *moderator = xy_room_find(room, xy_session_jid(asked->session));
    struct xy_room_message message = {.author = xy_session_jid(asked->session)};
    if (moderator)
        message.stanza = notice(room, moderator, approval);
    status = moderator ? xy_room_accept(room, &message) : XY_GONE;
    if (status == XY_OK)
        xy_room_settle(room);
    xy_room_leave(room);
    if (status == XY_OK)
        status = xy_message_look(asked->original.id, &now);
    if (status == XY_OK && now.state == XY_MESSAGE_LIVE)
        status = XY_BROKEN; /* the database refused it */
    return status;
}

/* ---- asked
 * ------------------------------------------------------------------------------------- */

static xy_status
moderate(struct retract_muc *self, struct asked *asked, struct xy_str reason)
{
    struct approval *approval;
    struct xy_room *room;
    xy_status status = xy_room_enter(asked->room, &room);
    if (status != XY_OK)
        return status;
    struct xy_occupant *moderator = xy_room_find(room, xy_session_jid(asked->session));
    struct xy_str by =
        moderator ? xy_temp_str(xy_jid_text(xy_occupant_nick(moderator))) : XY_NO_STR;
    xy_room_leave(room);
    struct approving approving = {
        .key = asked->id,
        .notice_id = xy_audit_operation(),
        .by = by,
        .reason = reason,
        .room = asked->room,
        .session = asked->session,
        .state = XY_MESSAGE_MODERATED,
        .kind = "moderate",
        .originals = &asked->original,
        .count = 1,
    };
    status = removals_approve(&self->removals, &approving, &approval);
    if (status == XY_OK)
        status = tell(self, asked, approval);
    approval = removals_find(&self->removals, asked->id);
    if (status != XY_OK && approval)
        removals_forget(&self->removals, approval);
    return status;
}

static struct xy_str
reason_in(const struct xy_node *request)
{
    const struct xy_node *node = xy_node_child(request, XY_STR(NS_MODERATE), XY_STR("reason"));
    struct xy_str reason = node ? xy_str_trim(xy_node_text(node)) : XY_NO_STR;
    return reason.len <= MOST_REASON ? reason : XY_NO_STR;
}

static xy_status
refuse(struct retract_muc *self, struct xy_iq *iq, const struct asked *asked)
{
    struct xy_stanza *error = xy_stanza_error(xy_iq_stanza(iq), asked->verdict.condition,
                                              xy_str_from(asked->verdict.text));
    xy_stanza_error_add(error, XY_STR(XY_NS_REMOVAL), xy_str_from(asked->verdict.why));
    removals_record_refusal(&self->removals, asked->session, asked->original.id,
                            asked->verdict.why);
    return xy_iq_reply(iq, error);
}

xy_status
retract_muc_moderate(XY_SELF, struct xy_iq *iq)
{
    const struct xy_node *request = xy_iq_payload(iq);
    struct asked asked = {.room = xy_iq_place(iq),
                          .session = xy_iq_session(iq),
                          .id = xy_node_attr(request, "id")};
    if (!self->moderators)
        return XY_UNSUPPORTED;
    if (!xy_node_child(request, XY_STR(NS_RETRACT), XY_STR("retract")))
        return XY_INVALID;
    if (!asked.session)
        return xy_iq_error(iq, XY_NOT_ACCEPTABLE, XY_STR("You are not in the room"));
    judge(self, &asked);
    if (asked.verdict.why)
        return refuse(self, iq, &asked);
    xy_status status = moderate(self, &asked, reason_in(request));
    return status == XY_OK ? xy_iq_reply(iq, NULL) : status;
}
