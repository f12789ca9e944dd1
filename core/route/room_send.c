/* SPDX-License-Identifier: MIT */
/*
 * One stanza for many: queues hold the stanza and mark it
 * as addressed; the header with the recipient's `to` is written when it is sent. A message is
 * stored once, whatever the number of occupants, and has its place in all their queues in one
 * step without a wait, so the order of ids, commits and deliveries is one for the room.
 */
#include "core/route/delivery.h"
#include "core/route/parcel.h"
#include "core/route/removal.h"
#include "core/route/room.h"

/* ---- to one -------------------------------------------------------------------------------
 */

static void
send_elsewhere(const struct xy_occupant *occupant, const struct xy_stanza *stanza)
{
    if (xy_host_find(occupant->real))
        return; /* a session of ours that has ended */
    struct xy_stanza *copy = xy_stanza_edit(stanza);
    xy_stanza_set_to(copy, occupant->real);
    xyi_stanza_freeze(copy);
    (void)xy_run_route_elsewhere(occupant->room->host, copy);
}

static bool
is_screened(const struct xy_occupant *occupant, const struct xy_stanza *stanza)
{
    xyi_forbid_wait("room_hearing");
    struct xy_host *host = occupant->session->user->host;
    bool screened = xy_run_room_hearing(host, occupant, stanza) == XY_DONE;
    xyi_allow_wait();
    return screened;
}

static void
give(const struct xy_occupant *occupant, const struct item *item)
{
    struct xy_session *session = occupant->session;
    if (!session) {
        send_elsewhere(occupant, item->stanza);
        return;
    }
    if (!session->open)
        return; /* its outbox has ended, and modules are hearing of it */
    if (session->screens_rooms && is_screened(occupant, item->stanza))
        return;
    const struct outbox *out = &session->out;
    if (item->parcel || out->retained || out->watched || out->waiting.first || out->binding) {
        if (!xyi_outbox_put(session, item))
            session->out.lossy = true;
    } else if (xyi_session_is_connected(session)) {
        xyi_link_send(session->stream->link, item->stanza, session->jid);
        xyi_route_counters.delivered++;
    }
}

void
xy_occupant_send(struct xy_occupant *occupant, const struct xy_stanza *stanza)
{
    xy_occupant_send_of(occupant, stanza, 0);
}

void
xy_occupant_send_of(struct xy_occupant *occupant, const struct xy_stanza *stanza,
                    int64_t message)
{
    xyi_stanza_freeze((struct xy_stanza *)(uintptr_t)stanza);
    give(occupant, &(struct item){.stanza = stanza, .addressed = true, .content = message});
}

/* ---- to many ------------------------------------------------------------------------------
 */

static void
give_all(const struct xy_room *room, const struct item *item, xy_audience_fn *for_whom,
         void *argument)
{
    for (const struct xy_occupant *o = xy_room_first(room); o; o = xy_occupant_next(o))
        if (!for_whom || for_whom(argument, o))
            give(o, item);
}

void
xy_room_send(struct xy_room *room, const struct xy_stanza *stanza, xy_audience_fn *for_whom,
             void *argument)
{
    xyi_stanza_freeze((struct xy_stanza *)(uintptr_t)stanza);
    give_all(room, &(struct item){.stanza = stanza, .addressed = true}, for_whom, argument);
}

/* ---- what waited for a commit -------------------------------------------------------------
 */

static struct xyi_link_node behind = {&behind, &behind}; /* see xyi_room_left_behind() */

void
xyi_room_left_behind(struct xy_session *session)
{
    if (session->open && session->out.waiting.first && xyi_list_empty(&session->left_behind))
        xyi_list_append(&behind, &session->left_behind);
}

void
xyi_room_forget_session(struct xy_session *session)
{
    if (!xyi_list_empty(&session->left_behind))
        xyi_list_remove(&session->left_behind);
}

static void
pump(struct xy_session *session)
{
    if (session && session->open && session->out.waiting.first)
        xyi_outbox_pump(session);
}

void
xyi_room_pump(const struct xy_room *room)
{
    for (const struct xy_occupant *o = xy_room_first(room); o; o = xy_occupant_next(o))
        pump(o->session);
    for (struct xyi_link_node *at = behind.next, *next; at != &behind; at = next) {
        next = at->next;
        struct xy_session *session = XYI_LIST_OF(at, struct xy_session, left_behind);
        pump(session);
        if (!session->out.waiting.first)
            xyi_list_remove(at);
    }
}

/* ---- a message ----------------------------------------------------------------------------
 */

struct posting {
    struct xy_room *room;
    struct xy_room_message *message;
    struct xy_session *sender; /* whose stanza it is, or NULL */
    int64_t author, address;   /* interned JIDs */
    int64_t origin;            /* the session it came from; 0: none */
    struct xyi_login *login;   /* that, if it has no row yet */
    unsigned keep;
    bool takes_back; /* it is stored with its effect, or refused */
};

static void
add_what_goes_with_it(struct xy_room_message *message, struct xy_txn *txn)
{
    if (!message->add)
        return;
    xyi_forbid_wait("what goes with a message");
    message->add(message->added, txn);
    xyi_allow_wait();
}

static xy_status
commit_alone(struct xy_room_message *message)
{
    if (!message->add)
        return XY_OK;
    struct xy_txn *txn = xy_txn_begin();
    message->id = 0;
    add_what_goes_with_it(message, txn);
    return xy_txn_commit(txn);
}

/* Everything that may wait. */
static xy_status
prepare(struct posting *p)
{
    struct xy_room *room = p->room;
    xy_status status = XY_OK;
    xy_run_room_keeping(room->host, room, p->message->stanza, &p->keep);
    p->takes_back = xyi_is_retraction(p->message->stanza);
    if ((p->message->add && !p->message->unforced) || p->takes_back)
        p->keep |= XY_KEEP_ARCHIVED;
    if (!(p->keep & XY_KEEP_ARCHIVED))
        return commit_alone(p->message);
    status = xyi_login_identify(p->login);
    if (status == XY_OK)
        status = xyi_jid_id(xy_jid_bare(p->message->author), &p->author);
    if (status == XY_OK)
        status = xyi_jid_id(room->jid, &p->address);
    if (status == XY_OK)
        status = xy_room_identify(room, true);
    while (status == XY_OK && xyi_parcels_many())
        xyi_parcel_wait_turn();
    return status;
}

static struct parcel *
store(struct posting *p)
{
    struct xy_stanza *kept = xy_stanza_edit(p->message->stanza);
    xy_stanza_set_to(kept, p->room->jid);
    struct xyi_message_row row = {
        .id = xyi_message_next_id(),
        .class = xyi_message_class(p->message->author),
        .sender = p->author,
        .recipient = p->address,
        .sent_to = p->room->owner,
        .origin_id = xy_stanza_id(kept),
        .author = xy_jid_text(xy_jid_bare(p->message->author)),
        .addressee = xy_jid_text(p->room->jid),
        .body = xy_node_text(xy_stanza_child(kept, XY_STR(XY_NS_CLIENT), XY_STR("body"))),
        .stanza = xy_stanza_text(kept),
        .login = p->origin,
    };
    struct xy_txn *txn = xyi_txn_detached();
    const struct xy_stanza *original = p->message->original;
    xyi_message_add(txn, &row);
    struct parcel *parcel =
        xyi_parcel_new(NULL, NULL, original ? original : p->message->stanza, row.id);
    xyi_parcel_name(parcel, p->login, txn);
    parcel->room = p->room;
    parcel->silent = !original;
    if (p->sender)
        xyi_parcel_count(parcel, p->sender, txn);
    xyi_parcel_announce(parcel, p->message->stanza, p->room->host, txn);
    p->message->id = row.id;
    add_what_goes_with_it(p->message, txn);
    if (p->takes_back)
        xyi_removal_demand(txn);
    xyi_trace(XYI_TRACE_ACCEPTED, row.id, p->room->owner, 0);
    xyi_parcel_submit(parcel, txn);
    return parcel;
}

static void
decide(struct posting *p)
{
    struct xy_room *room = p->room;
    struct xy_room_message *message = p->message;
    struct parcel *parcel = p->keep & XY_KEEP_ARCHIVED ? xyi_parcel_keep(store(p)) : NULL;
    message->id = parcel ? parcel->id : 0;
    message->sent = message->stanza;
    if (parcel)
        message->sent = xyi_stamped(room->jid, room->owner, parcel->id, message->stanza);
    struct item item = {.stanza = message->sent,
                        .addressed = true,
                        .parcel = parcel,
                        .message = message->id,
                        .content = message->id,
                        .room = parcel ? room->owner : 0};
    give_all(room, &item, message->for_whom, message->argument);
    xyi_forbid_wait("room_delivering");
    xy_run_room_delivering(room->host, room, message->sent, message->id);
    xyi_allow_wait();
    xyi_parcel_drop(parcel);
}

/* What the room says in somebody's name, such as a moderator's act, comes from his session. */
static int64_t
origin_of(const struct xy_room_message *message)
{
    int64_t origin = xyi_stanza_login(message->stanza);
    const struct xy_session *author = origin ? NULL : xy_session_find(message->author);
    return author ? xyi_login_number(author->login) : origin;
}

/* Whoever has the author's full JID by now may be another: his is the one that handles what he
 * sent. */
static struct xy_session *
find_sender(const struct xy_room_message *message)
{
    struct xy_session *session = xy_session_find(message->author);
    return session && session->in.handling == message->original ? session : NULL;
}

xy_status
xy_room_accept(struct xy_room *room, struct xy_room_message *message)
{
    struct posting p = {.room = room, .message = message};
    xyi_stanza_freeze((struct xy_stanza *)(uintptr_t)message->stanza);
    p.origin = origin_of(message);
    p.login = xyi_login_to_write(p.origin);
    xy_status status = prepare(&p);
    if (status == XY_OK) {
        p.sender = message->original ? find_sender(message) : NULL;
        decide(&p);
    }
    xyi_login_drop(p.login);
    return status;
}
