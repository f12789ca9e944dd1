/* SPDX-License-Identifier: MIT */
/*
 * Legal holds (requirement N4): messages of a case keep their content whatever anybody does to
 * them, without anybody noticing. Off by default. While the module is off nothing new comes
 * under a hold; what is under one stays, and what came is looked for when it is on again.
 */
#include "modules/hold/hold.h"

enum { TICK_MS = 60 * 1000 };

static void
tick(void *self, void *argument)
{
    (void)argument;
    hold_work(self);
}

static xy_status
start(XY_SELF)
{
    xy_status status = hold_load(self);
    if (status != XY_OK)
        return status;
    self->unscrubbed = true; /* by whoever was here before */
    (void)xy_every(self, TICK_MS, tick, NULL);
    hold_work_soon(self);
    return XY_OK;
}

static void
stop(XY_SELF)
{
    while (self->first)
        hold_forget(self, self->first);
}

static const struct xy_option options[] = {
    XY_OPTION(keep_released, .initial = "30 days", .min = 60 * 1000, .max = INT64_MAX,
              .doc = "How long after the release of a hold the content stays that nothing but "
                     "the hold has kept."),
};
static const struct xy_hook hooks[] = {
    XY_ON(message_committing, hold_on_committing),
};
static const struct xy_command_row commands[] = {
    XY_COMMAND("hold add", hold_command_add,
               .arguments = "--name NAME --reason TEXT [--person JID] [--with JID] "
                            "[--room JID] [--since TIME] [--until TIME] [--keyword WORD]",
               .about = "Holds all messages in scope, those there are and those to come."),
    XY_COMMAND("hold list", hold_command_list, .about = "Lists the holds."),
    XY_COMMAND("hold show", hold_command_show, .arguments = "ID [--after MESSAGE] [--limit N]",
               .about = "Shows a hold, and what users have destroyed of it meanwhile."),
    XY_COMMAND("hold release", hold_command_release, .arguments = "ID --reason TEXT",
               .about = "Ends a hold: its messages age again; nothing is destroyed at once."),
    XY_COMMAND("hold export", hold_command_export,
               .arguments = "ID --reason TEXT [--after MESSAGE] [--limit N]",
               .about = "Prints the messages of a hold with their evidence, a JSON line each."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(held, .unit = "messages", .doc = "Messages found and put under a hold."),
    XY_METRIC(destroyed, .unit = "messages", .doc = "Messages let go after a release."),
    XY_METRIC(failures, .unit = "attempts", .doc = "Times a hold could not be kept up."),
};

XY_MODULE(hold, .about = "Legal holds: content stays, whatever is done to messages.",
          .scope = XY_SERVER, XY_STATE_SIZE, .needs = "audit", XY_START(start), XY_STOP(stop),
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(commands, commands),
          XY_TABLE(metrics, metrics), .schema = hold_schema, .schema_count = 1,
          .statements = hold_statements, .statements_count = HOLD_STATEMENTS);
