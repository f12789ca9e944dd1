/* SPDX-License-Identifier: MIT */
/*
 * xylemctl retract plan: what a removal would do, before anybody asks for it (requirement N5).
 * Reading what refers to messages is a privileged read and recorded before it is done.
 */
#include "modules/retract_admin/retract_admin.h"

enum { PER_TXN = 500, SHOWN = 50 };

/* ---- one message
 * ------------------------------------------------------------------------------ */

static void
put_reference(struct xy_command *command, const struct item *item)
{
    static const char *const names[] = {[ROLE_CHOSEN] = "chosen",
                                        [ROLE_FOLLOWS] = "goes with it",
                                        [ROLE_REPLY] = "reply",
                                        [ROLE_QUOTE] = "possible copy"};
    struct xy_message_record by;
    xy_row(command);
    xy_put_int(command, "message", item->of);
    xy_put_str(command, "what", xy_str_from(names[item->role]));
    if (xy_message_look(item->id, &by) == XY_OK)
        xy_put_str(command, "whose", xy_jid_text(by.author));
    xy_put_int(command, "in", item->id);
}

xy_status
plan_show_one(XY_SELF, struct xy_command *command, xy_message_id id, const struct item *items,
              size_t count)
{
    struct xy_message_record record;
    struct parties parties;
    (void)self;
    xy_status status = xy_message_look(id, &record);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    xy_row(command);
    xy_put_int(command, "message", id);
    xy_put_str(command, "what", record.held ? XY_STR("held") : XY_STR("message"));
    xy_put_str(command, "whose", xy_jid_text(record.author));
    xy_put_str(command, "to", xy_jid_text(record.addressee));
    xy_put_str(command, "at", xy_time_format(record.at_ms));
    status = parties_of(&record, &parties);
    if (status == XY_OK)
        status = parties_show(command, &record, &parties);
    for (size_t i = 0; status == XY_OK && i < count; i++)
        if (items[i].of == id && items[i].role != ROLE_CHOSEN)
            put_reference(command, &items[i]);
    return status;
}

/* ---- all of them
 * --------------------------------------------------------------------------------- */

struct totals {
    int64_t roles[ROLE_QUOTE + 1], held;
    struct xy_map *talks, *foreign; /* looked at; parties elsewhere */
};

static xy_status
count_parties(struct totals *totals, const struct xy_message_record *record)
{
    struct parties parties;
    struct xy_str talk = xy_temp_printf(XY_FMT "\n" XY_FMT, XY_ARG(xy_jid_text(record->author)),
                                        XY_ARG(xy_jid_text(record->addressee)));
    totals->held += record->held;
    if (xy_map_put(totals->talks, talk, totals))
        return XY_OK; /* the same people */
    xy_status status = parties_of(record, &parties);
    for (size_t i = 0; status == XY_OK && i < parties.count; i++)
        if (!parties.at[i].local)
            (void)xy_map_put(totals->foreign, xy_jid_text(parties.at[i].jid), totals);
    return status;
}

static xy_status
count_all(const struct survey *survey, struct totals *totals)
{
    xy_status status = XY_OK;
    for (size_t i = 0; status == XY_OK && i < survey->count; i++) {
        struct xy_message_record record;
        totals->roles[survey->items[i].role]++;
        if (survey->items[i].role != ROLE_CHOSEN)
            continue;
        xy_temp_open();
        status = xy_message_look(survey->items[i].id, &record);
        if (status == XY_OK)
            status = count_parties(totals, &record);
        xy_temp_close();
        if (status == XY_ABSENT)
            status = XY_OK;
    }
    return status;
}

/* The items first: a plan that is there is whole. */
static xy_status
save(struct xy_command *command, struct xy_str id, const struct survey *survey,
     xy_message_id newest, int64_t foreign)
{
    xy_status status = XY_OK;
    for (size_t i = 0; status == XY_OK && i < survey->count;) {
        struct xy_txn *txn = xy_txn_begin();
        for (size_t n = 0; n < PER_TXN && i < survey->count; n++, i++)
            xy_txn_add(txn, &rows_add_item, XY_TEXT(id), XY_INT(survey->items[i].id),
                       XY_INT(survey->items[i].of), XY_INT(survey->items[i].role), XY_INT(0));
        status = xy_txn_commit(txn);
    }
    if (status != XY_OK)
        return status;
    return xy_sql_write(&rows_add_plan, XY_TEXT(id), XY_INT(xy_now_ms()),
                        XY_TEXT(xy_command_actor(command)), XY_INT(newest),
                        XY_INT(survey->live), XY_INT(foreign));
}

static void
put_totals(struct xy_command *command, struct xy_str id, const struct survey *survey,
           const struct totals *totals)
{
    xy_put_str(command, "plan", id);
    xy_put_int(command, "messages", survey->live);
    xy_put_int(command, "already_removed", survey->already);
    xy_put_int(command, "go_with_them", totals->roles[ROLE_FOLLOWS]);
    xy_put_int(command, "replies", totals->roles[ROLE_REPLY]);
    xy_put_int(command, "possible_copies", totals->roles[ROLE_QUOTE]);
    xy_put_int(command, "held", totals->held);
    xy_put_int(command, "conversations", (int64_t)xy_map_count(totals->talks));
    xy_put_int(command, "foreign_parties", (int64_t)xy_map_count(totals->foreign));
}

static xy_status
show(XY_SELF, struct xy_command *command, const struct survey *survey)
{
    xy_status status = XY_OK;
    int64_t shown = 0;
    for (size_t i = 0; status == XY_OK && i < survey->count && shown < SHOWN; i++) {
        if (survey->items[i].role != ROLE_CHOSEN)
            continue;
        shown++;
        status =
            plan_show_one(self, command, survey->items[i].id, survey->items, survey->count);
    }
    if (shown < survey->live)
        xy_say(command, "The first %lld messages are shown; the plan has all of them.",
               (long long)shown);
    return status;
}

static xy_status
fail(struct xy_command *command, const struct survey *survey)
{
    if (survey->already)
        return xy_fail(command, XY_CONFLICT, "already removed");
    if (survey->notices)
        return xy_fail(command, XY_DENIED,
                       "that tells of a removal, and devices that were away learn of it there: "
                       "it stays");
    return xy_fail(command, XY_ABSENT, "there is no such message");
}

static xy_status
make(XY_SELF, struct xy_command *command, struct survey *survey, struct totals *totals,
     struct xy_str id)
{
    xy_message_id newest = xy_message_id_at(xy_now_ms());
    xy_status status = survey_make(self, survey);
    if (status != XY_OK)
        return status;
    if (!survey->live)
        return fail(command, survey);
    status = count_all(survey, totals);
    if (status == XY_OK)
        status = save(command, id, survey, newest, (int64_t)xy_map_count(totals->foreign));
    if (status != XY_OK)
        return status;
    xy_count(&self->planned);
    put_totals(command, id, survey, totals);
    return show(self, command, survey);
}

xy_status
command_plan(XY_SELF, struct xy_command *command)
{
    struct choice choice;
    struct survey survey = {.choice = &choice};
    struct xy_str id = xy_audit_operation(), purpose = xy_arg(command, "purpose");
    struct xy_audit_record record = {.operation = id,
                                     .actor = xy_command_actor(command),
                                     .kind = XY_STR("privileged_read"),
                                     .reason = XY_STR("removal-plan"),
                                     .words =
                                         purpose.len ? purpose : XY_STR("preparing a removal")};
    xy_status status = grant_check(self, command, RIGHT_REMOVE);
    if (status == XY_OK)
        status = choose(command, &choice);
    record.message = choice.one;
    if (status == XY_OK)
        status = grant_record(command, &record);
    if (status != XY_OK)
        return status;
    struct totals totals = {.talks = xy_map_new(self), .foreign = xy_map_new(self)};
    status = make(self, command, &survey, &totals, id);
    xy_map_free(totals.talks);
    xy_map_free(totals.foreign);
    return status;
}
