/* SPDX-License-Identifier: MIT */
/*
 * Messages that were taken back: the state on the row and what is known of the act (table
 * removal), written in the caller's transaction. Invariants: a row that is not live has a
 * removal; nothing of it waits for a device; its content goes when it is due and nobody holds
 * it.
 */
#include <xylem/removal.h>
#include "core/store/driver.h"
#include "core/store/parts.h"
#include "core/store/tombstone.h"
#include "core/store/withdrawn.h"

static const struct xy_statement set_state =
    XY_SQL("update message set state = ? where id = ? and state = 0");
static const struct xy_statement add_removal =
    XY_SQL("insert into removal (message, state, operation, actor, at, by_jid, reason,"
           " notice_id, purge_at, purged) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)");
static const struct xy_statement drop_pending = XY_SQL("delete from pending where message = ?");
static const struct xy_statement read_due =
    XY_SQL("select x.message, m.stanza from removal x left join message m on m.id = x.message"
           " where x.purged = 0 and x.purge_at <= ?"
           " and not exists (select 1 from held h where h.message = x.message) limit ?");
#define NOT_HELD " and not exists (select 1 from held h where h.message = x.message)"
static const struct xy_statement read_next =
    XY_SQL("select min(purge_at), count(*) from removal x where purged = 0"
           " and purge_at is not null" NOT_HELD);
static const struct xy_statement read_next_of =
    XY_SQL("select min(x.purge_at), count(*) from removal x cross join message m"
           " left join jid s on s.id = m.sender left join jid r on r.id = m.rcpt"
           " where x.purged = 0 and x.purge_at is not null and m.id = x.message" NOT_HELD
           " and ? in (s.text, r.text) and (? = '' or ? in (s.text, r.text))");
static const struct xy_statement put_stub =
    XY_SQL("update message set stanza = ? where id = ?"
           " and not exists (select 1 from held h where h.message = message.id)");
static const struct xy_statement read_purged =
    XY_SQL("select x.message, m.stanza from removal x cross join message m"
           " where x.purged = 1 and x.message > ? and m.id = x.message"
           " order by x.message limit ?");
static const struct xy_statement put_anew =
    XY_SQL("update message set stanza = ? where id = ?");
static const struct xy_statement set_purged =
    XY_SQL("update removal set purged = 1 where message = ?");

static const struct xy_statement never =
    XY_SQL("delete from removal where message = 0 and 1 = 0");

const struct xyi_planned xyi_removal_planned[] = {
    XYI_PLANNED(set_state, "ii"), XYI_PLANNED(drop_pending, "i"),
    XYI_PLANNED(read_due, "ii"),  XYI_PLANNED(set_purged, "i"),
    {.statement = NULL},
};

static void
note(struct xy_txn *txn, xy_message_id id)
{
    size_t count = txn->removed_count++;
    if ((count & (count + 1)) == 0) { /* grows at 0, 1, 3, 7 … */
        xy_message_id *more = xyi_arena_alloc(txn->arena, (count * 2 + 1) * sizeof(*more));
        if (count)
            memcpy(more, txn->removed, count * sizeof(*more));
        txn->removed = more;
    }
    txn->removed[count] = id;
}

size_t
xyi_txn_removed(const struct xy_txn *txn, const xy_message_id **ids)
{
    *ids = txn->removed;
    return txn->removed_count;
}

void
xyi_removal_add(struct xy_txn *txn, const struct xy_removal *removal)
{
    struct xy_value id = XY_INT(removal->message), state = XY_INT(removal->state);
    xy_assert(removal->state != XY_MESSAGE_LIVE && removal->operation.len &&
              removal->actor.len);
    xy_txn_add(txn, &set_state, state, id);
    xy_txn_expect(txn, 1);
    xy_txn_add(txn, &add_removal, id, state, XY_TEXT(removal->operation),
               XY_TEXT(removal->actor), XY_INT(xy_now_ms()), XY_TEXT(removal->by),
               XY_TEXT(removal->reason), XY_TEXT(removal->notice_id),
               removal->purge_ms == XY_NONE ? XY_NULL : XY_INT(removal->purge_ms));
    xyi_withdraw(txn, removal->message);
    xyi_txn_add_ranked(txn, &drop_pending, XYI_FENCE, -1, XY_VALUES(id));
    xyi_txn_removes(txn, XYI_TAKEN_BACK);
    note(txn, removal->message);
}

void
xyi_removal_demand(struct xy_txn *txn)
{
    if (txn->removes == XYI_TAKEN_BACK)
        return;
    xy_txn_add(txn, &never);
    xy_txn_expect(txn, 1);
}

/* ---- purging ----------------------------------------------------------------------------- */

static struct xy_str
stub_of(struct xy_str text)
{
    const struct xy_stanza *whole = text.len ? xy_stanza_parse(text) : NULL;
    return whole ? xy_stanza_text(xyi_tombstone(whole)) : XY_STR("<message/>");
}

static void
add_purge(struct xy_txn *txn, xy_message_id id, struct xy_str text)
{
    struct xy_str stub = stub_of(text);
    xy_txn_add(txn, &put_stub, XY_BYTES(stub), XY_INT(id));
    xy_txn_expect(txn, 1); /* else somebody holds it by now */
    xy_txn_add(txn, &set_purged, XY_INT(id));
}

xy_status
xy_purge_prepare(int64_t now_ms, int64_t most, struct xy_txn **txn, xy_message_id **ids,
                 size_t *count)
{
    struct xy_rows *rows;
    *count = 0;
    *txn = NULL;
    xy_status status = xy_sql_read(&read_due, &rows, XY_INT(now_ms), XY_INT(most));
    if (status != XY_OK || !xy_rows_count(rows))
        return status;
    *ids = xy_temp_alloc(xy_rows_count(rows) * sizeof(**ids));
    *txn = xy_txn_begin();
    while (xy_rows_next(rows)) {
        if (xy_rows_is_null(rows, 1)) { /* aged out of all archives before it was due */
            xy_txn_add(*txn, &set_purged, XY_INT(xy_rows_int(rows, 0)));
            continue;
        }
        add_purge(*txn, xy_rows_int(rows, 0), xy_rows_text(rows, 1));
        (*ids)[(*count)++] = xy_rows_int(rows, 0);
    }
    return XY_OK;
}

xy_status
xyi_purged_read(xy_message_id after, int64_t most, struct xyi_purged **all, size_t *count)
{
    struct xy_rows *rows;
    *count = 0;
    xy_status status = xy_sql_read(&read_purged, &rows, XY_INT(after), XY_INT(most));
    if (status != XY_OK)
        return status;
    *all = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**all));
    while (xy_rows_next(rows)) {
        struct xy_str text = xy_rows_text(rows, 1), stub = stub_of(text);
        (*all)[(*count)++] = (struct xyi_purged){
            .id = xy_rows_int(rows, 0), .stub = stub, .leaks = !xy_str_equal(stub, text)};
    }
    return XY_OK;
}

void
xyi_purge_again(struct xy_txn *txn, const struct xyi_purged *purged)
{
    xy_txn_add(txn, &put_anew, XY_BYTES(purged->stub), XY_INT(purged->id));
}

xy_status
xy_purge_next(const struct xy_jid *person, const struct xy_jid *other, int64_t *next_ms,
              int64_t *count)
{
    struct xy_rows *rows;
    struct xy_str who = person ? xy_jid_text(person) : XY_NO_STR,
                  whom = other ? xy_jid_text(other) : XY_NO_STR;
    *next_ms = XY_NONE;
    *count = 0;
    xy_status status =
        person ? xy_sql_read(&read_next_of, &rows, XY_TEXT(who), XY_TEXT(whom), XY_TEXT(whom))
               : xy_sql_read(&read_next, &rows);
    if (status != XY_OK || !xy_rows_next(rows) || xy_rows_is_null(rows, 0))
        return status;
    *next_ms = xy_rows_int(rows, 0);
    *count = xy_rows_int(rows, 1);
    return XY_OK;
}
