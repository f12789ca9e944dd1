/* SPDX-License-Identifier: MIT */
/*
 * xylemctl retract status, report: how far a request is, and what was done, message by message
 * and party by party (requirements S0-18, S1-1).
 */
#include "modules/retract_admin/retract_admin.h"

xy_status
request_find(struct xy_command *command, struct request *request)
{
    xy_status status = request_read(xy_arg(command, "REQUEST"), request);
    return status == XY_ABSENT ? xy_fail(command, status, "there is no such request") : status;
}

void
request_put(struct xy_command *command, const struct request *request)
{
    xy_put_str(command, "request", request->id);
    xy_put_str(command, "plan", request->plan);
    xy_put_str(command, "state", xy_str_from(request_state_name(request)));
    xy_put_str(command, "requester", request->requester);
    xy_put_str(command, "approver", request->approver);
    xy_put_str(command, "reason_code", request->code);
    xy_put_str(command, "reason", request->words);
    xy_put_str(command, "operation", request->operation);
    xy_put_str(command, "asked", xy_time_format(request->at));
    xy_put_str(command, "expires", xy_time_format(request->expires));
    xy_put_int(command, "foreign_parties", request->foreign);
}

static const char *
item_state(int64_t role, int64_t state)
{
    static const char *const names[] = {"open", "removed", "already", "gone"};
    return role > ROLE_FOLLOWS ? "stays" : names[state & 3];
}

static xy_status
put_counts(struct xy_command *command, const struct request *request)
{
    static const char *const roles[] = {"messages", "go_with_them", "replies",
                                        "possible_copies"};
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&rows_counts, &rows, XY_TEXT(request->plan));
    while (status == XY_OK && xy_rows_next(rows)) {
        int64_t role = xy_rows_int(rows, 0) & 3;
        struct xy_str key =
            xy_temp_printf("%s_%s", roles[role], item_state(role, xy_rows_int(rows, 1)));
        xy_put_int(command, key.at, xy_rows_int(rows, 2));
    }
    return status;
}

static xy_status
list_recent(struct xy_command *command)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&rows_recent, &rows);
    while (status == XY_OK && xy_rows_next(rows)) {
        struct request request;
        status = request_read(xy_rows_text(rows, 0), &request);
        if (status != XY_OK)
            break;
        xy_row(command);
        request_put(command, &request);
    }
    return status;
}

xy_status
command_status(XY_SELF, struct xy_command *command)
{
    struct request request;
    (void)self;
    if (!xy_arg(command, "REQUEST").len)
        return list_recent(command);
    xy_status status = request_find(command, &request);
    if (status != XY_OK)
        return status;
    request_put(command, &request);
    return put_counts(command, &request);
}

xy_status
command_report(XY_SELF, struct xy_command *command)
{
    struct request request;
    struct xy_rows *rows;
    (void)self;
    xy_status status = request_find(command, &request);
    if (status != XY_OK)
        return status;
    request_put(command, &request);
    if (request.finished)
        xy_put_str(command, "finished", xy_time_format(request.finished));
    status = put_counts(command, &request);
    if (status == XY_OK)
        status = xy_sql_read(&rows_outcomes, &rows, XY_TEXT(request.id));
    while (status == XY_OK && xy_rows_next(rows)) {
        xy_row(command);
        xy_put_int(command, "message", xy_rows_int(rows, 0));
        xy_put_str(command, "party", xy_rows_text(rows, 1));
        xy_put_str(command, "outcome", xy_rows_text(rows, 2));
    }
    return status;
}
