/* SPDX-License-Identifier: MIT */
/*
 * Offline messages (XEP-0160): a view on the message store, per device. Decides what waits, how
 * much of it, for how long, and what a client that reads the archive is handed; nothing is
 * forgotten before a device has certainly received it, or its time is up.
 */
#define XY_STATE offline
#include <xylem/xylem.h>

enum clear { CLEAR_ARCHIVED, CLEAR_DELIVERED, CLEAR_DISCARD };

struct offline {
    const int64_t quota;
    const xy_duration keep_for, device_for;
    const xy_choice clear;
    xy_counter waited, refused, handed_over, expired, forgotten;
};

static void
keep(XY_SELF, struct xy_user *owner, const struct xy_stanza *message, bool outgoing,
     unsigned *how)
{
    (void)owner;
    if (!outgoing && xy_message_is_storable(message))
        *how |= XY_KEEP_QUEUED;
}

/* XEP-0160 2: the sender is the only one who can be told. */
static xy_verdict
limit(XY_SELF, struct xy_user *to, const struct xy_stanza *message)
{
    int64_t count = xy_user_pending(to);
    xy_status status = XY_OK;
    if (self->quota != XY_NONE && count == XY_NONE)
        status = xy_pending_count(xy_user_owner(to), &count);
    if (status == XY_OK && (self->quota == XY_NONE || count < self->quota)) {
        xy_count(&self->waited);
        return XY_PASS;
    }
    xy_count(&self->refused);
    xy_bounce(message, status == XY_OK ? XY_SERVICE_UNAVAILABLE : xy_status_condition(status),
              XY_NO_STR);
    return XY_DONE;
}

/* ---- policy: what a session is handed (requirement S2-11) ----------------------------------
 */

static const struct xy_statement get_policy =
    XY_SQL("select clear from offline_policy where owner = ?");
static const struct xy_statement drop_policy =
    XY_SQL("delete from offline_policy where owner = ?");
static const struct xy_statement put_policy =
    XY_SQL("insert into offline_policy (owner, clear) values (?, ?)"
           " on conflict (owner) do update set clear = excluded.clear");

static const char *const policies[] = {"archived", "delivered", "discard"};

static xy_status
policy_of(const struct offline *self, xy_owner owner, int *clear)
{
    struct xy_rows *rows;
    *clear = self->clear.index;
    xy_status status = xy_sql_read(&get_policy, &rows, XY_INT(owner));
    if (status == XY_OK && xy_rows_next(rows))
        *clear = (int)xy_rows_int(rows, 0);
    return status;
}

static enum xy_drain
drain_for(const struct xy_session *session, int clear)
{
    if (!xy_session_reads_archive(session) || clear == CLEAR_DELIVERED)
        return XY_DRAIN_ALL;
    return clear == CLEAR_DISCARD ? XY_DRAIN_NOTHING : XY_DRAIN_UNARCHIVED;
}

static void
hand_over(XY_SELF, struct xy_session *session)
{
    int clear;
    int64_t count = 0;
    bool known = policy_of(self, xy_user_owner(xy_session_user(session)), &clear) == XY_OK;
    xy_status status =
        xy_pending_drain(session, known ? drain_for(session, clear) : XY_DRAIN_ALL, &count);
    xy_count_by(&self->handed_over, (uint64_t)count);
    if (status != XY_OK && status != XY_GONE)
        xy_warn("offline.not_read", "waiting messages cannot be read; soon again",
                XY_F_STR_AS("account", xy_jid_text(xy_user_jid(xy_session_user(session)))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

/* ---- time ---------------------------------------------------------------------------------
 */

static void
complain(const char *what, xy_status status)
{
    if (status != XY_OK)
        xy_warn("offline.not_expired", "old messages or devices stay",
                XY_F_CSTR_AS("what", what), XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
expire(void *instance, void *argument)
{
    (void)argument;
    struct offline *self = instance;
    struct xy_host *host = xy_host_of(self);
    int64_t now = xy_now_ms(), count = 0;
    if (self->keep_for.ms != XY_NONE) {
        complain("messages", xy_pending_expire(host, now - self->keep_for.ms, &count));
        xy_count_by(&self->expired, (uint64_t)count);
    }
    count = 0;
    if (self->device_for.ms != XY_NONE)
        complain("devices", xy_devices_expire(host, now - self->device_for.ms, &count));
    xy_count_by(&self->forgotten, (uint64_t)count);
}

static void
drop_account(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    (void)bare;
    if (xy_sql_write(&drop_policy, XY_INT(owner)) != XY_OK)
        xy_warn("offline.not_dropped", "a policy of a deleted account stays", XY_F_INT(owner));
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

static xy_status
show_policy(struct offline *self, struct xy_command *command, xy_owner owner)
{
    int clear;
    xy_status status = policy_of(self, owner, &clear);
    if (status == XY_OK)
        xy_put_str(command, "clear", xy_str_from(policies[clear]));
    return status;
}

static xy_status
policy(XY_SELF, struct xy_command *command)
{
    xy_owner owner;
    struct xy_str wanted = xy_arg(command, "POLICY");
    xy_status status = find_owner(command, &owner);
    if (status != XY_OK || !wanted.len)
        return status == XY_OK ? show_policy(self, command, owner) : status;
    int clear = 0;
    while (clear < 3 && !xy_str_equal(wanted, xy_str_from(policies[clear])))
        clear++;
    if (clear == 3 && !xy_str_is(wanted, "default"))
        return xy_fail(command, XY_INVALID, "archived, delivered, discard or default");
    status = clear == 3 ? xy_sql_write(&drop_policy, XY_INT(owner))
                        : xy_sql_write(&put_policy, XY_INT(owner), XY_INT(clear));
    return status == XY_OK ? show_policy(self, command, owner) : status;
}

static const struct xy_option options[] = {
    XY_OPTION(quota, .initial = "1000", .min = 1, .max = 1000000, .none = true,
              .doc = "Messages that may wait for one account; further ones bounce."),
    XY_OPTION(keep_for, .initial = "90 days", .min = 60 * 1000, .max = INT64_MAX, .none = true,
              .doc = "Messages that nobody fetched for so long are forgotten, each with a line "
                     "in the log."),
    XY_OPTION(device_for, .initial = "90 days", .min = 60 * 1000, .max = INT64_MAX,
              .none = true,
              .doc = "Messages wait for every device of an account. One that has not logged in "
                     "for so long is forgotten, if another one has."),
    XY_OPTION(clear, .initial = "archived", .choices = "archived|delivered|discard",
              .doc =
                  "What a client that binds with Bind 2, and so reads the archive, is handed "
                  "of the queue: `archived`: what its archive does not have; `delivered`: "
                  "everything; `discard`: nothing, what waited for it is lost."),
};
static const struct xy_migration schema[] = {
    {1, "create table offline_policy (owner bigint primary key, clear smallint not null)",
     NULL},
};
static const struct xy_statement *const statements[] = {&get_policy, &put_policy, &drop_policy};
static const struct xy_hook hooks[] = {
    XY_ON(message_keeping, keep),
    XY_ON(message_waiting, limit, .order = XY_LATE),
    XY_ON(account_deleted, drop_account),
    XY_ON(session_available, hand_over, .order = XY_LATE),
};
static const struct xy_feature features[] = {{"msgoffline", XY_IQ_HOST}};
static const struct xy_command_row commands[] = {
    XY_COMMAND("offline count", count_waiting, .arguments = "JID",
               .about = "Count the messages that wait."),
    XY_COMMAND("offline clear", clear, .arguments = "JID",
               .about = "Forget the messages that wait."),
    XY_COMMAND("offline policy", policy, .arguments = "JID [POLICY]",
               .about = "Show or set what an account's Bind 2 clients are handed (archived, "
                        "delivered, discard, default)."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(waited, .unit = "messages", .doc = "Messages nobody could take at once."),
    XY_METRIC(refused, .unit = "messages",
              .doc = "Messages refused: quota, or the database failed."),
    XY_METRIC(handed_over, .unit = "messages", .doc = "Messages handed to a session."),
    XY_METRIC(expired, .unit = "messages",
              .doc = "Messages forgotten because their time was up."),
    XY_METRIC(forgotten, .unit = "devices", .doc = "Devices not seen for too long."),
};

XY_MODULE(offline, .about = "Keeps messages for absent accounts (XEP-0160).", XY_STATE_SIZE,
          XY_START(start), XY_TABLE(options, options), XY_TABLE(hooks, hooks),
          XY_TABLE(features, features), XY_TABLE(commands, commands),
          XY_TABLE(metrics, metrics), XY_TABLE(schema, schema),
          XY_TABLE(statements, statements));
