/* SPDX-License-Identifier: MIT */
/*
 * vCards (XEP-0054), and the hash of their photo in the presence of clients that do not speak
 * of it themselves (XEP-0153): so that contacts see the avatar, whichever client is online.
 */
#define XY_STATE vcard
#include <xylem/xylem.h>

#include "modules/photo.h"

struct vcard {
    const xy_size size;
};

static const struct xy_statement find = XY_SQL("select xml from vcard where owner = ?");
static const struct xy_statement find_photo = XY_SQL("select photo from vcard where owner = ?");
static const struct xy_statement save =
    XY_SQL("insert into vcard (owner, xml, photo) values (?, ?, ?) "
           "on conflict (owner) do update set xml = excluded.xml, photo = excluded.photo");
static const struct xy_statement drop = XY_SQL("delete from vcard where owner = ?");
static const struct xy_statement *const statements[] = {&find, &find_photo, &save, &drop};

/* What is known of an account's photo, so that a presence costs no look-up. */
struct photo {
    enum { UNREAD, NO_VCARD, VCARD } state;
    unsigned len; /* of the hash in hex, 0: a vCard without photo */
    char hash[40];
};
static const struct xy_note photo_kind = {"vcard.photo", 1, sizeof(struct photo)};
/* On sessions whose presence carries a hash of ours. */
static const struct xy_note stamped = {"vcard.stamped", 1, 1};

/* ---- the hash
 * -------------------------------------------------------------------------------- */

static void
note_photo(struct xy_user *user, struct xy_str hash, bool has_vcard)
{
    struct photo *photo = xy_user_note(user, &photo_kind);
    photo->state = has_vcard ? VCARD : NO_VCARD;
    photo->len = hash.len <= sizeof(photo->hash) ? (unsigned)hash.len : 0;
    memcpy(photo->hash, hash.at ? hash.at : "", photo->len);
}

static xy_status
read_photo(struct xy_user *user)
{
    struct photo *photo = xy_user_note(user, &photo_kind);
    if (photo->state != UNREAD)
        return XY_OK;
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find_photo, &rows, XY_INT(xy_user_owner(user)));
    photo = xy_user_note(user, &photo_kind);
    if (status != XY_OK || photo->state != UNREAD) /* somebody set it meanwhile */
        return status;
    bool has_vcard = xy_rows_next(rows);
    note_photo(user, has_vcard ? xy_rows_text(rows, 0) : XY_NO_STR, has_vcard);
    return XY_OK;
}

/* ---- presence
 * -------------------------------------------------------------------------------- */

static const struct xy_node *
update_in(const struct xy_stanza *presence)
{
    return xy_stanza_child(presence, XY_STR(XY_NS_VCARD_UPDATE), XY_STR("x"));
}

static void
add_hash(struct xy_stanza *presence, struct xy_user *user)
{
    const struct photo *photo = xy_user_note(user, &photo_kind);
    const struct xy_node *former = update_in(presence);
    if (photo->state != VCARD)
        return;
    if (former)
        xy_node_remove(xy_stanza_top(presence), former);
    struct xy_node *x =
        xy_node_add(xy_stanza_top(presence), XY_STR(XY_NS_VCARD_UPDATE), XY_STR("x"));
    xy_node_add_text(xy_node_add(x, XY_NO_STR, XY_STR("photo")),
                     xy_str_of(photo->hash, photo->len));
}

/* A client that writes <photo/>, with or without a hash, speaks for itself. */
static void
stamp(XY_SELF, struct xy_session *session, struct xy_stanza *presence)
{
    struct xy_user *user = xy_session_user(session);
    const struct xy_node *own = update_in(presence);
    if (!xy_stanza_to(presence))
        xy_session_note_drop(session, &stamped);
    if (own && xy_node_child(own, XY_STR(XY_NS_VCARD_UPDATE), XY_STR("photo")))
        return;
    xy_status status = read_photo(user);
    if (status != XY_OK) {
        xy_warn("vcard.no_hash", "presence goes out without a photo's hash",
                XY_F_STR_AS("account", xy_jid_text(xy_user_jid(user))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
        return;
    }
    add_hash(presence, user);
    if (!xy_stanza_to(presence))
        (void)xy_session_note(session, &stamped);
}

static void
show_again(struct xy_session *session)
{
    const struct xy_stanza *last = xy_session_presence(session);
    if (!last || !xy_session_note_find(session, &stamped))
        return;
    struct xy_stanza *presence = xy_stanza_edit(last);
    add_hash(presence, xy_session_user(session));
    xy_session_set_presence(session, presence);
}

static void
show_all_again(struct xy_user *user)
{
    size_t count = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        count++;
    struct xy_session **all = xy_temp_alloc((count + 1) * sizeof(struct xy_session *));
    count = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        all[count++] = s;
    for (size_t i = 0; i < count; i++)
        show_again(all[i]);
}

/* ---- iq
 * -------------------------------------------------------------------------------------- */

static xy_status
get(XY_SELF, struct xy_iq *iq)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find, &rows, XY_INT(xy_user_owner(xy_iq_user(iq))));
    if (status != XY_OK)
        return status;
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *top = xy_stanza_top(result);
    if (!xy_rows_next(rows) || !xy_node_add_xml(top, xy_rows_text(rows, 0))) {
        /* to others an account without vCard looks like no account */
        if (!xy_iq_is_own(iq))
            return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
        xy_node_add(top, XY_STR(XY_NS_VCARD), XY_STR("vCard"));
    }
    return xy_iq_reply(iq, result);
}

static bool
has_changed(struct xy_user *user, struct xy_str hash)
{
    const struct photo *photo = xy_user_note(user, &photo_kind);
    return photo->state != VCARD || !xy_str_equal(xy_str_of(photo->hash, photo->len), hash);
}

static xy_status
set(XY_SELF, struct xy_iq *iq)
{
    struct xy_user *user = xy_iq_user(iq);
    const struct xy_node *vcard = xy_iq_payload(iq);
    struct xy_str xml = xy_node_xml(vcard),
                  hash = photo_hash(xy_node_child(vcard, XY_STR(XY_NS_VCARD), XY_STR("PHOTO")));
    if (self->size.bytes != XY_NONE && (int64_t)xml.len > self->size.bytes)
        return xy_iq_error(iq, XY_POLICY_VIOLATION, XY_STR("The vCard is too large"));
    xy_status status =
        xy_sql_write(&save, XY_INT(xy_user_owner(user)), XY_TEXT(xml), XY_TEXT(hash));
    if (status != XY_OK)
        return status;
    (void)xy_iq_reply(iq, NULL);
    bool changed = has_changed(user, hash);
    note_photo(user, hash, true);
    if (changed)
        show_all_again(user);
    return XY_OK;
}

static void
forget(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    (void)bare;
    if (xy_sql_write(&drop, XY_INT(owner)) != XY_OK)
        xy_warn("vcard.not_dropped", "the vCard of a deleted account stays", XY_F_INT(owner));
}

static const struct xy_option options[] = {
    XY_OPTION(size, .initial = "256 KiB", .min = 1024, .max = 64 * 1024 * 1024, .none = true,
              .doc = "How large a vCard may be."),
};
static const struct xy_hook hooks[] = {
    XY_ON(presence_outgoing, stamp),
    XY_ON(account_deleted, forget),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_VCARD, "vCard", get, .where = XY_IQ_OWN | XY_IQ_ACCOUNT),
    XY_IQ_ROUTE(XY_SET, XY_NS_VCARD, "vCard", set, .where = XY_IQ_OWN),
};
static const struct xy_feature features[] = {{XY_NS_VCARD, XY_IQ_HOST}};
static const struct xy_migration schema[] = {
    {1, "create table vcard (owner bigint primary key, xml text not null, photo text not null)",
     NULL},
};

XY_MODULE(vcard, .about = "Keeps vCards (XEP-0054) and shows their photo's hash (XEP-0153).",
          XY_STATE_SIZE, XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs),
          XY_TABLE(features, features), XY_TABLE(schema, schema),
          XY_TABLE(statements, statements));
