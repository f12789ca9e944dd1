/* SPDX-License-Identifier: MIT */
/*
 * Registering with a room (XEP-0045 7.10, 9.9): a nick for oneself, and membership with it.
 * Where anybody may speak it is had at once; where not, an admin is asked by a form that says
 * all there is to know, so that nothing is kept of who asked.
 */
#include "modules/muc/admin.h"
#include "modules/muc/rows.h"
#include "modules/muc/show.h"

enum { ASKS_MOST = 1, ASKS_PERIOD_MS = 10 * 60 * 1000 };

/* Does membership give nothing here that others do not have anyhow? */
static bool
is_open(const struct settings *settings)
{
    return !settings->members_only && (!settings->moderated || settings->members_by_default);
}

static struct refusal
may_register(const struct asker *asker)
{
    enum xy_affiliation is = asker->standing.affiliation;
    if (is == XY_OUTCAST)
        return muc_refusal(XY_FORBIDDEN, "Banned from this room");
    if (is == XY_UNAFFILIATED && !muc_settings(asker->room)->allow_registration)
        return muc_refusal(XY_NOT_ALLOWED, "Only admins make members of this room");
    return (struct refusal){0};
}

/* ---- asking what it takes ------------------------------------------------------------ */

static void
add_form(const struct asker *asker, struct xy_node *query)
{
    bool at_once =
        asker->standing.affiliation >= XY_MEMBER || is_open(muc_settings(asker->room));
    struct xy_str words =
        at_once ? XY_STR("Choose the nick that is to be yours in this room.")
                : XY_STR("Choose a nick. The admins of the room are asked to let you in.");
    xy_node_add_text(xy_node_add(query, XY_NO_STR, XY_STR("instructions")), words);
    struct xy_node *form = form_begin(query, "form", NS_MUC_REGISTER);
    xy_node_add_text(xy_node_add(form, XY_NO_STR, XY_STR("title")),
                     xy_temp_printf("Registration with " XY_FMT,
                                    XY_ARG(xy_jid_text(xy_room_jid(asker->room)))));
    xy_node_add_text(xy_node_add(form, XY_NO_STR, XY_STR("instructions")), words);
    struct xy_node *nick = form_field(form, "text-single", "muc#register_roomnick", "Nick");
    if (asker->occupant)
        form_value(nick, xy_jid_resource(xy_occupant_nick(asker->occupant)));
    xy_node_add(nick, XY_NO_STR, XY_STR("required"));
}

static struct refusal
serve_get(const struct asker *asker, struct xy_node *query)
{
    struct affiliated is;
    struct refusal why = may_register(asker);
    if (why.text)
        return why;
    xy_status status = muc_affiliation(asker->self, asker->room, asker->jid, &is);
    if (status != XY_OK)
        return muc_refusal_of(status);
    if (is.nick.len) {
        xy_node_add(query, XY_NO_STR, XY_STR("registered"));
        xy_node_add_text(xy_node_add(query, XY_NO_STR, XY_STR("username")), is.nick);
    }
    if (!is.nick.len)
        add_form(asker, query);
    return (struct refusal){0};
}

/* ---- registering --------------------------------------------------------------------- */

static struct refusal
is_free(struct xy_room *room, const struct xy_jid *nick, const struct xy_jid *bare)
{
    const struct xy_jid *owner;
    const struct xy_occupant *there = xy_room_find_nick(room, nick);
    xy_status status = muc_nick_owner(room, xy_jid_resource(nick), &owner);
    if (status != XY_OK && status != XY_ABSENT)
        return muc_refusal_of(status);
    if ((status == XY_OK && owner != bare) ||
        (there && xy_jid_bare(xy_occupant_real(there)) != bare))
        return muc_refusal(XY_ERROR_CONFLICT, "That nick is another's");
    return (struct refusal){0};
}

/* An admin of the service is an owner without being on the list, and does not get on it by a
 * nick. */
static xy_status
listed_as(const struct asker *asker, const struct xy_jid *bare, enum xy_affiliation *is)
{
    struct affiliation_row row = {.is = {.affiliation = XY_UNAFFILIATED}};
    xy_status status = affiliation_row_read(muc_state(asker->room)->number, bare, &row);
    *is = row.is.affiliation;
    return status == XY_ABSENT ? XY_OK : status;
}

/* Whoever has an affiliation keeps it; `nick` empty takes the registered one away. */
static struct refusal
enrol(const struct asker *asker, const struct xy_jid *bare, enum xy_affiliation affiliation,
      struct xy_str nick)
{
    const struct affiliated change = {.jid = bare, .affiliation = affiliation, .nick = nick};
    xy_status status =
        muc_set_affiliations(asker->self, asker->room, &change, 1, asker->occupant);
    if (status == XY_CONFLICT)
        return muc_refusal(XY_ERROR_CONFLICT, "That nick is another's");
    if (status == XY_FULL)
        return muc_refusal(XY_RESOURCE_CONSTRAINT, "The lists of this room are full");
    return status == XY_OK ? (struct refusal){0} : muc_refusal_of(status);
}

/* ---- asking the admins (9.9) --------------------------------------------------------- */

static struct xy_stanza *
request_form(struct xy_room *room, const struct xy_jid *bare, const struct xy_jid *nick)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    struct xy_node *top = xy_stanza_top(message);
    xy_stanza_set_id(message, muc_new_id());
    xy_stanza_set_from(message, xy_room_jid(room));
    xy_node_add_text(xy_node_add(top, XY_NO_STR, XY_STR("body")),
                     xy_temp_printf(XY_FMT " asks to become a member as " XY_FMT ".",
                                    XY_ARG(xy_jid_text(bare)), XY_ARG(xy_jid_resource(nick))));
    struct xy_node *form = form_begin(top, "form", NS_MUC_REGISTER);
    xy_node_add_text(xy_node_add(form, XY_NO_STR, XY_STR("title")),
                     XY_STR("Registration request"));
    xy_node_add_text(xy_node_add(form, XY_NO_STR, XY_STR("instructions")),
                     XY_STR("To make this person a member, check \"Allow\" and submit."));
    form_say(form, "jid-single", "muc#jid", "Address", xy_jid_text(bare));
    form_say(form, "text-single", "muc#register_roomnick", "Nick", xy_jid_resource(nick));
    form_value(form_field(form, "boolean", "muc#register_allow",
                          "Allow this person to register with the room?"),
               XY_STR("0"));
    return message;
}

static void
post_to_all(struct post *post, const struct xy_stanza *model, const struct affiliated *list,
            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct xy_stanza *copy = xy_stanza_edit(model);
        xy_stanza_set_to(copy, list[i].jid);
        muc_post(post, copy);
    }
}

static struct refusal
ask_admins(const struct asker *asker, const struct xy_jid *bare, const struct xy_jid *nick,
           struct post *post)
{
    struct affiliated *owners, *admins;
    size_t owners_count, admins_count;
    if (!muc_take(asker->self, "register", xy_room_jid(asker->room), bare, ASKS_MOST,
                  ASKS_PERIOD_MS))
        return (struct refusal){XY_POLICY_VIOLATION, "wait", "You have asked already"};
    xy_status status = muc_affiliated(asker->room, XY_OWNER, &owners, &owners_count);
    if (status == XY_OK)
        status = muc_affiliated(asker->room, XY_ADMIN, &admins, &admins_count);
    if (status != XY_OK)
        return muc_refusal_of(status);
    const struct xy_stanza *message = xy_stanza_keep(request_form(asker->room, bare, nick));
    post_to_all(post, message, owners, owners_count);
    post_to_all(post, message, admins, admins_count);
    xy_stanza_drop(message);
    return (struct refusal){0};
}

struct refusal
muc_answer_registration(struct muc *self, struct xy_room *room, const struct xy_stanza *message,
                        const struct xy_node *form)
{
    struct asker asker;
    struct affiliated is;
    struct xy_str allow = form_read(form, "muc#register_allow");
    const struct xy_jid *who = xy_jid_parse(form_read(form, "muc#jid")), *place, *nick;
    xy_status status = asker_find(self, room, xy_stanza_from(message), &asker);
    if (status != XY_OK)
        return muc_refusal_of(status);
    if (asker.standing.affiliation < XY_ADMIN)
        return muc_refusal(XY_FORBIDDEN, "Only admins make members of this room");
    if (!xy_str_is(xy_node_attr(form, "type"), "submit") ||
        !(xy_str_is(allow, "1") || xy_str_is(allow, "true")))
        return (struct refusal){0};
    place = xy_room_jid(room);
    nick = xy_jid_make(xy_jid_local(place), xy_jid_domain(place),
                       form_read(form, "muc#register_roomnick"));
    if (!who || !nick || xy_jid_is_bare(nick))
        return muc_refusal(XY_BAD_REQUEST, "The form says neither who nor by what nick");
    status = muc_affiliation(self, room, who, &is);
    if (status != XY_OK)
        return muc_refusal_of(status);
    if (is.affiliation != XY_UNAFFILIATED)
        return (struct refusal){0}; /* another admin has dealt with it */
    struct refusal why = is_free(room, nick, xy_jid_bare(who));
    return why.text ? why : enrol(&asker, xy_jid_bare(who), XY_MEMBER, xy_jid_resource(nick));
}

/* ---- submitted ----------------------------------------------------------------------- */

/* In a room for members membership was not had by registering, and stays. */
static struct refusal
unregister(const struct asker *asker)
{
    enum xy_affiliation is;
    xy_status status = listed_as(asker, xy_jid_bare(asker->jid), &is);
    if (status != XY_OK)
        return muc_refusal_of(status);
    if (is == XY_OUTCAST || is == XY_UNAFFILIATED)
        return muc_refusal(XY_REGISTRATION_REQUIRED, "You are not registered here");
    if (is == XY_MEMBER && !muc_settings(asker->room)->members_only)
        is = XY_UNAFFILIATED;
    return enrol(asker, xy_jid_bare(asker->jid), is, XY_STR(""));
}

static struct refusal
serve_set(const struct asker *asker, const struct xy_node *query, struct post *post)
{
    const struct xy_jid *place = xy_room_jid(asker->room), *bare = xy_jid_bare(asker->jid);
    const struct xy_node *form = xy_node_child(query, XY_STR(XY_NS_DATA), XY_STR("x"));
    enum xy_affiliation is;
    struct refusal why = may_register(asker);
    if (xy_node_child(query, XY_STR(XY_NS_REGISTER), XY_STR("remove")))
        return unregister(asker);
    if (why.text)
        return why;
    if (!form || !xy_str_is(xy_node_attr(form, "type"), "submit"))
        return muc_refusal(XY_BAD_REQUEST, "Submit the form");
    struct xy_str wanted = form_read(form, "muc#register_roomnick");
    const struct xy_jid *nick =
        wanted.len ? xy_jid_make(xy_jid_local(place), xy_jid_domain(place), wanted) : NULL;
    if (!nick)
        return muc_refusal(XY_NOT_ACCEPTABLE, "Nick: choose one");
    why = is_free(asker->room, nick, bare);
    if (why.text)
        return why;
    if (asker->standing.affiliation < XY_MEMBER && !is_open(muc_settings(asker->room)))
        return ask_admins(asker, bare, nick, post);
    xy_status status = listed_as(asker, bare, &is);
    if (status != XY_OK)
        return muc_refusal_of(status);
    return enrol(asker, bare, is >= XY_MEMBER ? is : XY_MEMBER, xy_jid_resource(nick));
}

xy_status
muc_on_register(XY_SELF, struct xy_iq *iq)
{
    struct asker asker;
    struct refusal why = {0};
    struct post post = {0};
    struct xy_room *room;
    struct xy_stanza *result = xy_iq_result(iq);
    xy_status status = muc_enter(self, xy_iq_place(iq), &room);
    if (status != XY_OK)
        return status;
    status = asker_find(self, room, xy_iq_from(iq), &asker);
    if (status == XY_OK && xy_str_is(xy_stanza_type(xy_iq_stanza(iq)), "set"))
        why = serve_set(&asker, xy_iq_payload(iq), &post);
    else if (status == XY_OK)
        why = serve_get(&asker, xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_REGISTER),
                                            XY_STR("query")));
    xy_room_leave(room);
    if (status != XY_OK)
        return status;
    if (why.text)
        return xy_iq_error(iq, why.condition, xy_str_from(why.text));
    status = xy_iq_reply(iq, result);
    muc_post_send(&post);
    return status;
}
