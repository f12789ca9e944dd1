/* SPDX-License-Identifier: MIT */
/*
 * Which clients have access, and taking it away. A password cannot be taken from who knows it:
 * such a client loses its tokens and sessions, and whoever asked is told that it takes a new
 * password to keep it out (XEP-0494).
 */
#include "modules/clients/clients.h"

static bool
is_among(struct xy_rows *rows, int64_t number)
{
    while (xy_rows_next(rows))
        if (xy_rows_int(rows, 0) == number)
            return true;
    return false;
}

/* XY_OK also where nobody gives out tokens. */
static xy_status
has_token(struct xy_host *host, const struct xy_account *account, int64_t number, bool *has)
{
    struct xy_rows *rows;
    xy_status status = xy_run_client_tokens(host, account, &rows);
    *has = status == XY_OK && is_among(rows, number);
    return status == XY_UNSUPPORTED ? XY_OK : status;
}

static xy_status
mark_tokens(struct xy_host *host, struct access *access)
{
    struct xy_rows *rows;
    xy_status status = xy_run_client_tokens(host, &access->account, &rows);
    while (status == XY_OK && xy_rows_next(rows))
        for (size_t i = 0; i < access->count; i++)
            if (access->all[i].number == xy_rows_int(rows, 0))
                access->has_token[i] = true;
    return status == XY_UNSUPPORTED ? XY_OK : status;
}

static struct xy_session **
sessions_of(const struct xy_user *user, size_t *count)
{
    *count = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        ++*count;
    struct xy_session **all = xy_temp_alloc((*count + 1) * sizeof(struct xy_session *));
    *count = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        all[(*count)++] = s;
    return all;
}

xy_status
access_read(struct clients *self, struct xy_user *user, struct access *access)
{
    size_t sessions;
    struct xy_session **all = sessions_of(user, &sessions);
    for (size_t i = 0; i < sessions; i++) /* each has a row behind it */
        (void)seen_client_of(self, all[i]);
    *access = (struct access){0};
    xy_status status = xy_account_find(xy_user_jid(user), &access->account);
    if (status == XY_OK)
        status = clients_read(access->account.owner, &access->all, &access->count);
    if (status != XY_OK)
        return status;
    access->has_token = xy_temp_alloc(access->count + 1);
    access->connected = xy_temp_alloc(access->count + 1);
    status = mark_tokens(xy_user_host(user), access);
    for (size_t i = 0; i < access->count; i++)
        access->connected[i] = access_is_connected(user, access->all[i].number);
    return status;
}

bool
access_is_connected(const struct xy_user *user, int64_t number)
{
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (seen_number(s) == number)
            return true;
    return false;
}

xy_status
access_forget(struct clients *self, xy_owner owner, int64_t number)
{
    xy_run_client_revoked(xy_host_of(self), owner, number);
    xy_status status = client_drop(owner, number);
    xy_count_by(&self->forgotten, status == XY_OK);
    return status;
}

/* ---- revoking
 * ----------------------------------------------------------------------------------- */

static xy_status
find(const struct xy_account *account, struct xy_str id, struct client *client)
{
    struct client *all;
    size_t count;
    xy_status status = clients_read(account->owner, &all, &count);
    if (status != XY_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        if (xy_str_equal(all[i].id, id)) {
            *client = all[i];
            return XY_OK;
        }
    return XY_ABSENT;
}

xy_status
access_revoke(struct clients *self, struct xy_user *user, struct xy_str id, struct xy_str by,
              int64_t *number)
{
    struct xy_account account;
    struct client client = {0};
    bool has = false;
    xy_status status = xy_account_find(xy_user_jid(user), &account);
    if (status == XY_OK)
        status = find(&account, id, &client);
    if (status != XY_OK)
        return status;
    *number = client.number;
    xy_run_client_revoked(xy_host_of(self), account.owner, client.number);
    bool knows_password = client.password == account.passwords;
    status = has_token(xy_user_host(user), &account, client.number, &has);
    if (status == XY_OK && has)
        status = XY_BROKEN; /* who had to void it has said why */
    if (status == XY_OK && !knows_password)
        status = client_drop(account.owner, client.number);
    if (status != XY_OK)
        return status;
    xy_count(&self->revoked);
    xy_notice("clients.revoked", "the access of a client was revoked",
              XY_F_STR_AS("account", xy_jid_text(xy_user_jid(user))), XY_F_STR(id),
              XY_F_STR(by),
              (struct xy_field){
                  .name = "knows_password", .type = XY_FIELD_BOOL, .integer = knows_password});
    return knows_password ? XY_DENIED : XY_OK;
}

void
access_end_sessions(struct xy_user *user, int64_t number)
{
    size_t count;
    struct xy_session **all = sessions_of(user, &count);
    for (size_t i = 0; i < count; i++)
        if (seen_number(all[i]) == number)
            xy_session_close(all[i], "not-authorized", XY_STR("Its access was revoked"));
}
