/* SPDX-License-Identifier: MIT */
/*
 * Authors take back what they wrote to one person (XEP-0424), within narrow rules. Off by
 * default: for companies and authorities a message is evidence. It is no promise: whoever has
 * read it has read it, and other servers and clients do as they please (docs/retraction.md).
 */
#include "modules/retract/retract.h"

#define WARNING "retraction is on: " REMOVALS_WARNING

static const struct xy_option options[] = {
    XY_OPTION(
        window, .initial = "60 s", .min = 1000, .none = true,
        .doc = "How long after the server received it a message may be taken back, seven days "
               "at most. More than 60 s, or none, weakens messages as evidence."),
    XY_OPTION(count, .initial = "10", .min = 1, .none = true,
              .doc = "How many one account may take back in the time `per`."),
    XY_OPTION(per, .initial = "1 h", .min = 1000, .doc = "The period of `count`."),
    XY_OPTION(classes, .initial = "user",
              .doc = "Classes of messages that may be taken back: user, service, integration. "
                     "Administrators' notices and news never."),
    XY_OPTION(purge_by_preset, .initial = "on",
              .doc = "The content of what was taken back is destroyed when the top-level "
                     "`governance` says; off: after `purge_after`."),
    XY_OPTION(purge_after, .initial = "none", .min = 0, .none = true,
              .doc =
                  "When the content of what was taken back is destroyed, with purge_by_preset "
                  "off. none: never, it stays sealed."),
};

REMOVALS_TABLE("retract_act");

static void
check(const struct retract *self, struct xy_diagnostics *to)
{
    removals_check_window("window", self->window.ms, to);
    removals_check_classes(&self->classes, to);
    xy_caution(to, NULL, "%s", WARNING);
}

static xy_status
start(XY_SELF)
{
    removals_start(&self->removals, self, &rows, &self->accepted, &self->refused);
    xy_warn("retract.on", WARNING,
            XY_F_STR_AS("host", xy_jid_text(xy_host_jid(xy_host_of(self)))));
    return XY_OK;
}

/* What still waits is nobody's any more: new code is asked again. */
static void
stop(XY_SELF)
{
    removals_stop(&self->removals);
    retract_forget_early(self);
}

/* ---- on its way
 * ------------------------------------------------------------------------------ */

static void
on_asked(XY_SELF, struct xy_session *session, const struct xy_stanza *message,
         enum xy_retraction *verdict)
{
    struct judgement j = {.message = message, .session = session};
    if (*verdict != XY_RETRACTION_OFF || xy_service_host(xy_stanza_to(message)))
        return;
    *verdict = XY_RETRACTION_REFUSED;
    retract_judge(self, &j);
    if (j.verdict.why && j.verdict.condition == XY_ITEM_NOT_FOUND && retract_wait_for(self, &j))
        return;
    if (!j.verdict.why)
        retract_approve(self, &j);
    if (j.verdict.why)
        retract_refuse(self, &j);
    else
        *verdict = XY_RETRACTION_ALLOWED;
}

/* Wherever the original was kept, and for the devices of the other that are away (S0-19). */
static void
keep(XY_SELF, struct xy_user *owner, const struct xy_stanza *message, bool outgoing,
     unsigned *keep)
{
    (void)owner;
    const struct approval *approval = removals_find(&self->removals, XY_KEY(message));
    if (!approval)
        return;
    if (outgoing ? approval->archive_out : approval->archive_in)
        *keep |= XY_KEEP_ARCHIVED;
    if (!outgoing)
        *keep |= XY_KEEP_QUEUED;
}

static void
commit(XY_SELF, const struct xy_stanza *message, xy_message_id id, struct xy_txn *txn)
{
    (void)id;
    struct approval *approval = removals_find(&self->removals, XY_KEY(message));
    if (approval)
        removals_commit(
            &self->removals, approval,
            xy_purge_at(approval->class, self->purge_by_preset, self->purge_after.ms), txn);
    else
        retract_look_whether_awaited(self, message);
}

/* ---- discovery (S0-31)
 * --------------------------------------------------------------------------------- */

static void
add_field(struct xy_node *form, const char *var, bool hidden, struct xy_str value)
{
    struct xy_node *field = xy_node_add(form, XY_NO_STR, XY_STR("field"));
    xy_node_set(field, "var", xy_str_from(var));
    if (hidden)
        xy_node_set(field, "type", XY_STR("hidden"));
    xy_node_add_text(xy_node_add(field, XY_NO_STR, XY_STR("value")), value);
}

static xy_verdict
describe(XY_SELF, struct xy_host *at, struct xy_user *user, const struct xy_jid *asker,
         struct xy_str node, struct xy_node *query)
{
    (void)at;
    (void)user;
    (void)asker;
    if (node.len || self->window.ms == XY_NONE)
        return XY_PASS;
    struct xy_node *form = xy_node_add(query, XY_STR(XY_NS_DATA), XY_STR("x"));
    xy_node_set(form, "type", XY_STR("result"));
    add_field(form, "FORM_TYPE", true, XY_STR(NS_RETRACT));
    add_field(form, "max-age", false,
              xy_temp_printf("%lld", (long long)(self->window.ms / 1000)));
    return XY_PASS;
}

static void
forget_account(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    (void)bare;
    removals_drop_account(&self->removals, owner);
}

/* ---- for operators
 * --------------------------------------------------------------------------------------- */

static xy_status
show_policy(XY_SELF, struct xy_command *command)
{
    struct xy_str classes = xy_temp_join(self->classes.at, self->classes.count, ", ");
    xy_put_str(command, "host", xy_jid_text(xy_host_jid(xy_host_of(self))));
    xy_put_str(command, "window",
               self->window.ms == XY_NONE ? XY_STR("none") : xy_duration_text(self->window.ms));
    xy_put_int(command, "count", self->count);
    xy_put_str(command, "per", xy_duration_text(self->per.ms));
    xy_put_str(command, "classes", classes);
    xy_say(command, "%s.", WARNING);
    return XY_OK;
}

static const struct xy_hook hooks[] = {
    XY_ON(retraction_asked, on_asked),      XY_ON(message_keeping, keep, .order = XY_LATE),
    XY_ON(message_committing, commit),      XY_ON(disco_info, describe),
    XY_ON(account_deleted, forget_account),
};
static const struct xy_feature features[] = {{NS_RETRACT, XY_IQ_HOST | XY_IQ_ACCOUNT},
                                             {NS_RETRACT "#tombstone", XY_IQ_ACCOUNT}};
static const struct xy_command_row commands[] = {
    XY_COMMAND("retract policy", show_policy, .arguments = "[--host HOST]",
               .about = "What authors may take back, and the warning that goes with it."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(accepted, .unit = "retractions", .doc = "Messages taken back by their authors."),
    XY_METRIC(refused, .unit = "retractions", .doc = "Attempts that were refused."),
};

XY_MODULE(retract, .about = "Authors take back what they wrote to one person (XEP-0424).",
          XY_STATE_SIZE, .needs = "audit", XY_TABLE(options, options), XY_TABLE(hooks, hooks),
          XY_TABLE(features, features), XY_TABLE(commands, commands),
          XY_TABLE(metrics, metrics), XY_TABLE(schema, schema),
          XY_TABLE(statements, statements), XY_START(start), XY_STOP(stop),
          XY_CHECKER(check), );
