/* SPDX-License-Identifier: MIT */
/*
 * Private messages (XEP-0045 7.5). Invariant: neither side learns the real JID of the other,
 * and the room keeps nothing; what the two accounts keep is their own. An error is no way past
 * that: it comes back once for each message, and says its condition alone.
 */
#include "modules/muc/talk.h"

/* What an occupant was whispered lately, and has sent no error for: keyed hashes. */
enum { REMEMBERED = 32 };
struct whispered {
    uint64_t of[REMEMBERED];
    uint32_t next;
};
static const struct xy_note whispered_note = {"muc.whispered", 1, sizeof(struct whispered)};

static uint64_t
name_of(const struct muc *self, const struct xy_jid *nick, struct xy_str id)
{
    unsigned char whole[XY_HASH_MAX];
    uint64_t name;
    struct xy_str text = xy_temp_printf("muc.whispered " XY_FMT " " XY_FMT,
                                        XY_ARG(xy_jid_text(nick)), XY_ARG(id));
    xy_hash_hmac(XY_SHA256, xy_str_of((const char *)self->secret, sizeof(self->secret)), text,
                 whole);
    memcpy(&name, whole, sizeof(name));
    return name | 1; /* 0: none */
}

static void
remember(struct xy_occupant *to, uint64_t name)
{
    struct whispered *whispered = xy_occupant_note(to, &whispered_note);
    whispered->of[whispered->next++ % REMEMBERED] = name;
}

/* Once. */
static bool
was_whispered(struct xy_occupant *to, uint64_t name)
{
    struct whispered *whispered = xy_occupant_note_find(to, &whispered_note);
    for (size_t i = 0; whispered && i < REMEMBERED; i++) {
        if (whispered->of[i] != name)
            continue;
        whispered->of[i] = 0;
        return true;
    }
    return false;
}

static bool
may_whisper(struct xy_room *room, struct xy_occupant *sender)
{
    static const enum xy_role least[] = {
        [PM_ANYONE] = XY_NO_ROLE,
        [PM_PARTICIPANTS] = XY_PARTICIPANT,
        [PM_MODERATORS] = XY_MODERATOR,
    };
    uint8_t setting = muc_settings(room)->allow_pm;
    return setting < PM_NONE && muc_person(sender)->role >= least[setting];
}

/* To all sessions of a nick, which is one person. */
struct letter {
    struct xy_stanza *stanza; /* NULL: there is none */
    const struct xy_jid **to;
    size_t count;
};

static void
write_letter(struct letter *letter, struct xy_stanza *stanza, struct xy_occupant *to,
             uint64_t name)
{
    size_t most = 0;
    for (const struct xy_occupant *at = to; at; at = xy_occupant_next_same(at))
        most++;
    letter->stanza = stanza;
    letter->to = xy_temp_alloc(most * sizeof(*letter->to));
    for (; to; to = xy_occupant_next_same(to)) {
        remember(to, name);
        letter->to[letter->count++] = xy_jid_parse(xy_jid_text(xy_occupant_real(to)));
    }
}

/* What an account keeps it keeps once. Outside. */
static void
send_letter(const struct letter *letter)
{
    const struct xy_stanza *stanza = letter->stanza;
    if (!stanza)
        return;
    bool kept = !xy_str_is(xy_stanza_type(stanza), "headline");
    if (kept && letter->count > 1 && xy_host_find(letter->to[0])) {
        xy_route_to_clients(letter->stanza, letter->to, letter->count);
        return;
    }
    (void)xy_stanza_keep(stanza); /* frozen: each copy edits its header alone */
    for (size_t i = 0; i < letter->count; i++) {
        struct xy_stanza *copy = xy_stanza_edit(stanza);
        xy_stanza_set_to(copy, letter->to[i]);
        xy_route(copy);
    }
    xy_stanza_drop(stanza);
}

static struct refusal
whisper(struct muc *self, struct xy_room *room, const struct xy_stanza *message,
        struct letter *letter)
{
    struct xy_occupant *sender = xy_room_find(room, xy_stanza_from(message));
    struct xy_occupant *to = xy_room_find_nick(room, xy_stanza_to(message));
    if (!sender)
        return muc_no_occupant(room);
    if (!muc_may_send(self, sender, message))
        return (struct refusal){0};
    if (!may_whisper(room, sender))
        return muc_refusal(XY_FORBIDDEN, "You may send no private messages in this room");
    if (!to)
        return muc_refusal(XY_ITEM_NOT_FOUND, "Nobody of that nick is in this room");
    struct xy_stanza *whispered = muc_clean(self, sender, message);
    (void)muc_add_user(whispered);
    write_letter(letter, whispered, to,
                 name_of(self, xy_occupant_nick(sender), xy_stanza_id(message)));
    return (struct refusal){0};
}

void
muc_private(struct muc *self, const struct xy_stanza *message)
{
    struct xy_room *room;
    struct letter letter = {0};
    if (xy_str_is(xy_stanza_type(message), "groupchat")) {
        struct refusal why = muc_refusal(XY_BAD_REQUEST, "Not to one occupant alone");
        muc_refuse(self, message, &why);
        return;
    }
    xy_status status = muc_enter(self, xy_stanza_to(message), &room);
    struct refusal why = muc_refusal_of(status);
    if (status == XY_OK) {
        why = whisper(self, room, message, &letter);
        xy_room_leave(room);
    }
    muc_refuse(self, message, &why);
    send_letter(&letter);
}

/* ---- errors
 * ---------------------------------------------------------------------------------- */

/* RFC 6120 8.3: which of the conditions there are; of anything else, that there was one. */
static xy_condition
condition_of(const struct xy_node *error)
{
    const struct xy_node *at = error ? xy_node_first(error) : NULL;
    for (; at; at = xy_node_next(at))
        for (unsigned i = 0; i < XY_CONDITIONS; i++)
            if (xy_node_is(at, XY_STR(XY_NS_STANZA_ERRORS),
                           xy_str_from(xy_condition_name((xy_condition)i))))
                return (xy_condition)i;
    return XY_UNDEFINED_CONDITION;
}

static struct xy_str
type_of(const struct xy_node *error, xy_condition condition)
{
    static const char *const types[] = {"auth", "cancel", "continue", "modify", "wait"};
    for (size_t i = 0; error && i < sizeof(types) / sizeof(types[0]); i++)
        if (xy_str_equal(xy_node_attr(error, "type"), xy_str_from(types[i])))
            return xy_str_from(types[i]);
    return xy_str_from(xy_condition_type(condition));
}

/* What came with it is left out: it would be a message nobody allowed. */
static struct xy_stanza *
bare_error(const struct muc *self, struct xy_room *room, const struct xy_occupant *from,
           const struct xy_stanza *error)
{
    const struct xy_node *given = xy_stanza_child(error, XY_STR(XY_NS_CLIENT), XY_STR("error"));
    xy_condition condition = condition_of(given);
    struct xy_stanza *back = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    struct xy_node *top = xy_stanza_top(back);
    xy_stanza_set_type(back, XY_STR("error"));
    xy_stanza_set_id(back, xy_stanza_id(error));
    xy_stanza_set_from(back, xy_occupant_nick(from));
    (void)muc_add_user(back);
    struct xy_node *id = xy_node_add(top, XY_STR(NS_OCCUPANT_ID), XY_STR("occupant-id"));
    xy_node_set(id, "id", muc_occupant_id(self, room, xy_occupant_real(from)));
    struct xy_node *node = xy_node_add(top, XY_NO_STR, XY_STR("error"));
    xy_node_set(node, "type", type_of(given, condition));
    (void)xy_node_add(node, XY_STR(XY_NS_STANZA_ERRORS),
                      xy_str_from(xy_condition_name(condition)));
    return back;
}

/* To the nick that wrote what could not be delivered; which of its sessions did nobody knows.
 */
static void
hand_back(const struct muc *self, struct xy_room *room, struct xy_occupant *from,
          const struct xy_stanza *error)
{
    const struct xy_jid *nick = xy_stanza_to(error);
    if (!was_whispered(from, name_of(self, nick, xy_stanza_id(error))))
        return;
    const struct xy_stanza *back = bare_error(self, room, from, error);
    struct xy_occupant *to = xy_room_find_nick(room, nick);
    for (; to; to = xy_occupant_next_same(to))
        xy_occupant_send(to, back);
}

void
muc_take_error(struct muc *self, const struct xy_stanza *error)
{
    const struct xy_jid *to = xy_stanza_to(error);
    struct xy_room *room = xy_room_known(to);
    if (room && !xy_jid_is_bare(to) && muc_enter(self, to, &room) == XY_OK) {
        struct xy_occupant *from = xy_room_find(room, xy_stanza_from(error));
        if (from)
            hand_back(self, room, from, error);
        xy_room_leave(room);
    }
    (void)muc_bounced(self, error); /* it may mean that who sent it is gone */
}
