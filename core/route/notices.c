/* SPDX-License-Identifier: MIT */
/*
 * Several messages of the server in one transaction with what they tell of: all of them are
 * stored and given, or none.
 */
#include "core/route/accepting.h"

/* All that may wait, for all of them: after the last wait each has been looked at again. */
static xy_status
settle_all(struct accepting *all, size_t count)
{
    xy_status status = XY_OK;
    for (size_t i = 0; status == XY_OK && i < count; i++)
        if (!xyi_accepting_settled(&all[i], &status))
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
        status = xyi_accepting_prepare(a);
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
        xyi_accepting_decide(&all[i]);
        parcels[i] = all[i].parcel;
    }
    xyi_forbid_wait("what goes with notices");
    add(argument, txn);
    xyi_allow_wait();
    xyi_parcels_submit(parcels, count, txn);
    let_go(all, count);
    return outcome(all, count);
}
