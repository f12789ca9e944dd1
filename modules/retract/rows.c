/* SPDX-License-Identifier: MIT */
/* How often an account has taken something back (requirement S0-35): rows in time, no content.
 */
#include "modules/retract/retract.h"

const struct xy_migration retract_schema[1] = {
    {1,
     "create table retract_act (owner bigint not null, at bigint not null,"
     " message bigint not null, primary key (owner, at, message))",
     NULL},
};

static const struct xy_statement add =
    XY_SQL("insert into retract_act (owner, at, message) values (?, ?, ?)");
static const struct xy_statement count =
    XY_SQL("select count(*) from retract_act where owner = ? and at > ?");
static const struct xy_statement drop = XY_SQL("delete from retract_act where owner = ?");
const struct xy_statement *const retract_statements[] = {&add, &count, &drop};

xy_status
retract_count(xy_owner owner, int64_t since_ms, int64_t *found)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&count, &rows, XY_INT(owner), XY_INT(since_ms));
    if (status == XY_OK)
        *found = xy_rows_next(rows) ? xy_rows_int(rows, 0) : 0;
    return status;
}

void
retract_add(struct xy_txn *txn, xy_owner owner, xy_message_id id, int64_t now_ms)
{
    xy_txn_add(txn, &add, XY_INT(owner), XY_INT(now_ms), XY_INT(id));
}

void
retract_drop(xy_owner owner)
{
    if (xy_sql_write(&drop, XY_INT(owner)) != XY_OK)
        xy_warn("retract.left", "counts of a deleted account were left",
                XY_F_INT_AS("owner", owner));
}
