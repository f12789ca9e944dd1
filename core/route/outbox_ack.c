/* SPDX-License-Identifier: MIT */
/*
 * Acknowledgements: asking a client for them, and what follows from one: what its device has
 * received no longer waits for it.
 */
#include "core/route/objects.h"

enum { ASK_AGAIN_MS = 5000, MOST_ASK_AGAIN_MS = 5 * 60 * 1000 };

/* ---- asking ------------------------------------------------------------------------------ */

static void
request(struct xy_session *session)
{
    struct outbox *out = &session->out;
    xyi_link_send(session->stream->link, out->request, NULL);
    out->asked = true;
    out->asked_out = out->out;
}

/* One request is under way at most, and each is for something new. */
void
xyi_outbox_ask(struct xy_session *session)
{
    const struct outbox *out = &session->out;
    if (out->request && !out->asked && out->out != out->acknowledged &&
        out->out != out->asked_out)
        request(session);
}

static void
ask_again(struct xyi_timer *timer)
{
    struct xy_session *session = XYI_LIST_OF(timer, struct xy_session, out.grace);
    const struct outbox *out = &session->out;
    if (out->request && !out->asked && out->out != out->acknowledged &&
        xyi_session_is_connected(session))
        request(session);
}

/* A client may acknowledge less than it was sent, and for ever so, if it does not count right.
 */
void
xyi_outbox_ask_later(struct xy_session *session, bool progress)
{
    struct outbox *out = &session->out;
    int64_t longer = out->ask_again_ms * 2;
    out->ask_again_ms = progress || !longer ? ASK_AGAIN_MS : longer;
    if (out->ask_again_ms > MOST_ASK_AGAIN_MS)
        out->ask_again_ms = MOST_ASK_AGAIN_MS;
    xyi_timer_clear(&out->grace);
    if (out->out != out->acknowledged)
        xyi_timer_set(&out->grace, out->ask_again_ms, ask_again);
}

/* ---- received ---------------------------------------------------------------------------- */

static void
received(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    struct xy_user *user = argument;
    if (status != XY_OK)
        xy_warn("message.not_cleared", "received messages stay queued and will be repeated",
                XY_F_STR_AS("account", xy_jid_text(user->jid)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    user->pending = -1;
    xyi_user_commit_done(user);
}

static void
add_received(struct xy_session *session, struct xy_txn **txn, const struct item *item)
{
    const xy_message_id *ids = item->kind == ITEM_PASSES ? item->ids : &item->message;
    unsigned count = item->kind == ITEM_PASSES ? item->count : item->queued;
    if (session->user->gone || session->user->pending == 0)
        return;
    for (unsigned i = 0; i < count; i++) {
        if (!*txn)
            *txn = xyi_txn_detached();
        xyi_pending_receive(*txn, session->user->owner, session->device, ids[i],
                            item->archived);
        xyi_trace(XYI_TRACE_ACKNOWLEDGED, ids[i], session->user->owner, session->device);
    }
}

static void
receive_first(struct xy_session *session, struct xy_txn **txn)
{
    struct outbox *out = &session->out;
    struct item *item = xyi_items_take(&out->sent);
    if (out->spilled == item)
        out->spilled = NULL;
    out->in_memory -= item->stanza != NULL;
    if (item->share)
        item->share->received = true;
    add_received(session, txn, item);
    xyi_item_free(item);
}

static void
submit(struct xy_session *session, struct xy_txn *txn)
{
    if (!txn)
        return;
    xyi_txn_removes(txn, XYI_RECEIVED);
    xyi_user_commit_begins(session->user);
    xyi_txn_submit(txn, received, session->user);
}

static bool
is_counted(const struct outbox *out, const struct item *first)
{
    return first->kind != ITEM_PASSES && out->put - out->sent.count >= out->uncounted;
}

void
xyi_outbox_receive(struct xy_session *session, uint64_t stanzas)
{
    struct item *first;
    struct xy_txn *txn = NULL;
    while ((first = session->out.sent.first) && (stanzas || first->kind == ITEM_PASSES)) {
        stanzas -= is_counted(&session->out, first);
        receive_first(session, &txn);
    }
    submit(session, txn);
}

void
xyi_outbox_receive_through(struct xy_session *session, uint64_t put)
{
    struct outbox *out = &session->out;
    struct xy_txn *txn = NULL;
    while (out->sent.count && out->put - out->sent.count < put)
        receive_first(session, &txn);
    submit(session, txn);
}
