/* SPDX-License-Identifier: MIT */
/*
 * Whether and when a service is told. A message counts if somebody wants to be woken for it and
 * it is kept; a registration's service is told unless a session of the client that made it has
 * a connection, and then, too, if nobody looks at that client and it does not acknowledge. Told
 * is only what is durable, at most once in `interval`, with one more behind if there was more.
 */
#include "modules/push/push.h"

enum { BEAT_MS = 1000 };

/* ---- what a client is woken for
 * -------------------------------------------------------------- */

enum weight { UNIMPORTANT, IMPORTANT, CALL };

static const struct {
    const char *ns, *name;
    enum weight weight;
} weights[] = {
    {XY_NS_CLIENT, "body", IMPORTANT},
    {"urn:xmpp:eme:0", "encryption", IMPORTANT},
    {"jabber:x:conference", "x", IMPORTANT},
    {"urn:xmpp:jingle-message:0", "propose", CALL},
};

static bool
is_room_invitation(const struct xy_node *child)
{
    struct xy_str ns = XY_STR("http://jabber.org/protocol/muc#user");
    return xy_node_is(child, ns, XY_STR("x")) && xy_node_child(child, ns, XY_STR("invite"));
}

static enum weight
weigh(const struct xy_stanza *message)
{
    enum weight most = UNIMPORTANT;
    for (const struct xy_node *at = xy_node_first(xy_stanza_root(message)); at;
         at = xy_node_next(at)) {
        enum weight weight = is_room_invitation(at) ? IMPORTANT : UNIMPORTANT;
        for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++)
            if (xy_node_is(at, xy_str_from(weights[i].ns), xy_str_from(weights[i].name)))
                weight = weights[i].weight;
        most = weight > most ? weight : most;
    }
    return most;
}

/* ---- how it stands with the client
 * ----------------------------------------------------------- */

enum stand { AWAY, QUIET, REACHED };

/* A client that says who it is by that, another by its resource. */
static bool
belongs(const struct target *target, const struct xy_session *session)
{
    if (target->device)
        return xy_session_device(session) == target->device;
    return xy_str_equal(xy_jid_resource(xy_session_jid(session)), target->resource);
}

static enum stand
stand_of(const struct xy_user *user, const struct target *target)
{
    enum stand best = AWAY;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s)) {
        if (!belongs(target, s) || !xy_session_is_connected(s))
            continue;
        bool quiet = xy_run_session_inactive(xy_session_host(s), s) == XY_DONE;
        best = !quiet ? REACHED : best == AWAY ? QUIET : best;
    }
    return best;
}

struct unacknowledged {
    unsigned count;
    bool call;
    int64_t oldest_ms; /* wall clock */
};

/* Of stored messages; what is only known by its id was worth storing. */
static void
note_one(void *argument, xy_message_id message, const struct xy_stanza *stanza)
{
    struct unacknowledged *found = argument;
    enum weight weight = !message ? UNIMPORTANT : stanza ? weigh(stanza) : IMPORTANT;
    if (weight == UNIMPORTANT)
        return;
    if (found->count++ == 0)
        found->oldest_ms = xy_message_id_ms(message);
    found->call |= weight == CALL;
}

static struct unacknowledged
unacknowledged_by(const struct xy_user *user, const struct target *target)
{
    struct unacknowledged found = {0};
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (belongs(target, s))
            xy_session_queue_each(s, note_one, &found);
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

static void
look_at_all(struct push *self, struct account *account, struct xy_user *user)
{
    bool fresh = account->fresh, call = account->urgent;
    account->fresh = account->urgent = false;
    for (struct target *t = account->first; t; t = t->next)
        consider(self, user, t, fresh, call);
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
    if (account->users > 0 || account->fresh || now - account->used_ms < self->interval.ms)
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
        bool ripe = account->fresh;
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
    enum weight weight = weigh(message);
    if (weight == UNIMPORTANT || (from && xy_jid_bare(from) == xy_user_jid(user)))
        return;
    struct account *account = push_hold(self, user);
    if (!account)
        return;
    account->fresh = true;
    account->urgent |= weight == CALL;
    push_note_words(self, account, message);
    push_attend(self, account);
    push_release(self, account);
}

/* One that had no connection any more was dealt with when it lost that. */
void
push_closed(XY_SELF, struct xy_session *session)
{
    if (xy_session_stream(session))
        push_left(self, session);
}

/* The connection is gone, and not everything that was sent on it has come in. */
void
push_left(XY_SELF, struct xy_session *session)
{
    struct xy_user *user = xy_session_user(session);
    struct unacknowledged found = {0};
    xy_session_queue_each(session, note_one, &found);
    struct account *account = found.count ? push_hold(self, user) : NULL;
    if (!account)
        return;
    if (push_load(self, account, user) == XY_OK)
        for (struct target *t = account->first; t; t = t->next)
            if (belongs(t, session)) {
                t->due = true;
                t->urgent |= found.call;
            }
    push_attend(self, account);
    push_release(self, account);
}
