/* SPDX-License-Identifier: MIT */
/*
 * Acknowledged delivery and resumption (XEP-0198) as far as a session goes; the protocol is the
 * module sm's. Invariant: what is sent again is what the client has not acknowledged, in its
 * order, and stored messages are read again, so that what became of them meanwhile applies.
 */
#include "core/route/delivery.h"
#include "core/route/removal.h"

enum { PAGE = 200 };

xy_status
xy_session_retain(struct xy_session *session, struct xy_stanza *request, int64_t most)
{
    struct outbox *out = &session->out;
    if (out->retained)
        return XY_CONFLICT;
    /* what went out before is no concern of the client's counter: its kernel tells of it, or
     * the first stanza behind it that is acknowledged */
    xyi_outbox_mark(session);
    xyi_outbox_receive_through(session, out->confirmed);
    out->uncounted = out->put;
    out->retained = true;
    out->most = most == XY_NONE ? SIZE_MAX : (size_t)most;
    out->request = request ? xy_stanza_keep(request) : NULL;
    xyi_timer_clear(&out->grace);
    session->in.count = 0;
    return XY_OK;
}

xy_status
xy_session_acknowledge(struct xy_session *session, uint32_t h)
{
    struct outbox *out = &session->out;
    uint32_t newly = h - out->acknowledged;
    if (newly > out->out - out->acknowledged)
        return XY_INVALID;
    out->acknowledged = h;
    out->asked = false;
    xyi_outbox_receive(session, newly);
    xyi_outbox_ask_later(session, newly > 0);
    if (session->open)
        xyi_outbox_pump(session);
    return XY_OK;
}

void
xy_session_release(struct xy_session *session)
{
    struct outbox *out = &session->out;
    bool resumed = out->resumed;
    if (!session->open)
        return;
    out->binding = out->resumed = false;
    xyi_outbox_pump(session);
    if (resumed)
        xy_run_session_resumed(session->user->host, session);
}

void
xy_session_passes(struct xy_session *session, const xy_message_id *ids, size_t count)
{
    if (!session->open || !count || session->user->pending == 0)
        return;
    xyi_outbox_put(session, &(struct item){.kind = ITEM_PASSES,
                                           .ids = (xy_message_id *)(uintptr_t)ids,
                                           .count = (unsigned)count,
                                           .archived = true});
}

void
xy_session_queue_each(const struct xy_session *session,
                      void (*each)(void *argument, xy_message_id message,
                                   const struct xy_stanza *stanza),
                      void *argument)
{
    const struct items *lists[] = {&session->out.sent, &session->out.held,
                                   &session->out.waiting};
    for (size_t i = 0; i < 3; i++)
        for (const struct item *item = lists[i]->first; item; item = item->next)
            if (item->kind != ITEM_PASSES)
                each(argument,
                     item->kind != ITEM_COPY && xyi_item_is_kept(item) ? item->message : 0,
                     xyi_item_stanza(session, item));
}

/* ---- output held back ---------------------------------------------------------------------
 */

void
xy_session_watch_output(struct xy_session *session, bool on)
{
    if (!on)
        xy_session_flush(session);
    session->out.watched = on;
}

size_t
xy_session_held(const struct xy_session *session)
{
    return session->out.held.count;
}

void
xy_session_drop_held(struct xy_session *session,
                     bool (*superseded)(void *argument, const struct xy_stanza *held),
                     void *argument)
{
    struct items rest;
    struct item *item;
    xyi_items_init(&rest);
    while ((item = xyi_items_take(&session->out.held))) {
        if (!xyi_item_matters(item) && superseded(argument, item->stanza))
            xyi_item_free(item);
        else
            xyi_items_append(&rest, item);
    }
    xyi_items_append_all(&session->out.held, &rest);
}

/* ---- resuming -----------------------------------------------------------------------------
 */

/* The room it was said in, if it was said in one. */
static xy_owner
room_of(const struct item *item, const struct xy_stanza *message)
{
    const struct xy_jid *room = xy_stanza_to(message);
    xy_owner owner = item->room;
    bool said = xy_str_is(xy_stanza_type(message), "groupchat") && room &&
                xy_service_host(room) && xy_jid_bare(xy_stanza_from(message)) == room;
    if (said && !owner && xyi_room_find(room, &owner) != XY_OK)
        return 0;
    return said ? owner : 0;
}

/* As it stands in the store now; NULL: it has been removed. */
static struct xy_stanza *
render(const struct xy_session *session, const struct item *item, struct xy_str text)
{
    struct xy_stanza *message = text.len ? xy_stanza_parse(text) : NULL;
    xy_owner owner = message ? room_of(item, message) : 0;
    if (!owner)
        return text.len ? xyi_render(session->user, item->message, text, item->stamped) : NULL;
    const struct xy_jid *room = xy_stanza_to(message);
    message = xy_stanza_edit(xyi_stamped(room, owner, item->message, message));
    xy_stanza_set_to(message, session->jid);
    xy_stanza_add_delay(message, room, xy_message_id_ms(item->message));
    xyi_stanza_freeze(message);
    return message;
}

static void
put_text(struct xy_session *session, struct xy_rows *rows, struct item **items, size_t count)
{
    while (xy_rows_next(rows))
        for (size_t i = 0; i < count; i++) {
            if (items[i]->message != xy_rows_int(rows, 0))
                continue;
            struct xy_stanza *again = xy_message_was_removed(items[i]->message)
                                          ? NULL
                                          : render(session, items[i], xy_rows_text(rows, 1));
            if (!session->open)
                return;
            xy_stanza_drop(items[i]->stanza);
            items[i]->stanza = again ? xy_stanza_keep(again) : NULL;
        }
}

/* Reads the stored messages among the next PAGE items; *from goes behind them. */
static xy_status
read_page(struct xy_session *session, struct item **from)
{
    struct item *items[PAGE];
    xy_message_id ids[PAGE];
    size_t count = 0;
    for (; *from && count < PAGE; *from = (*from)->next)
        if ((*from)->room || ((*from)->kind == ITEM_MESSAGE && xyi_item_is_kept(*from))) {
            items[count] = *from;
            ids[count++] = (*from)->message;
        }
    if (!count)
        return XY_OK;
    struct xy_rows *rows;
    xy_status status = xyi_message_read(ids, count, &rows);
    if (!session->open) /* it ended meanwhile, and its items are gone */
        return XY_GONE;
    if (status == XY_OK)
        put_text(session, rows, items, count);
    return session->open ? status : XY_GONE;
}

/* Nobody acknowledges or sends meanwhile, for the session has no stream; and what is put, taken
 * back or refused by the database meanwhile leaves the items where they are. */
static xy_status
read_again(struct xy_session *session)
{
    xy_status status = XY_OK;
    session->out.reading = true;
    for (struct item *from = session->out.sent.first; from && status == XY_OK;)
        status = read_page(session, &from);
    for (struct item *from = session->out.waiting.first; from && status == XY_OK;)
        status = read_page(session, &from);
    session->out.reading = false;
    if (session->out.leaves && session->open)
        xyi_outbox_leave(session);
    session->out.leaves = false;
    session->out.in_memory = 0;
    for (const struct item *item = session->out.sent.first; item; item = item->next)
        session->out.in_memory += item->stanza != NULL;
    return status;
}

/* What was sent is to be sent once more, before everything else. What could not be read has
 * been removed for good: the client's counter does not know it. */
static void
send_again(struct outbox *out)
{
    struct items all;
    struct item *item;
    xyi_items_init(&all);
    xyi_items_append_all(&out->sent, &out->held);
    xyi_items_append_all(&out->sent, &out->waiting);
    while ((item = xyi_items_take(&out->sent))) {
        if (item->stanza || item->kind == ITEM_PASSES)
            xyi_items_append(&all, item);
        else
            xyi_item_free(item);
    }
    xyi_items_append_all(&out->waiting, &all);
    out->out = out->acknowledged;
    out->in_memory = 0;
    out->spilled = NULL;
    out->asked = false;
    out->asked_out = out->acknowledged;
    out->put = out->confirmed = out->marked = out->uncounted = 0;
    out->resumed = true;
}

static xy_status
take_from_older(struct xy_session *session)
{
    struct xy_stream *older = session->stream;
    if (!older)
        return XY_OK;
    xy_stream_error(older, "conflict", XY_STR("Resumed on another connection"));
    xyi_outbox_cut_off(session);
    xyi_stream_quiesce(older);
    return session->open && !session->stream ? XY_OK : XY_GONE;
}

static xy_status
may_resume(const struct xy_session *session, uint32_t h)
{
    const struct outbox *out = &session->out;
    if (!session->open || !out->retained || out->binding || out->wanted || out->lossy)
        return XY_GONE;
    return h - out->acknowledged > out->out - out->acknowledged ? XY_INVALID : XY_OK;
}

static xy_status
take(struct xy_stream *stream, struct xy_session *session, uint32_t h)
{
    xy_status status = take_from_older(session);
    if (status == XY_OK)
        status = xy_session_acknowledge(session, h);
    if (status == XY_OK)
        status = read_again(session);
    if (status == XY_OK && (!session->open || !stream->link || stream->closing))
        status = XY_GONE;
    return status;
}

xy_status
xy_stream_resume(struct xy_stream *stream, struct xy_session *session, uint32_t h)
{
    struct outbox *out = &session->out;
    if (stream->stage != XY_STREAM_AUTHENTICATED || session->user->jid != stream->account)
        return XY_DENIED;
    if (session->open && out->retained && out->binding && session->stream && !out->wanted) {
        out->wanted = true; /* its stream logs in just now: let it come to an end with that */
        (void)take_from_older(session);
        out->wanted = out->binding = false;
    }
    xy_status status = may_resume(session, h);
    if (status == XY_GONE)
        return XY_GONE; /* it ended, or another one resumes it just now */
    if (status == XY_OK) {
        out->binding = true; /* also against a second one that wants it meanwhile */
        status = take(stream, session, h);
    }
    if (status != XY_OK) {
        out->binding = false;
        if (session->open && !session->stream)
            xyi_session_lost(session); /* neither the older stream has it nor this one */
        return status;
    }
    session->stream = stream;
    stream->session = session;
    stream->stage = XY_STREAM_BOUND;
    xyi_timer_clear(&stream->login_timer);
    xyi_login_resumed(session);
    send_again(out);
    return XY_OK;
}

static struct item *
kept_item(const struct xy_kept *kept)
{
    struct item *item = xyi_alloc(sizeof(*item));
    *item = (struct item){.kind = kept->message ? ITEM_MESSAGE : ITEM_PLAIN,
                          .message = kept->message,
                          .content = kept->message,
                          .queued = kept->message != 0,
                          .stanza = kept->stanza ? xy_stanza_keep(kept->stanza) : NULL};
    return item;
}

static xy_status
look_up_archived(struct xy_session *session)
{
    for (struct item *item = session->out.sent.first; item; item = item->next) {
        bool archived =
            item->message && xy_archive_has(session->user->owner, item->message) == XY_OK;
        if (!session->open)
            return XY_GONE;
        item->stamped = archived;
    }
    return XY_OK;
}

xy_status
xy_session_restore(struct xy_session *session, uint32_t h, uint32_t handled,
                   const struct xy_kept *kept, size_t count, size_t received)
{
    struct outbox *out = &session->out;
    xy_assert(out->retained && out->binding && !out->sent.first && received <= count);
    session->in.count = handled;
    xyi_login_resumed(session);
    out->acknowledged = h;
    for (size_t i = 0; i < count; i++)
        xyi_items_append(&out->sent, kept_item(&kept[i]));
    xyi_outbox_receive(session, received);
    xy_status status = look_up_archived(session);
    if (status == XY_OK)
        status = read_again(session);
    send_again(out);
    return status;
}
