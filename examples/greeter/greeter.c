/* SPDX-License-Identifier: MIT */
/*
 * Welcomes new accounts with a message when they are first there to read it, and remembers whom
 * it has welcomed. An account is noted when it is created, so people who were here before the
 * module are left in peace. It is marked as welcomed before the message is sent, by an update
 * that only one of its sessions can win: nobody is welcomed twice.
 */
#define XY_STATE greeter
#include <xylem/xylem.h>

#define XY_HOOKS_HERE
#include "greeter.h"

struct greeter {
    const struct xy_str text;
    xy_counter greeted;
};

static const struct xy_option options[] = {
    XY_OPTION(text, .initial = "Welcome! Ask here when you need help.",
              .doc = "What a new account is told."),
};

static void
check(const struct greeter *self, struct xy_diagnostics *to)
{
    if (xy_str_trim(self->text).len == 0)
        xy_complain(to, "text", "says nothing; switch the module off instead");
}

/* ---- whom ------------------------------------------------------------------------------- */

static const struct xy_migration schema[] = {
    {1,
     "create table greeter_account (owner bigint not null primary key, jid text not null, "
     "greeted_ms bigint not null)",
     NULL},
};

static const struct xy_statement note =
    XY_SQL("insert into greeter_account (owner, jid, greeted_ms) values (?, ?, 0)");
static const struct xy_statement find =
    XY_SQL("select greeted_ms from greeter_account where owner = ?");
static const struct xy_statement mark =
    XY_SQL("update greeter_account set greeted_ms = ? where owner = ? and greeted_ms = 0");
static const struct xy_statement drop = XY_SQL("delete from greeter_account where owner = ?");
static const struct xy_statement list =
    XY_SQL("select jid, greeted_ms from greeter_account where greeted_ms > 0 order by "
           "greeted_ms, owner");
static const struct xy_statement *const statements[] = {&note, &find, &mark, &drop, &list};

static void
complain(xy_status status, const struct xy_jid *account)
{
    xy_warn("greeter.not_saved", "the database does not remember whom to welcome",
            XY_F_STR_AS("account", xy_jid_text(account)),
            XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
note_account(XY_SELF, struct xy_user *user)
{
    xy_status status = xy_sql_write(&note, XY_INT(xy_user_owner(user)),
                                    XY_TEXT(xy_jid_text(xy_user_jid(user))));
    if (status != XY_OK)
        complain(status, xy_user_jid(user));
}

static void
drop_account(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    xy_status status = xy_sql_write(&drop, XY_INT(owner));
    if (status != XY_OK)
        complain(status, bare);
}

/* ---- welcoming -------------------------------------------------------------------------- */

static bool
is_due(struct xy_user *user)
{
    struct xy_rows *rows;
    return xy_sql_read(&find, &rows, XY_INT(xy_user_owner(user))) == XY_OK &&
           xy_rows_next(rows) && xy_rows_int(rows, 0) == 0;
}

/* XY_CONFLICT: another session of the account was faster. */
static xy_status
mark_greeted(struct xy_user *user)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &mark, XY_INT(xy_now_ms()), XY_INT(xy_user_owner(user)));
    xy_txn_expect(txn, 1);
    return xy_txn_commit(txn);
}

static void
welcome(XY_SELF, struct xy_session *session)
{
    struct xy_user *user = xy_session_user(session);
    if (!is_due(user) || mark_greeted(user) != XY_OK)
        return;
    struct xy_host *host = xy_host_of(self);
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_from(message, xy_host_jid(host));
    xy_stanza_set_to(message, xy_user_jid(user));
    xy_node_add_text(xy_node_add(xy_stanza_top(message), XY_NO_STR, XY_STR("body")),
                     self->text);
    xy_route(message);
    xy_count(&self->greeted);
    xy_run_greeter_greeted(host, user, self->text);
}

static const struct xy_hook hooks[] = {
    XY_ON(account_created, note_account),
    XY_ON(account_deleted, drop_account),
    XY_ON(session_available, welcome, .order = XY_LATE),
};

/* ---- for administrators ----------------------------------------------------------------- */

static xy_status
show(XY_SELF, struct xy_command *command)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&list, &rows);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer");
    while (xy_rows_next(rows)) {
        xy_row(command);
        xy_put_str(command, "account", xy_rows_text(rows, 0));
        xy_put_str(command, "welcomed", xy_time_format(xy_rows_int(rows, 1)));
    }
    return XY_OK;
}

static const struct xy_command_row commands[] = {
    XY_COMMAND("greeter list", show, .about = "Shows whom the greeter has welcomed."),
};
static const struct xy_metric metrics[] = {XY_METRIC(greeted, .doc = "Accounts welcomed.")};

XY_MODULE(greeter, .about = "Welcomes new accounts.", XY_STATE_SIZE, XY_CHECKER(check),
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(commands, commands),
          XY_TABLE(metrics, metrics), XY_TABLE(schema, schema),
          XY_TABLE(statements, statements), );
