/* SPDX-License-Identifier: MIT */
/*
 * Avatars of rooms (XEP-0486): a vcard-temp that owners set. Its hash is in the room's
 * disco#info and, for the clients that look there only, in a presence from the room itself;
 * that presence is sent only by rooms that have an avatar or just lost it.
 */
#include "modules/muc/show.h"
#include "modules/photo.h"

enum { FIND, SAVE };
const struct xy_statement muc_avatar_sql[MUC_AVATAR_SQL] = {
    [FIND] = XY_SQL("select xml from muc_avatar where room = ?"),
    [SAVE] = XY_SQL("insert into muc_avatar (room, xml) values (?, ?)"
                    " on conflict (room) do update set xml = excluded.xml"),
};

/* Of every photo, LF behind each: they are one image in several formats. */
static struct xy_str
hash_photos(const struct xy_node *vcard)
{
    struct xy_buffer hashes = {0};
    for (const struct xy_node *at = xy_node_first(vcard); at; at = xy_node_next(at)) {
        struct xy_str hash =
            xy_node_is(at, XY_STR(XY_NS_VCARD), XY_STR("PHOTO")) ? photo_hash(at) : XY_NO_STR;
        if (hash.len)
            xy_buffer_printf(&hashes, XY_FMT "\n", XY_ARG(hash));
    }
    return xy_buffer_str(&hashes);
}

/* ---- presence ---- */

static const struct xy_stanza *
presence_of(struct xy_room *room)
{
    struct xy_str hashes = muc_text(room, TEXT_AVATAR_HASH);
    struct xy_stanza *presence = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
    xy_stanza_set_from(presence, xy_room_jid(room));
    struct xy_node *x =
        xy_node_add(xy_stanza_top(presence), XY_STR(XY_NS_VCARD_UPDATE), XY_STR("x"));
    xy_node_add_text(xy_node_add(x, XY_NO_STR, XY_STR("photo")), xy_str_cut(&hashes, '\n'));
    return presence;
}

void
muc_show_avatar(struct xy_occupant *newcomer)
{
    struct xy_room *room = xy_occupant_room(newcomer);
    if (muc_text(room, TEXT_AVATAR_HASH).len)
        xy_occupant_send(newcomer, presence_of(room));
}

/* ---- iq ---- */

static xy_status
read_vcard(struct xy_room *room, struct xy_node *top)
{
    struct xy_rows *rows;
    xy_status status =
        xy_sql_read(&muc_avatar_sql[FIND], &rows, XY_INT(muc_state(room)->number));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows) || !xy_node_add_xml(top, xy_rows_text(rows, 0)))
        xy_node_add(top, XY_STR(XY_NS_VCARD), XY_STR("vCard"));
    return XY_OK;
}

/* The card first: a hash without a card is what nobody must be shown. */
static xy_status
write_vcard(struct muc *self, struct xy_room *room, const struct xy_node *vcard)
{
    static const int codes[] = {104, 0};
    struct xy_str hashes = hash_photos(vcard);
    bool changed = !xy_str_equal(hashes, muc_text(room, TEXT_AVATAR_HASH));
    xy_status status = xy_sql_write(&muc_avatar_sql[SAVE], XY_INT(muc_state(room)->number),
                                    XY_TEXT(xy_node_xml(vcard)));
    if (status != XY_OK || !changed)
        return status;
    muc_set_text(room, TEXT_AVATAR_HASH, hashes);
    status = muc_save(room);
    if (status != XY_OK)
        return status;
    muc_tell_config_changed(self, room, codes);
    xy_room_send(room, presence_of(room), NULL, NULL);
    return XY_OK;
}

static xy_status
may(struct muc *self, struct xy_room *room, const struct xy_jid *who, bool set)
{
    struct affiliated found;
    xy_status status = muc_affiliation(self, room, who, &found);
    if (status != XY_OK || found.affiliation == XY_OWNER)
        return status;
    if (muc_state(room)->locked)
        return XY_ABSENT;
    return set || found.affiliation == XY_OUTCAST ? XY_DENIED : XY_OK;
}

xy_status
muc_on_vcard(XY_SELF, struct xy_iq *iq)
{
    struct xy_room *room;
    const struct xy_node *vcard = xy_iq_payload(iq);
    struct xy_stanza *result = xy_iq_result(iq);
    bool set = xy_str_is(xy_stanza_type(xy_iq_stanza(iq)), "set");
    if (set && (int64_t)xy_node_xml(vcard).len > self->max_avatar.bytes)
        return xy_iq_error(iq, XY_POLICY_VIOLATION, XY_STR("The avatar is too large"));
    xy_status status = muc_enter(self, xy_iq_place(iq), &room);
    if (status != XY_OK)
        return status;
    status = may(self, room, xy_iq_from(iq), set);
    if (status == XY_OK && set)
        status = write_vcard(self, room, vcard);
    else if (status == XY_OK)
        status = read_vcard(room, xy_stanza_top(result));
    xy_room_leave(room);
    return status == XY_OK ? xy_iq_reply(iq, result) : status;
}
