/* SPDX-License-Identifier: MIT */
/*
 * A message is accepted: first everything that may wait, looked at again after each wait, then
 * the decision (giving.c).
 */
#include "core/route/accept.h"
#include "core/route/accepting.h"
#include "core/route/removal.h"

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

xy_status
xyi_accepting_prepare(struct accepting *a)
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
bool
xyi_accepting_settled(struct accepting *a, xy_status *status)
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
    xyi_accepting_gather(a);
    a->stores = xyi_accepting_must_store(a);
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
    xy_status status = xyi_accepting_prepare(a);
    bool keeps = a->keep_in & (XY_KEEP_ARCHIVED | XY_KEEP_QUEUED);
    while (status == XY_OK && !xyi_accepting_settled(a, &status))
        ;
    if (a->answered)
        ;
    else if (status != XY_OK)
        xy_bounce(a->message, xy_status_condition(status), XY_NO_STR);
    else if (a->to->gone || (!a->taken && !keeps))
        undeliverable(a);
    else
        xyi_accepting_decide(a);
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
    xyi_accepting_gather(&a);
    if (!a.alone && !for_all)
        a.taken = 0;
    if (!a.taken && !xy_stanza_is_error(message))
        return 0;
    a.sender = xy_session_find(xy_stanza_from(message));
    a.from = a.sender ? a.sender->user : NULL;
    xyi_accepting_give(&a, message, NULL, true);
    xyi_accepting_tell(&a, message, NULL);
    return (unsigned)a.taken;
}
