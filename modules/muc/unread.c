/* SPDX-License-Identifier: MIT */
/*
 * Members who are not there hear that something was said (hook muc_unread), and it is written
 * down that they have missed something (table muc_behind, for activity.c). Invariant: they hear
 * of it behind its commit, those it mentions first; of what mentions nobody at most once in
 * INTERVAL_MS for each room, and of the last there was in any case. The sender waits for none
 * of this.
 */
#include "modules/muc/unread.h"

enum { INTERVAL_MS = 5000 };
enum { TELL = 1, MENTIONED = 2, MARK = 4, UNMARK = 8 };

struct errand {
    const struct xy_jid *room;
    int64_t number;
    const struct xy_stanza *said; /* NULL: nothing to tell */
    xy_message_id id;             /* of `said`; 0: nothing stores it */
    size_t count;
    struct {
        const struct xy_jid *jid;
        unsigned what;
    } at[];
};

static void
drop(struct muc *self, struct errand *errand)
{
    for (size_t i = 0; i < errand->count; i++)
        xy_jid_drop(errand->at[i].jid);
    xy_jid_drop(errand->room);
    xy_stanza_drop(errand->said);
    xy_keep_free(self, errand);
}

/* ---- on the strand
 * --------------------------------------------------------------------------------- */

static void
write_marks(const struct errand *errand)
{
    struct xy_txn *txn = NULL;
    for (size_t i = 0; i < errand->count; i++) {
        if (!(errand->at[i].what & (MARK | UNMARK)))
            continue;
        if (!txn)
            txn = xy_txn_begin();
        xy_txn_add_values(
            txn, errand->at[i].what & MARK ? &muc_sql_mark : &muc_sql_unmark,
            XY_VALUES(XY_INT(errand->number), XY_TEXT(xy_jid_text(errand->at[i].jid))));
    }
    xy_status status = txn ? xy_txn_commit(txn) : XY_OK;
    if (status != XY_OK)
        xy_warn("muc.not_marked", "who has missed something in a room is not written down",
                XY_F_STR_AS("room", xy_jid_text(errand->room)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
tell_one(const struct errand *errand, const struct xy_jid *jid, bool mentioned)
{
    struct xy_user *user;
    xy_temp_open();
    const struct xy_stanza *asked = xy_stanza_keep(errand->said);
    bool shown =
        xy_user_get(jid, &user) == XY_OK &&
        xy_run_presence_hidden(xy_user_host(user), user, xy_stanza_from(asked)) == XY_PASS;
    const struct xy_stanza *said = xy_stanza_keep(errand->said); /* as it is by now */
    if (shown)
        xy_run_muc_unread(xy_user_host(user), user, errand->room, said, mentioned);
    xy_stanza_drop(said);
    xy_stanza_drop(asked);
    xy_temp_close();
}

/* Its header: that there was something, and where. */
static void
blank(struct errand *errand)
{
    struct xy_stanza *header = xy_stanza_edit(errand->said);
    xy_node_clear(xy_stanza_top(header));
    xy_stanza_drop(errand->said);
    errand->said = xy_stanza_keep(header);
    errand->id = 0;
}

/* Taken back before this runs; what is taken back while it does, muc_forget_unread() hears. */
static void
look_whether_it_stands(struct errand *errand)
{
    struct xy_message_record record;
    if (errand->id &&
        (xy_message_look(errand->id, &record) != XY_OK || record.state != XY_MESSAGE_LIVE))
        blank(errand);
}

void
muc_forget_unread(struct muc *self, xy_message_id id)
{
    if (self->telling && self->telling->id == id)
        blank(self->telling);
}

static void
tell(struct errand *errand)
{
    struct xy_room *room = xy_room_known(errand->room);
    if (room && xy_room_enter(errand->room, &room) == XY_OK) {
        xy_room_settle(room); /* durable, or known to have failed */
        xy_room_leave(room);
    }
    look_whether_it_stands(errand);
    for (size_t i = 0; i < errand->count; i++)
        if (errand->at[i].what & MENTIONED)
            tell_one(errand, errand->at[i].jid, true);
    for (size_t i = 0; i < errand->count; i++)
        if ((errand->at[i].what & (TELL | MENTIONED)) == TELL)
            tell_one(errand, errand->at[i].jid, false);
}

static void
run(void *instance, void *argument)
{
    struct muc *self = instance;
    struct errand *errand = argument;
    write_marks(errand);
    self->telling = errand;
    if (errand->said)
        tell(errand);
    self->telling = NULL;
    drop(self, errand);
}

void
muc_errand(struct muc *self, xy_task_fn *task, void *argument)
{
    if (!self->errands)
        self->errands = xy_strand_new(self);
    xy_strand_post(self->errands, task, argument);
}

static void
post(struct muc *self, struct errand *errand)
{
    muc_errand(self, run, errand);
}

struct said {
    const struct xy_stanza *stanza;
    xy_message_id id;
};

static struct errand *
new_errand(struct muc *self, const struct hints *hints, const struct said *said, size_t most)
{
    struct errand *errand = xy_keep_alloc(self, sizeof(*errand) + most * sizeof(errand->at[0]));
    errand->room = xy_jid_keep(hints->room);
    errand->number = hints->number;
    errand->said = said ? xy_stanza_keep(said->stanza) : NULL;
    errand->id = said ? said->id : 0;
    return errand;
}

static void
add(struct errand *errand, const struct xy_jid *jid, unsigned what)
{
    errand->at[errand->count].jid = xy_jid_keep(jid);
    errand->at[errand->count++].what = what;
}

/* ---- from the room
 * --------------------------------------------------------------------------------- */

static bool
is_heard(void)
{
    struct xy_firing firing;
    for (struct xy_host *host = xy_host_first(); host; host = xy_host_next(host))
        if (xy_fire_first(&firing, host, &xy_hook_muc_unread)) {
            xy_fire_end(&firing);
            return true;
        }
    return false;
}

enum whom { MENTIONED_ONLY, EVERYBODY, THE_OTHERS }; /* those it mentions have been told */

/* What `member`, who is away, is due. */
static unsigned
due(struct member *member, const struct xy_stanza *said, bool heard, enum whom whom)
{
    unsigned what = member->behind ? 0 : MARK;
    member->behind = true;
    if (!heard || !xy_host_find(member->jid))
        return what;
    if (muc_is_mentioned(said, member))
        return whom == THE_OTHERS ? what : what | TELL | MENTIONED;
    return whom == MENTIONED_ONLY ? what : what | TELL;
}

static void
send_errand(struct muc *self, struct hints *hints, const struct said *said, bool heard,
            enum whom whom)
{
    struct errand *errand = new_errand(self, hints, said, hints->count);
    for (size_t i = 0; i < hints->count; i++) {
        struct member *member = &hints->members[i];
        unsigned what = member->here ? 0 : due(member, said->stanza, heard, whom);
        if (what)
            add(errand, member->jid, what);
    }
    if (errand->count)
        post(self, errand);
    else
        drop(self, errand); /* it would make others wait */
}

static void later(void *instance, void *argument);

/* Whether all may be told now; else that is done later, of what is said last until then. */
static bool
is_time(struct muc *self, struct hints *hints, const struct said *said)
{
    int64_t now = xy_monotonic_ms(), next = hints->told_ms + INTERVAL_MS;
    if (!hints->timed && (hints->told_ms == 0 || now >= next)) {
        hints->told_ms = now;
        return true;
    }
    xy_stanza_drop(hints->waiting);
    hints->waiting = xy_stanza_keep(said->stanza);
    hints->waiting_id = said->id;
    if (!hints->timed)
        (void)xy_after(self, next - now, later, hints);
    hints->timed = true;
    return false;
}

/* Those it mentions were told when it was said. */
static void
make_up_for(struct muc *self, struct xy_room *room, struct hints *hints,
            const struct said *said)
{
    if (muc_see_who_is_here(self, hints, room) > 0)
        send_errand(self, hints, said, is_heard(), THE_OTHERS);
    hints->told_ms = xy_monotonic_ms();
}

void
muc_make_up_for(struct muc *self, struct xy_room *room, const struct xy_stanza *sent,
                xy_message_id id)
{
    const struct said said = {sent, id};
    struct hints *hints = muc_hints(self, room);
    if (hints)
        make_up_for(self, room, hints, &said);
}

/* `hints` stays while it is timed. */
static void
later(void *instance, void *argument)
{
    struct muc *self = instance;
    struct hints *hints = argument;
    struct xy_room *room;
    xy_status status = muc_enter(self, hints->room, &room);
    struct said said = {hints->waiting, hints->waiting_id};
    hints->waiting = NULL;
    bool same = status == XY_OK &&
                hints->number == muc_state(room)->number; /* not another of that name */
    if (same && muc_hints(self, room))
        make_up_for(self, room, hints, &said);
    hints->timed = false;
    if (status == XY_OK)
        xy_room_leave(room);
    xy_stanza_drop(said.stanza);
}

void
muc_note_unread(struct muc *self, struct xy_room *room, const struct xy_stanza *sent,
                xy_message_id id)
{
    const struct said said = {sent, id};
    struct hints *hints = muc_hints(self, room);
    if (!hints || hints->count == 0)
        return;
    bool away = muc_see_who_is_here(self, hints, room) > 0;
    if (muc_is_watched(self))
        muc_tell_watchers(self, room, hints);
    if (!away)
        return;
    bool heard = muc_settings(room)->members_only && is_heard();
    bool now = heard && is_time(self, hints, &said);
    send_errand(self, hints, &said, heard, now ? EVERYBODY : MENTIONED_ONLY);
}

void
muc_note_seen(struct muc *self, struct xy_room *room, struct xy_occupant *newcomer)
{
    muc_watcher_sees(self, room, xy_occupant_real(newcomer));
    if (muc_person(newcomer)->affiliation < XY_MEMBER)
        return;
    struct hints *hints = muc_hints(self, room);
    struct member *member =
        hints ? muc_member(hints, xy_jid_bare(xy_occupant_real(newcomer))) : NULL;
    if (!member || !member->behind)
        return;
    member->behind = false;
    struct errand *errand = new_errand(self, hints, NULL, 1);
    add(errand, member->jid, UNMARK);
    post(self, errand);
}
