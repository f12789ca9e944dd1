/* SPDX-License-Identifier: MIT */
/*
 * Messages to rooms (XEP-0045 7.4): who may speak, and what of it everybody sees. Invariant:
 * what is said in a room was said by an occupant with a voice, under the nick and the
 * occupant-id that are his, with the id he gave it.
 */
#include "modules/muc/talk.h"

/* ---- to all ---------------------------------------------------------------------------------
 */

static struct refusal
may_speak(struct xy_room *room, struct xy_occupant *sender)
{
    if (!sender)
        return muc_no_occupant(room);
    if (muc_settings(room)->moderated && muc_person(sender)->role < XY_PARTICIPANT)
        return muc_refusal(XY_FORBIDDEN, "Visitors have no voice in this room");
    return (struct refusal){0};
}

static struct refusal
say(struct muc *self, struct xy_room *room, struct xy_occupant *sender,
    const struct xy_stanza *message)
{
    struct xy_room_message said = {
        .stanza = muc_clean(self, sender, message),
        .author = xy_occupant_real(sender),
        .original = message,
    };
    bool has_body = xy_stanza_child(message, XY_STR(XY_NS_CLIENT), XY_STR("body")) != NULL;
    if (has_body)
        muc_person(sender)->spoke_ms = xy_now_ms();
    xy_status status = xy_room_accept(room, &said);
    if (status != XY_OK)
        return muc_refusal_of(status);
    xy_count(&self->messages_accepted);
    if (!said.id)
        muc_remember(self, room, sender, said.sent);
    if (has_body)
        muc_note_unread(self, room, said.sent, said.id);
    return (struct refusal){0};
}

static void
talk(struct muc *self, const struct xy_stanza *message)
{
    struct xy_room *room;
    xy_status status = muc_enter(self, xy_stanza_to(message), &room);
    struct refusal why = {0};
    if (status != XY_OK) {
        why = muc_refusal_of(status);
        muc_refuse(self, message, &why);
        return;
    }
    struct xy_occupant *sender = xy_room_find(room, xy_stanza_from(message));
    why = may_speak(room, sender);
    if (!why.text && muc_may_send(self, sender, message))
        why = muc_is_subject(message) ? muc_change_subject(self, room, sender, message)
                                      : say(self, room, sender, message);
    xy_room_leave(room);
    muc_refuse(self, message, &why);
}

/* ---- to the room itself
 * ---------------------------------------------------------------------- */

enum { OUTSIDE_MOST = 20, OUTSIDE_MS = 60 * 1000 }; /* of who is not in the room, by account */

static struct refusal
serve(struct muc *self, struct xy_room *room, const struct xy_stanza *message,
      struct post *post)
{
    struct xy_str ns = XY_STR(NS_MUC_USER);
    struct xy_occupant *sender = xy_room_find(room, xy_stanza_from(message));
    const struct xy_node *x = xy_stanza_child(message, ns, XY_STR("x"));
    const struct xy_node *decline = x ? xy_node_child(x, ns, XY_STR("decline")) : NULL;
    const struct xy_node *form = xy_stanza_child(message, XY_STR(XY_NS_DATA), XY_STR("x"));
    if (decline)
        return muc_decline(self, room, message, decline, post);
    if (sender && !muc_may_send(self, sender, message))
        return (struct refusal){0};
    if (!sender && !muc_take(self, "outside", xy_room_jid(room), xy_stanza_from(message),
                             OUTSIDE_MOST, OUTSIDE_MS))
        return (struct refusal){XY_POLICY_VIOLATION, "wait", "Too much at once"};
    if (x && xy_node_child(x, ns, XY_STR("invite")))
        return muc_invite(self, room, message, x, post);
    if (form && xy_str_is(muc_form_value(form, "FORM_TYPE"), NS_MUC_REGISTER))
        return muc_answer_registration(self, room, message, form);
    if (!sender)
        return muc_no_occupant(room);
    if (form && xy_str_is(muc_form_value(form, "FORM_TYPE"), NS_MUC_REQUEST))
        return muc_voice(self, room, sender, form);
    return muc_refusal(XY_BAD_REQUEST, "Messages to all are of type groupchat");
}

static void
ask(struct muc *self, const struct xy_stanza *message)
{
    struct xy_room *room;
    struct post post = {0};
    xy_status status = muc_enter(self, xy_stanza_to(message), &room);
    struct refusal why = muc_refusal_of(status);
    if (status == XY_OK) {
        why = serve(self, room, message, &post);
        xy_room_leave(room);
    }
    muc_refuse(self, message, &why);
    muc_post_send(&post);
}

/* ---- what came
 * --------------------------------------------------------------------------------- */

void
muc_message(struct muc *self, const struct xy_stanza *message)
{
    const struct xy_jid *to = xy_stanza_to(message);
    if (xy_stanza_is_error(message))
        muc_take_error(self, message);
    else if (!xy_jid_local(to).len)
        xy_bounce(message, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
    else if (!xy_jid_is_bare(to))
        muc_private(self, message);
    else if (xy_str_is(xy_stanza_type(message), "groupchat"))
        talk(self, message);
    else
        ask(self, message);
}

void
muc_tell_config_changed(struct muc *self, struct xy_room *room, const int *codes)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    (void)self;
    xy_stanza_set_type(message, XY_STR("groupchat"));
    xy_stanza_set_id(message, muc_new_id());
    xy_stanza_set_from(message, xy_room_jid(room));
    struct xy_node *x = muc_add_user(message);
    for (; *codes; codes++)
        xy_node_set(xy_node_add(x, XY_NO_STR, XY_STR("status")), "code",
                    xy_temp_printf("%d", *codes));
    xy_room_send(room, message, NULL, NULL);
}
