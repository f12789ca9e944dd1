/* SPDX-License-Identifier: MIT */
/*
 * The server's housekeeper (requirements S1-6, S1-14, N22): once a minute, and at once when
 * something was taken back, it destroys what is due; what has been kept long enough goes every
 * ten minutes. Nothing is destroyed without a record, so the module needs the audit log.
 */
#include "modules/retention/retention.h"

enum { TICK_MS = 60 * 1000, EXPIRE_MS = 10 * 60 * 1000 };

static xy_status
expire(XY_SELF)
{
    struct rules rules;
    if (xy_monotonic_ms() < self->expire_ms)
        return XY_OK;
    self->expire_ms = xy_monotonic_ms() + EXPIRE_MS;
    xy_status status = retention_rules_read(self, &rules);
    if (status != XY_OK)
        return status;
    struct tally *tallies = xy_temp_alloc(rules.count * sizeof(*tallies));
    return retention_expire(self, XY_STR("server"), &rules, tallies);
}

static void look(void *instance, void *argument);

static void
look_soon(XY_SELF)
{
    if (!self->soon)
        (void)xy_after(self, 0, look, NULL);
    self->soon = true;
}

void
retention_rest(XY_SELF)
{
    self->busy = false;
    if (self->again)
        look_soon(self);
    self->again = false;
}

static void
work(XY_SELF)
{
    int64_t purged;
    if (self->busy) {
        self->again = true; /* who is at it may have passed what is due since */
        return;
    }
    self->busy = true;
    xy_status status = retention_purge(self, XY_STR("server"), &purged);
    if (status == XY_OK)
        status = expire(self);
    retention_erase_left(self);
    retention_scrub(self);
    retention_rest(self);
    if (status == XY_OK)
        return;
    xy_count(&self->failures);
    xy_warn("retention.failed", "what is due is still there; tried again in a minute",
            XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
tick(void *self, void *argument)
{
    (void)argument;
    work(self);
}

static void
look(void *instance, void *argument)
{
    struct retention *self = instance;
    (void)argument;
    self->soon = false;
    work(self);
}

/* Its time may be now. */
static void
on_removed(XY_SELF, const struct xy_message_record *removed)
{
    (void)removed;
    look_soon(self);
}

static void
on_released(XY_SELF, int64_t hold)
{
    (void)hold;
    self->released = true;
    look_soon(self);
}

static xy_status
start(XY_SELF)
{
    self->unscrubbed = true; /* by whoever was here before */
    self->released = true;   /* perhaps, meanwhile */
    self->expire_ms = xy_monotonic_ms() + TICK_MS;
    (void)xy_every(self, TICK_MS, tick, NULL);
    look_soon(self); /* what a crash interrupted */
    return XY_OK;
}

static const struct xy_option options[] = {
    XY_OPTION_GROUP_ROW("keep_for",
                        "How long messages are kept, by their class; `xylemctl retention set` "
                        "says otherwise for a host, an account, a room or a conversation."),
    XY_OPTION(keep_for.user, .initial = "none", .min = 60 * 1000, .max = INT64_MAX,
              .none = true, .doc = "What people write; none: for ever."),
    XY_OPTION(keep_for.notice, .initial = "none", .min = 60 * 1000, .max = INT64_MAX,
              .none = true, .doc = "Notices of administrators and news; none: for ever."),
    XY_OPTION(keep_for.service, .initial = "none", .min = 60 * 1000, .max = INT64_MAX,
              .none = true, .doc = "What bots write; none: for ever."),
    XY_OPTION(keep_for.integration, .initial = "none", .min = 60 * 1000, .max = INT64_MAX,
              .none = true, .doc = "What integrated systems write; none: for ever."),
};
static const struct xy_hook hooks[] = {
    XY_ON(message_removed, on_removed),
    XY_ON(hold_released, on_released),
};
static const struct xy_command_row commands[] = {
    XY_COMMAND("retention show", retention_command_show, .arguments = "[WHAT] [PEER]",
               .about = "The rules for a host, an account, a room or two people, and when "
                        "messages expire or are purged next."),
    XY_COMMAND("retention preview", retention_command_preview,
               .about = "How many messages are due by each rule, before anything happens."),
    XY_COMMAND("retention run", retention_command_run,
               .about = "Expires and purges what is due, now."),
    XY_COMMAND("retention set", retention_command_set,
               .arguments = "WHAT [PEER] --keep-for TIME --reason TEXT [--class CLASS]",
               .about = "Says how long messages of a host, an account, a room or two people "
                        "are kept."),
    XY_COMMAND("retention clear", retention_command_clear,
               .arguments = "WHAT [PEER] --reason TEXT [--class CLASS]",
               .about = "Drops such a rule."),
    XY_COMMAND("user erase", retention_command_erase, .arguments = "JID --reason TEXT [--yes]",
               .about = "Removes an account and what could prove what the person wrote."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(purged, .unit = "messages", .doc = "Content of taken back messages destroyed."),
    XY_METRIC(expired, .unit = "messages", .doc = "Messages whose time was up."),
    XY_METRIC(erased, .unit = "persons", .doc = "Persons erased."),
    XY_METRIC(failures, .unit = "attempts", .doc = "Times what was due could not be done."),
};

XY_MODULE(retention, .about = "Destroys messages when their time has come, with a record.",
          .scope = XY_SERVER, XY_STATE_SIZE, .needs = "audit", XY_START(start),
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(commands, commands),
          XY_TABLE(metrics, metrics), .schema = retention_schema, .schema_count = 1,
          .statements = retention_statements, .statements_count = RETENTION_STATEMENTS);
