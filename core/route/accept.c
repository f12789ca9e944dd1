/* SPDX-License-Identifier: MIT */
/*
 * A message is accepted: who gets it, who keeps it. First everything that may wait, then one
 * decision without waiting, so that what is decided is what is done: the id, the transaction
 * and the places in the sessions' queues are taken in one step. That makes one order of ids,
 * commits and deliveries for each account.
 */
#include "core/route/accept.h"
#include "core/route/delivery.h"
#include "core/route/parcel.h"
#include "core/route/removal.h"

struct accepting {
    const struct xy_stanza *message;
    struct xy_user *to, *from; /* from: an account of ours, or NULL */
    struct xy_session *sender; /* its session, or NULL */
    unsigned keep_in, keep_out;
    int64_t from_id, to_id;  /* interned JIDs */
    struct xyi_login *login; /* it came from, if that has no row yet */
    struct xy_session **takers;
    size_t taken;
    const int64_t *devices; /* that wait for it */
    size_t device_count;
    bool alone; /* to one session by its full JID, or to those of `clients` */
    const struct xy_jid *const *clients; /* to several by their full JIDs, or NULL */
    size_t client_count;
    bool again;
    bool stores;             /* must_store() */
    bool takes_back;         /* a client's retraction: stored with its effect, or refused */
    bool may_wait, answered; /* message_waiting was asked, and a handler has answered */
    struct xy_txn *together; /* of several, submitted behind the last of them; or NULL */
    struct parcel *parcel;   /* its own of those */
};

/* ---- who takes it -------------------------------------------------------------------------
 */

static bool
is_reachable(const struct xy_session *session)
{
    return session->open && (session->out.retained || xyi_session_is_connected(session));
}

static void
gather_client(struct accepting *a, const struct xy_jid *full)
{
    struct xy_session *one = xy_jid_is_bare(full) ? NULL : xy_session_find(full);
    if (one && is_reachable(one))
        a->takers[a->taken++] = one;
}

static void
gather(struct accepting *a)
{
    size_t most = a->to->session_count + a->client_count + 1;
    a->takers = xy_temp_alloc(most * sizeof(*a->takers));
    a->taken = 0;
    for (size_t i = 0; i < a->client_count; i++)
        gather_client(a, a->clients[i]);
    if (!a->client_count)
        gather_client(a, xy_stanza_to(a->message));
    a->alone = a->taken > 0;
    for (struct xy_session *s = xy_user_first(a->to); s && !a->alone; s = xy_session_next(s))
        if (xyi_session_takes_messages(s))
            a->takers[a->taken++] = s;
}

static bool
taken_on(const struct accepting *a, int64_t device)
{
    for (size_t i = 0; i < a->taken; i++)
        if (a->takers[i]->device == device)
            return true;
    return false;
}

/* ---- who keeps it -------------------------------------------------------------------------
 */

static bool
must_store(const struct accepting *a)
{
    if (a->takes_back)
        return true;
    if ((a->keep_in | a->keep_out) & XY_KEEP_ARCHIVED)
        return true;
    if (!(a->keep_in & XY_KEEP_QUEUED))
        return false;
    for (size_t i = 0; i < a->taken; i++)
        if (a->takers[i]->out.retained)
            return true;
    for (int i = 0; i < a->to->device_count && !a->alone; i++)
        if (!taken_on(a, a->to->devices[i]))
            return true;
    return a->taken == 0;
}

static void
add_device(int64_t *devices, size_t *count, int64_t device)
{
    for (size_t i = 0; i < *count; i++)
        if (devices[i] == device)
            return;
    devices[(*count)++] = device;
}

/* The known ones and those of the sessions that get it. */
static void
choose_devices(struct accepting *a)
{
    const struct xy_user *to = a->to;
    size_t room = (size_t)to->device_count + a->taken + 1;
    int64_t *devices = xy_temp_alloc(room * sizeof(*devices));
    a->device_count = 0;
    if (!(a->keep_in & XY_KEEP_QUEUED))
        return;
    for (int i = 0; i < to->device_count && !a->alone; i++)
        add_device(devices, &a->device_count, to->devices[i]);
    for (size_t i = 0; i < a->taken; i++)
        add_device(devices, &a->device_count, a->takers[i]->device);
    if (!a->device_count)
        add_device(devices, &a->device_count, 0);
    a->devices = devices;
}

static struct parcel *
store(struct accepting *a)
{
    choose_devices(a);
    struct xyi_message_row row = {
        .id = xyi_message_next_id(),
        .class = xyi_message_class(xy_stanza_from(a->message)),
        .sender = a->from_id,
        .recipient = a->to_id,
        .sent_by = a->keep_out & XY_KEEP_ARCHIVED ? a->from->owner : 0,
        .sent_to = a->keep_in & XY_KEEP_ARCHIVED ? a->to->owner : 0,
        .waits_for = a->device_count ? a->to->owner : 0,
        .devices = a->devices,
        .device_count = a->device_count,
        .origin_id = xy_stanza_id(a->message),
        .stanza = xy_stanza_text(a->message),
        .author = xy_jid_text(xy_jid_bare(xy_stanza_from(a->message))),
        .addressee = xy_jid_text(a->to->jid),
        .body = xy_node_text(xy_stanza_child(a->message, XY_STR(XY_NS_CLIENT), XY_STR("body"))),
        .login = xyi_stanza_login(a->message),
    };
    struct xy_txn *txn = a->together ? a->together : xyi_txn_detached();
    xyi_message_add(txn, &row);
    struct parcel *parcel = xyi_parcel_new(a->to, a->from, a->message, row.id);
    xyi_parcel_name(parcel, a->login, txn);
    if (a->sender && !a->again)
        xyi_parcel_count(parcel, a->sender, txn);
    a->to->pending += a->device_count && a->to->pending >= 0;
    /* where it was decided what goes with it: by whoever sent it */
    xyi_parcel_announce(parcel, a->message, a->from ? a->from->host : a->to->host, txn);
    if (a->takes_back)
        xyi_removal_demand(txn);
    xyi_trace(a->taken ? XYI_TRACE_ACCEPTED : XYI_TRACE_QUEUED, row.id, a->to->owner, 0);
    if (a->together)
        a->parcel = xyi_parcel_keep(parcel);
    else
        xyi_parcel_submit(parcel, txn);
    return parcel;
}

/* ---- giving it ----------------------------------------------------------------------------
 */

/* Its loss would matter to somebody. */
static bool
matters(const struct xy_stanza *message)
{
    return xy_stanza_child(message, XY_STR(XY_NS_CLIENT), XY_STR("body")) ||
           xy_message_is_storable(message);
}

static const struct xy_stanza *
as_seen_by(const struct accepting *a, const struct xy_user *user, unsigned keep,
           const struct parcel *parcel)
{
    if (parcel && (keep & XY_KEEP_ARCHIVED))
        return xyi_stamped(user->jid, user->owner, parcel->id, a->message);
    return a->message;
}

static void
give(const struct accepting *a, const struct xy_stanza *seen, struct parcel *parcel, bool plain)
{
    bool archived = (a->keep_in | a->keep_out) & XY_KEEP_ARCHIVED;
    struct item item = {
        .kind = parcel || !plain ? ITEM_MESSAGE : ITEM_PLAIN,
        .stanza = seen,
        .parcel = parcel,
        .message = parcel ? parcel->id : 0,
        .content = parcel ? parcel->id : 0,
        .addressed = a->client_count > 0,
        .alone = a->alone && a->taken == 1,
        .queued = a->device_count > 0,
        .archived = archived,
        .stamped = parcel && (a->keep_in & XY_KEEP_ARCHIVED),
        .login = parcel ? NULL : a->login,
    };
    if (item.kind == ITEM_MESSAGE && !xyi_item_is_kept(&item) && a->taken > 1) {
        item.share = xyi_alloc(sizeof(*item.share));
        item.share->refs = 1;
    }
    for (size_t i = 0; i < a->taken; i++)
        xyi_outbox_put(a->takers[i], &item);
    xyi_share_drop(item.share);
}

static void
tell_both(const struct accepting *a, const struct xy_stanza *seen, struct parcel *parcel)
{
    struct xy_delivery in = {.user = a->to,
                             .sender = a->sender,
                             .message = seen,
                             .parcel = parcel,
                             .takers = a->takers,
                             .taken = a->taken,
                             .keep = a->keep_in};
    in.queued = parcel && a->device_count && !a->alone;
    in.archived = (a->keep_in | a->keep_out) & XY_KEEP_ARCHIVED;
    in.again = a->again;
    xyi_delivery_tell(&in);
    if (!a->from || a->again)
        return;
    bool own = a->from == a->to;
    struct xy_delivery out = {.user = a->from,
                              .sender = a->sender,
                              .message = as_seen_by(a, a->from, a->keep_out, parcel),
                              .parcel = parcel,
                              .takers = a->takers,
                              .taken = own ? a->taken : 0,
                              .keep = a->keep_out,
                              .outgoing = true};
    xyi_delivery_tell(&out);
}

static void
decide(struct accepting *a)
{
    struct parcel *parcel = a->stores ? xyi_parcel_keep(store(a)) : NULL;
    const struct xy_stanza *seen = as_seen_by(a, a->to, a->keep_in, parcel);
    if (a->again && a->taken) {
        struct xy_stanza *late = xy_stanza_edit(seen);
        xy_stanza_add_delay(late, xy_host_jid(a->to->host), xy_stanza_received_ms(a->message));
        xyi_stanza_freeze(late);
        seen = late;
    }
    give(a, seen, parcel, !matters(a->message));
    tell_both(a, seen, parcel);
    xyi_parcel_drop(parcel);
}

/* ---- everything that may wait -------------------------------------------------------------
 */

static xy_status
find_sender(struct accepting *a)
{
    const struct xy_jid *from = xy_stanza_from(a->message);
    a->login = xyi_login_to_write(xyi_stanza_login(a->message));
    a->sender = xy_session_find(from);
    if (a->sender)
        a->from = a->sender->user;
    else if (xy_jid_local(from).len && xy_host_find(from))
        return xy_user_get(from, &a->from);
    return XY_OK;
}

static xy_status
prepare(struct accepting *a)
{
    xy_status status = find_sender(a);
    if (status != XY_OK && status != XY_ABSENT)
        return status;
    if (a->from && !a->again)
        xy_run_message_keeping(a->from->host, a->from, a->message, true, &a->keep_out);
    xy_run_message_keeping(a->to->host, a->to, a->message, false, &a->keep_in);
    if (a->again)
        a->keep_in &= ~(unsigned)XY_KEEP_ARCHIVED; /* it was decided when it came */
    a->takes_back = !a->again && a->from && xyi_is_retraction(a->message);
    if (a->takes_back) {
        a->keep_in |= XY_KEEP_QUEUED;
        a->may_wait = true; /* no quota keeps it out */
    }
    return XY_OK;
}

static xy_status
name_both(struct accepting *a)
{
    xy_status status = xyi_login_identify(a->login);
    if (status == XY_OK)
        status = xyi_jid_id(xy_jid_bare(xy_stanza_from(a->message)), &a->from_id);
    return status == XY_OK ? xyi_jid_id(a->to->jid, &a->to_id) : status;
}

static void
undeliverable(struct accepting *a)
{
    if (xy_run_message_undeliverable(a->to->host, a->to, a->message) == XY_PASS)
        xy_bounce(a->message, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}

static void
ask_whether_it_may_wait(struct accepting *a)
{
    a->may_wait = true;
    a->answered = xy_run_message_waiting(a->to->host, a->to, a->message) == XY_DONE;
}

/* Whether it has come so far that the decision can be taken, without a wait since. The database
 * is asked only for what will be stored: others chat on while it is away. */
static bool
is_settled(struct accepting *a, xy_status *status)
{
    bool queued = a->keep_in & XY_KEEP_QUEUED;
    if (a->sender && !a->sender->open)
        a->sender = NULL; /* it ended while we waited */
    if (a->from && a->from->gone)
        a->keep_out = 0; /* its archive is erased */
    if (!a->again && xyi_parting_blocks(a->to)) {
        xyi_parting_wait(a->to);
        return false;
    }
    gather(a);
    a->stores = must_store(a);
    if (queued && a->to->device_count < 0)
        *status = xyi_devices_load(a->to);
    else if (queued && !a->taken && !a->may_wait)
        ask_whether_it_may_wait(a);
    else if (a->stores && !a->to_id)
        *status = name_both(a);
    else if (a->stores && xyi_parcels_many())
        xyi_parcel_wait_turn();
    else
        return true;
    return *status != XY_OK || a->answered;
}

static void
accept_one(struct accepting *a)
{
    xy_status status = prepare(a);
    bool keeps = a->keep_in & (XY_KEEP_ARCHIVED | XY_KEEP_QUEUED);
    while (status == XY_OK && !is_settled(a, &status))
        ;
    if (a->answered)
        ;
    else if (status != XY_OK)
        xy_bounce(a->message, xy_status_condition(status), XY_NO_STR);
    else if (a->to->gone || (!a->taken && !keeps))
        undeliverable(a);
    else
        decide(a);
    xyi_login_drop(a->login);
}

void
xyi_accept(struct xy_user *to, const struct xy_stanza *message, bool again)
{
    struct accepting a = {.message = message, .to = to, .again = again};
    accept_one(&a);
}

void
xyi_accept_for_clients(struct xy_user *to, const struct xy_stanza *message,
                       const struct xy_jid *const *clients, size_t count)
{
    struct accepting a = {
        .message = message, .to = to, .clients = clients, .client_count = count};
    accept_one(&a);
}

unsigned
xyi_accept_passing(struct xy_user *to, const struct xy_stanza *message, bool for_all)
{
    struct accepting a = {.message = message, .to = to};
    gather(&a);
    if (!a.alone && !for_all)
        a.taken = 0;
    if (!a.taken && !xy_stanza_is_error(message))
        return 0;
    a.sender = xy_session_find(xy_stanza_from(message));
    a.from = a.sender ? a.sender->user : NULL;
    give(&a, message, NULL, true);
    tell_both(&a, message, NULL);
    return (unsigned)a.taken;
}

/* ---- several at once ----------------------------------------------------------------------
 */

/* All that may wait, for all of them: after the last wait each has been looked at again. */
static xy_status
settle_all(struct accepting *all, size_t count)
{
    xy_status status = XY_OK;
    for (size_t i = 0; status == XY_OK && i < count; i++)
        if (!is_settled(&all[i], &status))
            i = (size_t)-1;
    return status;
}

static xy_status
prepare_notice(struct accepting *a, struct xy_stanza *message)
{
    xyi_stanza_freeze(message);
    a->message = message;
    a->may_wait = true; /* no quota keeps it out */
    xy_status status = xy_user_get(xy_stanza_to(message), &a->to);
    if (status == XY_OK)
        status = prepare(a);
    a->keep_in |= XY_KEEP_QUEUED;
    return status;
}

static void
let_go(struct accepting *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        xyi_login_drop(all[i].login);
}

/* The commit's answer, which comes in any case. */
static xy_status
outcome(struct accepting *all, size_t count)
{
    xy_user_settle(all[0].to);
    xy_status status = all[0].parcel->handled ? all[0].parcel->status : XY_UNKNOWN;
    for (size_t i = 0; i < count; i++)
        xyi_parcel_drop(all[i].parcel);
    return status;
}

xy_status
xy_notices_send(struct xy_stanza **messages, size_t count, xy_notices_fn *add, void *argument)
{
    struct accepting *all = xy_temp_alloc((count + 1) * sizeof(*all));
    struct parcel **parcels = xy_temp_alloc((count + 1) * sizeof(struct parcel *));
    xy_status status = XY_OK;
    xy_assert(count);
    for (size_t i = 0; status == XY_OK && i < count; i++)
        status = prepare_notice(&all[i], messages[i]);
    if (status == XY_OK)
        status = settle_all(all, count);
    for (size_t i = 0; status == XY_OK && i < count; i++)
        if (all[i].to->gone)
            status = XY_ABSENT;
    if (status != XY_OK) {
        let_go(all, count);
        return status;
    }
    struct xy_txn *txn = xyi_txn_detached();
    for (size_t i = 0; i < count; i++) {
        all[i].together = txn;
        all[i].stores = true;
        decide(&all[i]);
        parcels[i] = all[i].parcel;
    }
    xyi_forbid_wait("what goes with notices");
    add(argument, txn);
    xyi_allow_wait();
    xyi_parcels_submit(parcels, count, txn);
    let_go(all, count);
    return outcome(all, count);
}
