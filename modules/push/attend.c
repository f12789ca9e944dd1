/* SPDX-License-Identifier: MIT */
/*
 * Whether and when a service is told. A message counts if somebody wants to be woken for it and
 * it is kept; a registration's service is told unless a session of the client that made it has
 * a connection, and then, too, if nobody looks at that client and it does not acknowledge. Told
 * is only what is durable, at most once in `interval`, with one more behind if there was more.
 */
#include "modules/push/push.h"

enum { BEAT_MS = 1000 };

/* ---- how it stands with the client
 * ----------------------------------------------------------- */

enum stand { AWAY, QUIET, REACHED };

/* A client that says who it is by that, another by its resource. */
static bool
is_client(const struct target *target, int64_t device, struct xy_str resource)
{
    return target->device ? device == target->device : xy_str_equal(resource, target->resource);
}

static bool
belongs(const struct target *target, const struct xy_session *session)
{
    return is_client(target, xy_session_device(session),
                     xy_jid_resource(xy_session_jid(session)));
}

static const struct departure *
departure_of(const struct account *account, const struct target *target)
{
    const struct departure *last = NULL;
    for (const struct departure *left = account->left; left; left = left->next)
        if (is_client(target, left->device, left->resource) && (!last || left->owed))
            last = left;
    return last;
}

/* One that has just broken, too: push_left() comes to it. */
static enum stand
stand_of(const struct xy_user *user, const struct target *target)
{
    enum stand best = AWAY;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s)) {
        if (!belongs(target, s) || !xy_session_stream(s))
            continue;
        bool quiet = xy_run_session_inactive(xy_session_host(s), s) == XY_DONE;
        best = !quiet ? REACHED : best == AWAY ? QUIET : best;
    }
    return best;
}

static struct unacknowledged
unacknowledged_by(const struct xy_user *user, const struct target *target)
{
    struct unacknowledged found = {0};
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (belongs(target, s))
            push_count_unacknowledged(s, &found);
    return found;
}

/* A client that had the time to acknowledge and did not. If it has not had it yet it is looked
 * at again. */
static bool
is_silent(struct push *self, const struct xy_user *user, struct target *target)
{
    struct unacknowledged found = unacknowledged_by(user, target);
    if (found.count == 0)
        return false;
    int64_t left = found.oldest_ms + self->patience.ms - xy_now_ms();
    if (left > 0)
        target->look_ms = xy_monotonic_ms() + left;
    return left <= 0;
}

/* ---- one account
 * ----------------------------------------------------------------------------- */

static bool
is_allowed(const struct push *self, const struct target *target, int64_t now)
{
    int64_t last = target->urgent ? target->called_ms : target->sent_ms;
    return (last == XY_NONE || now - last >= self->interval.ms) &&
           (target->not_before_ms == XY_NONE || now >= target->not_before_ms);
}

/* A message came (`fresh`), or it is time to look again. */
static void
judge(struct push *self, const struct xy_user *user, struct target *target, bool fresh)
{
    enum stand stand = stand_of(user, target);
    bool looked = target->look_ms != XY_NONE && xy_monotonic_ms() >= target->look_ms;
    if (stand != QUIET || fresh || looked)
        target->look_ms = XY_NONE;
    if (stand == REACHED)
        target->due = false;
    else if (stand == AWAY)
        target->due |= fresh;
    else if (fresh || looked || target->due)
        target->due = is_silent(self, user, target);
}

static void
consider(struct push *self, const struct xy_user *user, struct target *target, bool fresh,
         bool call)
{
    judge(self, user, target, fresh);
    target->urgent = target->due && (target->urgent || (fresh && call));
    if (!target->due || target->busy || !is_allowed(self, target, xy_monotonic_ms()))
        return;
    target->busy = true;
    target->account->users++;
    xy_strand_post(target->strand, push_notify, target);
}

/* What came when a client was still there is worth it if the client left without acknowledging
 * it. */
static void
look_at_all(struct push *self, struct account *account, struct xy_user *user)
{
    bool fresh = account->fresh, late = account->late, call = account->urgent;
    account->fresh = account->late = account->urgent = false;
    for (struct target *t = account->first; t; t = t->next) {
        const struct departure *left = departure_of(account, t);
        bool counts = left ? left->owed || late : fresh;
        consider(self, user, t, counts, left && !late ? left->call : call);
    }
    push_forget_departures(self, account);
}

/* What was accepted before this is durable behind xy_user_settle(). */
static void
attend(void *instance, void *argument)
{
    struct push *self = instance;
    struct account *account = argument;
    struct xy_user *user;
    account->posted = false;
    xy_status status = xy_user_get(xy_jid_parse(account->jid), &user);
    if (status == XY_OK && xy_user_owner(user) != account->owner)
        status = XY_ABSENT;
    if (status == XY_OK) {
        xy_user_settle(user);
        status = push_load(self, account, user);
    }
    if (status == XY_OK && !account->gone)
        look_at_all(self, account, user);
    else if (status == XY_ABSENT && !account->gone)
        push_forget(self, account->owner);
    else if (status != XY_OK)
        xy_warn("push.not_read", "registrations cannot be read: clients are not woken",
                XY_F_STR_AS("account", account->jid),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    push_release(self, account);
}

void
push_attend(struct push *self, struct account *account)
{
    (void)self;
    if (account->posted)
        return;
    account->posted = true;
    account->users++;
    xy_strand_post(account->strand, attend, account);
}

/* ---- the beat, while there is anything to wait for
 * ------------------------------------------- */

static bool
is_ripe(const struct push *self, const struct target *target, int64_t now)
{
    if (target->due && !target->busy && is_allowed(self, target, now))
        return true;
    return target->look_ms != XY_NONE && now >= target->look_ms;
}

/* Forgetting it earlier would forget when its services were last told. */
static bool
is_quiet(const struct push *self, const struct account *account, int64_t now)
{
    if (account->users > 0 || account->fresh || account->left ||
        now - account->used_ms < self->interval.ms)
        return false;
    for (const struct target *t = account->first; t; t = t->next)
        if (t->due || t->look_ms != XY_NONE)
            return false;
    return true;
}

static void
beat(void *instance, void *argument)
{
    struct push *self = instance;
    struct xy_str key;
    size_t at = 0;
    void *value;
    int64_t now = xy_monotonic_ms();
    (void)argument;
    self->ticking = false;
    while (xy_map_next(self->accounts, &at, &key, &value)) {
        struct account *account = value;
        bool ripe = account->fresh || account->left;
        for (const struct target *t = account->first; t; t = t->next)
            ripe |= is_ripe(self, t, now);
        if (ripe)
            push_attend(self, account);
        else if (is_quiet(self, account, now))
            push_forget(self, account->owner);
    }
    push_tick(self);
}

void
push_tick(struct push *self)
{
    if (self->ticking || xy_map_count(self->accounts) == 0)
        return;
    self->ticking = true;
    (void)xy_after(self, BEAT_MS, beat, NULL);
}

/* ---- occasions
 * ------------------------------------------------------------------------------- */

void
push_delivering(XY_SELF, struct xy_delivery *delivery)
{
    const struct xy_stanza *message = xy_delivery_message(delivery);
    struct xy_user *user = xy_delivery_user(delivery);
    if (xy_delivery_is_outgoing(delivery) || !xy_delivery_id(delivery) ||
        !(xy_delivery_keep(delivery) & (XY_KEEP_ARCHIVED | XY_KEEP_QUEUED)))
        return;
    const struct xy_jid *from = xy_stanza_from(message);
    enum weight weight = push_weigh(message);
    if (weight == UNIMPORTANT || (from && xy_jid_bare(from) == xy_user_jid(user)))
        return;
    struct account *account = push_hold(self, user);
    if (!account)
        return;
    account->fresh = true;
    account->late |= account->left || xy_delivery_is_again(delivery);
    account->urgent |= weight == CALL;
    push_note_words(self, account, xy_delivery_id(delivery), message);
    push_attend(self, account);
    push_release(self, account);
}

/* Said in a room its user is a member of and not in. What mentions him is what a notification
 * speaks of, also if more was said behind it. */
void
push_unread(XY_SELF, struct xy_user *member, const struct xy_jid *room,
            const struct xy_stanza *message, bool mentioned)
{
    struct account *account = push_hold(self, member);
    (void)room;
    if (!account)
        return;
    if (mentioned || !account->fresh || !account->mentioned)
        push_note_words(self, account, 0, message);
    account->mentioned = mentioned || (account->fresh && account->mentioned);
    account->fresh = true;
    account->late |= account->left != NULL;
    push_attend(self, account);
    push_release(self, account);
}

/* The connection is gone, and perhaps not everything that was sent on it has come in. */
void
push_left(XY_SELF, struct xy_session *session)
{
    xy_owner owner = xy_user_owner(xy_session_user(session));
    const struct account *known = xy_map_get(self->accounts, XY_KEY(owner));
    struct unacknowledged found = {0};
    push_count_unacknowledged(session, &found);
    if (!found.count && !(known && known->fresh))
        return;
    struct account *account = push_hold(self, xy_session_user(session));
    if (!account)
        return;
    push_note_departure(self, account, session, found.count > 0, found.call);
    push_attend(self, account);
    push_release(self, account);
}

/* One that had no connection any more was dealt with when it lost that. */
void
push_ending(XY_SELF, struct xy_session *session)
{
    if (xy_session_stream(session))
        push_left(self, session);
}
