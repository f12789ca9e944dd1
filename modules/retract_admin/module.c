/* SPDX-License-Identifier: MIT */
/*
 * Removal by administrators as a controlled act. Nobody may by default; the right is a grant of
 * its own, a reason is mandatory, consent of a second person optional, and everything is on
 * record. Only commands lead here: no stanza of a client does, whoever sends it (S0-16).
 */
#define XY_STATE retract_admin
#include <xylem/xylem.h>
#define XY_HOOKS_HERE
#include "modules/retract_admin/retract_admin.h"

static const struct xy_option options[] = {
    XY_OPTION(grant, .initial = "[]",
              .doc =
                  "Who may remove messages: administrators as the control socket names them, "
                  "such as unix:1000. Being an administrator is not enough."),
    XY_OPTION(approvers, .initial = "[]",
              .doc = "Who may approve what somebody else has asked for."),
    XY_OPTION(approvals, .initial = "1", .min = 1, .max = 2,
              .doc =
                  "How many people a removal takes. 2: one of approvers, and not the one who "
                  "asks."),
    XY_OPTION(approval_for, .initial = "24 h", .min = 1000,
              .doc = "How long after it was made a request can be approved and begun."),
    XY_OPTION(purge_by_preset, .initial = "on",
              .doc = "The content of what was removed is destroyed when the top-level "
                     "`governance` says; off: after `purge_after`."),
    XY_OPTION(purge_after, .initial = "none", .min = 0, .none = true,
              .doc = "When the content of what was removed is destroyed, with purge_by_preset "
                     "off. none: never, it stays sealed."),
};

static const struct xy_migration schema[] = {
    {1,
     "create table retract_admin_plan (id text primary key not null, at bigint not null,"
     " actor text not null, newest bigint not null, chosen bigint not null,"
     " foreign_count bigint not null);"
     "create table retract_admin_item (plan_id text not null, message bigint not null,"
     " refers bigint not null, role smallint not null, state smallint not null,"
     " primary key (plan_id, message, role, refers));"
     "create index retract_admin_item_open on retract_admin_item (plan_id, message)"
     " where role = 0 and state = 0;"
     "create index retract_admin_item_refers on retract_admin_item (plan_id, refers);"
     "create table retract_admin_request (id text primary key not null, plan_id text not null,"
     " requester text not null, approver text not null, code text not null,"
     " words text not null, operation text not null, at bigint not null,"
     " expires bigint not null, finished bigint not null, state smallint not null,"
     " despite_foreign smallint not null, foreign_count bigint not null);"
     "create index retract_admin_request_open on retract_admin_request (at) where state = 2;"
     "create table retract_admin_outcome (request text not null, message bigint not null,"
     " party text not null, outcome text not null, primary key (request, message, party))",
     NULL},
};
static const struct xy_statement *const statements[] = {
    &rows_add_plan,   &rows_add_item,  &rows_add_request,  &rows_approve, &rows_start,
    &rows_finish,     &rows_item_done, &rows_read_request, &rows_open,    &rows_recent,
    &rows_next_items, &rows_plan,      &rows_followers,    &rows_counts,  &rows_add_outcome,
    &rows_outcomes,   &rows_chosen,    &rows_never,
};

static void
check(const struct retract_admin *self, struct xy_diagnostics *to)
{
    if (self->approvals > 1 && !self->approvers.count)
        xy_complain(to, "approvers", "approvals: 2 takes approvers; there are none");
}

static xy_status
start(XY_SELF)
{
    self->acts = xy_map_new(self);
    job_continue(self);
    return XY_OK;
}

/* ---- notices on their way
 * --------------------------------------------------------------------- */

static struct act *
act_of(const struct retract_admin *self, const struct xy_stanza *message)
{
    struct xy_str id = xy_stanza_id(message);
    const struct xy_jid *from = xy_stanza_from(message);
    bool ours = id.len && from && xy_jid_is_bare(from) && !xy_jid_local(from).len;
    return ours ? xy_map_get(self->acts, id) : NULL;
}

/* For every device, and wherever the original is shown. */
static void
keep(XY_SELF, struct xy_user *owner, const struct xy_stanza *message, bool outgoing,
     unsigned *keep)
{
    const struct act *act = act_of(self, message);
    (void)outgoing;
    if (!act)
        return;
    *keep |= XY_KEEP_QUEUED;
    for (size_t i = 0; i < act->parties.count; i++)
        if (act->parties.at[i].owner == xy_user_owner(owner) && act->parties.at[i].archive)
            *keep |= XY_KEEP_ARCHIVED;
}

static const struct xy_hook hooks[] = {
    XY_ON(message_keeping, keep, .order = XY_LATE),
};

/* ---- for operators
 * -------------------------------------------------------------------------------- */

#define WHICH                                                                               \
    "[ID] [--account JID] [--from JID] [--to JID] [--room JID] [--between JID] [--and JID]" \
    " [--since TIME] [--until TIME]"

static const struct xy_command_row commands[] = {
    XY_COMMAND("retract plan", command_plan, .arguments = WHICH " [--purpose TEXT]",
               .about = "What removing messages would do: copies, devices, parties, quotes."),
    XY_COMMAND("retract request", command_request,
               .arguments = "PLAN --reason-code CODE --reason TEXT",
               .about = "Asks for the removal of what a plan has; a reason is mandatory."),
    XY_COMMAND("retract approve", command_approve, .arguments = "REQUEST",
               .about = "Consents to what somebody else has asked for."),
    XY_COMMAND("retract apply", command_apply, .arguments = "REQUEST [--despite-foreign]",
               .about = "Removes what was asked for."),
    XY_COMMAND("retract status", command_status, .arguments = "[REQUEST]",
               .about = "How far a request is; without one, the newest."),
    XY_COMMAND("retract report", command_report, .arguments = "REQUEST",
               .about = "What was done, message by message and party by party."),
    XY_COMMAND("retract verify", command_verify,
               .about = "Looks for what was taken back and can still be reached."),
    XY_COMMAND("retract repair", command_repair, .about = "The same, and mends it."),
    XY_COMMAND("message find", command_find, .arguments = WHICH " [--limit N] [--purpose TEXT]",
               .about = "Finds messages; their text only for a purpose, which is recorded."),
    XY_COMMAND("message who-can-read", command_who, .arguments = "ID [--account JID]",
               .about = "Who has a message: archives, devices, parties elsewhere, quotes."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(planned, .unit = "plans", .doc = "Plans of removals that were made."),
    XY_METRIC(removed, .unit = "messages", .doc = "Messages removed by administrators."),
    XY_METRIC(refused, .unit = "commands", .doc = "Administrators who were refused."),
    XY_METRIC(mended, .unit = "messages", .doc = "Removals that did not hold and were mended."),
};

XY_MODULE(retract_admin,
          .about = "Administrators remove messages: granted, planned, on record.",
          .scope = XY_SERVER, XY_STATE_SIZE, .needs = "audit", XY_TABLE(options, options),
          XY_TABLE(hooks, hooks), XY_TABLE(commands, commands), XY_TABLE(metrics, metrics),
          XY_TABLE(schema, schema), XY_TABLE(statements, statements), XY_START(start),
          XY_CHECKER(check), );
