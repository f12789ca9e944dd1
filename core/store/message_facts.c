/* SPDX-License-Identifier: MIT */
/*
 * What the store knows of one message, and whether its tables agree: for operators. Never
 * content.
 */
#include "core/store/parts.h"

static const struct xy_statement read_message = XY_SQL(
    "select s.text, r.text, m.class, m.state, m.archived from message m"
    " left join jid s on s.id = m.sender left join jid r on r.id = m.rcpt where m.id = ?");
static const struct xy_statement read_waiting =
    XY_SQL("select a.jid, p.device from pending p left join account a on a.owner = p.owner"
           " where p.message = ? order by p.owner, p.device");
static const struct xy_statement read_evidence =
    XY_SQL("select 1 from evidence where message = ?");

/* Each counts what must not be; the newest rows, so that a large store is not read whole. */
static const struct xy_statement count_waiting_for_nothing =
    XY_SQL("select count(*) from (select message from pending order by message desc limit ?) p"
           " where not exists (select 1 from message m where m.id = p.message)");
static const struct xy_statement count_useless =
    XY_SQL("select count(*) from (select id, archived from message order by id desc limit ?) m"
           " where m.archived = 0"
           " and not exists (select 1 from pending p where p.message = m.id)"
           " and not exists (select 1 from held h where h.message = m.id)");
static const struct xy_statement count_unproved =
    XY_SQL("select count(*) from (select id from message order by id desc limit ?) m"
           " where not exists (select 1 from evidence e where e.message = m.id)");

const struct xyi_planned xyi_facts_planned[] = {
    XYI_PLANNED(read_message, "i"),
    XYI_PLANNED(read_waiting, "i"),
    XYI_PLANNED(read_evidence, "i"),
    {.statement = NULL},
};

xy_status
xyi_message_facts(xy_message_id id, struct xyi_message_facts *facts)
{
    struct xy_rows *evidence;
    xy_status status = xy_sql_read(&read_message, &facts->message, XY_INT(id));
    if (status == XY_OK)
        status = xy_sql_read(&read_waiting, &facts->waiting, XY_INT(id));
    if (status == XY_OK)
        status = xy_sql_read(&read_evidence, &evidence, XY_INT(id));
    facts->accepted = status == XY_OK && xy_rows_count(evidence) > 0;
    return status;
}

static xy_status
count(const struct xy_statement *statement, int64_t most, int64_t *found)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(statement, &rows, XY_INT(most));
    if (status == XY_OK)
        *found = xy_rows_next(rows) ? xy_rows_int(rows, 0) : 0;
    return status;
}

xy_status
xyi_store_agrees(int64_t most, struct xyi_disagreements *found)
{
    xy_status status = count(&count_waiting_for_nothing, most, &found->waiting_for_nothing);
    if (status == XY_OK)
        status = count(&count_useless, most, &found->useless);
    if (status == XY_OK)
        status = count(&count_unproved, most, &found->unproved);
    return status;
}
