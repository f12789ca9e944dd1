/* SPDX-License-Identifier: MIT */
/*
 * Erasing a person (requirement N2): without its salt a commitment proves nothing any more, and
 * nothing says who it was, where from, that others wrote to him, or that he took something
 * back. Invariant: what is held keeps all that, and the login it came from, so that it can be
 * erased later.
 */
#include <xylem/removal.h>
#include "core/store/driver.h"
#include "core/store/parts.h"

static const struct xy_statement read_end =
    XY_SQL("select max(message) from (select message from evidence where message > ?"
           " and message < ? order by message limit ?) e");
/* Rows of a former release do not name the author: then the message does, while it is there. */
#define BY_AUTHOR                                                                            \
    " where message > ? and message <= ? and salt is not null and (author = ? or (author is" \
    " null and exists (select 1 from message m where m.id = evidence.message"                \
    " and m.sender = ?)))"
#define HELD "exists (select 1 from held h where h.message = evidence.message)"
static const struct xy_statement count_those = XY_SQL(
    "select count(*), sum(case when " HELD " then 1 else 0 end) from evidence" BY_AUTHOR);
static const struct xy_statement count_addressed =
    XY_SQL("select sum(case when " HELD " then 1 else 0 end) from evidence where message > ?"
           " and message <= ? and addressee = ? and (author is null or author <> ?)");
static const struct xy_statement forget_addressee =
    XY_SQL("update evidence set addressee = null where message > ? and message <= ?"
           " and addressee = ? and not " HELD);
static const struct xy_statement forget = XY_SQL(
    "update evidence set salt = null, author = null, login = null" BY_AUTHOR " and not " HELD);
/* Their numbers are taken like those of messages. */
static const struct xy_statement forget_logins =
    XY_SQL("delete from login where id > ? and id <= ? and jid = ? and id not in"
           " (select e.login from held h cross join evidence e where h.message > ?"
           " and e.message = h.message and e.login is not null)");

static const struct xy_statement forget_acts =
    XY_SQL("update removal set actor = null where message > ? and message <= ? and actor = ?"
           " and not exists (select 1 from held h where h.message = removal.message)");

/* Those he has no other part in: these are counted by that. */
static const struct xy_statement count_acts =
    XY_SQL("select count(*) from removal x where x.message > ? and x.message <= ?"
           " and x.actor = ? and exists (select 1 from held h where h.message = x.message)"
           " and not exists (select 1 from evidence v where v.message = x.message"
           " and (v.author = ? or v.addressee = ?))");

const struct xyi_planned xyi_forget_planned[] = {
    XYI_PLANNED(read_end, "iii"),         XYI_PLANNED(forget, "iiii"),
    XYI_PLANNED(count_addressed, "iiii"), XYI_PLANNED(forget_addressee, "iii"),
    XYI_PLANNED(forget_logins, "iiii"),   XYI_PLANNED(forget_acts, "iit"),
    XYI_PLANNED(count_acts, "iitii"),     {.statement = NULL},
};

xy_status
xy_evidence_forget(struct xy_txn *txn, const struct xy_jid *author, xy_message_id after,
                   xy_message_id before, int64_t most, xy_message_id *through,
                   int64_t *forgotten, int64_t *held)
{
    struct xy_rows *rows;
    int64_t number;
    *through = *forgotten = *held = 0;
    xy_status status = xyi_jid_known_id(author, &number);
    if (status == XY_ABSENT)
        number = 0; /* he wrote nothing and got nothing; he may have moderated */
    else if (status != XY_OK)
        return status;
    status = xy_sql_read(&read_end, &rows, XY_INT(after), XY_INT(before), XY_INT(most));
    if (status != XY_OK || !xy_rows_next(rows) || xy_rows_is_null(rows, 0))
        return status;
    *through = xy_rows_int(rows, 0);
    struct xy_value low = XY_INT(after), high = XY_INT(*through), by = XY_INT(number);
    status = xy_sql_read(&count_those, &rows, low, high, by, by);
    if (status != XY_OK || !xy_rows_next(rows))
        return status;
    *held = xy_rows_int(rows, 1);
    *forgotten = xy_rows_int(rows, 0) - *held;
    status = xy_sql_read(&count_addressed, &rows, low, high, by, by);
    if (status != XY_OK || !xy_rows_next(rows))
        return status;
    *held += xy_rows_int(rows, 0);
    struct xy_value name = XY_TEXT(xy_jid_text(author));
    status = xy_sql_read(&count_acts, &rows, low, high, name, by, by);
    if (status != XY_OK || !xy_rows_next(rows))
        return status;
    *held += xy_rows_int(rows, 0);
    xyi_txn_add_ranked(txn, &forget, XYI_FENCE, 0, XY_VALUES(low, high, by, by));
    xyi_txn_add_ranked(txn, &forget_addressee, XYI_FENCE, 0, XY_VALUES(low, high, by));
    xyi_txn_add_ranked(txn, &forget_logins, XYI_FENCE, 0, XY_VALUES(low, high, by, low));
    xy_txn_add(txn, &forget_acts, low, high, name);
    return XY_OK;
}
