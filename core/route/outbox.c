/* SPDX-License-Identifier: MIT */
/*
 * The outbound queue of a session: waiting for a commit, held back, sent and unacknowledged.
 */
#include "core/route/objects.h"

enum {
    WINDOW = 256 * 1024, /* bytes a client with stream management is sent ahead */
    MOST_PLAIN = 4,      /* times `most`: what is of no consequence, without a connection */
};

void
xyi_outbox_init(struct xy_session *session)
{
    xyi_items_init(&session->out.waiting);
    xyi_items_init(&session->out.held);
    xyi_items_init(&session->out.sent);
    session->in.last = &session->in.first;
}

/* ---- sending ------------------------------------------------------------------------------
 */

static void
let_stanza_go(struct outbox *out, struct item *item)
{
    if (!item->stanza || !xyi_item_is_kept(item) || item->kind == ITEM_COPY)
        return;
    xy_stanza_drop(item->stanza);
    item->stanza = NULL;
    out->in_memory--;
}

/* What is stored can be read again. */
static void
spill(struct outbox *out)
{
    while (out->in_memory > out->most) {
        struct item *next = out->spilled ? out->spilled->next : out->sent.first;
        if (!next)
            return;
        let_stanza_go(out, next);
        out->spilled = next;
    }
}

/* Not more than the client takes: what would be cut off as a slow reader waits here instead. */
static void
fill_window(struct xy_session *session, const struct item *item)
{
    struct outbox *out = &session->out;
    out->window += xyi_stanza_bytes(item->stanza);
    if (!out->retained || out->full || out->window < WINDOW)
        return;
    out->full = true;
    out->window_put = out->put + 1;
    out->marks++;
    out->marked = out->window_put;
}

static void
transmit(struct xy_session *session, struct item *item)
{
    struct outbox *out = &session->out;
    bool was_full = out->full;
    if (item->kind != ITEM_PASSES) {
        fill_window(session, item);
        xyi_link_send(session->stream->link, item->stanza,
                      item->addressed ? session->jid : NULL);
        xyi_route_counters.delivered++;
        out->out += out->retained;
        if (item->message)
            xyi_trace(XYI_TRACE_SENT, item->message, session->user->owner, session->device);
    }
    if (!out->retained && !xyi_item_matters(item)) {
        xyi_item_free(item);
        return;
    }
    xyi_parcel_drop(item->parcel);
    item->parcel = NULL;
    xyi_items_append(&out->sent, item);
    out->put++;
    out->in_memory += item->stanza != NULL;
    if (out->full && !was_full)
        xyi_link_mark(session->stream->link, out->put);
    if (out->retained) {
        spill(out);
    } else {
        let_stanza_go(out, item);
        xyi_outbox_mark(session);
    }
}

static void
send_held(struct xy_session *session)
{
    struct item *item;
    while ((item = xyi_items_take(&session->out.held)))
        transmit(session, item);
}

static void
emit(struct xy_session *session, struct item *item)
{
    if (session->out.watched && item->kind != ITEM_PASSES) {
        xyi_forbid_wait("session_output");
        xy_verdict verdict = xy_run_session_output(session->user->host, session, item->stanza);
        xyi_allow_wait();
        if (verdict == XY_DONE) {
            xyi_items_append(&session->out.held, item);
            return;
        }
        send_held(session);
    }
    transmit(session, item);
}

void
xy_session_flush(struct xy_session *session)
{
    if (!session->open || !xyi_session_is_connected(session))
        return;
    send_held(session);
    xyi_outbox_ask(session);
}

static bool
is_due(const struct outbox *out, const struct item *item)
{
    if (item->parcel && !item->parcel->handled)
        return false;
    return !(out->blocked && item->kind == ITEM_MESSAGE);
}

void
xyi_outbox_pump(struct xy_session *session)
{
    struct outbox *out = &session->out;
    struct item *item;
    if (out->reading)
        return; /* it is pumped when its client is back */
    while ((item = out->waiting.first)) {
        if (item->parcel && item->parcel->failed) {
            xyi_item_free(xyi_items_take(&out->waiting));
            continue;
        }
        if (out->binding || out->full || !is_due(out, item) ||
            !xyi_session_is_connected(session))
            break;
        emit(session, xyi_items_take(&out->waiting));
    }
    if (out->overflow && !out->waiting.first && !out->blocked &&
        xyi_session_is_ready(session)) {
        out->overflow = false;
        xyi_redrain(session->user, session->device);
    }
    if (!out->binding && xyi_session_is_connected(session)) {
        if (out->retained)
            xyi_outbox_receive(session, 0); /* what waited for nothing */
        xyi_outbox_ask(session);
    }
}

/* ---- putting ------------------------------------------------------------------------------
 */

/* Without a connection a newer presence makes an older one of the same entity void. */
static void
supersede(struct outbox *out, const struct xy_stanza *presence)
{
    struct items rest;
    struct item *item;
    xyi_items_init(&rest);
    while ((item = xyi_items_take(&out->waiting))) {
        if (item->kind == ITEM_PLAIN && item->stanza &&
            xy_stanza_kind(item->stanza) == XY_PRESENCE &&
            xy_stanza_from(item->stanza) == xy_stanza_from(presence))
            xyi_item_free(item);
        else
            xyi_items_append(&rest, item);
    }
    xyi_items_append_all(&out->waiting, &rest);
}

static bool
is_in_store(const struct item *item)
{
    return item->kind == ITEM_MESSAGE && item->queued && item->message;
}

void
xyi_outbox_leave(struct xy_session *session)
{
    struct outbox *out = &session->out;
    struct items rest;
    struct item *item;
    if (out->reading) {
        out->leaves = true;
        return;
    }
    xyi_items_init(&rest);
    while ((item = xyi_items_take(&out->waiting))) {
        if (is_in_store(item))
            xyi_item_free(item);
        else
            xyi_items_append(&rest, item);
    }
    xyi_items_append_all(&out->waiting, &rest);
    out->overflow = true;
}

static void
forget_unsent(struct items *items, xy_message_id id)
{
    struct items rest;
    struct item *item;
    xyi_items_init(&rest);
    while ((item = xyi_items_take(items)))
        if (item->content == id)
            xyi_item_free(item);
        else
            xyi_items_append(&rest, item);
    xyi_items_append_all(items, &rest);
}

/* Its place stays. */
static void
empty(struct item *item)
{
    xy_stanza_drop(item->stanza);
    item->stanza = NULL;
}

/* What was sent counts, but is not sent again; what a fiber is looking at goes when that is
 * done. */
void
xyi_outbox_forget(struct xy_session *session, xy_message_id id)
{
    struct outbox *out = &session->out;
    for (struct item *item = out->waiting.first; item && out->reading; item = item->next)
        if (item->content == id)
            empty(item);
    if (!out->reading)
        forget_unsent(&out->waiting, id);
    forget_unsent(&out->held, id);
    for (struct item *item = out->sent.first; item; item = item->next) {
        if (item->content != id || !item->stanza)
            continue;
        empty(item);
        out->in_memory--;
    }
}

/* Behind one that is left in the store all are, so that order holds. */
static bool
leave_in_store(struct outbox *out, const struct item *item)
{
    if (!is_in_store(item) || !out->retained)
        return false;
    out->overflow = out->overflow || out->waiting.count >= out->most;
    return out->overflow;
}

/* More waits for it than it may fall behind. What is read again needs no room but for its id; a
 * client that would miss something else of a room must find out: it cannot be resumed. */
static bool
is_too_far_behind(struct xy_session *session, const struct item *item)
{
    const struct outbox *out = &session->out;
    if (xyi_item_matters(item) || out->waiting.count / MOST_PLAIN < out->most)
        return false;
    if (!session->stream)
        return true;
    if (!item->addressed || !out->retained)
        return false;
    xy_stream_error(session->stream, "policy-violation", XY_STR("You read too slowly"));
    return true;
}

bool
xyi_outbox_put(struct xy_session *session, const struct item *item)
{
    struct outbox *out = &session->out;
    bool presence = item->kind == ITEM_PLAIN && xy_stanza_kind(item->stanza) == XY_PRESENCE;
    if (leave_in_store(out, item))
        return true;
    if (presence && !session->stream && !out->reading)
        supersede(out, item->stanza);
    if (is_too_far_behind(session, item))
        return false;
    struct item *copy = xyi_item_copy(item);
    if (item->room && !session->stream && !out->binding && out->waiting.count >= out->most) {
        xy_stanza_drop(copy->stanza);
        copy->stanza = NULL;
    }
    xyi_items_append(&out->waiting, copy);
    if (!session->stream && item->stanza) {
        xyi_forbid_wait("session_queued");
        xy_run_session_queued(session->user->host, session, xyi_item_stanza(session, item),
                              xyi_item_is_kept(item) ? item->message : 0);
        xyi_allow_wait();
    }
    xyi_outbox_pump(session);
    return true;
}

void
xyi_outbox_pass(struct xy_session *session, const struct item *item)
{
    emit(session, xyi_item_copy(item));
    xyi_outbox_ask(session);
}

void
xyi_outbox_block(struct xy_session *session)
{
    session->out.blocked++;
}

void
xyi_outbox_unblock(struct xy_session *session)
{
    session->out.blocked--;
    if (session->open)
        xyi_outbox_pump(session);
}
