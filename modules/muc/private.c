/* SPDX-License-Identifier: MIT */
/*
 * Private messages (XEP-0045 7.5). Invariant: neither side learns the real JID of the other,
 * and the room keeps nothing; what the two accounts keep is their own.
 */
#include "modules/muc/talk.h"

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

static struct refusal
whisper(struct muc *self, struct xy_room *room, const struct xy_stanza *message,
        struct post *post)
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
    (void)xy_stanza_keep(whispered); /* frozen: each copy edits its header alone */
    for (; to; to = xy_occupant_next_same(to)) {
        struct xy_stanza *copy = xy_stanza_edit(whispered);
        xy_stanza_set_to(copy, xy_occupant_real(to));
        muc_post(post, copy);
    }
    xy_stanza_drop(whispered);
    return (struct refusal){0};
}

void
muc_private(struct muc *self, const struct xy_stanza *message)
{
    struct xy_room *room;
    struct post post = {0};
    if (xy_str_is(xy_stanza_type(message), "groupchat")) {
        struct refusal why = muc_refusal(XY_BAD_REQUEST, "Not to one occupant alone");
        muc_refuse(self, message, &why);
        return;
    }
    xy_status status = muc_enter(self, xy_stanza_to(message), &room);
    struct refusal why = muc_refusal_of(status);
    if (status == XY_OK) {
        why = whisper(self, room, message, &post);
        xy_room_leave(room);
    }
    muc_refuse(self, message, &why);
    muc_post_send(&post);
}

/* ---- errors
 * ---------------------------------------------------------------------------------- */

/* To the nick that wrote what could not be delivered; which of its sessions did nobody knows.
 */
static void
hand_back(const struct muc *self, struct xy_room *room, const struct xy_occupant *from,
          const struct xy_stanza *error)
{
    struct xy_stanza *back = muc_clean(self, from, error);
    muc_hide_origin(back);
    (void)muc_add_user(back);
    struct xy_occupant *to = xy_room_find_nick(room, xy_stanza_to(error));
    for (; to; to = xy_occupant_next_same(to))
        xy_occupant_send(to, back);
}

void
muc_take_error(struct muc *self, const struct xy_stanza *error)
{
    const struct xy_jid *to = xy_stanza_to(error);
    struct xy_room *room = xy_room_known(to);
    if (room && !xy_jid_is_bare(to) && muc_enter(self, to, &room) == XY_OK) {
        const struct xy_occupant *from = xy_room_find(room, xy_stanza_from(error));
        if (from)
            hand_back(self, room, from, error);
        xy_room_leave(room);
    }
    (void)muc_bounced(self, error); /* it may mean that who sent it is gone */
}
