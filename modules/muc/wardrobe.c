/* SPDX-License-Identifier: MIT */
/*
 * The hats of a room (XEP-0317): which there are, and who wears which. A hat belongs to the
 * room, a bare JID wears it, in or out of the room. What is changed is written first and shown
 * then.
 */
#include "modules/muc/show.h"

enum { LIST, WORN, WORN_BY, DEFINE, DESTROY, DESTROY_WORN, ASSIGN, TAKE };
#define HATS_WORN                                             \
    "select h.uri, h.title, h.hue, w.jid from muc_hat_worn w" \
    " join muc_hat h on h.room = w.room and h.uri = w.uri where w.room = ?"
const struct xy_statement muc_hat_sql[MUC_HAT_SQL] = {
    [LIST] = XY_SQL("select uri, title, hue from muc_hat where room = ? order by uri"),
    [WORN] = XY_SQL(HATS_WORN " order by w.jid, h.uri"),
    [WORN_BY] = XY_SQL(HATS_WORN " and w.jid = ? order by h.uri"),
    [DEFINE] = XY_SQL(
        "insert into muc_hat (room, uri, title, hue) values (?, ?, ?, ?)"
        " on conflict (room, uri) do update set title = excluded.title, hue = excluded.hue"),
    [DESTROY] = XY_SQL("delete from muc_hat where room = ? and uri = ?"),
    [DESTROY_WORN] = XY_SQL("delete from muc_hat_worn where room = ? and uri = ?"),
    [ASSIGN] = XY_SQL("insert into muc_hat_worn (room, jid, uri) values (?, ?, ?)"),
    [TAKE] = XY_SQL("delete from muc_hat_worn where room = ? and jid = ? and uri = ?"),
};

static struct xy_value
number_of(struct xy_room *room)
{
    return XY_INT(muc_state(room)->number);
}

/* ---- lists ---- */

static struct hat *
read_hats(struct xy_rows *rows, size_t *count, bool worn)
{
    struct hat *list = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(*list));
    for (*count = 0; xy_rows_next(rows); ++*count)
        list[*count] = (struct hat){
            .uri = xy_rows_text(rows, 0),
            .title = xy_rows_text(rows, 1),
            .hue = xy_rows_text(rows, 2),
            .jid = worn ? xy_rows_text(rows, 3) : XY_NO_STR,
        };
    return list;
}

xy_status
hats_list(struct xy_room *room, struct hat **list, size_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&muc_hat_sql[LIST], &rows, number_of(room));
    if (status == XY_OK)
        *list = read_hats(rows, count, false);
    return status;
}

xy_status
hats_worn(struct xy_room *room, struct hat **list, size_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&muc_hat_sql[WORN], &rows, number_of(room));
    if (status == XY_OK)
        *list = read_hats(rows, count, true);
    return status;
}

struct xy_str
hats_hash(struct xy_room *room)
{
    struct hat *list;
    size_t count = 0;
    struct xy_buffer text = {0};
    if (hats_list(room, &list, &count) != XY_OK || !count)
        return XY_NO_STR;
    for (size_t i = 0; i < count; i++)
        xy_buffer_printf(&text, XY_FMT "<" XY_FMT "<" XY_FMT "<", XY_ARG(list[i].uri),
                         XY_ARG(list[i].title), XY_ARG(list[i].hue));
    unsigned char digest[XY_HASH_MAX];
    xy_hash_digest(XY_SHA1, xy_buffer_str(&text), digest);
    return xy_temp_hex(xy_str_of((const char *)digest, xy_hash_size(XY_SHA1)));
}

/* ---- changes ---- */

static bool
is_here(struct xy_room *room, const struct xy_jid *who)
{
    for (struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at))
        if (xy_jid_bare(xy_occupant_real(at)) == who)
            return true;
    return false;
}

/* All who wear a hat of `worn` by that URI are shown as they look now. */
static void
show_wearers(struct muc *self, struct xy_room *room, const struct hat *worn, size_t count,
             struct xy_str uri)
{
    for (size_t i = 0; i < count; i++) {
        const struct xy_jid *who = xy_jid_parse(worn[i].jid);
        if (who && xy_str_equal(worn[i].uri, uri) && is_here(room, who))
            muc_hats_changed(self, room, who);
    }
}

/* The list of hats has changed. */
static void
tell(struct muc *self, struct xy_room *room)
{
    static const int codes[] = {104, 0};
    muc_tell_config_changed(self, room, codes);
}

/* Degrees, 0 to 360, with up to six decimals. */
static bool
is_hue(struct xy_str text)
{
    struct xy_str rest = text, whole = xy_str_cut(&rest, '.');
    int64_t degrees, decimals;
    if (xy_str_to_int(whole, 0, 360, &degrees) != XY_OK || whole.len > 3)
        return false;
    if (!rest.at)
        return true;
    return rest.len <= 6 &&
           xy_str_to_int(rest, 0, degrees == 360 ? 0 : 999999, &decimals) == XY_OK;
}

static bool
has(const struct hat *list, size_t count, struct xy_str uri)
{
    for (size_t i = 0; i < count; i++)
        if (xy_str_equal(list[i].uri, uri))
            return true;
    return false;
}

static xy_status
check(struct xy_room *room, const struct hat *hat)
{
    struct hat *list;
    size_t count;
    bool named = hat->uri.len && hat->uri.len <= HAT_URI_MOST && hat->title.len &&
                 hat->title.len <= HAT_TEXT_MOST;
    if (!named || (hat->hue.len && !is_hue(hat->hue)))
        return XY_INVALID;
    xy_status status = hats_list(room, &list, &count);
    if (status != XY_OK || count < HATS_MOST)
        return status;
    return has(list, count, hat->uri) ? XY_OK : XY_FULL;
}

xy_status
hat_define(struct muc *self, struct xy_room *room, const struct hat *hat)
{
    struct hat *worn;
    size_t count;
    xy_status status = check(room, hat);
    if (status == XY_OK)
        status = hats_worn(room, &worn, &count);
    if (status == XY_OK)
        status = xy_sql_write(&muc_hat_sql[DEFINE], number_of(room), XY_TEXT(hat->uri),
                              XY_TEXT(hat->title), XY_TEXT(hat->hue));
    if (status != XY_OK)
        return status;
    tell(self, room);
    show_wearers(self, room, worn, count, hat->uri);
    return XY_OK;
}

xy_status
hat_destroy(struct muc *self, struct xy_room *room, struct xy_str uri)
{
    struct hat *worn;
    size_t count;
    xy_status status = hats_worn(room, &worn, &count);
    if (status != XY_OK)
        return status;
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &muc_hat_sql[DESTROY], number_of(room), XY_TEXT(uri));
    xy_txn_add(txn, &muc_hat_sql[DESTROY_WORN], number_of(room), XY_TEXT(uri));
    status = xy_txn_commit(txn);
    if (status != XY_OK)
        return status;
    if (!xy_txn_changed(txn, 0))
        return XY_ABSENT;
    tell(self, room);
    show_wearers(self, room, worn, count, uri);
    return XY_OK;
}

/* XY_CONFLICT: worn already. */
static xy_status
check_wearer(struct xy_room *room, const struct xy_jid *who, struct xy_str uri)
{
    struct xy_rows *rows;
    struct hat *list;
    size_t count;
    xy_status status = hats_list(room, &list, &count);
    if (status == XY_OK && !has(list, count, uri))
        status = XY_ABSENT;
    if (status == XY_OK)
        status = xy_sql_read(&muc_hat_sql[WORN_BY], &rows, number_of(room),
                             XY_TEXT(xy_jid_text(who)));
    if (status != XY_OK)
        return status;
    list = read_hats(rows, &count, true);
    if (has(list, count, uri))
        return XY_CONFLICT;
    return count < HATS_WORN_MOST ? XY_OK : XY_FULL;
}

xy_status
hat_assign(struct muc *self, struct xy_room *room, const struct xy_jid *who, struct xy_str uri)
{
    xy_status status = check_wearer(room, who, uri);
    if (status == XY_CONFLICT)
        return XY_OK;
    if (status == XY_OK)
        status = xy_sql_write(&muc_hat_sql[ASSIGN], number_of(room), XY_TEXT(xy_jid_text(who)),
                              XY_TEXT(uri));
    if (status == XY_OK)
        muc_hats_changed(self, room, who);
    return status;
}

xy_status
hat_take(struct muc *self, struct xy_room *room, const struct xy_jid *who, struct xy_str uri)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &muc_hat_sql[TAKE], number_of(room), XY_TEXT(xy_jid_text(who)),
               XY_TEXT(uri));
    xy_status status = xy_txn_commit(txn);
    if (status == XY_OK && !xy_txn_changed(txn, 0))
        status = XY_ABSENT;
    if (status == XY_OK)
        muc_hats_changed(self, room, who);
    return status;
}
