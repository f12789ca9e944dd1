/* SPDX-License-Identifier: MIT */
/*
 * Another key. Invariants: the record that names it stands directly under a head by the present
 * one, so that nobody else can name one; and the new key does not take the place of the present
 * one in the file before there is a head by it, so that whoever starts in between knows whose
 * heads to trust.
 */
#include "audit.h"

enum { TRIES = 1000 };

/* One record, under the last head of the present key. */
static xy_status
put_change(XY_SELF, struct xy_str actor)
{
    struct head head;
    struct record own;
    int64_t known = self->size;
    xy_status status = audit_read_head(&head);
    if (status == XY_OK)
        status = audit_check_head(self, &head, known);
    if (status != XY_OK)
        return status;
    if (!head.tree.size || memcmp(head.next, self->signer.public, KEY) != 0)
        return XY_CONFLICT;
    struct xy_txn *txn = xy_txn_begin();
    audit_put_own(&own, "key_change", actor, self->coming.public);
    audit_append(txn, &head, &own);
    memcpy(head.next, self->coming.public, KEY);
    return audit_commit_head(self, txn, &head, &self->signer, head.tree.size - 1);
}

/* Whether the log goes on with the new key: a commit may have answered XY_UNKNOWN. */
static bool
is_changed(XY_SELF)
{
    struct head head;
    return audit_read_head(&head) == XY_OK && memcmp(head.next, self->coming.public, KEY) == 0;
}

static xy_status
try_change(XY_SELF, struct xy_str actor)
{
    xy_status status = audit_chain_all(self);
    for (int tries = 0; status == XY_OK && tries < TRIES; tries++) {
        status = put_change(self, actor);
        if (status == XY_OK || is_changed(self))
            return XY_OK;
        status = status == XY_CONFLICT || status == XY_UNKNOWN ? XY_OK : status;
    }
    return status == XY_OK ? XY_BROKEN : status;
}

/* The first record under it. */
static xy_status
begin_with(XY_SELF, struct xy_str actor)
{
    int64_t size;
    struct xy_buffer details = {0};
    xy_audit_detail(&details, "key", xy_temp_hex(key_str(self->signer.public)));
    xy_status status = audit_write(self, &(struct xy_audit_record){
                                             .actor = actor,
                                             .kind = XY_STR("key_taken"),
                                             .details = xy_buffer_str(&details),
                                         });
    if (status == XY_OK)
        status = audit_settle(self, &size);
    return status == XY_OK && self->untaken ? XY_BROKEN : status;
}

xy_status
audit_change_key(XY_SELF, struct xy_str actor)
{
    if (self->coming.known)
        return XY_CONFLICT;
    xy_status status = audit_key_make(self, &self->coming);
    if (status == XY_OK)
        status = audit_begin_turn(self);
    if (status == XY_OK) {
        status = try_change(self, actor);
        if (status == XY_OK) {
            memcpy(self->former, self->signer.public, KEY);
            self->signer = self->coming;
            self->untaken = true;
        }
        self->chaining = false;
    }
    self->coming.known = false;
    return status == XY_OK ? begin_with(self, actor) : status;
}
