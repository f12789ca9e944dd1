/* SPDX-License-Identifier: MIT */
/*
 * Hats (XEP-0317): what owners of a room have given a bare JID to wear, rows of muc_hat (which
 * there are) and muc_hat_worn. Rooms without any are known as such, so that nobody's join reads
 * them.
 */
#include "modules/muc/door.h"

const struct xy_statement muc_sql_hats_any =
    XY_SQL("select 1 from muc_hat_worn where room = ? limit 1");
const struct xy_statement muc_sql_hats_of =
    XY_SQL("select h.uri, h.title, h.hue from muc_hat_worn w"
           " join muc_hat h on h.room = w.room and h.uri = w.uri"
           " where w.room = ? and w.jid = ? order by h.uri");

struct hats {
    bool known, any;
};
static const struct xy_note hats_note = {"muc.hats", 1, sizeof(struct hats)};

static bool
are_any(struct xy_room *room)
{
    struct hats *hats = xy_room_note(room, &hats_note);
    struct xy_rows *rows;
    if (hats->known)
        return hats->any;
    if (xy_sql_read(&muc_sql_hats_any, &rows, XY_INT(muc_state(room)->number)) != XY_OK)
        return true; /* the next reading says more */
    hats = xy_room_note(room, &hats_note);
    *hats = (struct hats){.known = true, .any = xy_rows_next(rows)};
    return hats->any;
}

const struct xy_node *
door_hats(struct xy_room *room, const struct xy_jid *bare)
{
    struct xy_rows *rows;
    int64_t number = muc_state(room)->number;
    if (!number || !are_any(room))
        return NULL;
    xy_status status =
        xy_sql_read(&muc_sql_hats_of, &rows, XY_INT(number), XY_TEXT(xy_jid_text(bare)));
    if (status != XY_OK) {
        xy_warn("muc.hats_unknown", "an occupant is shown without hats",
                XY_F_CSTR_AS("status", xy_status_name(status)));
        return NULL;
    }
    if (!xy_rows_count(rows))
        return NULL;
    struct xy_stanza *holder = xy_stanza_new(XY_STR(NS_HATS), XY_STR("hats"));
    while (xy_rows_next(rows)) {
        struct xy_node *hat = xy_node_add(xy_stanza_top(holder), XY_NO_STR, XY_STR("hat"));
        xy_node_set(hat, "uri", xy_rows_text(rows, 0));
        xy_node_set(hat, "title", xy_rows_text(rows, 1));
        if (xy_rows_text(rows, 2).len)
            xy_node_set(hat, "hue", xy_rows_text(rows, 2));
    }
    return xy_stanza_root(holder);
}

void
muc_hats_changed(struct muc *self, struct xy_room *room, const struct xy_jid *who)
{
    const struct xy_jid *bare = xy_jid_bare(who);
    xy_room_note_drop(room, &hats_note);
    const struct xy_node *hats = door_hats(room, bare);
    for (struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at)) {
        if (xy_jid_bare(xy_occupant_real(at)) != bare)
            continue;
        door_keep(self, at, door_kept(self, at, false), hats);
        if (!door_person(at)->shown)
            continue;
        door_show(self, at);
        door_tell_nick(self, at, door_showing(at), NULL);
    }
}
