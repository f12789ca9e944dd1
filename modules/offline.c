/* SPDX-License-Identifier: MIT */
/*
 * Offline messages (XEP-0160): a view on the message store. Keeps what nobody can take just
 * now, hands it over when a session next becomes available. Nothing is forgotten before the
 * client's machine has it, or its time is up.
 */
#define XY_STATE offline
#include <xylem/xylem.h>

struct offline {
    const int64_t quota;
    const xy_duration keep_for;
    xy_counter kept, refused, handed_over, expired;
};

static xy_verdict
keep(XY_SELF, struct xy_user *to, const struct xy_stanza *message)
{
    if (!xy_message_is_storable(message))
        return XY_PASS;
    xy_status status = xy_pending_add(to, message, self->quota);
    if (status == XY_OK) {
        xy_count(&self->kept);
        return XY_DONE;
    }
    xy_count(&self->refused);
    xy_bounce(message, status == XY_FULL ? XY_SERVICE_UNAVAILABLE : xy_status_condition(status),
              XY_NO_STR);
    return XY_DONE;
}

static void
hand_over(XY_SELF, struct xy_session *session)
{
    int64_t count;
    xy_status status = xy_pending_drain(session, &count);
    xy_count_by(&self->handed_over, (uint64_t)count);
    if (status != XY_OK && status != XY_CONFLICT && status != XY_GONE)
        xy_warn("offline.not_read", "waiting messages stay queued",
                XY_F_STR_AS("account", xy_jid_text(xy_user_jid(xy_session_user(session)))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
expire(void *instance, void *argument)
{
    (void)argument;
    struct offline *self = instance;
    int64_t count = 0;
    if (self->keep_for.ms == XY_NONE)
        return;
    xy_status status =
        xy_pending_expire(xy_host_of(self), xy_now_ms() - self->keep_for.ms, &count);
    xy_count_by(&self->expired, (uint64_t)count);
    if (status != XY_OK)
        xy_warn("offline.not_expired", "old messages stay queued",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static xy_status
start(XY_SELF)
{
    (void)xy_every(self, 10 * 60 * 1000, expire, NULL);
    return XY_OK;
}

static xy_status
find_owner(struct xy_command *command, xy_owner *owner)
{
    const struct xy_jid *jid = xy_jid_parse(xy_arg(command, "JID"));
    struct xy_account account;
    if (!jid)
        return xy_fail(command, XY_INVALID, "not a JID");
    xy_status status = xy_account_find(xy_jid_bare(jid), &account);
    if (status != XY_OK)
        return xy_fail(command, status, "there is no such account");
    *owner = account.owner;
    return XY_OK;
}

static xy_status
count_waiting(XY_SELF, struct xy_command *command)
{
    xy_owner owner;
    int64_t count;
    xy_status status = find_owner(command, &owner);
    if (status == XY_OK)
        status = xy_pending_count(owner, &count);
    if (status == XY_OK)
        xy_put_int(command, "waiting", count);
    return status;
}

static xy_status
clear(XY_SELF, struct xy_command *command)
{
    xy_owner owner;
    int64_t count;
    xy_status status = find_owner(command, &owner);
    if (status == XY_OK)
        status = xy_pending_clear(owner, &count);
    if (status == XY_OK)
        xy_put_int(command, "cleared", count);
    return status;
}

static const struct xy_option options[] = {
    XY_OPTION(quota, .initial = "1000", .min = 1, .max = 1000000, .none = true,
              .doc = "Messages that may wait for one account; further ones bounce."),
    XY_OPTION(keep_for, .initial = "90 days", .min = 60 * 1000, .max = INT64_MAX, .none = true,
              .doc = "Messages that nobody fetched for so long are forgotten, each with a line "
                     "in the log."),
};
static const struct xy_hook hooks[] = {
    XY_ON(message_undeliverable, keep, .order = XY_LATE),
    XY_ON(session_available, hand_over, .order = XY_LATE),
};
static const struct xy_feature features[] = {{"msgoffline", XY_IQ_HOST}};
static const struct xy_command_row commands[] = {
    XY_COMMAND("offline count", count_waiting, .arguments = "JID",
               .about = "Count the messages that wait."),
    XY_COMMAND("offline clear", clear, .arguments = "JID",
               .about = "Forget the messages that wait."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(kept, .unit = "messages", .doc = "Messages kept for absent accounts."),
    XY_METRIC(refused, .unit = "messages",
              .doc = "Messages refused: quota, or the database failed."),
    XY_METRIC(handed_over, .unit = "messages", .doc = "Messages handed to a session."),
    XY_METRIC(expired, .unit = "messages",
              .doc = "Messages forgotten because their time was up."),
};

XY_MODULE(offline, .about = "Keeps messages for absent accounts (XEP-0160).", XY_STATE_SIZE,
          XY_START(start), XY_TABLE(options, options), XY_TABLE(hooks, hooks),
          XY_TABLE(features, features), XY_TABLE(commands, commands),
          XY_TABLE(metrics, metrics));
