/* SPDX-License-Identifier: MIT */
/*
 * Writes down who logs in. A login with SASL2 is written behind its <success/>, any other when
 * it binds; when nothing is new and the client was seen within the hour, nothing is written. A
 * client whose row is dropped loses its tokens too: what is not listed does not get in without
 * the password.
 */
#include "modules/clients/clients.h"

enum { FRESH_MS = 3600 * 1000, MOST_AT_ONCE = 500, ID_BYTES = 9 };

/* How the stream logged in by SASL2. */
struct login {
    int64_t client;
    bool by_password, finished;
};
static const struct xy_note login_kind = {"clients.login", 1, sizeof(struct login)};
static const struct xy_note client_kind = {"clients.client", 1, sizeof(int64_t)};

static bool
is_password(struct xy_str mechanism)
{
    return xy_str_starts(mechanism, XY_STR("SCRAM-")) || xy_str_is(mechanism, "PLAIN");
}

static struct xy_user_agent
agent_of(struct clients *self, struct xy_stream *stream)
{
    struct xy_user_agent agent = {0};
    if (!stream || xy_run_sasl2_user_agent(xy_host_of(self), stream, &agent) != XY_OK)
        agent = (struct xy_user_agent){0};
    return agent;
}

/* ---- rows
 * --------------------------------------------------------------------------------------- */

/* Those of the account that are too many. */
static xy_status
trim(struct clients *self, const struct xy_jid *bare, xy_owner owner)
{
    struct client *all;
    size_t count = 0;
    struct xy_user *user;
    xy_status status = xy_user_get(bare, &user);
    if (status == XY_OK)
        status = clients_read(owner, &all, &count);
    for (size_t i = (size_t)self->per_account; status == XY_OK && i < count; i++)
        if (!access_is_connected(user, all[i].number))
            status = access_forget(self, owner, all[i].number);
    return status;
}

static struct xy_str
random_id(void)
{
    unsigned char bytes[ID_BYTES];
    xy_random(bytes, sizeof(bytes));
    return xy_temp_hex(xy_str_of((const char *)bytes, sizeof(bytes)));
}

static bool
is_news(const struct client *known, const struct client *now)
{
    return now->last_ms - known->last_ms >= FRESH_MS || now->password > known->password ||
           now->session > known->session || !xy_str_equal(known->software, now->software) ||
           !xy_str_equal(known->device, now->device);
}

static xy_status
write_down(struct clients *self, const struct xy_jid *bare, struct client *now,
           bool by_password)
{
    struct xy_account account;
    struct client known;
    xy_status status = xy_account_find(bare, &account);
    if (status != XY_OK)
        return status;
    now->password = by_password ? account.passwords : NEVER;
    status = client_read(account.owner, now->number, &known);
    if (status == XY_OK && !is_news(&known, now))
        return XY_OK;
    bool is_new = status == XY_ABSENT;
    if (status == XY_OK || is_new)
        status = client_save(account.owner, xy_host_of(self), now);
    if (status == XY_OK && is_new)
        status = trim(self, bare, account.owner);
    return status;
}

static void
see(struct clients *self, const struct xy_jid *bare, struct xy_stream *stream, int64_t number,
    bool by_password, bool session)
{
    struct xy_user_agent agent = agent_of(self, stream);
    bool named = number && self->user_agents;
    struct client now = {
        .number = number,
        .id = random_id(),
        .software = named ? agent.software : XY_NO_STR,
        .device = named ? agent.device : XY_NO_STR,
        .first_ms = xy_now_ms(),
        .last_ms = xy_now_ms(),
        .session = session,
    };
    xy_status status = write_down(self, bare, &now, by_password);
    if (status != XY_OK)
        xy_warn("clients.not_seen", "a client's login is not written down",
                XY_F_STR_AS("account", xy_jid_text(bare)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

/* ---- logins
 * ------------------------------------------------------------------------------------- */

xy_verdict
seen_note_login(struct clients *self, struct xy_stream *stream,
                const struct xy_node *authenticate, struct xy_node *success)
{
    (void)success;
    struct login *login = xy_stream_note(stream, &login_kind);
    *login = (struct login){
        .client = xy_client_number(agent_of(self, stream).id),
        .by_password = is_password(xy_node_attr(authenticate, "mechanism")),
    };
    return XY_PASS;
}

void
seen_finish_login(struct clients *self, struct xy_stream *stream)
{
    struct login *login = xy_stream_note_find(stream, &login_kind);
    if (!login || !xy_stream_account(stream))
        return;
    login->finished = true;
    see(self, xy_stream_account(stream), stream, login->client, login->by_password,
        xy_stream_session(stream));
}

void
seen_open(struct clients *self, struct xy_session *session)
{
    struct xy_stream *stream = xy_session_stream(session);
    const struct login *login = stream ? xy_stream_note_find(stream, &login_kind) : NULL;
    int64_t number = login ? login->client : 0;
    *(int64_t *)xy_session_note(session, &client_kind) = number;
    if (!login || login->finished)
        see(self, xy_user_jid(xy_session_user(session)), stream, number,
            !login || login->by_password, true);
}

int64_t
seen_number(struct xy_session *session)
{
    const int64_t *noted = xy_session_note_find(session, &client_kind);
    return noted ? *noted : 0;
}

int64_t
seen_client_of(struct clients *self, struct xy_session *session)
{
    const int64_t *noted = xy_session_note_find(session, &client_kind);
    if (noted)
        return *noted;
    struct xy_stream *stream = xy_session_stream(session);
    int64_t number = xy_client_number(agent_of(self, stream).id);
    *(int64_t *)xy_session_note(session, &client_kind) = number;
    see(self, xy_user_jid(xy_session_user(session)), stream, number, true, true);
    return number;
}

void
seen_leave(struct clients *self, struct xy_session *session)
{
    const int64_t *number = xy_session_note_find(session, &client_kind);
    (void)self;
    if (!number)
        return;
    struct xy_user *user = xy_session_user(session);
    xy_status status = client_touch(xy_user_owner(user), *number, xy_now_ms());
    if (status != XY_OK)
        xy_warn("clients.not_seen", "when a client left is not written down",
                XY_F_STR_AS("account", xy_jid_text(xy_user_jid(user))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

/* ---- forgetting
 * --------------------------------------------------------------------------------- */

struct key {
    xy_owner owner;
    int64_t number;
};

static void
collect(void *argument, struct xy_session *session)
{
    struct key key = {xy_user_owner(xy_session_user(session)), seen_number(session)};
    xy_map_put(argument, XY_KEY(key), session);
}

static void
warn_not_expired(xy_status status)
{
    if (status != XY_OK)
        xy_warn("clients.not_expired", "clients not seen for long stay listed",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

void
seen_expire(void *instance, void *argument)
{
    struct clients *self = instance;
    struct xy_host *host = xy_host_of(self);
    struct xy_rows *rows;
    (void)argument;
    if (self->keep_for.ms == XY_NONE)
        return;
    xy_status status =
        clients_older(host, xy_now_ms() - self->keep_for.ms, MOST_AT_ONCE, &rows);
    struct xy_map *connected = xy_map_new(self);
    xy_sessions_each(host, collect, connected);
    while (status == XY_OK && xy_rows_next(rows)) {
        struct key key = {xy_rows_int(rows, 0), xy_rows_int(rows, 1)};
        if (xy_map_get(connected, XY_KEY(key)))
            status = client_touch(key.owner, key.number, xy_now_ms());
        else
            status = access_forget(self, key.owner, key.number);
    }
    xy_map_free(connected);
    warn_not_expired(status);
}
