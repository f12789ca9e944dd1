/* SPDX-License-Identifier: MIT */
/*
 * Who is what to a room for good (XEP-0045 5.2). Invariant: rows change in one transaction and
 * first; then every session of the people concerned changes or goes, and everybody is told once
 * per nick. Keys are bare JIDs; a ban of a domain bans all of it that have no row of their own.
 */
#include "modules/muc/rows.h"

struct change {
    struct affiliated to; /* nick and reason as they will be stored */
    enum xy_affiliation from;
    int64_t version; /* that it reaches */
};

/* ---- the rows ------------------------------------------------------------------------ */

/* What the row will be, knowing what it is. */
static xy_status
plan(struct xy_room *room, const struct affiliated *wanted, struct change *change, bool *is_new)
{
    struct affiliation_row row = {.is = {.affiliation = XY_UNAFFILIATED}};
    xy_status status = affiliation_row_read(muc_state(room)->number, wanted->jid, &row);
    if (status != XY_OK && status != XY_ABSENT)
        return status;
    *change =
        (struct change){.to = *wanted, .from = row.is.affiliation, .version = row.version};
    if (!wanted->nick.at)
        change->to.nick = row.is.nick;
    if (wanted->affiliation < XY_MEMBER)
        change->to.nick = XY_NO_STR;
    *is_new = status == XY_ABSENT && wanted->affiliation != XY_UNAFFILIATED;
    return XY_OK;
}

static xy_status
has_space(const struct muc *self, struct xy_room *room, int64_t more)
{
    int64_t count = 0;
    xy_status status = more ? affiliation_rows_count(muc_state(room)->number, &count) : XY_OK;
    return status == XY_OK && more && count + more > self->max_affiliations ? XY_FULL : status;
}

static bool
takes_away(const struct change *change)
{
    return change->to.affiliation == XY_UNAFFILIATED ||
           (change->to.affiliation == XY_OUTCAST && change->from != XY_UNAFFILIATED);
}

/* After a commit of which nobody knows. */
static bool
has_version(struct xy_room *room, int64_t version)
{
    struct room_row row;
    return room_row_read(xy_room_jid(room), &row) == XY_OK && row.version == version;
}

static xy_status
commit(struct xy_room *room, struct change *changes, size_t count)
{
    struct state *state = muc_state(room);
    int64_t version = state->version, removed = state->removed;
    struct xy_txn *txn = xy_txn_begin();
    for (size_t i = 0; i < count; i++) {
        struct change *change = &changes[i];
        if (change->from != change->to.affiliation) {
            change->version = ++version;
            removed = takes_away(change) ? version : removed;
        }
        affiliation_row_add(txn, state->number, &change->to, change->version);
    }
    xy_txn_add(txn, &muc_sql_room_version, XY_INT(version), XY_INT(removed),
               XY_INT(state->number));
    xy_txn_expect(txn, 1);
    xy_status status = xy_txn_commit(txn);
    if (status == XY_UNKNOWN && version != state->version && has_version(room, version))
        status = XY_OK;
    if (status == XY_OK) {
        muc_state(room)->version = version;
        muc_state(room)->removed = removed;
    }
    return status;
}

/* ---- the occupants ------------------------------------------------------------------- */

static bool
concerns(const struct change *change, struct xy_occupant *occupant)
{
    const struct xy_jid *real = xy_occupant_real(occupant), *jid = change->to.jid;
    bool domain = xy_jid_host(real) == jid && change->to.affiliation == XY_OUTCAST;
    return xy_jid_bare(real) == jid ||
           (domain && muc_person(occupant)->affiliation == XY_UNAFFILIATED);
}

/* Who gains an affiliation gains the role that goes with it; who loses admin status loses the
 * moderator's. What a moderator has granted stays. */
static enum xy_role
new_role(struct xy_room *room, const struct person *person, enum xy_affiliation to)
{
    enum xy_role usual = muc_default_role(room, to);
    bool lost = person->affiliation >= XY_ADMIN && to < XY_ADMIN;
    return lost || usual > person->role ? usual : person->role;
}

/* The status code he goes with; 0: he stays. */
static int
goodbye(struct xy_room *room, enum xy_affiliation to)
{
    if (to == XY_OUTCAST)
        return 301;
    return to == XY_UNAFFILIATED && muc_settings(room)->members_only ? 321 : 0;
}

static void
throw_out(struct muc *self, struct xy_room *room, const struct change *change, int code,
          const struct xy_occupant *actor)
{
    const int codes[] = {code, 0};
    struct xy_occupant *one = xy_room_first(room);
    while (one) {
        if (!concerns(change, one)) {
            one = xy_occupant_next(one);
            continue;
        }
        const struct xy_jid *real = xy_occupant_real(one);
        struct xy_occupant *same = xy_room_find_nick(room, xy_occupant_nick(one));
        for (; same; same = xy_occupant_next_same(same))
            muc_person(same)->affiliation = change->to.affiliation;
        if (actor && xy_jid_bare(xy_occupant_real(actor)) == xy_jid_bare(real))
            actor = NULL; /* he goes himself */
        muc_eject(self, one, codes, actor, change->to.reason, NULL);
        one = xy_room_first(room);
    }
}

static void
adapt(struct muc *self, struct xy_room *room, const struct change *change,
      enum xy_affiliation to, const struct xy_occupant *actor)
{
    struct xy_occupant *one;
    for (one = xy_room_first(room); one; one = xy_occupant_next(one)) {
        struct person *person = muc_person(one);
        if (!concerns(change, one))
            continue;
        person->role = new_role(room, person, to);
        person->affiliation = to;
    }
    for (one = xy_room_first(room); one; one = xy_occupant_next(one))
        if (concerns(change, one) && xy_room_find_nick(room, xy_occupant_nick(one)) == one)
            muc_changed(self, one, actor, change->to.reason);
}

static bool
is_present(struct xy_room *room, const struct change *change)
{
    for (struct xy_occupant *one = xy_room_first(room); one; one = xy_occupant_next(one))
        if (concerns(change, one))
            return true;
    return false;
}

static void
tell(struct muc *self, struct xy_room *room, const struct change *change,
     const struct xy_occupant *actor)
{
    enum xy_affiliation to = change->to.affiliation;
    if (muc_is_service_admin(self, change->to.jid))
        to = XY_OWNER;
    int code = goodbye(room, to);
    muc_state(room)->told = change->version;
    if (!is_present(room, change))
        muc_tell_affiliation(room, change->from, &change->to);
    else if (code)
        throw_out(self, room, change, code, actor);
    else
        adapt(self, room, change, to, actor);
    muc_state(room)->told = 0;
}

xy_status
muc_set_affiliations(struct muc *self, struct xy_room *room, const struct affiliated *wanted,
                     size_t count, const struct xy_occupant *actor)
{
    struct change *changes = xy_temp_alloc((count + 1) * sizeof(*changes));
    const struct xy_jid *actor_jid = actor ? xy_occupant_real(actor) : NULL;
    int64_t more = 0;
    xy_status status = XY_OK;
    for (size_t i = 0; i < count && status == XY_OK; i++) {
        bool is_new = false;
        status = plan(room, &wanted[i], &changes[i], &is_new);
        more += is_new;
    }
    if (status == XY_OK)
        status = has_space(self, room, more);
    if (status == XY_OK)
        status = commit(room, changes, count);
    if (status != XY_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        if (changes[i].from != changes[i].to.affiliation)
            tell(self, room, &changes[i], actor_jid ? xy_room_find(room, actor_jid) : NULL);
    muc_look_whether_empty(self, room);
    return XY_OK;
}

/* ---- who may what: the service other modules ask ------------------------------------- */

static void
describe(struct xy_room *room, const struct xy_jid *who, const struct affiliated *is,
         struct xy_muc_access *access)
{
    const struct settings *settings = muc_settings(room);
    *access = (struct xy_muc_access){
        .affiliation = is->affiliation,
        .archived = settings->archived,
        .members_only = settings->members_only,
        .has_password = muc_text(room, TEXT_PASSWORD).len > 0,
    };
    for (struct xy_occupant *one = xy_room_first(room); one; one = xy_occupant_next(one)) {
        if (xy_jid_bare(xy_occupant_real(one)) != xy_jid_bare(who))
            continue;
        access->is_occupant = true;
        if (muc_person(one)->role > access->role)
            access->role = muc_person(one)->role;
    }
    access->may_enter = is->affiliation != XY_OUTCAST &&
                        (is->affiliation >= XY_MEMBER || !settings->members_only) &&
                        (is->affiliation == XY_OWNER || !muc_state(room)->locked);
    access->sees_real_jids = settings->whois == WHOIS_ANYONE || access->role == XY_MODERATOR ||
                             is->affiliation >= XY_ADMIN;
}

xy_status
muc_on_access(XY_SELF, const struct xy_jid *jid, const struct xy_jid *who,
              struct xy_muc_access *access)
{
    struct xy_room *room;
    struct affiliated is;
    xy_status status = muc_enter(self, jid, &room);
    if (status != XY_OK)
        return status;
    status = muc_affiliation(self, room, who, &is);
    if (status == XY_OK)
        describe(room, who, &is, access);
    xy_room_leave(room);
    return status;
}

xy_status
muc_on_affiliates(XY_SELF, const struct xy_jid *room, struct xy_rows **rows)
{
    (void)self;
    return xy_sql_read(&muc_sql_affiliates, rows, XY_TEXT(xy_jid_text(xy_jid_bare(room))));
}

/* ---- accounts that go ---------------------------------------------------------------- */

static xy_status
leave_one(struct muc *self, const struct xy_jid *jid, const struct xy_jid *bare)
{
    const struct affiliated none = {.jid = bare, .affiliation = XY_UNAFFILIATED};
    struct xy_room *room;
    xy_status status = muc_enter(self, jid, &room);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    status = muc_set_affiliations(self, room, &none, 1, NULL);
    xy_room_leave(room);
    return status;
}

/* What is left behind must not be the next one's of that name: rooms of this service are told,
 * rows of all others go. A room without an owner is left to the service's admins. */
void
muc_on_account_deleted(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    struct xy_rows *rows;
    (void)owner;
    xy_status status = affiliation_rows_rooms(bare, &rows);
    while (status == XY_OK && xy_rows_next(rows)) {
        const struct xy_jid *jid = xy_jid_parse(xy_rows_text(rows, 0));
        if (jid && xy_jid_host(jid) == xy_service_jid(self))
            status = leave_one(self, jid, bare);
    }
    if (status == XY_OK)
        status = affiliation_rows_forget(bare);
    if (status != XY_OK)
        xy_error("muc.affiliations_stay", "a deleted account is still affiliated with rooms",
                 XY_F_STR_AS("account", xy_jid_text(bare)),
                 XY_F_CSTR_AS("status", xy_status_name(status)));
}
