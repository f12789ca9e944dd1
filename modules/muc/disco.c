/* SPDX-License-Identifier: MIT */
/*
 * Service discovery of the service and of its rooms (XEP-0045 section 6, XEP-0030). Invariants:
 * a hidden room is in no list, and answers whoever knows its name; a room that its owner has
 * not configured yet is there for its owners only; who is in a room is told outside it only
 * where the room says so.
 */
#include "modules/muc/show.h"

#define NODE_NICK    "x-roomuser-item"
#define NODE_TRAFFIC NS_MUC "#traffic"
enum { ITEMS_MOST = 500 };

struct question {
    const struct xy_jid *place, *asker;
    struct xy_str node;
    struct xy_stanza *result;
    struct xy_node *query; /* of the result */
};

static struct question
read_question(const struct xy_iq *iq)
{
    const struct xy_node *payload = xy_iq_payload(iq);
    struct question question = {
        .place = xy_iq_place(iq),
        .asker = xy_iq_from(iq),
        .node = xy_node_attr(payload, "node"),
        .result = xy_iq_result(iq),
    };
    question.query =
        xy_node_add(xy_stanza_top(question.result), xy_node_ns(payload), XY_STR("query"));
    if (question.node.len)
        xy_node_set(question.query, "node", question.node);
    return question;
}

static void
add_identity(struct xy_node *query, struct xy_str name)
{
    struct xy_node *identity = xy_node_add(query, XY_NO_STR, XY_STR("identity"));
    xy_node_set(identity, "category", XY_STR("conference"));
    xy_node_set(identity, "type", XY_STR("text"));
    xy_node_set(identity, "name", name);
}

static void
add_feature(void *query, const char *var)
{
    xy_node_set(xy_node_add(query, XY_NO_STR, XY_STR("feature")), "var", xy_str_from(var));
}

static void
add_item(struct xy_node *query, const struct xy_jid *jid, struct xy_str name)
{
    struct xy_node *item = xy_node_add(query, XY_NO_STR, XY_STR("item"));
    xy_node_set(item, "jid", xy_jid_text(jid));
    xy_node_set(item, "name", name);
}

/* ---- the service ---- */

static xy_status
describe_service(struct xy_iq *iq, const struct question *q)
{
    if (xy_str_is(q->node, NODE_TRAFFIC)) /* 18.1.1: nothing is discarded */
        return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
    if (q->node.len)
        return XY_ABSENT;
    add_identity(q->query, XY_STR(MUC_SERVICE_NAME));
    xy_features_each(xy_iq_host(iq), XY_IQ_SERVICE | XY_IQ_SERVICES, add_feature, q->query);
    return xy_iq_reply(iq, q->result);
}

/* A JID of this service that a page began or ended with; it need not exist any more. */
static bool
read_mark(const struct question *q, struct xy_str text, const struct xy_jid **mark)
{
    *mark = text.len ? xy_jid_parse(text) : NULL;
    return !text.len || (*mark && xy_jid_host(*mark) == q->place);
}

static xy_status
add_rooms(struct muc *self, const struct question *q, const struct page *page,
          struct listing *listing)
{
    int64_t before = XY_NONE, all = 0;
    xy_status status = page->most ? rooms_list(self, listing) : XY_OK;
    for (size_t i = 0; i < listing->count; i++)
        add_item(q->query, listing->at[i].jid, listing->at[i].name);
    if (status == XY_OK)
        status = rooms_count(self, NULL, &all);
    if (status != XY_OK || (!page->asked && all <= (int64_t)listing->count))
        return status;
    if (!listing->count) {
        page_add(q->query, XY_NO_STR, XY_NO_STR, XY_NONE, all);
        return XY_OK;
    }
    const struct xy_jid *first = listing->at[0].jid,
                        *last = listing->at[listing->count - 1].jid;
    status = rooms_count(self, first, &before);
    page_add(q->query, xy_jid_text(first), xy_jid_text(last), before, all);
    return status;
}

static xy_status
list_rooms(struct muc *self, struct xy_iq *iq, const struct question *q)
{
    struct page page;
    struct listing listing = {0};
    if (q->node.len)
        return XY_ABSENT;
    if (!page_read(xy_iq_payload(iq), ITEMS_MOST, &page))
        return XY_INVALID;
    if (!read_mark(q, page.after, &listing.after) ||
        !read_mark(q, page.before, &listing.before))
        return XY_ABSENT;
    listing.backwards = page.backwards;
    listing.most = page.most;
    listing.skip = page.index == XY_NONE ? 0 : page.index;
    xy_status status = add_rooms(self, q, &page, &listing);
    return status == XY_OK ? xy_iq_reply(iq, q->result) : status;
}

/* ---- a room ---- */

static void
add_room_features(struct xy_node *query, struct xy_host *host, struct xy_room *room)
{
    const struct settings *set = muc_settings(room);
    xy_features_each(host, XY_IQ_ROOM, add_feature, query);
    add_feature(query, set->public_room ? "muc_public" : "muc_hidden");
    add_feature(query, set->persistent ? "muc_persistent" : "muc_temporary");
    add_feature(query, set->members_only ? "muc_membersonly" : "muc_open");
    add_feature(query, set->moderated ? "muc_moderated" : "muc_unmoderated");
    add_feature(query, set->whois == WHOIS_ANYONE ? "muc_nonanonymous" : "muc_semianonymous");
    add_feature(query,
                muc_text(room, TEXT_PASSWORD).len ? "muc_passwordprotected" : "muc_unsecured");
    if (set->allow_registration)
        add_feature(query, XY_NS_REGISTER);
    if (set->allow_voice_requests)
        add_feature(query, NS_MUC "#request");
    xy_run_muc_describing(host, room, query);
}

/* 7.12; nothing if there is none. */
static xy_status
add_reserved_nick(struct muc *self, const struct question *q, struct xy_room *room)
{
    struct affiliated found;
    xy_status status = muc_affiliation(self, room, q->asker, &found);
    if (status == XY_OK && found.nick.len)
        add_identity(q->query, found.nick);
    return status;
}

static xy_status
describe_room(struct muc *self, const struct xy_iq *iq, const struct question *q,
              struct xy_room *room)
{
    if (xy_str_is(q->node, NODE_NICK))
        return add_reserved_nick(self, q, room);
    if (q->node.len)
        return adhoc_describe(q->node, q->query) ? XY_OK : XY_ABSENT;
    struct xy_str name = muc_text(room, TEXT_NAME);
    add_identity(q->query, name.len ? name : xy_jid_local(q->place));
    add_room_features(q->query, xy_iq_host(iq), room);
    return muc_add_room_info(self, room, q->asker, q->query);
}

/* Each nick once, however many clients share it. */
static void
add_occupants(struct xy_node *query, struct xy_room *room)
{
    for (struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at)) {
        const struct xy_jid *nick = xy_occupant_nick(at);
        if (xy_room_find_nick(room, nick) == at && !muc_person(at)->silent)
            add_item(query, nick, xy_jid_resource(nick));
    }
}

static xy_status
list_room(struct muc *self, const struct xy_iq *iq, const struct question *q,
          struct xy_room *room)
{
    (void)iq;
    bool insider = false;
    if (xy_str_is(q->node, NS_COMMANDS)) {
        adhoc_list(room, q->query);
        return XY_OK;
    }
    if (q->node.len)
        return XY_ABSENT;
    xy_status status = is_insider(self, room, q->asker, &insider);
    if (status == XY_OK && insider && muc_settings(room)->public_list)
        add_occupants(q->query, room);
    return status;
}

/* A room waits for its owner to configure it (10.1). */
static xy_status
check_lock(struct muc *self, struct xy_room *room, const struct xy_jid *asker)
{
    struct affiliated found;
    if (!muc_state(room)->locked)
        return XY_OK;
    xy_status status = muc_affiliation(self, room, asker, &found);
    return status == XY_OK && found.affiliation < XY_OWNER ? XY_ABSENT : status;
}

typedef xy_status answer_fn(struct muc *self, const struct xy_iq *iq, const struct question *q,
                            struct xy_room *room);

static xy_status
ask_room(struct muc *self, struct xy_iq *iq, const struct question *q, answer_fn *answer)
{
    struct xy_room *room;
    if (xy_str_is(q->node, NODE_TRAFFIC))
        return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
    xy_status status = muc_enter(self, q->place, &room);
    if (status != XY_OK)
        return status;
    status = check_lock(self, room, q->asker);
    if (status == XY_OK)
        status = answer(self, iq, q, room);
    xy_room_leave(room);
    return status == XY_OK ? xy_iq_reply(iq, q->result) : status;
}

/* ---- who is asked ---- */

xy_status
muc_on_disco_info(XY_SELF, struct xy_iq *iq)
{
    struct question q = read_question(iq);
    return xy_jid_local(q.place).len ? ask_room(self, iq, &q, describe_room)
                                     : describe_service(iq, &q);
}

xy_status
muc_on_disco_items(XY_SELF, struct xy_iq *iq)
{
    struct question q = read_question(iq);
    return xy_jid_local(q.place).len ? ask_room(self, iq, &q, list_room)
                                     : list_rooms(self, iq, &q);
}

xy_verdict
muc_list_service(XY_SELF, struct xy_host *at, struct xy_user *user, const struct xy_jid *asker,
                 struct xy_str node, struct xy_node *query)
{
    (void)at, (void)asker;
    if (!user && !node.len)
        add_item(query, xy_service_jid(self), XY_STR(MUC_SERVICE_NAME));
    return XY_PASS;
}
