/* SPDX-License-Identifier: MIT */
/*
 * Message ids: milliseconds since 2020 << 12 | node << 8 | counter. Invariants: they only rise,
 * whatever the clock does, and none is stored twice, whatever crashes.
 *
 * A high-water mark is written ahead of use and the first id after a start lies above it.
 * Taking an id never waits for that. Should ids overtake the mark (the first message after a
 * quiet hour), the new mark is already queued, the writer commits in order, so the mark is
 * durable no later than any row that bears such an id; and a start looks at the newest rows
 * too.
 */
#include <endian.h>
#include "core/store/parts.h"

#define EPOCH_MS 1577836800000 /* 2020-01-01T00:00:00Z */
enum {
    AHEAD_MS = 10000, /* also how far ids may run ahead of the clock after a crash */
    NODE_SHIFT = 8,
    MS_SHIFT = 12,
    LAST_COUNTER = (1 << NODE_SHIFT) - 1,
    BELOW_MS = (1 << MS_SHIFT) - 1,
};
static const char mark_name[] = "message.mark";

static struct {
    xy_message_id last; /* handed out, or passed over */
    xy_message_id mark; /* durable, or queued to be */
    unsigned node;
    bool started;
} ids; /* logic thread */

int64_t
xy_message_id_ms(xy_message_id id)
{
    return (id >> MS_SHIFT) + EPOCH_MS;
}

xy_message_id
xy_message_id_at(int64_t ms)
{
    return ms <= EPOCH_MS ? 0 : (ms - EPOCH_MS) << MS_SHIFT;
}

xy_message_id
xy_message_id_end(void)
{
    return ids.last + 1;
}

static void
write_mark(struct xy_txn *txn, xy_message_id mark)
{
    uint64_t bytes = htobe64((uint64_t)mark);
    xyi_meta_set(txn, mark_name, xy_str_of((const char *)&bytes, sizeof(bytes)));
}

static xy_message_id
mark_for(xy_message_id id)
{
    return xy_message_id_at(xy_message_id_ms(id) + AHEAD_MS);
}

static void
reserved(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)argument;
    (void)txn;
    if (status != XY_OK) /* the next id asks again */
        ids.mark = 0;
}

static void
reserve(xy_message_id id)
{
    ids.mark = mark_for(id);
    xyi_partitions_make_ahead(xy_message_id_ms(ids.mark));
    struct xy_txn *txn = xyi_txn_detached();
    write_mark(txn, ids.mark);
    xyi_txn_submit(txn, reserved, NULL);
}

static xy_message_id
follower(xy_message_id id)
{
    if ((id & LAST_COUNTER) < LAST_COUNTER)
        return id + 1;
    return ((id >> MS_SHIFT) + 1) << MS_SHIFT | (xy_message_id)ids.node << NODE_SHIFT;
}

xy_message_id
xyi_message_next_id(void)
{
    xy_message_id now = xy_message_id_at(xy_now_ms()) | (xy_message_id)ids.node << NODE_SHIFT;
    ids.last = ids.last < now ? now : follower(ids.last);
    if (ids.last + ((xy_message_id)AHEAD_MS / 2 << MS_SHIFT) > ids.mark)
        reserve(ids.last);
    return ids.last;
}

/* ---- starting and stopping --------------------------------------------------------------- */

static xy_status
read_mark(xy_message_id *mark)
{
    struct xy_str value;
    *mark = 0;
    xy_status status = xyi_meta_read(mark_name, &value);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    uint64_t bytes;
    if (value.len != sizeof(bytes))
        return XY_INVALID;
    memcpy(&bytes, value.at, sizeof(bytes));
    *mark = (xy_message_id)be64toh(bytes);
    return XY_OK;
}

static xy_status
read_newest(xy_message_id *newest)
{
    static const struct xy_statement queries[] = {XY_SQL("select max(message) from evidence"),
                                                  XY_SQL("select max(id) from message")};
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct xy_rows *rows;
        xy_status status = xy_sql_read(&queries[i], &rows);
        if (status != XY_OK)
            return status;
        if (xy_rows_next(rows) && xy_rows_int(rows, 0) > *newest)
            *newest = xy_rows_int(rows, 0);
    }
    return XY_OK;
}

xy_status
xyi_message_ids_start(unsigned node)
{
    xy_assert(node <= 15);
    xy_message_id passed;
    xy_status status = read_mark(&passed);
    if (status == XY_OK)
        status = read_newest(&passed);
    if (status != XY_OK)
        return status;
    memset(&ids, 0, sizeof(ids));
    ids.node = node;
    ids.last = passed ? passed | BELOW_MS : 0;
    xy_message_id now = xy_message_id_at(xy_now_ms());
    ids.mark = mark_for(now > ids.last ? now : ids.last);
    struct xy_txn *txn = xy_txn_begin();
    write_mark(txn, ids.mark);
    status = xy_txn_commit(txn);
    ids.started = status == XY_OK;
    return status;
}

void
xyi_message_ids_stop(void)
{
    if (!ids.started)
        return;
    struct xy_txn *txn = xyi_txn_detached();
    write_mark(txn, ids.last);
    xyi_txn_submit(txn, NULL, NULL);
    ids.started = false;
}
