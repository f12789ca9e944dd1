/* SPDX-License-Identifier: MIT */
/*
 * Ephemeral messages (XEP-0466, "burn after reading"): a message that bears a timer leaves all
 * archives and queues of this server when that is over, and its content is destroyed. A feature
 * of its own (requirement S0-5): it knows nothing of retraction, and neither switches the
 * other.
 */
#include "modules/ephemeral/ephemeral.h"

static const struct xy_option options[] = {
    XY_OPTION(least, .initial = "1 s", .min = 1000,
              .doc = "The shortest timer a message may bear; one that is shorter is refused. "
                     "Long enough, it lets who is away read his messages."),
    XY_OPTION(most, .initial = "none", .min = 1000, .none = true,
              .doc = "The longest timer a message may bear; one that is longer is refused."),
};

static void
check(const struct ephemeral *self, struct xy_diagnostics *to)
{
    if (self->most.ms != XY_NONE && self->most.ms < self->least.ms)
        xy_complain(to, "most", "the longest timer is shorter than the shortest");
}

static xy_status
start(XY_SELF)
{
    ephemeral_begin(self);
    return XY_OK;
}

static xy_status
show(XY_SELF, struct xy_command *command)
{
    int64_t next, count;
    xy_status status = ephemeral_next(self, NULL, NULL, &next, &count);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer: %s",
                       xy_status_name(status));
    xy_put_str(command, "host", xy_jid_text(xy_host_jid(xy_host_of(self))));
    xy_put_str(command, "least", xy_duration_text(self->least.ms));
    xy_put_str(command, "most",
               self->most.ms == XY_NONE ? XY_STR("none") : xy_duration_text(self->most.ms));
    xy_put_int(command, "waiting", count);
    xy_put_str(command, "next", next == XY_NONE ? XY_STR("never") : xy_time_format(next));
    return XY_OK;
}

static void
show_lifecycle(XY_SELF, struct xy_command *command, const struct xy_jid *of,
               const struct xy_jid *with)
{
    int64_t next, count;
    xy_status status = ephemeral_next(self, of, with, &next, &count);
    if (status != XY_OK)
        xy_say(command, "What waits for the end of its timer cannot be read: %s.",
               xy_status_name(status));
    if (status != XY_OK || !count)
        return;
    xy_row(command);
    xy_put_str(command, "class", XY_STR("all"));
    xy_put_str(command, "keep_for", XY_STR("its timer"));
    xy_put_str(command, "rule", XY_STR("messages that bear a timer"));
    xy_put_str(command, "next_expiry", xy_time_format(next));
    xy_put_int(command, "waiting", count);
}

static const struct xy_hook hooks[] = {
    XY_ON(lifecycle_asked, show_lifecycle),
    XY_ON(stanza_out, ephemeral_judge),
    XY_ON(message_committing, ephemeral_note),
};
static const struct xy_feature features[] = {
    {NS_EPHEMERAL, XY_IQ_HOST | XY_IQ_ACCOUNT | XY_IQ_ROOM}};
static const struct xy_command_row commands[] = {
    XY_COMMAND("ephemeral show", show, .arguments = "[--host HOST]",
               .about = "Bounds of timers, how many messages wait for their end, and when the "
                        "next one goes."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(destroyed, .unit = "messages", .doc = "Messages whose timer was over."),
    XY_METRIC(refused, .unit = "messages", .doc = "Messages with a timer that is not allowed."),
    XY_METRIC(failures, .unit = "attempts", .doc = "Times what was due could not be done."),
};

XY_MODULE(ephemeral, .about = "Destroys messages when the timer they bear is over (XEP-0466).",
          XY_STATE_SIZE, .needs = "audit", XY_TABLE(options, options), XY_TABLE(hooks, hooks),
          XY_TABLE(features, features), XY_TABLE(commands, commands),
          XY_TABLE(metrics, metrics), .schema = ephemeral_schema, .schema_count = 1,
          .statements = ephemeral_statements, .statements_count = EPHEMERAL_STATEMENTS,
          XY_START(start), XY_CHECKER(check));
