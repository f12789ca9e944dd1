/* SPDX-License-Identifier: MIT */
/*
 * The decision about a message: who takes it, who keeps it, in one step without waiting, so
 * that what is decided is what is done: the id, the transaction and the places in the sessions'
 * queues. That makes one order of ids, commits and deliveries for each account.
 */
#include "core/route/accepting.h"
#include "core/route/removal.h"

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

void
xyi_accepting_gather(struct accepting *a)
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

bool
xyi_accepting_must_store(const struct accepting *a)
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

void
xyi_accepting_give(const struct accepting *a, const struct xy_stanza *seen,
                   struct parcel *parcel, bool plain)
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

void
xyi_accepting_tell(const struct accepting *a, const struct xy_stanza *seen,
                   struct parcel *parcel)
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

void
xyi_accepting_decide(struct accepting *a)
{
    struct parcel *parcel = a->stores ? xyi_parcel_keep(store(a)) : NULL;
    const struct xy_stanza *seen = as_seen_by(a, a->to, a->keep_in, parcel);
    if (a->again && a->taken) {
        struct xy_stanza *late = xy_stanza_edit(seen);
        xy_stanza_add_delay(late, xy_host_jid(a->to->host), xy_stanza_received_ms(a->message));
        xyi_stanza_freeze(late);
        seen = late;
    }
    xyi_accepting_give(a, seen, parcel, !matters(a->message));
    xyi_accepting_tell(a, seen, parcel);
    xyi_parcel_drop(parcel);
}
