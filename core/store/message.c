/* SPDX-License-Identifier: MIT */
/*
 * Writing messages: one content row, and the views on it.
 *
 * Evidence: commitment = HMAC-SHA-256(salt, canonical form) under 16 random bytes of salt. The
 * canonical form of a message is, in this order, without separators:
 *     id, sender, recipient    each as 8 bytes, most significant first (jid numbers, table jid)
 *     stanza                   the bytes of the row, to the end
 * Three fixed lengths before one open end: no two messages have the same form. The row outlives
 * the content; without its salt it proves nothing any more.
 *
 * origin = SipHash-1-3 of (sender, recipient, client's id) under a key of this store: finds
 * what a sender means by an id of its own, without an index that shows such ids.
 */
#include <endian.h>
#include <nettle/hmac.h>
#include "core/store/driver.h"
#include "core/store/parts.h"

static uint64_t origin_key[2]; /* logic thread */

struct derived {
    int64_t origin;
    unsigned char salt[XYI_SALT_SIZE], commitment[XYI_COMMITMENT_SIZE];
};

static const struct xy_statement add_message = XY_SQL(
    "insert into message (id, sender, rcpt, class, origin, stanza) values (?, ?, ?, ?, ?, ?)");
static const struct xy_statement add_entry =
    XY_SQL("insert into entry (owner, message, peer, flags) values (?, ?, ?, 0)");
static const struct xy_statement add_pending =
    XY_SQL("insert into pending (owner, device, message) values (?, 0, ?)");
static const struct xy_statement add_evidence =
    XY_SQL("insert into evidence (message, commitment, salt) values (?, ?, ?)");

/* All four for a whole lot of messages: one round trip, one plan. */
static const struct xy_statement add_all = {
    .pgsql = "with r as materialized (select * from unnest(?::bigint[], ?::bigint[],"
             " ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bigint[], ?::bytea[],"
             " ?::bytea[])"
             " as r (id, sender, rcpt, class, origin, stanza, owner, commitment, salt)),"
             " m as (insert into message (id, sender, rcpt, class, origin, stanza)"
             " select id, sender, rcpt, class, origin, stanza from r),"
             " e as (insert into entry (owner, message, peer, flags)"
             " select owner, id, sender, 0 from r),"
             " p as (insert into pending (owner, device, message) select owner, 0, id from r)"
             " insert into evidence (message, commitment, salt)"
             " select id, commitment, salt from r"};

void
xyi_message_commitment(const struct xyi_message_row *row,
                       const unsigned char salt[XYI_SALT_SIZE],
                       unsigned char commitment[XYI_COMMITMENT_SIZE])
{
    uint64_t numbers[] = {htobe64((uint64_t)row->id), htobe64((uint64_t)row->sender),
                          htobe64((uint64_t)row->recipient)};
    struct hmac_sha256_ctx hmac;
    hmac_sha256_set_key(&hmac, XYI_SALT_SIZE, salt);
    hmac_sha256_update(&hmac, sizeof(numbers), (const unsigned char *)numbers);
    hmac_sha256_update(&hmac, row->stanza.len, (const unsigned char *)row->stanza.at);
    hmac_sha256_digest(&hmac, XYI_COMMITMENT_SIZE, commitment);
}

int64_t
xyi_message_origin(int64_t sender, int64_t recipient, struct xy_str origin_id)
{
    char text[16 + 256];
    int64_t numbers[] = {(int64_t)htole64((uint64_t)sender),
                         (int64_t)htole64((uint64_t)recipient)};
    size_t len = origin_id.len < 256 ? origin_id.len : 256;
    memcpy(text, numbers, sizeof(numbers));
    if (len)
        memcpy(text + sizeof(numbers), origin_id.at, len);
    return (int64_t)xyi_siphash13(origin_key, xy_str_of(text, sizeof(numbers) + len));
}

static struct derived
derive(const struct xyi_message_row *row)
{
    struct derived derived = {
        .origin = xyi_message_origin(row->sender, row->recipient, row->origin_id)};
    xyi_random(derived.salt, sizeof(derived.salt));
    xyi_message_commitment(row, derived.salt, derived.commitment);
    return derived;
}

#define BYTES_OF(array) XY_BYTES(xy_str_of((const char *)(array), sizeof(array)))

void
xyi_message_add(struct xy_txn *txn, const struct xyi_message_row *row)
{
    struct derived derived = derive(row);
    if (strcmp(xyi_store_driver(), "pgsql") == 0) {
        xyi_txn_add_array(txn, &add_all,
                          XY_VALUES(XY_INT(row->id), XY_INT(row->sender),
                                    XY_INT(row->recipient), XY_INT(row->class),
                                    XY_INT(derived.origin), XY_BYTES(row->stanza),
                                    XY_INT(row->owner), BYTES_OF(derived.commitment),
                                    BYTES_OF(derived.salt)));
        return;
    }
    xy_txn_add(txn, &add_message, XY_INT(row->id), XY_INT(row->sender), XY_INT(row->recipient),
               XY_INT(row->class), XY_INT(derived.origin), XY_BYTES(row->stanza));
    xy_txn_add(txn, &add_entry, XY_INT(row->owner), XY_INT(row->id), XY_INT(row->sender));
    xy_txn_add(txn, &add_pending, XY_INT(row->owner), XY_INT(row->id));
    xy_txn_add(txn, &add_evidence, XY_INT(row->id), BYTES_OF(derived.commitment),
               BYTES_OF(derived.salt));
}

xy_status
xyi_messages_start(void)
{
    return xyi_meta_secret("message.origin", origin_key, sizeof(origin_key));
}
