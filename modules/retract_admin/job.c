/* SPDX-License-Identifier: MIT */
/*
 * Carrying out a request: some messages at a time, in one transaction with their records and
 * their notices, so a crash at any point leaves whole steps, and the next start goes on with
 * what is open. Whoever repeats a step finds it done (requirements S1-4, S1-11).
 */
#include "modules/retract_admin/retract_admin.h"

enum { LOT = 20, PAUSE_MS = 1000, TRIES = 3 };

/* ---- one message ---------------------------------------------------------------------------
 */

static bool
is_live(xy_message_id id)
{
    struct xy_message_record record;
    return xy_message_look(id, &record) == XY_OK && record.state == XY_MESSAGE_LIVE;
}

static xy_status
fill_ids(struct act *act)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&rows_followers, &rows, XY_TEXT(act->request->plan),
                                   XY_INT(act->record.id));
    if (status != XY_OK)
        return status;
    act->ids = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(*act->ids));
    act->ids[act->count++] = act->record.id;
    while (xy_rows_next(rows))
        if (is_live(xy_rows_int(rows, 0)))
            act->ids[act->count++] = xy_rows_int(rows, 0);
    return XY_OK;
}

/* *act NULL: there is nothing to do about it any more, and that is noted. */
static xy_status
prepare(struct retract_admin *self, const struct request *request, xy_message_id id,
        struct act **act)
{
    struct act *made = xy_temp_alloc(sizeof(*made));
    *made = (struct act){.self = self, .request = request, .notice_id = xy_audit_operation()};
    *act = NULL;
    xy_status status = xy_message_look(id, &made->record);
    if (status == XY_ABSENT || (status == XY_OK && made->record.state != XY_MESSAGE_LIVE))
        return xy_sql_write(&rows_item_done, XY_INT(status == XY_OK ? ALREADY : GONE),
                            XY_TEXT(request->plan), XY_INT(id), XY_INT(ROLE_CHOSEN));
    if (status == XY_OK)
        status = parties_of(&made->record, &made->parties);
    if (status == XY_OK)
        status = fill_ids(made);
    const struct xy_jid *domain = xy_jid_host(
        made->parties.place || jid_is_foreign(made->record.author) ? made->record.addressee
                                                                   : made->record.author);
    made->by = xy_jid_text(domain);
    *act = made;
    return status;
}

static void
finish(const struct act *act)
{
    xy_count_by(&act->self->removed, act->count);
    xy_removal_apply(act->ids, act->count);
}

/* ---- a lot
 * ------------------------------------------------------------------------------------ */

/* It was taken back meanwhile, or an account went: the next step looks again. */
static bool
comes_again(xy_status status)
{
    return status == XY_CONFLICT || status == XY_ABSENT;
}

static xy_status
do_accounts(struct act **acts, size_t count)
{
    xy_status status = count ? notices_for_accounts(acts, count) : XY_OK;
    for (size_t i = 0; status == XY_OK && i < count; i++)
        finish(acts[i]);
    if (!comes_again(status))
        return status;
    status = XY_OK;
    for (size_t i = 0; count > 1 && status == XY_OK && i < count; i++)
        status = do_accounts(&acts[i], 1);
    return status;
}

static xy_status
do_rooms(struct act **acts, size_t count)
{
    xy_status status = XY_OK;
    for (size_t i = 0; status == XY_OK && i < count; i++) {
        status = notices_for_room(acts[i]);
        if (status == XY_OK)
            finish(acts[i]);
        else if (comes_again(status))
            status = XY_OK;
    }
    return status;
}

static xy_status
do_lot(struct retract_admin *self, const struct request *request, struct xy_rows *rows)
{
    struct act *in_rooms[LOT], *others[LOT];
    size_t rooms = 0, accounts = 0;
    xy_message_id first = 0;
    xy_status status = XY_OK;
    while (status == XY_OK && xy_rows_next(rows)) {
        struct act *act;
        first = first ? first : xy_rows_int(rows, 0);
        status = prepare(self, request, xy_rows_int(rows, 0), &act);
        if (status != XY_OK || !act)
            continue;
        if (act->parties.place)
            in_rooms[rooms++] = act;
        else
            others[accounts++] = act;
    }
    if (status == XY_OK)
        status = do_accounts(others, accounts);
    if (status == XY_OK)
        status = do_rooms(in_rooms, rooms);
    self->again = first == self->begins ? self->again + 1 : 0;
    self->begins = first;
    return status == XY_OK && self->again >= TRIES ? XY_BROKEN : status;
}

/* ---- what came since the plan
 * ----------------------------------------------------------------- */

static xy_status
read_chosen(const struct request *request, xy_message_id **ids, size_t *count)
{
    struct xy_rows *rows;
    *count = 0;
    xy_status status = xy_sql_read(&rows_chosen, &rows, XY_TEXT(request->plan));
    if (status != XY_OK)
        return status;
    *ids = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**ids));
    while (xy_rows_next(rows))
        (*ids)[(*count)++] = xy_rows_int(rows, 0);
    return XY_OK;
}

static xy_status
remove_late(struct retract_admin *self, const struct request *request, const struct item *item)
{
    struct act act = {.self = self, .request = request, .ids = xy_temp_alloc(sizeof(*act.ids))};
    struct xy_message_record original;
    xy_status status = xy_message_look(item->id, &act.record);
    if (status == XY_OK)
        status = xy_message_look(item->of, &original);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    if (act.record.state != XY_MESSAGE_LIVE || original.state != XY_MESSAGE_REMOVED)
        return XY_OK;
    act.by = original.by;
    act.notice_id = original.notice_id;
    act.ids[act.count++] = item->id;
    act.parties.place = xy_service_host(act.record.addressee) ? act.record.addressee : NULL;
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &rows_add_item, XY_TEXT(request->plan), XY_INT(item->id), XY_INT(item->id),
               XY_INT(ROLE_CHOSEN), XY_INT(OPEN));
    act_add(&act, txn);
    status = xy_txn_commit(txn);
    if (status == XY_OK)
        finish(&act);
    return comes_again(status) ? XY_OK : status;
}

static xy_status
end(struct retract_admin *self, const struct request *request)
{
    struct survey survey = {.count = 0};
    struct xy_rows *rows;
    xy_message_id *ids;
    size_t count;
    xy_status status = xy_sql_read(&rows_plan, &rows, XY_TEXT(request->plan));
    xy_message_id newest = status == XY_OK && xy_rows_next(rows) ? xy_rows_int(rows, 2) : 0;
    if (status == XY_OK)
        status = read_chosen(request, &ids, &count);
    if (status == XY_OK)
        status = survey_again(self, &survey, ids, count, newest - 1);
    for (size_t i = 0; status == XY_OK && i < survey.count; i++)
        if (survey.items[i].role == ROLE_FOLLOWS)
            status = remove_late(self, request, &survey.items[i]);
    if (status == XY_OK)
        status = xy_sql_write(&rows_finish, XY_INT(xy_now_ms()), XY_TEXT(request->id));
    if (status == XY_OK)
        xy_notice("retract_admin.done", "messages were removed by an administrator",
                  XY_F_STR_AS("request", request->id),
                  XY_F_STR_AS("operation", request->operation));
    return status;
}

/* ---- the job
 * ------------------------------------------------------------------------------------ */

xy_status
job_step(struct retract_admin *self, const struct request *request, bool *more)
{
    struct xy_rows *rows;
    *more = true;
    if (self->working)
        return XY_CONFLICT;
    self->working = true;
    xy_status status =
        xy_sql_read(&rows_next_items, &rows, XY_TEXT(request->plan), XY_INT(LOT));
    bool left = status == XY_OK && xy_rows_count(rows) > 0;
    if (status == XY_OK)
        status = left ? do_lot(self, request, rows) : end(self, request);
    self->working = false;
    *more = left || status != XY_OK;
    return status;
}

static void
background(void *self, void *argument)
{
    struct retract_admin *admin = self;
    struct request request;
    struct xy_rows *rows;
    bool more = false;
    (void)argument;
    xy_status status = xy_sql_read(&rows_open, &rows);
    if (status == XY_OK && !xy_rows_next(rows))
        return;
    if (status == XY_OK)
        status = request_read(xy_rows_text(rows, 0), &request);
    if (status == XY_OK)
        status = job_step(admin, &request, &more);
    if (status != XY_OK && status != XY_CONFLICT)
        xy_warn("retract_admin.stopped", "a removal stopped half way and is tried again",
                XY_F_CSTR_AS("status", xy_status_name(status)));
    (void)xy_after(self, status == XY_OK ? 0 : PAUSE_MS, background, NULL);
}

void
job_continue(struct retract_admin *self)
{
    (void)xy_after(self, 0, background, NULL);
}
