/* SPDX-License-Identifier: MIT */
/*
 * Legal holds (requirement N4): table held names the messages whose content stays whatever else
 * becomes of them; each statement that deletes content looks there. Invariant: a row of held
 * has a row of message.
 */
#include <xylem/namespaces.h>
#include <xylem/removal.h>
#include "core/store/driver.h"
#include "core/store/parts.h"
#include "core/store/scope.h"

static const struct xy_statement add_some = {
    .sql = "insert into held (message, hold) select m.id, ?1 from json_each(?2) r"
           " cross join message m where m.id = r.value on conflict (message, hold) do nothing",
    .pgsql = "insert into held (message, hold) select m.id, ?::bigint"
             " from json_array_elements_text(?::json) r cross join message m"
             " where m.id = r.value::bigint on conflict (message, hold) do nothing"};
static const struct xy_statement add_one =
    XY_SQL("insert into held (message, hold) select id, cast(? as bigint) from message"
           " where id = ? on conflict (message, hold) do nothing");
static const struct xy_statement add_if_by =
    XY_SQL("insert into held (message, hold) select m.id, cast(? as bigint) from message m"
           " cross join jid s where m.id = ? and s.id = m.sender and s.text = ?"
           " on conflict (message, hold) do nothing");
#define RANGE "hold = ? and message > ? and message <= ?"
static const struct xy_statement thin =
    XY_SQL("delete from held where " RANGE
           " and exists (select 1 from message m where m.id = held.message and (m.archived <> 0"
           " or exists (select 1 from pending q where q.message = m.id)"
           " or exists (select 1 from held o where o.message = m.id and o.hold <> held.hold)))"
           " and not exists (select 1 from removal x where x.message = held.message"
           " and x.purged = 0 and x.purge_at <= ?)");
/* What only that hold kept. */
static const struct xy_statement drop_unheld =
    XY_SQL("delete from message where id in (select message from held where " RANGE ")"
           " and archived = 0"
           " and not exists (select 1 from pending q where q.message = message.id)"
           " and not exists (select 1 from held o where o.message = message.id"
           " and o.hold <> ?)");
static const struct xy_statement drop_range = XY_SQL("delete from held where " RANGE);

const struct xyi_planned xyi_hold_planned[] = {
    XYI_PLANNED(thin, "iiii"),
    XYI_PLANNED(drop_unheld, "iiii"),
    XYI_PLANNED(drop_range, "iii"),
    {.statement = NULL},
};

void
xy_hold_add(struct xy_txn *txn, const struct xy_message_found *at, size_t count, int64_t hold)
{
    xy_message_id *ids = xy_temp_alloc((count + 1) * sizeof(*ids));
    for (size_t i = 0; i < count; i++)
        ids[i] = at[i].id;
    xyi_txn_add_ranked(txn, &add_some, XYI_FENCE, 0,
                       XY_VALUES(XY_INT(hold), XY_TEXT(xyi_message_id_list(ids, count))));
}

/* Who writes in a room is not in its stanza: the row says it. */
void
xy_hold_consider(struct xy_txn *txn, int64_t hold, const struct xy_message_scope *scope,
                 const struct xy_stanza *message, xy_message_id id)
{
    enum xyi_scope_verdict verdict = xyi_scope_judge(scope, message, id);
    if (verdict == XYI_IN_SCOPE)
        xyi_txn_add_ranked(txn, &add_one, XYI_FENCE, 0, XY_VALUES(XY_INT(hold), XY_INT(id)));
    if (verdict == XYI_IF_WRITTEN_BY)
        xyi_txn_add_ranked(
            txn, &add_if_by, XYI_FENCE, 0,
            XY_VALUES(XY_INT(hold), XY_INT(id), XY_TEXT(xy_jid_text(scope->person))));
}

void
xy_hold_thin(struct xy_txn *txn, int64_t hold, xy_message_id after, xy_message_id through,
             int64_t purge_ms)
{
    xyi_txn_add_ranked(
        txn, &thin, XYI_FENCE, 0,
        XY_VALUES(XY_INT(hold), XY_INT(after), XY_INT(through), XY_INT(purge_ms)));
}

void
xy_hold_drop(struct xy_txn *txn, int64_t hold, xy_message_id after, xy_message_id through)
{
    struct xy_value which = XY_INT(hold), low = XY_INT(after), high = XY_INT(through);
    xyi_txn_add_ranked(txn, &drop_unheld, XYI_FENCE, 0, XY_VALUES(which, low, high, which));
    xyi_txn_add_ranked(txn, &drop_range, XYI_FENCE, 0, XY_VALUES(which, low, high));
}
