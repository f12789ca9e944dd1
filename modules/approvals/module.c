/* SPDX-License-Identifier: MIT */
/*
 * Four eyes for acts of administrators that nobody should do alone (requirement N3). Off by
 * default: then one person is enough, and everything is on record all the same. Who may change
 * the configuration can switch it off; the audit log has who did.
 */
#include "modules/approvals/approvals.h"

static const char *const names[XY_ACTS] = {
    [XY_ACT_HOLD_RELEASE] = "hold_release",
    [XY_ACT_RETENTION_SHORTEN] = "retention_shorten",
    [XY_ACT_PRIVILEGED_READ] = "privileged_read",
    [XY_ACT_ERASE] = "erase",
};

const char *
approvals_act_name(int64_t act)
{
    return act >= 0 && act < XY_ACTS ? names[act] : "unknown";
}

bool
approvals_act_parse(struct xy_str name, int64_t *act)
{
    for (*act = 0; *act < XY_ACTS; ++*act)
        if (xy_str_equal(name, xy_str_from(names[*act])))
            return true;
    return false;
}

static void
check(const struct approvals *self, struct xy_diagnostics *to)
{
    int64_t act;
    for (size_t i = 0; i < self->acts.count; i++)
        if (!approvals_act_parse(self->acts.at[i], &act))
            xy_complain(to, "acts",
                        "`" XY_FMT "` is no act: hold_release, retention_shorten, "
                        "privileged_read, erase",
                        XY_ARG(self->acts.at[i]));
    if (!self->approvers.count)
        xy_caution(to, "approvers",
                   "nobody can approve: what is guarded cannot be done at all");
}

static const struct xy_option options[] = {
    XY_OPTION(acts, .initial = "[hold_release, retention_shorten, privileged_read, erase]",
              .doc = "What takes a second person: the release of a hold; a rule by which "
                     "messages may be kept for less long; what shows messages or facts of them "
                     "to an administrator; erasing a person."),
    XY_OPTION(approvers, .initial = "[]",
              .doc = "Who may approve what somebody else asks for: administrators as the "
                     "control socket names them, such as unix:1000."),
    XY_OPTION(valid_for, .initial = "24 h", .min = 1000,
              .doc = "How long after it was made a request can be approved and used."),
};
static const struct xy_hook hooks[] = {
    XY_ON(approval_take, approvals_take),
};
static const struct xy_command_row commands[] = {
    XY_COMMAND("approval list", approvals_command_list, .arguments = "[--all] [--limit N]",
               .about = "Lists what administrators ask the consent of another for."),
    XY_COMMAND("approval show", approvals_command_show, .arguments = "ID",
               .about = "Shows a request: the very command, what it means, who asks."),
    XY_COMMAND("approval approve", approvals_command_approve, .arguments = "ID [--reason TEXT]",
               .about = "Consents to what somebody else asks for: that command, once."),
    XY_COMMAND("approval refuse", approvals_command_refuse, .arguments = "ID --reason TEXT",
               .about = "Refuses it; who asked may take it back by this."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(asked, .unit = "requests", .doc = "Requests for the consent of a second person."),
    XY_METRIC(approved, .unit = "requests", .doc = "Requests that were approved."),
    XY_METRIC(used, .unit = "requests", .doc = "Approvals that were used."),
    XY_METRIC(refused, .unit = "commands", .doc = "Attempts and requests that were refused."),
};

XY_MODULE(approvals, .about = "What an administrator must not do alone takes a second one.",
          .scope = XY_SERVER, XY_STATE_SIZE, .needs = "audit", XY_TABLE(options, options),
          XY_TABLE(hooks, hooks), XY_TABLE(commands, commands), XY_TABLE(metrics, metrics),
          .schema = approvals_schema, .schema_count = 1, .statements = approvals_statements,
          .statements_count = APPROVALS_STATEMENTS, XY_CHECKER(check));
