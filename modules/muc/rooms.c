/* SPDX-License-Identifier: MIT */
/*
 * Rooms: read from their row when somebody comes, noted with the core's room while it is in
 * memory, written back before anybody is told. Invariant: the notes of a room that is in memory
 * and its row say the same, but for what the fiber inside is about to save.
 */
#include "modules/muc/rows.h"

static const struct xy_note state_note = {"muc.room", 2, sizeof(struct state)};
static const struct xy_note settings_note = {"muc.settings", 1, sizeof(struct settings)};
/* The texts one behind the other. */
struct texts {
    uint32_t len[TEXTS];
    char bytes[];
};
static const struct xy_note texts_note = {"muc.texts", 1, sizeof(struct texts)};

struct state *
muc_state(struct xy_room *room)
{
    return xy_room_note(room, &state_note);
}

struct settings *
muc_settings(struct xy_room *room)
{
    return xy_room_note(room, &settings_note);
}

struct xy_str
muc_text(struct xy_room *room, enum text which)
{
    const struct texts *texts = xy_room_note_find(room, &texts_note);
    size_t at = 0;
    if (!texts || !texts->len[which])
        return XY_NO_STR;
    for (unsigned i = 0; i < which; i++)
        at += texts->len[i];
    return xy_str_of(texts->bytes + at, texts->len[which]);
}

void
muc_set_text(struct xy_room *room, enum text which, struct xy_str text)
{
    struct xy_str all[TEXTS];
    size_t size = sizeof(struct texts), at = 0;
    for (unsigned i = 0; i < TEXTS; i++) {
        all[i] = xy_temp_str(i == which ? text : muc_text(room, i));
        size += all[i].len;
    }
    struct texts *texts = xy_room_note_resize(room, &texts_note, size);
    for (unsigned i = 0; i < TEXTS; i++) {
        texts->len[i] = (uint32_t)all[i].len;
        memcpy(texts->bytes + at, all[i].len ? all[i].at : "", all[i].len);
        at += all[i].len;
    }
}

/* ---- the door ------------------------------------------------------------------------ */

static void
forget(struct xy_room *room)
{
    xy_room_note_drop(room, &state_note);
    xy_room_note_drop(room, &settings_note);
    xy_room_note_drop(room, &texts_note);
}

/* XY_OK also for a room that does not exist. */
static xy_status
load(struct muc *self, struct xy_room *room)
{
    const struct state *known = xy_room_note_find(room, &state_note);
    struct room_row row = {0};
    if (known && !known->destroyed && xy_room_note_find(room, &settings_note))
        return known->subject_stale ? muc_refresh_subject(room) : XY_OK;
    forget(room);
    xy_status status = room_row_read(xy_room_jid(room), &row);
    if (status != XY_OK && status != XY_ABSENT)
        return status;
    *muc_state(room) = (struct state){
        .number = row.number,
        .created_ms = row.created_ms,
        .version = row.version,
        .removed = row.removed,
        .locked = row.locked,
    };
    muc_default_settings(self, muc_settings(room));
    muc_unpack(room, row.config);
    status = muc_text(room, TEXT_SUBJECT).len ? muc_adopt_subject(room) : XY_OK;
    if (status == XY_OK && row.number)
        status = muc_read_subject(room);
    if (status != XY_OK)
        forget(room);
    return status;
}

xy_status
muc_enter_any(struct muc *self, const struct xy_jid *jid, struct xy_room **room)
{
    xy_status status = xy_room_enter(xy_jid_bare(jid), room);
    if (status != XY_OK)
        return status;
    status = load(self, *room);
    if (status != XY_OK)
        xy_room_leave(*room);
    return status;
}

xy_status
muc_enter(struct muc *self, const struct xy_jid *jid, struct xy_room **room)
{
    xy_status status = muc_enter_any(self, jid, room);
    if (status != XY_OK || muc_state(*room)->created_ms)
        return status;
    xy_room_leave(*room);
    return XY_ABSENT;
}

/* ---- coming and going of rooms ------------------------------------------------------- */

static int64_t
new_number(void)
{
    uint64_t number;
    xy_random(&number, sizeof(number));
    return (int64_t)(number >> 2) + 1;
}

static struct room_row
row_of(struct xy_room *room, int64_t number, bool locked)
{
    const struct settings *settings = muc_settings(room);
    return (struct room_row){
        .number = number,
        .locked = locked,
        .listed = settings->public_room && !locked,
        .persistent = settings->persistent,
        .config = muc_pack(room),
    };
}

/* After a commit of which nobody knows. */
static bool
is_stored(struct xy_room *room, const struct room_row *row)
{
    struct room_row found;
    return room_row_read(xy_room_jid(room), &found) == XY_OK && found.number == row->number &&
           xy_str_equal(found.config, row->config) && found.locked == row->locked;
}

/* Its messages and what others keep for them. */
static xy_status
erase_archive(struct xy_room *room)
{
    xy_status status = xy_room_identify(room, false);
    if (status == XY_OK || status == XY_ABSENT)
        xy_run_muc_destroyed(xy_room_host(room), xy_room_jid(room), xy_room_owner(room));
    if (status == XY_OK)
        status = xy_room_erase(room);
    return status == XY_ABSENT ? XY_OK : status;
}

xy_status
muc_create(struct muc *self, struct xy_room *room, const struct xy_jid *owner, bool locked)
{
    struct state *state = muc_state(room);
    xy_assert(!state->created_ms);
    struct room_row row = row_of(room, new_number(), locked);
    row.created_ms = xy_now_ms();
    xy_status status = xy_room_identify(room, false);
    if (status == XY_OK) /* what is left of one before it */
        status = erase_archive(room);
    if (status == XY_OK || status == XY_ABSENT)
        status = room_row_insert(xy_room_jid(room), &row, owner);
    if (status == XY_UNKNOWN && is_stored(room, &row))
        status = XY_OK;
    if (status != XY_OK)
        return status;
    *muc_state(room) =
        (struct state){.number = row.number, .created_ms = row.created_ms, .locked = locked};
    xy_count(&self->created);
    return XY_OK;
}

xy_status
muc_save(struct xy_room *room)
{
    const struct state *state = muc_state(room);
    struct room_row row = row_of(room, state->number, state->locked);
    xy_status status = room_row_update(&row);
    return status == XY_UNKNOWN && is_stored(room, &row) ? XY_OK : status;
}

/* Each is told once, about himself alone (10.9). */
static void
throw_out_all(struct muc *self, struct xy_room *room, const struct xy_jid *alternate,
              struct xy_str password, struct xy_str reason)
{
    struct xy_stanza *told = xy_stanza_new(XY_STR(NS_MUC_USER), XY_STR("x"));
    struct xy_node *destroy = xy_node_add(xy_stanza_top(told), XY_NO_STR, XY_STR("destroy"));
    struct xy_occupant *one;
    if (alternate)
        xy_node_set(destroy, "jid", xy_jid_text(xy_jid_bare(alternate)));
    if (alternate && password.len)
        xy_node_add_text(xy_node_add(destroy, XY_NO_STR, XY_STR("password")), password);
    if (reason.len)
        xy_node_add_text(xy_node_add(destroy, XY_NO_STR, XY_STR("reason")), reason);
    for (one = xy_room_first(room); one; one = xy_occupant_next(one))
        muc_person(one)->affiliation = XY_UNAFFILIATED; /* to what is no more */
    while ((one = xy_room_first(room)))
        muc_eject(self, one, NULL, NULL, XY_NO_STR, destroy);
}

xy_status
muc_destroy(struct muc *self, struct xy_room *room, const struct xy_jid *alternate,
            struct xy_str password, struct xy_str reason)
{
    xy_room_settle(room);
    struct room_row left;
    xy_status status = room_row_delete(muc_state(room)->number);
    if (status == XY_UNKNOWN && room_row_read(xy_room_jid(room), &left) == XY_ABSENT)
        status = XY_OK;
    if (status != XY_OK)
        return status;
    *muc_state(room) = (struct state){.destroyed = true};
    throw_out_all(self, room, alternate, password, reason);
    status = erase_archive(room);
    if (status != XY_OK)
        xy_error("muc.archive_stays", "the archive of a destroyed room was not erased",
                 XY_F_STR_AS("room", xy_jid_text(xy_room_jid(room))),
                 XY_F_CSTR_AS("status", xy_status_name(status)));
    xy_count(&self->destroyed);
    return XY_OK;
}
