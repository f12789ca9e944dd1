/* SPDX-License-Identifier: MIT */
/*
 * Retention by what a message is, not by the archive it is in: it leaves all of them and all
 * queues at once. Invariant: content goes with it unless it is held. Entries are found by their
 * owners, who are the accounts, or the account and the room, that the message is between.
 */
#include <xylem/removal.h>
#include "core/store/driver.h"
#include "core/store/parts.h"
#include "core/store/withdrawn.h"

static const struct xy_statement drop_entry =
    XY_SQL("delete from entry where owner = ? and message = ?");
static const struct xy_statement drop_staged = {
    .sql = "delete from entry_new where owner = ? and message = ?"};
static const struct xy_statement drop_pending = XY_SQL("delete from pending where message = ?");
#define UNHELD(id) " and not exists (select 1 from held h where h.message = " id ")"
static const struct xy_statement set_purged =
    XY_SQL("update removal set purged = 1 where message = ?" UNHELD("removal.message"));
static const struct xy_statement clear_bits =
    XY_SQL("update message set archived = 0 where id = ?");
static const struct xy_statement drop_message =
    XY_SQL("delete from message where id = ?" UNHELD("message.id"));

const struct xyi_planned xyi_expire_planned[] = {
    XYI_PLANNED(drop_entry, "ii"), XYI_PLANNED(drop_pending, "i"), XYI_PLANNED(set_purged, "i"),
    XYI_PLANNED(clear_bits, "i"),  XYI_PLANNED(drop_message, "i"), {.statement = NULL},
};

struct known { /* owners of this lot's JIDs */
    struct xy_str jid;
    xy_owner owner; /* 0: it has no archive */
};
struct owners {
    struct known *at;
    size_t count;
};

static xy_status
find_owner(struct xy_str text, xy_owner *owner)
{
    struct xy_account account;
    const struct xy_jid *jid = text.len ? xy_jid_parse(text) : NULL;
    *owner = 0;
    if (!jid)
        return XY_OK;
    xy_status status = xyi_account_read(jid, &account);
    if (status == XY_OK)
        *owner = account.owner;
    else if (status == XY_ABSENT)
        status = xyi_room_find(jid, owner);
    return status == XY_ABSENT ? XY_OK : status;
}

static xy_status
owner_of(struct owners *owners, struct xy_str jid, xy_owner *owner)
{
    for (size_t i = 0; i < owners->count; i++)
        if (xy_str_equal(owners->at[i].jid, jid)) {
            *owner = owners->at[i].owner;
            return XY_OK;
        }
    xy_status status = find_owner(jid, owner);
    if (status == XY_OK)
        owners->at[owners->count++] = (struct known){jid, *owner};
    return status;
}

static void
drop_of(struct xy_txn *txn, xy_owner owner, xy_message_id id)
{
    if (!owner)
        return;
    xyi_withdraw_expired(txn, owner, id);
    xyi_txn_add_ranked(txn, &drop_entry, XYI_FENCE, 0, XY_VALUES(XY_INT(owner), XY_INT(id)));
    if (strcmp(xyi_store_driver(), "sqlite") == 0)
        xy_txn_add(txn, &drop_staged, XY_INT(owner), XY_INT(id));
}

static void
drop_content(struct xy_txn *txn, xy_message_id id)
{
    struct xy_values which = XY_VALUES(XY_INT(id));
    xyi_txn_add_ranked(txn, &drop_pending, XYI_FENCE, -1, which);
    xyi_txn_add_ranked(txn, &set_purged, XYI_FENCE, 0, which);
    xyi_txn_add_ranked(txn, &clear_bits, XYI_FENCE, 0, which);
    xyi_txn_add_ranked(txn, &drop_message, XYI_FENCE, 0, which);
}

static xy_status
drop_all(struct xy_txn *txn, const struct xy_message_found *at, size_t count)
{
    struct owners owners = {.at = xy_temp_alloc((2 * count + 1) * sizeof(struct known))};
    for (size_t i = 0; i < count; i++) {
        xy_owner author, addressee;
        xy_status status = owner_of(&owners, at[i].author, &author);
        if (status == XY_OK)
            status = owner_of(&owners, at[i].addressee, &addressee);
        if (status != XY_OK)
            return status;
        drop_of(txn, author, at[i].id);
        if (addressee != author)
            drop_of(txn, addressee, at[i].id);
        drop_content(txn, at[i].id);
    }
    return XY_OK;
}

xy_status
xy_message_expire(struct xy_txn *txn, const struct xy_message_found *at, size_t count,
                  struct xy_message_record **records, size_t *found)
{
    xy_message_id *ids = xy_temp_alloc((count + 1) * sizeof(*ids));
    for (size_t i = 0; i < count; i++)
        ids[i] = at[i].id;
    xy_status status = xy_messages_look(ids, count, records, found);
    for (size_t i = 0; status == XY_OK && i < *found; i++) {
        (*records)[i].state = XY_MESSAGE_EXPIRED;
        (*records)[i].removed_ms = xy_now_ms();
        (*records)[i].purged = !(*records)[i].held;
    }
    xyi_txn_removes(txn, XYI_EXPIRED);
    return status == XY_OK ? drop_all(txn, at, count) : status;
}
