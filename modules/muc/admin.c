/* SPDX-License-Identifier: MIT */
/*
 * muc#admin (XEP-0045 8.2 to 8.5, 9.1 to 9.8, 10.3 to 10.8): kicks, voice, moderators, bans and
 * all other affiliations. Invariant: a request is looked at as a whole first, by the rules of
 * rules.c; then all of it is done, or nothing.
 */
#include "modules/muc/admin.h"

xy_status
asker_find(struct muc *self, struct xy_room *room, const struct xy_jid *jid,
           struct asker *asker)
{
    struct affiliated is;
    *asker = (struct asker){.self = self, .room = room, .jid = jid};
    xy_status status = muc_affiliation(self, room, jid, &is);
    if (status == XY_OK && muc_state(room)->locked && is.affiliation < XY_OWNER)
        status = XY_ABSENT;
    if (status != XY_OK)
        return status;
    asker->occupant = xy_room_find(room, jid);
    asker->standing.affiliation = is.affiliation;
    asker->standing.is_occupant = asker->occupant != NULL;
    if (asker->occupant)
        asker->standing.role = muc_person(asker->occupant)->role;
    return XY_OK;
}

/* ---- looking ------------------------------------------------------------------------- */

static const char *
words(xy_condition why)
{
    if (why == XY_ERROR_CONFLICT)
        return "Nobody bans himself";
    return why == XY_FORBIDDEN ? "You may not do that in this room"
                               : "Not to somebody of that rank";
}

static struct refusal
look_at_role(const struct request *request, const struct item *item)
{
    struct xy_occupant *there = xy_room_find_nick(request->by.room, item->nick);
    const struct person *person = muc_person(there);
    struct standing target = {person->affiliation, person->role, true};
    bool is_self = xy_jid_bare(xy_occupant_real(there)) == xy_jid_bare(request->by.jid);
    xy_condition why;
    if (muc_may_set_role(request->by.standing, target, item->role, is_self, &why))
        return (struct refusal){0};
    return muc_refusal(why, words(why));
}

static struct refusal
look_at_affiliation(const struct request *request, struct item *item)
{
    const struct asker *by = &request->by;
    bool is_self = item->to.jid == xy_jid_bare(by->jid);
    struct affiliated is;
    xy_condition why;
    if (by->standing.affiliation < XY_ADMIN) /* before anything is looked up */
        return muc_refusal(XY_FORBIDDEN, words(XY_FORBIDDEN));
    xy_status status = muc_affiliation(by->self, by->room, item->to.jid, &is);
    if (status != XY_OK)
        return muc_refusal_of(status);
    item->from = is.affiliation;
    if (!muc_may_set_affiliation(by->standing.affiliation, item->from, item->to.affiliation,
                                 is_self, &why))
        return muc_refusal(why, words(why));
    if (muc_is_service_admin(by->self, item->to.jid) && item->to.affiliation != XY_OWNER)
        return muc_refusal(XY_NOT_ALLOWED, "Admins of the service own every room");
    return (struct refusal){0};
}

/* 10.4: there is always an owner. */
static struct refusal
look_for_owner(const struct request *request)
{
    struct affiliated *owners;
    size_t count, left = 0, leaving = 0;
    for (size_t i = 0; i < request->count; i++) {
        const struct item *item = &request->items[i];
        left += !item->nick && item->to.affiliation == XY_OWNER;
        leaving += !item->nick && item->from == XY_OWNER && item->to.affiliation != XY_OWNER;
    }
    if (left || !leaving)
        return (struct refusal){0};
    xy_status status = muc_affiliated(request->by.room, XY_OWNER, &owners, &count);
    if (status != XY_OK)
        return muc_refusal_of(status);
    if (count > leaving)
        return (struct refusal){0};
    return muc_refusal(XY_ERROR_CONFLICT, "A room has at least one owner");
}

static struct refusal
look(struct request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        struct item *item = &request->items[i];
        struct refusal why =
            item->nick ? look_at_role(request, item) : look_at_affiliation(request, item);
        if (why.text)
            return why;
    }
    return look_for_owner(request);
}

/* ---- doing --------------------------------------------------------------------------- */

static void
set_role(const struct request *request, const struct item *item)
{
    static const int kicked[] = {307, 0};
    struct muc *self = request->by.self;
    struct xy_room *room = request->by.room;
    struct xy_occupant *there = xy_room_find_nick(room, item->nick);
    const struct xy_occupant *actor = xy_room_find(room, request->by.jid);
    if (!there)
        return; /* another item has put him out */
    if (item->role == XY_NO_ROLE) {
        muc_eject(self, there, kicked, actor, item->to.reason, NULL);
        return;
    }
    if (muc_person(there)->role == item->role)
        return;
    muc_person(there)->role = item->role;
    muc_changed(self, there, actor, item->to.reason);
}

static bool
is_there(struct xy_room *room, const struct xy_jid *bare)
{
    for (struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at))
        if (xy_jid_bare(xy_occupant_real(at)) == bare)
            return true;
    return false;
}

/* 9.5: who is let into a members-only room hears of it. */
static void
invite(struct request *request, const struct item *item)
{
    struct xy_room *room = request->by.room;
    if (item->to.affiliation != XY_MEMBER || item->from != XY_UNAFFILIATED ||
        !muc_settings(room)->members_only || is_there(room, item->to.jid))
        return;
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    struct xy_node *x = muc_add_user(message);
    struct xy_node *told = xy_node_add(x, XY_NO_STR, XY_STR("invite"));
    xy_stanza_set_id(message, muc_new_id());
    xy_stanza_set_from(message, xy_room_jid(room));
    xy_stanza_set_to(message, item->to.jid);
    xy_node_set(told, "from", xy_jid_text(xy_jid_bare(request->by.jid)));
    if (item->to.reason.len)
        xy_node_add_text(xy_node_add(told, XY_NO_STR, XY_STR("reason")), item->to.reason);
    if (muc_text(room, TEXT_PASSWORD).len)
        xy_node_add_text(xy_node_add(x, XY_NO_STR, XY_STR("password")),
                         muc_text(room, TEXT_PASSWORD));
    muc_post(&request->post, message);
}

static struct refusal
set_affiliations(struct request *request)
{
    struct affiliated *changes = xy_temp_alloc((request->count + 1) * sizeof(*changes));
    size_t count = 0;
    for (size_t i = 0; i < request->count; i++) {
        if (request->items[i].nick)
            continue;
        changes[count++] = request->items[i].to;
        invite(request, &request->items[i]);
    }
    if (!count)
        return (struct refusal){0};
    xy_status status = muc_set_affiliations(request->by.self, request->by.room, changes, count,
                                            request->by.occupant);
    if (status == XY_CONFLICT)
        return muc_refusal(XY_ERROR_CONFLICT, "That nick is another's");
    if (status == XY_FULL)
        return muc_refusal(XY_RESOURCE_CONSTRAINT, "The lists of this room are full");
    return status == XY_OK ? (struct refusal){0} : muc_refusal_of(status);
}

static struct refusal
serve_set(struct request *request, const struct xy_node *query)
{
    struct refusal why = request_read(request, query);
    if (!why.text)
        why = look(request);
    if (!why.text)
        why = set_affiliations(request);
    for (size_t i = 0; i < request->count && !why.text; i++)
        if (request->items[i].nick)
            set_role(request, &request->items[i]);
    if (!why.text)
        muc_look_whether_empty(request->by.self, request->by.room);
    return why;
}

xy_status
muc_on_admin(XY_SELF, struct xy_iq *iq)
{
    struct request request = {0};
    struct refusal why = {0};
    struct xy_room *room;
    struct xy_stanza *result = xy_iq_result(iq);
    xy_status status = muc_enter(self, xy_iq_place(iq), &room);
    if (status != XY_OK)
        return status;
    status = asker_find(self, room, xy_iq_from(iq), &request.by);
    if (status == XY_OK && xy_str_is(xy_stanza_type(xy_iq_stanza(iq)), "set"))
        why = serve_set(&request, xy_iq_payload(iq));
    else if (status == XY_OK)
        why = admin_list(
            &request.by, xy_iq_payload(iq),
            xy_node_add(xy_stanza_top(result), XY_STR(NS_MUC_ADMIN), XY_STR("query")));
    xy_room_leave(room);
    if (status != XY_OK)
        return status;
    if (why.text)
        return xy_iq_error(iq, why.condition, xy_str_from(why.text));
    status = xy_iq_reply(iq, result);
    muc_post_send(&request.post);
    return status;
}
