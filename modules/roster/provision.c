/* SPDX-License-Identifier: MIT */
/*
 * Many items set at once as an administrator wants them (S3-23): one transaction, then pushes
 * and the presence that follows from what changed.
 */
#include "roster.h"

enum { RETRIES = 20 };

static xy_status
provision_once(XY_SELF, const struct roster_pair *pairs, struct side *sides, size_t count)
{
    struct xy_txn *txn = xy_txn_begin();
    for (size_t i = 0; i < count; i++) {
        struct side *side = &sides[i];
        *side = (struct side){.user = pairs[i].user, .contact = pairs[i].contact};
        xy_status status = roster_load(side);
        if (status != XY_OK)
            return status;
        for (size_t j = 0; j < i; j++) /* several items of one account: each its own version */
            if (sides[j].user == side->user && sides[j].account_version > side->account_version)
                side->account_version = sides[j].account_version;
        side->item.state =
            (side->item.state & ~(unsigned)(TO | FROM | OUT | IN | APPROVED)) | pairs[i].state;
        side->item.by_user = true;
        if (pairs[i].name.len)
            side->item.name = pairs[i].name;
        if (pairs[i].groups.len)
            side->item.groups = pairs[i].groups;
        roster_list_item(side);
        roster_settle_item(side);
        roster_save(txn, side);
    }
    (void)self;
    return xy_txn_commit(txn);
}

xy_status
roster_provision(XY_SELF, const struct roster_pair *pairs, size_t count)
{
    struct side *sides = xy_temp_alloc((count + 1) * sizeof(*sides));
    xy_status status = XY_CONFLICT;
    for (int i = 0; i < RETRIES && status == XY_CONFLICT; i++)
        status = provision_once(self, pairs, sides, count);
    for (size_t i = 0; i < count && status == XY_OK; i++) {
        struct side *side = &sides[i];
        if (!roster_side_changed(side))
            continue;
        roster_push(self, side);
        unsigned lost = side->before.state & ~side->item.state,
                 won = side->item.state & ~side->before.state;
        if ((lost | won) & FROM)
            roster_show_presence(side->user, side->contact, won & FROM);
    }
    return status;
}
