/* SPDX-License-Identifier: MIT */
/*
 * Requests for voice (XEP-0045 7.13, 8.6): a visitor asks, each moderator gets a form, and what
 * one of them submits gives the visitor a voice. Invariant: it is given by a moderator, and to
 * the person the form spoke of.
 */
#include "modules/muc/talk.h"

/* ---- asking
 * ---------------------------------------------------------------------------------------- */

static struct xy_node *
add_field(struct xy_node *form, const char *var, const char *type, const char *label,
          struct xy_str value)
{
    struct xy_node *field = xy_node_add(form, XY_NO_STR, XY_STR("field"));
    xy_node_set(field, "var", xy_str_from(var));
    xy_node_set(field, "type", xy_str_from(type));
    if (label)
        xy_node_set(field, "label", xy_str_from(label));
    xy_node_add_text(xy_node_add(field, XY_NO_STR, XY_STR("value")), value);
    return field;
}

static struct xy_stanza *
approval_form(struct xy_room *room, const struct xy_occupant *visitor)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_from(message, xy_room_jid(room));
    xy_stanza_set_id(message, muc_new_id());
    struct xy_node *form = xy_node_add(xy_stanza_top(message), XY_STR(XY_NS_DATA), XY_STR("x"));
    xy_node_set(form, "type", XY_STR("form"));
    xy_node_add_text(xy_node_add(form, XY_NO_STR, XY_STR("title")), XY_STR("Voice request"));
    xy_node_add_text(
        xy_node_add(form, XY_NO_STR, XY_STR("instructions")),
        XY_STR("To approve this request for voice, select the \"Grant voice to this person?\" "
               "checkbox and click OK. To skip this request, click the cancel button."));
    add_field(form, "FORM_TYPE", "hidden", NULL, XY_STR(NS_MUC_REQUEST));
    struct xy_node *role =
        add_field(form, "muc#role", "list-single", "Requested role", XY_STR("participant"));
    struct xy_node *option = xy_node_add(role, XY_NO_STR, XY_STR("option"));
    xy_node_set(option, "label", XY_STR("Participant"));
    xy_node_add_text(xy_node_add(option, XY_NO_STR, XY_STR("value")), XY_STR("participant"));
    add_field(form, "muc#jid", "jid-single", "User ID", xy_jid_text(xy_occupant_real(visitor)));
    add_field(form, "muc#roomnick", "text-single", "Room Nickname",
              xy_jid_resource(xy_occupant_nick(visitor)));
    add_field(form, "muc#request_allow", "boolean", "Grant voice to this person?",
              XY_STR("false"));
    return message;
}

static bool
is_moderator(void *argument, const struct xy_occupant *occupant)
{
    (void)argument;
    return muc_person((struct xy_occupant *)(uintptr_t)occupant)->role == XY_MODERATOR;
}

static struct refusal
request(struct muc *self, struct xy_room *room, struct xy_occupant *visitor)
{
    const struct settings *settings = muc_settings(room);
    if (!settings->allow_voice_requests)
        return muc_refusal(XY_FORBIDDEN, "This room takes no requests for voice");
    if (!settings->moderated || muc_person(visitor)->role >= XY_PARTICIPANT)
        return muc_refusal(XY_BAD_REQUEST, "You have a voice");
    if (settings->voice_request_s > 0 &&
        !muc_take(self, "voice", xy_room_jid(room), xy_occupant_real(visitor), 1,
                  settings->voice_request_s * INT64_C(1000)))
        return (struct refusal){XY_POLICY_VIOLATION, "wait",
                                "You have asked for voice not long ago"};
    xy_room_send(room, approval_form(room, visitor), is_moderator, NULL);
    return (struct refusal){0};
}

/* ---- approving
 * --------------------------------------------------------------------------------------- */

/* The form may have waited: somebody else may have the nick by now. */
static struct xy_occupant *
find_visitor(struct xy_room *room, const struct xy_node *form)
{
    const struct xy_jid *jid = xy_jid_parse(muc_form_value(form, "muc#jid"));
    struct xy_str room_local = xy_jid_local(xy_room_jid(room)),
                  domain = xy_jid_domain(xy_room_jid(room));
    struct xy_str nick = muc_form_value(form, "muc#roomnick");
    const struct xy_jid *place = nick.len ? xy_jid_make(room_local, domain, nick) : NULL;
    if (!place && jid && !xy_jid_is_bare(jid))
        return xy_room_find(room, jid);
    struct xy_occupant *at = place ? xy_room_find_nick(room, place) : NULL;
    if (at && jid && xy_jid_bare(xy_occupant_real(at)) != xy_jid_bare(jid))
        return NULL;
    return at;
}

static struct refusal
approve(struct muc *self, struct xy_room *room, const struct xy_occupant *moderator,
        const struct xy_node *form)
{
    struct xy_str allow = muc_form_value(form, "muc#request_allow");
    if (!xy_str_is(allow, "true") && !xy_str_is(allow, "1"))
        return (struct refusal){0};
    struct xy_occupant *visitor = find_visitor(room, form);
    if (!visitor)
        return muc_refusal(XY_ITEM_NOT_FOUND, "Who asked for voice is not in this room");
    if (muc_person(visitor)->role >= XY_PARTICIPANT)
        return (struct refusal){0};
    struct xy_occupant *at = xy_room_find_nick(room, xy_occupant_nick(visitor));
    for (struct xy_occupant *same = at; same; same = xy_occupant_next_same(same))
        muc_person(same)->role = XY_PARTICIPANT;
    muc_changed(self, at, moderator, XY_NO_STR);
    return (struct refusal){0};
}

struct refusal
muc_voice(struct muc *self, struct xy_room *room, struct xy_occupant *sender,
          const struct xy_node *form)
{
    struct xy_str type = xy_node_attr(form, "type");
    if (xy_str_is(type, "cancel"))
        return (struct refusal){0};
    if (!xy_str_is(type, "submit"))
        return muc_refusal(XY_BAD_REQUEST, "A form is submitted or cancelled");
    if (!xy_str_is(muc_form_value(form, "muc#role"), "participant"))
        return muc_refusal(XY_BAD_REQUEST, "Only the role participant can be asked for");
    if (!muc_form_value(form, "muc#request_allow").len)
        return request(self, room, sender);
    if (muc_person(sender)->role != XY_MODERATOR)
        return muc_refusal(XY_FORBIDDEN, "Only moderators give voice");
    return approve(self, room, sender, form);
}
