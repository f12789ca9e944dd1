/* SPDX-License-Identifier: MIT */
/*
 * Admin commands about accounts. All of them work with the server stopped as well, by the same
 * code on the same store.
 */
#include "core/server/server.h"

static xy_status
fail_account(struct xy_command *command, xy_status status, const struct xy_jid *jid)
{
    switch (status) {
    case XY_OK:
        return status;
    case XY_ABSENT:
        return xy_fail(command, status, "there is no account " XY_FMT,
                       XY_ARG(xy_jid_text(jid)));
    case XY_CONFLICT:
        return xy_fail(command, status, "the account " XY_FMT " exists already",
                       XY_ARG(xy_jid_text(jid)));
    case XY_INVALID:
        return xy_fail(command, status,
                       "the password is empty or has characters it may not have");
    case XY_FULL:
    case XY_GONE:
    case XY_DENIED:
    case XY_CANCELLED:
    case XY_TIMEOUT:
    case XY_BROKEN:
    case XY_UNKNOWN:
    case XY_UNSUPPORTED:
        break;
    }
    return xy_fail(command, status, "the database did not do it: %s", xy_status_name(status));
}

static xy_status
create(XY_SELF, struct xy_command *command)
{
    const struct xy_jid *jid = xyi_account_argument(command, "JID");
    if (!jid)
        return XY_INVALID;
    xy_status status = xy_account_create(jid, xy_command_input(command));
    if (status == XY_OK)
        xy_put_str(command, "created", xy_jid_text(jid));
    return fail_account(command, status, jid);
}

static xy_status
set_password(XY_SELF, struct xy_command *command)
{
    const struct xy_jid *jid = xyi_account_argument(command, "JID");
    if (!jid)
        return XY_INVALID;
    xy_status status = xy_account_set_password(jid, xy_command_input(command));
    if (status == XY_OK)
        xy_put_str(command, "changed", xy_jid_text(jid));
    return fail_account(command, status, jid);
}

static xy_status
set_state(struct xy_command *command, enum xy_account_state state)
{
    const struct xy_jid *jid = xyi_account_argument(command, "JID");
    if (!jid)
        return XY_INVALID;
    xy_status status = xy_account_set_state(jid, state);
    if (status == XY_OK)
        xy_put_str(command, state == XY_ACCOUNT_ACTIVE ? "enabled" : "disabled",
                   xy_jid_text(jid));
    return fail_account(command, status, jid);
}

static xy_status
disable(XY_SELF, struct xy_command *command)
{
    return set_state(command, XY_ACCOUNT_DISABLED);
}

static xy_status
enable(XY_SELF, struct xy_command *command)
{
    return set_state(command, XY_ACCOUNT_ACTIVE);
}

static const char *const kinds[] = {[XY_ACCOUNT_PERSON] = "person",
                                    [XY_ACCOUNT_BOT] = "bot",
                                    [XY_ACCOUNT_INTEGRATION] = "integration"};

/* Decides the class of its sessions and of what it writes from now on (removal.h). */
static xy_status
set_kind(XY_SELF, struct xy_command *command)
{
    const struct xy_jid *jid = xyi_account_argument(command, "JID");
    struct xy_str wanted = xy_arg(command, "KIND");
    unsigned kind = 0;
    if (!jid)
        return XY_INVALID;
    while (kind < 3 && !xy_str_equal(wanted, xy_str_from(kinds[kind])))
        kind++;
    if (kind == 3)
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is no kind: person, bot, integration",
                       XY_ARG(wanted));
    xy_status status = xy_account_set_kind(jid, (enum xy_account_kind)kind);
    if (status == XY_OK)
        xy_put_str(command, kinds[kind], xy_jid_text(jid));
    return fail_account(command, status, jid);
}

static xy_status
delete_account(XY_SELF, struct xy_command *command)
{
    const struct xy_jid *jid = xyi_account_argument(command, "JID");
    if (!jid)
        return XY_INVALID;
    xy_status status = xy_account_delete(jid);
    if (status == XY_OK)
        xy_put_str(command, "deleted", xy_jid_text(jid));
    return fail_account(command, status, jid);
}

/* ---- looking
 * -------------------------------------------------------------------------------------------
 */

static struct xy_str
time_text(int64_t ms)
{
    return ms ? xy_time_format(ms) : XY_STR("never");
}

static struct xy_str
state_text(int64_t state)
{
    return state == XY_ACCOUNT_ACTIVE ? XY_STR("active") : XY_STR("disabled");
}

/* Any spelling of a served domain, or absent. */
static xy_status
host_argument(struct xy_command *command, struct xy_str *host)
{
    struct xy_str text = xy_arg(command, "host");
    const struct xy_jid *jid = text.len ? xy_jid_parse(text) : NULL;
    *host = jid ? xy_jid_text(jid) : XY_NO_STR;
    if (text.at && (!jid || !xy_host_find(jid)))
        return xy_fail(command, XY_ABSENT, "`" XY_FMT "` is not served here", XY_ARG(text));
    return XY_OK;
}

static xy_status
list(XY_SELF, struct xy_command *command)
{
    struct xy_str host, after = xy_arg(command, "after");
    const struct xy_jid *start = after.len ? xy_jid_parse(after) : NULL;
    struct xy_rows *rows;
    int64_t limit;
    xy_status status = xy_arg_int(command, "limit", 1, 100000, 1000, &limit);
    if (status == XY_OK)
        status = host_argument(command, &host);
    if (status != XY_OK)
        return status;
    if (after.len && !start)
        return xy_fail(command, XY_INVALID, "--after: `" XY_FMT "` is not a JID",
                       XY_ARG(after));
    status = xyi_account_list(host, start ? xy_jid_text(start) : XY_NO_STR, limit, &rows);
    if (status != XY_OK)
        return fail_account(command, status, NULL);
    while (xy_rows_next(rows)) {
        xy_row(command);
        xy_put_str(command, "jid", xy_rows_text(rows, 0));
        xy_put_str(command, "state", state_text(xy_rows_int(rows, 2)));
        xy_put_str(command, "created", time_text(xy_rows_int(rows, 3)));
        xy_put_str(command, "last_login", time_text(xy_rows_int(rows, 4)));
    }
    if ((int64_t)xy_rows_count(rows) == limit)
        xy_say(command, "there may be more: --after the last of these shows them");
    return XY_OK;
}

static xy_status
show(XY_SELF, struct xy_command *command)
{
    const struct xy_jid *jid = xyi_account_argument(command, "JID");
    struct xy_account account;
    struct xy_user *user;
    int64_t pending = 0;
    if (!jid)
        return XY_INVALID;
    xy_status status = xy_account_find(jid, &account);
    if (status == XY_OK)
        status = xy_pending_count(account.owner, &pending);
    if (status == XY_OK)
        status = xy_user_get(jid, &user);
    if (status != XY_OK)
        return fail_account(command, status, jid);
    xy_put_str(command, "jid", xy_jid_text(jid));
    xy_put_int(command, "owner", account.owner);
    xy_put_str(command, "state", state_text(account.state));
    xy_put_str(command, "kind", xy_str_from(kinds[account.kind]));
    xy_put_str(command, "created", time_text(account.created_ms));
    xy_put_str(command, "last_login", time_text(account.last_login_ms));
    xy_put_int(command, "messages_waiting", pending);
    for (struct xy_session *at = xy_user_first(user); at; at = xy_session_next(at))
        xyi_put_session(command, at);
    return XY_OK;
}

const struct xy_command_row xyi_user_commands[] = {
    XY_COMMAND("user create", create, .arguments = "JID [--password-stdin]", .stopped = true,
               .input = true, .about = "Creates an account; the password is asked for."),
    XY_COMMAND("user password", set_password, .arguments = "JID [--password-stdin]",
               .stopped = true, .input = true, .about = "Changes a password."),
    XY_COMMAND("user disable", disable, .arguments = "JID", .stopped = true,
               .about = "Ends an account's sessions and lets nobody log in."),
    XY_COMMAND("user enable", enable, .arguments = "JID", .stopped = true,
               .about = "Lets a disabled account log in again."),
    XY_COMMAND("user kind", set_kind, .arguments = "JID KIND",
               .about = "Says whose account it is: person, bot or integration."),
    XY_COMMAND("user delete", delete_account, .arguments = "JID", .stopped = true,
               .about = "Removes an account and what is kept for it; contacts are told."),
    XY_COMMAND("user list", list, .arguments = "[--host HOST] [--limit N] [--after JID]",
               .stopped = true, .about = "Lists accounts in order, 1000 at a time."),
    XY_COMMAND("user show", show, .arguments = "JID", .stopped = true,
               .about = "Shows an account, its sessions and how many messages wait for it."),
    XY_COMMAND(
        "user import", xyi_user_import, .arguments = "FILE", .stopped = true, .input = true,
        .about = "Creates accounts from lines of JID, tab, password; - is standard input."),
};
const size_t xyi_user_commands_count = sizeof(xyi_user_commands) / sizeof(xyi_user_commands[0]);
