/* SPDX-License-Identifier: MIT */
/*
 * Changes of accounts: the rows are the store's; here are the hooks and sessions around them.
 */
#include "core/route/objects.h"

static bool
may_be_account(const struct xy_jid *bare)
{
    return xy_jid_is_bare(bare) && xy_jid_local(bare).len > 0 && xy_host_find(bare);
}

static void
announce(const struct xy_jid *bare)
{
    struct xy_user *user;
    if (xy_user_get(bare, &user) == XY_OK)
        xy_run_account_created(user->host, user);
}

xy_status
xy_account_create(const struct xy_jid *bare, struct xy_str password)
{
    if (!may_be_account(bare))
        return XY_INVALID;
    struct xyi_keys keys;
    xy_owner owner;
    xy_status status = xyi_keys_make(password, xyi_account_iterations, &keys);
    if (status == XY_OK)
        status = xyi_account_insert(bare, &keys, &owner);
    if (status == XY_OK)
        announce(bare);
    return status;
}

xy_status
xyi_account_create_with(const struct xy_jid *bare, const struct xyi_key_set *sets, size_t count)
{
    xy_owner owner;
    xy_status status =
        may_be_account(bare) ? xyi_account_import(bare, sets, count, &owner) : XY_INVALID;
    if (status == XY_OK)
        announce(bare);
    return status;
}

xy_status
xy_account_set_password(const struct xy_jid *bare, struct xy_str password)
{
    struct xy_user *user;
    xy_status status = xy_user_get(bare, &user);
    if (status != XY_OK)
        return status;
    struct xyi_keys keys;
    status = xyi_keys_make(password, xyi_account_iterations, &keys);
    if (status == XY_OK)
        status = xyi_account_update_keys(user->owner, &keys);
    if (status == XY_OK)
        xy_run_password_changed(user->host, user);
    return status;
}

static void
end_sessions(struct xy_user *user, const char *condition, struct xy_str text)
{
    struct xy_session *session;
    while ((session = xy_user_first(user)))
        xy_session_close(session, condition, text);
}

xy_status
xy_account_set_state(const struct xy_jid *bare, enum xy_account_state state)
{
    struct xy_user *user;
    xy_status status = xy_user_get(bare, &user);
    if (status == XY_OK)
        status = xyi_account_update_state(user->owner, state);
    if (status == XY_OK)
        user->disabled = state == XY_ACCOUNT_DISABLED; /* for who is just about to bind */
    if (status != XY_OK || state != XY_ACCOUNT_DISABLED)
        return status;
    xy_run_account_disabled(user->host, user);
    end_sessions(user, "not-authorized", XY_STR("The account is disabled"));
    return XY_OK;
}

xy_status
xy_account_set_kind(const struct xy_jid *bare, enum xy_account_kind kind)
{
    struct xy_user *user;
    xy_status status = xy_user_get(bare, &user);
    if (status == XY_OK)
        status = xyi_account_update_kind(user->owner, kind);
    if (status == XY_OK)
        user->kind = kind;
    return status;
}

/* They drop what they keep for him. */
static void
tell_modules(struct xy_host *host, const struct xy_jid *bare, xy_owner owner)
{
    xy_run_account_deleted(host, bare, owner);
    xy_status status = xyi_departure_end(owner);
    if (status != XY_OK)
        xy_warn("account.left", "modules are told of a deleted account once more at next start",
                XY_F_STR_AS("account", xy_jid_text(bare)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

xy_status
xy_account_delete(const struct xy_jid *bare)
{
    struct xy_user *user;
    xy_status status = xy_user_get(bare, &user);
    if (status != XY_OK)
        return status;
    struct xy_host *host = user->host;
    xy_owner owner = user->owner;
    xy_run_account_deleting(host, user);
    status = xyi_account_remove(owner, xy_jid_text(bare));
    if (status != XY_OK)
        return status;
    /* after the row: nobody can log in any more behind those that are ended here */
    end_sessions(user, "not-authorized", XY_STR("The account is deleted"));
    xyi_user_forget(user);
    xy_user_settle(user);
    status = xyi_account_erase(owner); /* what was accepted until now */
    if (status != XY_OK)
        xy_warn("account.not_erased",
                "what was kept for a deleted account is still there; the"
                " next start removes it",
                XY_F_STR_AS("account", xy_jid_text(bare)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    tell_modules(host, bare, owner);
    return XY_OK;
}

xy_status
xyi_departures_finish(void)
{
    struct xy_rows *rows;
    xy_status status = xyi_departures_read(&rows);
    while (status == XY_OK && xy_rows_next(rows)) {
        const struct xy_jid *bare = xy_jid_parse(xy_rows_text(rows, 1));
        struct xy_host *host = bare ? xy_host_find(bare) : NULL;
        if (host) /* else when it is served again */
            tell_modules(host, bare, xy_rows_int(rows, 0));
    }
    return status;
}
