/* SPDX-License-Identifier: MIT */
/* The tables of plans, requests and what was done; module.c has the schema. */
#include "modules/retract_admin/retract_admin.h"

const struct xy_statement rows_add_plan =
    XY_SQL("insert into retract_admin_plan (id, at, actor, newest, chosen, foreign_count)"
           " values (?, ?, ?, ?, ?, ?)");
const struct xy_statement rows_add_item =
    XY_SQL("insert into retract_admin_item (plan_id, message, refers, role, state)"
           " values (?, ?, ?, ?, ?) on conflict (plan_id, message, role, refers) do nothing");
const struct xy_statement rows_add_request = XY_SQL(
    "insert into retract_admin_request (id, plan_id, requester, approver, code, words,"
    " operation, at, expires, finished, state, despite_foreign, foreign_count)"
    " select cast(? as text), p.id, cast(? as text), '', cast(? as text), cast(? as text),"
    " cast(? as text), cast(? as bigint), cast(? as bigint), 0, 0, 0, p.foreign_count"
    " from retract_admin_plan p where p.id = ?");
const struct xy_statement rows_approve =
    XY_SQL("update retract_admin_request set state = 1, approver = ?"
           " where id = ? and state = 0 and requester <> ?");
const struct xy_statement rows_start =
    XY_SQL("update retract_admin_request set state = 2, despite_foreign = ?"
           " where id = ? and state < 2");
const struct xy_statement rows_finish = XY_SQL(
    "update retract_admin_request set state = 3, finished = ? where id = ? and state = 2");
const struct xy_statement rows_item_done =
    XY_SQL("update retract_admin_item set state = ? where plan_id = ? and message = ?"
           " and role = ? and state = 0");
const struct xy_statement rows_read_request =
    XY_SQL("select id, plan_id, requester, approver, code, words, operation, at, expires,"
           " finished, state, despite_foreign, foreign_count"
           " from retract_admin_request where id = ?");
const struct xy_statement rows_open =
    XY_SQL("select id from retract_admin_request where state = 2 order by at limit 1");
const struct xy_statement rows_recent =
    XY_SQL("select id from retract_admin_request order by at desc limit 50");
const struct xy_statement rows_next_items =
    XY_SQL("select message from retract_admin_item where plan_id = ? and role = 0"
           " and state = 0 order by message limit ?");
const struct xy_statement rows_plan = XY_SQL(
    "select at, actor, newest, chosen, foreign_count from retract_admin_plan where id = ?");
const struct xy_statement rows_followers =
    XY_SQL("select message from retract_admin_item where plan_id = ? and refers = ?"
           " and role = 1 and state = 0 order by message");
const struct xy_statement rows_counts =
    XY_SQL("select role, state, count(*) from retract_admin_item where plan_id = ?"
           " group by role, state order by role, state");
const struct xy_statement rows_add_outcome =
    XY_SQL("insert into retract_admin_outcome (request, message, party, outcome)"
           " values (?, ?, ?, ?) on conflict (request, message, party) do nothing");
const struct xy_statement rows_outcomes =
    XY_SQL("select message, party, outcome from retract_admin_outcome where request = ?"
           " order by message, party");

const struct xy_statement rows_chosen = XY_SQL(
    "select message from retract_admin_item where plan_id = ? and role = 0 and state < 3");
const struct xy_statement rows_never =
    XY_SQL("delete from retract_admin_plan where id = ? and 1 = 0");

xy_status
request_read(struct xy_str id, struct request *request)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&rows_read_request, &rows, XY_TEXT(id));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    *request = (struct request){
        .id = xy_rows_text(rows, 0),
        .plan = xy_rows_text(rows, 1),
        .requester = xy_rows_text(rows, 2),
        .approver = xy_rows_text(rows, 3),
        .code = xy_rows_text(rows, 4),
        .words = xy_rows_text(rows, 5),
        .operation = xy_rows_text(rows, 6),
        .at = xy_rows_int(rows, 7),
        .expires = xy_rows_int(rows, 8),
        .finished = xy_rows_int(rows, 9),
        .state = (enum request_state)xy_rows_int(rows, 10),
        .despite_foreign = xy_rows_int(rows, 11),
        .foreign = xy_rows_int(rows, 12),
    };
    return XY_OK;
}

const char *
request_state_name(const struct request *request)
{
    switch (request->state) {
    case ASKED:
        return xy_now_ms() > request->expires ? "expired" : "asked";
    case APPROVED:
        return xy_now_ms() > request->expires ? "expired" : "approved";
    case APPLYING:
        return "applying";
    case DONE:
        break;
    }
    return request->foreign ? "partial" : "done";
}
