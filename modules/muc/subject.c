/* SPDX-License-Identifier: MIT */
/*
 * The subject of a room (XEP-0045 7.3, 8.1). Invariant: what occupants were told is what the
 * next newcomer is told, also after a restart: its row is written with the message that sets
 * it, goes with that message when it is taken back, and what is in memory is what the row says.
 */
#include "modules/muc/rows.h"
#include "modules/muc/unread.h"

const struct xy_statement muc_sql_subject =
    XY_SQL("select message, words, nick, at, occupant from muc_subject where room = ?");
const struct xy_statement muc_sql_set_subject =
    XY_SQL("insert into muc_subject (room, message, words, nick, at, occupant)"
           " values (?, ?, ?, ?, ?, ?) on conflict (room) do update set"
           " message = excluded.message, words = excluded.words, nick = excluded.nick,"
           " at = excluded.at, occupant = excluded.occupant");
const struct xy_statement muc_sql_adopt_subject =
    XY_SQL("insert into muc_subject (room, message, words, nick, at, occupant)"
           " values (?, null, ?, ?, ?, ?) on conflict (room) do nothing");
const struct xy_statement muc_sql_move_subject =
    XY_SQL("update muc_room set config = ? where number = ?");
const struct xy_statement muc_sql_drop_subject =
    XY_SQL("delete from muc_subject where message = ?");

static const struct xy_node *
child(const struct xy_stanza *message, const char *name)
{
    return xy_stanza_child(message, XY_STR(XY_NS_CLIENT), xy_str_from(name));
}

bool
muc_is_subject(const struct xy_stanza *message)
{
    return child(message, "subject") && !child(message, "body") && !child(message, "thread");
}

/* TEXT_SUBJECT to TEXT_SUBJECT_ID. */
enum { PARTS = TEXT_SUBJECT_ID - TEXT_SUBJECT + 1 };

/* ---- as its row has it
 * ----------------------------------------------------------------------------- */

xy_status
muc_adopt_subject(struct xy_room *room)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &muc_sql_adopt_subject, XY_INT(muc_state(room)->number),
               XY_TEXT(muc_text(room, TEXT_SUBJECT)), XY_TEXT(muc_text(room, TEXT_SUBJECT_BY)),
               XY_TEXT(muc_text(room, TEXT_SUBJECT_AT)),
               XY_TEXT(muc_text(room, TEXT_SUBJECT_ID)));
    xy_txn_add(txn, &muc_sql_move_subject, XY_TEXT(muc_pack(room)),
               XY_INT(muc_state(room)->number));
    return xy_txn_commit(txn);
}

xy_status
muc_read_subject(struct xy_room *room)
{
    struct xy_rows *rows;
    struct state *state = muc_state(room);
    state->subject = XY_NONE;
    state->subject_stale = false; /* whoever says so from now on, means it */
    xy_status status = xy_sql_read(&muc_sql_subject, &rows, XY_INT(state->number));
    state = muc_state(room);
    if (status != XY_OK) {
        state->subject_stale = true;
        return status;
    }
    bool any = xy_rows_next(rows);
    state->subject = any && !xy_rows_is_null(rows, 0) ? xy_rows_int(rows, 0) : 0;
    for (unsigned i = 0; i < PARTS; i++)
        muc_set_text(room, TEXT_SUBJECT + i, any ? xy_rows_text(rows, i + 1) : XY_NO_STR);
    return XY_OK;
}

/* 8.1: removed by nobody in particular. */
static void
tell_that_it_is_gone(struct xy_room *room)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_type(message, XY_STR("groupchat"));
    xy_stanza_set_id(message, muc_new_id());
    xy_stanza_set_from(message, xy_room_jid(room));
    (void)xy_node_add(xy_stanza_top(message), XY_NO_STR, XY_STR("subject"));
    xy_room_send(room, message, NULL, NULL);
}

xy_status
muc_refresh_subject(struct xy_room *room)
{
    bool was_there = muc_text(room, TEXT_SUBJECT).len > 0;
    xy_status status = muc_read_subject(room);
    if (status == XY_OK && was_there && !muc_text(room, TEXT_SUBJECT).len)
        tell_that_it_is_gone(room);
    return status;
}

/* ---- its message is taken back
 * --------------------------------------------------------------------- */

void
muc_on_removing(XY_SELF, xy_message_id id, struct xy_txn *txn)
{
    xy_txn_add(txn, &muc_sql_drop_subject, XY_INT(id));
}

struct stale {
    const struct xy_jid **at;
    size_t count, room;
};

static void
find_stale(void *argument, struct xy_room *room)
{
    struct stale *stale = argument;
    if (!muc_state(room)->subject_stale)
        return;
    if (stale->at && stale->count < stale->room)
        stale->at[stale->count] = xy_jid_keep(xy_room_jid(room));
    stale->count++;
}

static void
look(void *instance, void *argument)
{
    struct muc *self = instance;
    struct stale stale = {.count = 0};
    (void)argument;
    self->looks_at_subjects = false;
    xy_rooms_each(xy_service_jid(self), find_stale, &stale);
    stale.room = stale.count;
    stale.at = xy_temp_alloc((stale.room + 1) * sizeof(struct xy_jid *));
    stale.count = 0;
    xy_rooms_each(xy_service_jid(self), find_stale, &stale);
    for (size_t i = 0; i < stale.count; i++) {
        struct xy_room *room;
        if (muc_enter(self, stale.at[i], &room) == XY_OK) /* it looks at the door */
            xy_room_leave(room);
        xy_jid_drop(stale.at[i]);
    }
}

void
muc_look_at_subjects(struct muc *self)
{
    if (!self->looks_at_subjects)
        (void)xy_after(self, 0, look, NULL);
    self->looks_at_subjects = true;
}

void
muc_on_removed(XY_SELF, const struct xy_message_record *removed)
{
    const struct xy_jid *jid = removed->addressee;
    struct xy_room *room =
        jid && xy_jid_host(jid) == xy_service_jid(self) ? xy_room_known(jid) : NULL;
    struct state *state = room ? muc_state(room) : NULL;
    muc_forget_unread(self, removed->id);
    if (!state || (state->subject != removed->id && state->subject != XY_NONE))
        return;
    state->subject_stale = true;
    muc_look_at_subjects(self);
}

/* ---- changing it
 * ----------------------------------------------------------------------------------- */

struct change {
    int64_t room; /* its number */
    struct xy_str part[PARTS];
    struct xy_room_message message;
};

static void
add(void *added, struct xy_txn *txn)
{
    const struct change *change = added;
    xy_txn_add(txn, &muc_sql_set_subject, XY_INT(change->room),
               change->message.id ? XY_INT(change->message.id) : XY_NULL,
               XY_TEXT(change->part[0]), XY_TEXT(change->part[1]), XY_TEXT(change->part[2]),
               XY_TEXT(change->part[3]));
}

/* Whatever became of it, the row knows; if nobody can read that now, the next who enters has
 * to. */
static xy_status
carry_out(struct xy_room *room, struct change *change)
{
    struct state *state = muc_state(room);
    state->subject = XY_NONE;
    state->subject_stale = true;
    xy_status status = xy_room_accept(room, &change->message);
    if (status == XY_OK && change->message.id)
        xy_room_settle(room);
    if (muc_read_subject(room) != XY_OK)
        xy_warn("muc.subject_unread", "the subject of a room is not known just now",
                XY_F_STR_AS("room", xy_jid_text(xy_room_jid(room))));
    return status;
}

struct refusal
muc_change_subject(struct muc *self, struct xy_room *room, struct xy_occupant *by,
                   const struct xy_stanza *message)
{
    struct xy_str text = xy_node_text(child(message, "subject"));
    if (muc_person(by)->role < XY_MODERATOR && !muc_settings(room)->change_subject)
        return muc_refusal(XY_FORBIDDEN, "Only moderators change the subject of this room");
    if (self->max_subject != XY_NONE && (int64_t)text.len > self->max_subject)
        return muc_refusal(XY_POLICY_VIOLATION, "The subject is too long");
    struct change change = {
        .room = muc_state(room)->number,
        .part = {text, xy_temp_str(xy_jid_text(xy_occupant_nick(by))),
                 xy_time_format(xy_now_ms()),
                 muc_occupant_id(self, room, xy_occupant_real(by))},
        .message = {.stanza = muc_clean(self, by, message),
                    .author = xy_occupant_real(by),
                    .original = message,
                    .add = add,
                    .added = &change,
                    .unforced = true},
    };
    xy_status status = carry_out(room, &change);
    if (status != XY_OK)
        return muc_refusal(xy_status_condition(status), "The subject could not be saved");
    xy_count(&self->messages_accepted);
    return (struct refusal){0};
}
