/* SPDX-License-Identifier: MIT */
/*
 * The members of a room (and its admins and owners), read once and again when an affiliation
 * has changed, so that a message in a room of a thousand costs a search of each occupant and no
 * query. Invariant: `behind` says what the table muc_behind says, or will when what is queued
 * is written.
 */
#include <stdlib.h>

#include "modules/muc/unread.h"

enum { SWEEP_MS = 60 * 1000 };

const struct xy_statement muc_sql_members =
    XY_SQL("select a.jid, a.nick, b.jid from muc_affiliation a left join muc_behind b "
           "on b.room = a.room and b.jid = a.jid where a.room = ? and a.affiliation >= 2");
const struct xy_statement muc_sql_mark = XY_SQL(
    "insert into muc_behind (room, jid) values (?, ?) on conflict (room, jid) do nothing");
const struct xy_statement muc_sql_unmark =
    XY_SQL("delete from muc_behind where room = ? and jid = ?");
const struct xy_statement muc_sql_behind =
    XY_SQL("select r.jid from muc_behind b join muc_room r on r.number = b.room "
           "join muc_affiliation a on a.room = b.room and a.jid = b.jid "
           "where b.jid = ? and r.host = ? and a.affiliation >= 2 order by r.jid");

/* ---- finding
 * ------------------------------------------------------------------------------------- */

static int
by_address(const void *one, const void *other)
{
    uintptr_t a = (uintptr_t)((const struct member *)one)->jid,
              b = (uintptr_t)((const struct member *)other)->jid;
    return a < b ? -1 : a > b;
}

struct member *
muc_member(const struct hints *hints, const struct xy_jid *jid)
{
    const struct member wanted = {.jid = jid};
    return hints->count
               ? bsearch(&wanted, hints->members, hints->count, sizeof(wanted), by_address)
               : NULL;
}

/* ---- reading
 * ------------------------------------------------------------------------------------- */

static void
drop_members(struct muc *self, struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        xy_jid_drop(members[i].jid);
        xy_keep_free(self, members[i].nick.at);
    }
    xy_keep_free(self, members);
}

static void
read_member(struct muc *self, const struct hints *former, const struct xy_rows *rows,
            struct member *member)
{
    const struct xy_jid *jid = xy_jid_parse(xy_rows_text(rows, 0));
    struct xy_str nick = xy_rows_text(rows, 1);
    if (!jid)
        return;
    const struct member *known = muc_member(former, jid);
    member->jid = xy_jid_keep(jid);
    member->registered = nick.len > 0;
    member->behind = !xy_rows_is_null(rows, 2);
    if (!nick.len && known)
        nick = known->nick;
    if (nick.len)
        member->nick = xy_keep_str(self, nick);
}

static xy_status
read_members(struct muc *self, struct hints *hints, const struct state *state)
{
    struct xy_rows *rows;
    int64_t number = state->number, version = state->version;
    size_t count = 0;
    xy_status status = xy_sql_read(&muc_sql_members, &rows, XY_INT(number));
    if (status != XY_OK)
        return status;
    struct member *members = xy_keep_alloc(self, (xy_rows_count(rows) + 1) * sizeof(*members));
    while (xy_rows_next(rows)) {
        read_member(self, hints, rows, &members[count]);
        count += members[count].jid != NULL;
    }
    qsort(members, count, sizeof(*members), by_address);
    drop_members(self, hints->members, hints->count);
    hints->members = members;
    hints->count = count;
    hints->number = number;
    hints->version = version;
    return XY_OK;
}

/* ---- one for each room in memory
 * ------------------------------------------------------------------ */

static void
free_hints(struct muc *self, struct hints *hints)
{
    drop_members(self, hints->members, hints->count);
    xy_jid_drop(hints->room);
    xy_stanza_drop(hints->waiting);
    xy_keep_free(self, hints);
}

static void
sweep(void *instance, void *argument)
{
    struct muc *self = instance;
    size_t at = 0;
    struct xy_str key;
    void *value;
    (void)argument;
    while (xy_map_next(self->unread, &at, &key, &value)) {
        struct hints *hints = value;
        if (hints->timed || xy_room_known(hints->room))
            continue;
        xy_map_remove(self->unread, key);
        free_hints(self, hints);
    }
}

void
muc_drop_hints(struct muc *self)
{
    size_t at = 0;
    struct xy_str key;
    void *value;
    while (self->unread && xy_map_next(self->unread, &at, &key, &value)) {
        xy_map_remove(self->unread, key);
        free_hints(self, value);
    }
}

static struct hints *
find_hints(struct muc *self, const struct xy_jid *room)
{
    if (!self->unread) {
        self->unread = xy_map_new(self);
        (void)xy_every(self, SWEEP_MS, sweep, NULL);
    }
    struct hints *hints = xy_map_get(self->unread, xy_jid_text(room));
    if (hints)
        return hints;
    hints = xy_keep_alloc(self, sizeof(*hints));
    hints->room = xy_jid_keep(room);
    hints->version = XY_NONE;
    xy_map_put(self->unread, xy_jid_text(room), hints);
    return hints;
}

struct hints *
muc_hints(struct muc *self, struct xy_room *room)
{
    const struct state *state = muc_state(room);
    struct hints *hints = find_hints(self, xy_room_jid(room));
    if (hints->number == state->number && hints->version == state->version)
        return hints;
    xy_status status = read_members(self, hints, state);
    if (status == XY_OK)
        return hints;
    xy_warn("muc.members_not_read", "members who are away hear nothing of a message",
            XY_F_STR_AS("room", xy_jid_text(xy_room_jid(room))),
            XY_F_CSTR_AS("status", xy_status_name(status)));
    return NULL;
}

/* ---- who is here
 * ----------------------------------------------------------------------------------- */

/* So that he is found by it when he is away. */
static void
note_nick(struct muc *self, struct member *member, const struct xy_occupant *occupant)
{
    struct xy_str nick = xy_jid_resource(xy_occupant_nick(occupant));
    if (member->registered || xy_str_equal(member->nick, nick))
        return;
    xy_keep_free(self, member->nick.at);
    member->nick = xy_keep_str(self, nick);
}

size_t
muc_see_who_is_here(struct muc *self, struct hints *hints, struct xy_room *room)
{
    size_t away = hints->count;
    for (size_t i = 0; i < hints->count; i++)
        hints->members[i].here = false;
    for (const struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at)) {
        struct member *member = muc_member(hints, xy_jid_bare(xy_occupant_real(at)));
        if (!member)
            continue;
        away -= !member->here;
        member->here = true;
        note_nick(self, member, at);
    }
    return away;
}
