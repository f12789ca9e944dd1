/* SPDX-License-Identifier: MIT */
/*
 * An iq between occupants (XEP-0045 13.4) and to oneself (XEP-0410). Invariant: neither side
 * learns the real JID of the other, and an answer reaches who asked and nobody else. Nothing is
 * remembered: the id a request goes on with says who asked for what, under a key, so only who
 * was asked can answer, and only that.
 *
 *     check (32 hex digits) | length of the nick asked (4 hex digits) | that nick | the asker's
 * id
 */
#include "modules/muc/talk.h"

enum { CHECK = 32, LENGTH = 4 };
static const char digits[] = "0123456789abcdef";

/* ---- ids
 * --------------------------------------------------------------------------------------- */

static struct xy_str
check_of(const struct muc *self, const struct xy_jid *room, const struct xy_jid *asker,
         const struct xy_jid *asked, struct xy_str rest)
{
    unsigned char whole[XY_HASH_MAX];
    struct xy_buffer text = {0};
    const struct xy_str parts[] = {XY_STR("muc.relay"), xy_jid_text(xy_jid_bare(room)),
                                   xy_jid_text(asker), xy_jid_text(asked), rest};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        xy_buffer_add(&text, parts[i]);
        xy_buffer_add(&text, xy_str_of("", 1));
    }
    xy_hash_hmac(XY_SHA256, xy_str_of((const char *)self->secret, sizeof(self->secret)),
                 xy_buffer_str(&text), whole);
    return xy_temp_hex(xy_str_of((const char *)whole, CHECK / 2));
}

static struct xy_str
make_id(const struct muc *self, const struct xy_stanza *iq, const struct xy_jid *asked)
{
    struct xy_str nick = xy_jid_resource(xy_stanza_to(iq)), id = xy_stanza_id(iq);
    struct xy_str rest =
        xy_temp_printf("%04zx" XY_FMT XY_FMT, nick.len, XY_ARG(nick), XY_ARG(id));
    struct xy_str check = check_of(self, xy_stanza_to(iq), xy_stanza_from(iq), asked, rest);
    return xy_temp_printf(XY_FMT XY_FMT, XY_ARG(check), XY_ARG(rest));
}

struct question {
    struct xy_str check, rest; /* the id it went on with */
    struct xy_str nick, id;    /* who was asked, and the asker's own id */
};

static bool
read_id(struct xy_str id, struct question *asked)
{
    size_t length = 0;
    if (id.len < CHECK + LENGTH)
        return false;
    asked->check = xy_str_of(id.at, CHECK);
    asked->rest = xy_str_of(id.at + CHECK, id.len - CHECK);
    for (size_t i = 0; i < LENGTH; i++) {
        const char *digit = memchr(digits, asked->rest.at[i], 16);
        if (!digit)
            return false;
        length = length * 16 + (size_t)(digit - digits);
    }
    if (asked->rest.len < LENGTH + length)
        return false;
    asked->nick = xy_str_of(asked->rest.at + LENGTH, length);
    asked->id = xy_str_of(asked->nick.at + length, asked->rest.len - LENGTH - length);
    return true;
}

/* ---- questions
 * ----------------------------------------------------------------------------------- */

/* XEP-0045 13.4: a vCard is the account's. */
static const struct xy_jid *
address(const struct xy_stanza *iq, const struct xy_occupant *asked)
{
    const struct xy_node *payload = xy_stanza_payload(iq);
    bool vcard = payload && xy_str_is(xy_stanza_type(iq), "get") &&
                 xy_str_is(xy_node_ns(payload), XY_NS_VCARD);
    return vcard ? xy_jid_bare(xy_occupant_real(asked)) : xy_occupant_real(asked);
}

static bool
is_ping(const struct xy_stanza *iq)
{
    const struct xy_node *payload = xy_stanza_payload(iq);
    return payload && xy_node_is(payload, XY_STR(XY_NS_PING), XY_STR("ping"));
}

static struct refusal
ask(struct muc *self, struct xy_room *room, const struct xy_stanza *iq, struct post *post)
{
    struct xy_occupant *asker = xy_room_find(room, xy_stanza_from(iq));
    const struct xy_occupant *asked = xy_room_find_nick(room, xy_stanza_to(iq));
    if (!asker)
        return muc_refusal(XY_NOT_ACCEPTABLE, "You are not in this room");
    if (xy_occupant_nick(asker) == xy_stanza_to(iq) && is_ping(iq)) {
        muc_post(post, xy_stanza_reply(iq, XY_STR("result")));
        return (struct refusal){0};
    }
    if (!asked)
        return muc_refusal(XY_ITEM_NOT_FOUND, "Nobody of that nick is in this room");
    if (!muc_settings(room)->allow_query_users)
        return muc_refusal(XY_NOT_ALLOWED, "Occupants of this room cannot be asked");
    if (!muc_may_send(self, asker, iq))
        return (struct refusal){0};
    struct xy_stanza *forward = xy_stanza_edit(iq);
    const struct xy_jid *to = address(iq, asked);
    xy_stanza_set_id(forward, make_id(self, iq, to));
    xy_stanza_set_from(forward, xy_occupant_nick(asker));
    xy_stanza_set_to(forward, to);
    muc_post(post, forward);
    return (struct refusal){0};
}

/* A room that is not there, or not in memory, has no occupants: who asks is told that he is not
 * in it, so that he enters again. */
static void
take_question(struct muc *self, const struct xy_stanza *iq)
{
    struct xy_room *room = xy_room_known(xy_stanza_to(iq));
    struct refusal why = muc_refusal(XY_NOT_ACCEPTABLE, "You are not in this room");
    struct post post = {0};
    xy_status status = room ? muc_enter(self, xy_stanza_to(iq), &room) : XY_ABSENT;
    if (status == XY_OK) {
        why = ask(self, room, iq, &post);
        xy_room_leave(room);
    } else if (status != XY_ABSENT) {
        why = muc_refusal_of(status);
    }
    muc_refuse(self, iq, &why);
    muc_post_send(&post);
}

/* ---- answers
 * -------------------------------------------------------------------------------------- */

static const struct xy_occupant *
find_asker(const struct muc *self, struct xy_room *room, const struct xy_stanza *iq,
           const struct question *asked)
{
    const struct xy_occupant *at = xy_room_find_nick(room, xy_stanza_to(iq));
    for (; at; at = xy_occupant_next_same(at)) {
        struct xy_str check = check_of(self, xy_room_jid(room), xy_occupant_real(at),
                                       xy_stanza_from(iq), asked->rest);
        if (xy_secret_equal(check.at, asked->check.at, CHECK))
            return at;
    }
    return NULL;
}

static struct xy_stanza *
answer(const struct xy_stanza *iq, const struct xy_occupant *asker,
       const struct question *asked)
{
    const struct xy_jid *to = xy_stanza_to(iq);
    struct xy_stanza *back = xy_stanza_edit(iq);
    xy_stanza_set_id(back, asked->id);
    xy_stanza_set_from(back, xy_jid_make(xy_jid_local(to), xy_jid_domain(to), asked->nick));
    xy_stanza_set_to(back, xy_occupant_real(asker));
    muc_hide_origin(back);
    return back;
}

static void
take_answer(struct muc *self, const struct xy_stanza *iq)
{
    struct question asked;
    struct post post = {0};
    struct xy_room *room = xy_room_known(xy_stanza_to(iq));
    if (!room || !read_id(xy_stanza_id(iq), &asked) ||
        muc_enter(self, xy_stanza_to(iq), &room) != XY_OK)
        return;
    const struct xy_occupant *asker = find_asker(self, room, iq, &asked);
    struct xy_occupant *answerer = xy_room_find(room, xy_stanza_from(iq));
    if (asker && (!answerer || muc_may_send(self, answerer, iq))) /* a vCard is the account's */
        muc_post(&post, answer(iq, asker, &asked));
    xy_room_leave(room);
    muc_post_send(&post);
}

void
muc_relay(struct muc *self, const struct xy_stanza *iq)
{
    struct xy_str type = xy_stanza_type(iq);
    if (xy_str_is(type, "result") || xy_str_is(type, "error"))
        take_answer(self, iq);
    else if (!xy_jid_local(xy_stanza_to(iq)).len)
        xy_bounce(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
    else
        take_question(self, iq);
}
