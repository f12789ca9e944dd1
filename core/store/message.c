/* SPDX-License-Identifier: MIT */
/*
 * Writing messages: one content row, and the views on it.
 *
 * Evidence of each is written with it: evidence.c.
 *
 * origin = SipHash-1-3 of (sender, recipient, client's id) under a key of this store: finds
 * what a sender means by an id of its own, without an index that shows such ids.
 */
#include <endian.h>
#include <stdlib.h>
#include "core/store/driver.h"
#include "core/store/parts.h"

static uint64_t origin_key[2]; /* logic thread */

struct derived {
    int64_t origin;
    unsigned char salt[XYI_SALT_SIZE], commitment[2 * XYI_COMMITMENT_SIZE];
    size_t size; /* of the commitment: both, or without a text one */
};

static const struct xy_statement add_message =
    XY_SQL("insert into message (id, sender, rcpt, class, archived, origin, stanza)"
           " values (?, ?, ?, ?, ?, ?, ?)");
static const struct xy_statement add_evidence =
    XY_SQL("insert into evidence (message, commitment, salt, author, addressee, class, login)"
           " values (?, ?, ?, ?, ?, ?, ?)");
static const struct xy_statement add_pending = {
    .sql = "insert into pending (owner, device, message) values (?, ?, ?)",
    .pgsql = "insert into pending (owner, device, message)"
             " select * from unnest(?::bigint[], ?::bigint[], ?::bigint[])"};

/* All for a whole lot of messages, with the first device of each: one round trip, one plan.
 * Owner 0 is nobody. */
static const struct xy_statement add_all = {
    .pgsql =
        "with r as materialized (select * from unnest(?::bigint[], ?::bigint[], ?::bigint[],"
        " ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bigint[], ?::bigint[],"
        " ?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[], ?::bigint[])"
        " as r (id, sender, rcpt, class, archived, origin, stanza, sent_by, sent_to, waits_for,"
        " device, commitment, salt, login)),"
        " m as (insert into message (id, sender, rcpt, class, archived, origin, stanza)"
        " select id, sender, rcpt, class, archived, origin, stanza from r),"
        " o as (insert into entry (owner, message, peer, flags)"
        " select sent_by, id, rcpt, 3 from r where sent_by <> 0),"
        " i as (insert into entry (owner, message, peer, flags)"
        " select sent_to, id, sender, 1 from r where sent_to <> 0 and sent_to <> sent_by),"
        " v as (insert into evidence (message, commitment, salt, author, addressee, class,"
        " login) select id, commitment, salt, sender, rcpt, class, nullif(login, 0) from r)"
        " insert into pending (owner, device, message)"
        " select waits_for, device, id from r where waits_for <> 0"};

static const struct xy_statement find_evidence =
    XY_SQL("select 1 from evidence where message = ?");
static const struct xy_statement read_some = {
    .sql = "select m.id, case when m.state = 0 then m.stanza end from json_each(?) r"
           " cross join message m where m.id = r.value",
    .pgsql = "select m.id, case when m.state = 0 then m.stanza end"
             " from json_array_elements_text(?::json) r cross join message m"
             " where m.id = r.value::bigint"};

const struct xyi_planned xyi_message_planned[] = {
    XYI_PLANNED(find_evidence, "i"),
    XYI_PLANNED(read_some, "t"),
    {.statement = NULL},
};

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
    derived.size = XYI_COMMITMENT_SIZE;
    if (row->body.at) {
        xyi_message_text_commitment(row, derived.salt, derived.commitment + derived.size);
        derived.size += XYI_COMMITMENT_SIZE;
    }
    return derived;
}

#define BYTES_OF(array) XY_BYTES(xy_str_of((const char *)(array), sizeof(array)))
#define COMMITMENT_OF(derived) \
    XY_BYTES(xy_str_of((const char *)(derived)->commitment, (derived)->size))

static int64_t
archived_bits(const struct xyi_message_row *row)
{
    int64_t bits = (row->sent_by ? XYI_ARCHIVED_BY_SENDER : 0) |
                   (row->sent_to ? XYI_ARCHIVED_BY_RECIPIENT : 0);
    /* one's message to oneself is in one archive, whichever was asked */
    return bits && row->sender == row->recipient
               ? XYI_ARCHIVED_BY_SENDER | XYI_ARCHIVED_BY_RECIPIENT
               : bits;
}

static void
add_rows(struct xy_txn *txn, const struct xyi_message_row *row, const struct derived *derived)
{
    struct xy_value id = XY_INT(row->id);
    xy_txn_add(txn, &add_message, id, XY_INT(row->sender), XY_INT(row->recipient),
               XY_INT(row->class), XY_INT(archived_bits(row)), XY_INT(derived->origin),
               XY_BYTES(row->stanza));
    if (row->sent_by)
        xyi_entry_add(txn, row->sent_by, row->id, row->recipient,
                      XYI_ENTRY_ARCHIVED | XYI_ENTRY_OUTGOING);
    if (row->sent_to && row->sent_to != row->sent_by)
        xyi_entry_add(txn, row->sent_to, row->id, row->sender, XYI_ENTRY_ARCHIVED);
    xy_txn_add(txn, &add_evidence, id, COMMITMENT_OF(derived), BYTES_OF(derived->salt),
               XY_INT(row->sender), XY_INT(row->recipient), XY_INT(row->class),
               row->login ? XY_INT(row->login) : XY_NULL);
}

static void
add_arrays(struct xy_txn *txn, const struct xyi_message_row *row, const struct derived *derived)
{
    bool waits = row->waits_for && row->device_count;
    xyi_txn_add_ranked(
        txn, &add_all, XYI_ADDS_MESSAGE, 1,
        XY_VALUES(XY_INT(row->id), XY_INT(row->sender), XY_INT(row->recipient),
                  XY_INT(row->class), XY_INT(archived_bits(row)), XY_INT(derived->origin),
                  XY_BYTES(row->stanza), XY_INT(row->sent_by), XY_INT(row->sent_to),
                  XY_INT(waits ? row->waits_for : 0), XY_INT(waits ? row->devices[0] : 0),
                  COMMITMENT_OF(derived), BYTES_OF(derived->salt), XY_INT(row->login)));
}

void
xyi_message_add(struct xy_txn *txn, const struct xyi_message_row *row)
{
    struct derived derived = derive(row);
    bool arrays = strcmp(xyi_store_driver(), "pgsql") == 0;
    if (arrays)
        add_arrays(txn, row, &derived);
    else
        add_rows(txn, row, &derived);
    for (size_t i = arrays; row->waits_for && i < row->device_count; i++)
        xyi_txn_add_ranked(
            txn, &add_pending, XYI_ADDS_PENDING, 1,
            XY_VALUES(XY_INT(row->waits_for), XY_INT(row->devices[i]), XY_INT(row->id)));
}

/* ---- reading
 * --------------------------------------------------------------------------------- */

/* Evidence stays when the content has gone. */
xy_status
xyi_message_exists(xy_message_id id, bool *exists)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find_evidence, &rows, XY_INT(id));
    if (status == XY_OK)
        *exists = xy_rows_count(rows) > 0;
    return status;
}

static int
compare_ids(const void *a, const void *b)
{
    xy_message_id left = *(const xy_message_id *)a, right = *(const xy_message_id *)b;
    return (left > right) - (left < right);
}

struct xy_str
xyi_message_id_list(const xy_message_id *ids, size_t count)
{
    xy_message_id *sorted = xyi_arena_alloc(xyi_temp(), count * sizeof(*sorted));
    struct xy_buffer text = {0};
    if (count)
        memcpy(sorted, ids, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_ids);
    xy_buffer_printf(&text, "[");
    for (size_t i = 0; i < count; i++)
        if (i == 0 || sorted[i] != sorted[i - 1])
            xy_buffer_printf(&text, "%s%lld", i ? "," : "", (long long)sorted[i]);
    xy_buffer_printf(&text, "]");
    return xy_buffer_str(&text);
}

xy_status
xyi_message_read(const xy_message_id *ids, size_t count, struct xy_rows **rows)
{
    return xy_sql_read(&read_some, rows, XY_TEXT(xyi_message_id_list(ids, count)));
}

xy_status
xyi_messages_start(void)
{
    return xy_store_secret("message.origin", origin_key, sizeof(origin_key));
}
