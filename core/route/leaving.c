/* SPDX-License-Identifier: MIT */
/*
 * A message one of ours sends to an address that is no account of ours: the sender's archive
 * and other devices see it as they see any other. It goes its way at once; the sender's h waits
 * for the commit.
 */
#include "core/route/accept.h"
#include "core/route/delivery.h"
#include "core/route/parcel.h"
#include "core/route/removal.h"

static xy_status
name_both(const struct xy_stanza *message, struct xyi_login *login, struct xyi_message_row *row)
{
    xy_status status = xyi_login_identify(login);
    if (status == XY_OK)
        status = xyi_jid_id(xy_jid_bare(xy_stanza_from(message)), &row->sender);
    while (status == XY_OK && xyi_parcels_many())
        xyi_parcel_wait_turn();
    return status == XY_OK ? xyi_jid_id(xy_jid_bare(xy_stanza_to(message)), &row->recipient)
                           : status;
}

static struct parcel *
store(struct xy_session *sender, const struct xy_stanza *message, struct xyi_login *login,
      struct xyi_message_row *row)
{
    struct xy_user *user = sender->user;
    row->id = xyi_message_next_id();
    row->class = xyi_message_class(xy_stanza_from(message));
    row->sent_by = user->owner;
    row->origin_id = xy_stanza_id(message);
    row->author = xy_jid_text(user->jid);
    row->addressee = xy_jid_text(xy_jid_bare(xy_stanza_to(message)));
    row->body = xy_node_text(xy_stanza_child(message, XY_STR(XY_NS_CLIENT), XY_STR("body")));
    row->stanza = xy_stanza_text(message);
    row->login = xyi_stanza_login(message);
    struct xy_txn *txn = xyi_txn_detached();
    xyi_message_add(txn, row);
    struct parcel *parcel = xyi_parcel_new(user, NULL, message, row->id);
    xyi_parcel_name(parcel, login, txn);
    parcel->silent = true; /* it is on its way: only the sender's own view lacks it */
    xyi_parcel_count(parcel, sender, txn);
    xyi_parcel_announce(parcel, message, user->host, txn);
    xyi_trace(XYI_TRACE_ACCEPTED, row->id, user->owner, 0);
    xyi_parcel_submit(parcel, txn);
    return parcel;
}

static void
accept_leaving(struct xy_session *sender, const struct xy_stanza *message,
               struct xyi_login *login)
{
    struct xy_user *user = sender->user;
    struct xyi_message_row row = {.id = 0};
    struct xy_delivery out = {
        .user = user, .sender = sender, .message = message, .outgoing = true};
    struct parcel *parcel = NULL;
    if (!xy_stanza_is_error(message))
        xy_run_message_keeping(user->host, user, message, true, &out.keep);
    bool stores = (out.keep & XY_KEEP_ARCHIVED) && name_both(message, login, &row) == XY_OK;
    if (!sender->open || user->gone)
        return;
    if (stores) {
        parcel = xyi_parcel_keep(store(sender, message, login, &row));
        out.parcel = parcel;
        out.archived = true;
        out.message = xyi_stamped(user->jid, user->owner, parcel->id, message);
    }
    xyi_delivery_tell(&out);
    xyi_parcel_drop(parcel);
}

void
xyi_accept_leaving(const struct xy_stanza *message)
{
    struct xy_session *sender = xy_session_find(xy_stanza_from(message));
    if (!sender || xy_str_is(xy_stanza_type(message), "groupchat"))
        return;
    struct xyi_login *login = xyi_login_to_write(xyi_stanza_login(message));
    accept_leaving(sender, message, login);
    xyi_login_drop(login);
}
