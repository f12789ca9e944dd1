/* SPDX-License-Identifier: MIT */
/*
 * A session loses its connection, or ends: what it was given and has not acknowledged.
 * Invariant: each message goes on exactly once. Stored ones wait for the session's device
 * already; nothing is stored or archived again.
 */
#include "core/route/objects.h"
#include <stdlib.h>

void
xyi_outbox_detached(struct xy_session *session)
{
    struct outbox *out = &session->out;
    struct items all;
    xyi_items_init(&all);
    xyi_items_append_all(&all, &out->held); /* was not sent: still waits */
    xyi_items_append_all(&all, &out->waiting);
    xyi_items_append_all(&out->waiting, &all);
    out->watched = false;
}

/* ---- in flight ----------------------------------------------------------------------------
 */

static void
add_ids(const struct items *items, xy_message_id *ids, size_t *count)
{
    for (const struct item *item = items->first; item; item = item->next) {
        if (!item->message)
            continue;
        if (ids)
            ids[*count] = item->message;
        ++*count;
    }
}

/* Clients that do not say which device they are count as one, and are not: what one of them has
 * that lost its connection, and may never come back, does not wait for it, a removal's notice
 * for instance (S0-19). Should it come back it has it, too, as if both had been there. */
static bool
keeps_from_others(const struct xy_session *session, int64_t device)
{
    return session->device == device && (device || session->stream);
}

static size_t
collect(const struct xy_user *user, int64_t device, xy_message_id *ids)
{
    size_t count = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s)) {
        if (!keeps_from_others(s, device))
            continue;
        add_ids(&s->out.sent, ids, &count);
        add_ids(&s->out.held, ids, &count);
        add_ids(&s->out.waiting, ids, &count);
    }
    return count;
}

static int
compare(const void *left, const void *right)
{
    const xy_message_id *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

size_t
xyi_outbox_in_flight(const struct xy_user *user, int64_t device, xy_message_id **ids)
{
    size_t count = collect(user, device, NULL);
    *ids = xy_temp_alloc((count + 1) * sizeof(**ids));
    (void)collect(user, device, *ids);
    qsort(*ids, count, sizeof(**ids), compare);
    return count;
}

bool
xyi_in_flight(const xy_message_id *ids, size_t count, xy_message_id id)
{
    return bsearch(&id, ids, count, sizeof(id), compare) != NULL;
}

/* ---- the end ------------------------------------------------------------------------------
 */

struct leaving {
    struct xy_user *user;
    int64_t device;
    struct xy_txn *txn; /* more devices for what only this session was given */
    bool stored, spread;
};

static void
spread_done(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    struct xy_user *user = argument;
    if (status != XY_OK)
        xy_warn("message.not_spread", "messages wait for one device only",
                XY_F_STR_AS("account", xy_jid_text(user->jid)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    user->pending = -1;
    xyi_user_commit_done(user);
}

/* RFC 6121 8.5.3.2.1: to a full JID that is gone is to the bare one. */
static void
spread(struct leaving *leaving, const struct item *item)
{
    const struct xy_user *user = leaving->user;
    for (int i = 0; i < user->device_count; i++) {
        if (user->devices[i] == leaving->device)
            continue;
        if (!leaving->txn)
            leaving->txn = xyi_txn_detached();
        xyi_pending_add(leaving->txn, user->owner, user->devices[i], item->message);
    }
}

static bool
others_have_it(const struct item *item)
{
    return item->share && (item->share->received || item->share->refs > 1);
}

/* From an occupant of a room to one client that was there: the others are not, and could not
 * answer. */
static bool
is_from_service(const struct xy_stanza *message)
{
    const struct xy_jid *from = message ? xy_stanza_from(message) : NULL;
    return from && xy_service_host(from);
}

static void
part_with(struct leaving *leaving, struct item *item)
{
    bool failed = item->parcel && item->parcel->failed;
    bool is_iq = item->stanza && xy_stanza_kind(item->stanza) == XY_IQ;
    if (item->kind == ITEM_PLAIN && is_iq) {
        xy_bounce(item->stanza, XY_SERVICE_UNAVAILABLE,
                  XY_NO_STR); /* answers are not answered */
    } else if (item->kind == ITEM_MESSAGE && xyi_item_is_kept(item) && !failed) {
        leaving->stored |= item->queued;
        if (item->queued && item->alone)
            spread(leaving, item);
    } else if (item->kind == ITEM_MESSAGE && !failed && is_from_service(item->stanza)) {
        if (!others_have_it(item))
            xy_bounce(item->stanza, XY_RECIPIENT_UNAVAILABLE, XY_NO_STR);
    } else if (item->kind == ITEM_MESSAGE && !failed && item->stanza && !others_have_it(item)) {
        xyi_message_again(leaving->user, item->stanza);
    } else if (item->kind == ITEM_COPY) {
        leaving->stored |= item->queued && !failed;
    }
    xyi_item_free(item);
}

void
xyi_outbox_end(struct xy_session *session)
{
    struct items all;
    struct item *item;
    struct outbox *out = &session->out;
    struct leaving leaving = {.user = session->user, .device = session->device};
    xyi_outbox_cut_off(session);
    xyi_inbox_end(session);
    xyi_items_init(&all);
    xyi_items_append_all(&all, &out->sent);
    xyi_items_append_all(&all, &out->held);
    xyi_items_append_all(&all, &out->waiting);
    xy_stanza_drop(out->request);
    out->request = NULL;
    out->spilled = NULL;
    bool half_way = session->draining || out->overflow;
    struct parting parting;
    xyi_parting_begins(leaving.user, &parting);
    if (all.first && xyi_devices_load(leaving.user) != XY_OK)
        xy_warn("message.not_spread", "messages wait for one device only");
    while ((item = xyi_items_take(&all)))
        part_with(&leaving, item);
    xyi_parting_ends(leaving.user, &parting);
    if (leaving.txn) {
        xyi_user_commit_begins(leaving.user);
        xyi_txn_submit(leaving.txn, spread_done, leaving.user);
        for (int i = 0; i < leaving.user->device_count; i++)
            xyi_redrain(leaving.user, leaving.user->devices[i]);
    } else if (leaving.stored || half_way) {
        xyi_redrain(leaving.user, leaving.device);
    }
}
