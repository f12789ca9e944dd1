/* SPDX-License-Identifier: MIT */
/*
 * Carrying out a request: some messages at a time, in one transaction with their records and
 * their notices, so a crash at any point leaves whole steps, and the next start goes on with
 * what is open. Whoever repeats a step finds it done (requirements S1-4, S1-11).
 */
#include "modules/retract_admin/retract_admin.h"

enum { LOT = 20, PAUSE_MS = 1000, TRIES = 3 };
enum item_state { OPEN, REMOVED, ALREADY, GONE };

/* ---- in the transaction --------------------------------------------------------------------
 */

/* A record that the log refuses makes the transaction fail: xy_txn_expect() of no row. */
static void
add_record(const struct act *act, size_t i, struct xy_txn *txn)
{
    const struct request *request = act->request;
    const struct xy_jid *room = act->parties.place;
    struct xy_buffer details = {0};
    xy_audit_detail(&details, "request", request->id);
    xy_audit_detail(&details, "plan", request->plan);
    xy_audit_detail(&details, "requester", request->requester);
    xy_audit_detail(&details, "approver", request->approver);
    xy_audit_detail(&details, "scope", request->foreign ? XY_STR("partial") : XY_STR("whole"));
    if (i)
        xy_audit_detail(&details, "follows", xy_temp_printf("%lld", (long long)act->record.id));
    struct xy_audit_record record = {.operation = request->operation,
                                     .actor = request->requester,
                                     .kind = XY_STR("remove"),
                                     .message = act->ids[i],
                                     .account = xy_jid_text(act->record.author),
                                     .room = room ? xy_jid_text(room) : XY_NO_STR,
                                     .reason = request->code,
                                     .words = request->words,
                                     .details = xy_buffer_str(&details)};
    if (xy_run_audit_add(NULL, txn, &record) == XY_OK)
        return;
    xy_error("retract_admin.unrecorded", "a removal cannot be recorded and is not done");
    xy_txn_add(txn, &rows_never, XY_TEXT(request->id));
    xy_txn_expect(txn, 1);
}

static void
add_outcomes(const struct act *act, struct xy_txn *txn)
{
    const struct parties *parties = &act->parties;
    struct xy_value request = XY_TEXT(act->request->id), message = XY_INT(act->record.id);
    if (parties->place)
        xy_txn_add(txn, &rows_add_outcome, request, message,
                   XY_TEXT(xy_jid_text(parties->place)), XY_TEXT(XY_STR("removed, room told")));
    for (size_t i = 0; i < parties->count; i++) {
        const struct party *party = &parties->at[i];
        struct xy_str outcome = !party->local    ? XY_STR("foreign: may keep it")
                                : parties->place ? XY_STR("removed")
                                : party->owner   ? XY_STR("removed, told")
                                                 : XY_STR("removed, account gone");
        xy_txn_add(txn, &rows_add_outcome, request, message, XY_TEXT(xy_jid_text(party->jid)),
                   XY_TEXT(outcome));
    }
}

void
act_add(struct act *act, struct xy_txn *txn)
{
    struct xy_value plan = XY_TEXT(act->request->plan);
    int64_t purge_at =
        xy_purge_at(act->record.class, act->self->purge_by_preset, act->self->purge_after.ms);
    for (size_t i = 0; i < act->count; i++) {
        xy_removal_add(txn, &(struct xy_removal){.message = act->ids[i],
                                                 .state = XY_MESSAGE_REMOVED,
                                                 .operation = act->request->operation,
                                                 .actor = act->request->requester,
                                                 .by = act->by,
                                                 .reason = act->request->code,
                                                 .notice_id = act->notice_id,
                                                 .purge_ms = purge_at});
        add_record(act, i, txn);
        xy_txn_add(txn, &rows_item_done, XY_INT(REMOVED), plan, XY_INT(act->ids[i]),
                   XY_INT(i ? ROLE_FOLLOWS : ROLE_CHOSEN));
        if (!i)
            xy_txn_expect(txn, 1);
    }
    add_outcomes(act, txn);
}

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
