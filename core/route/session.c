/* SPDX-License-Identifier: MIT */
/*
 * Sessions: bound resources (RFC 6120 section 7). A full JID has at most one; a newer one takes
 * its place and the older stream ends with <conflict/>.
 */
#include "core/route/room.h"

static struct xyi_c2s_limits limits = {.auth_timeout_ms = 30000, .sessions = XY_NONE};
struct xyi_route_counts xyi_route_counters;
static struct xyi_link_node all = {&all, &all}; /* open ones */

void
xyi_route_configure(const struct xyi_c2s_limits *wanted)
{
    limits = *wanted;
    xyi_grace_ms = limits.grace_ms;
}

int64_t
xy_login_failures_allowed(void)
{
    return limits.auth_failures > 0 ? limits.auth_failures : XY_NONE;
}

int64_t
xyi_route_auth_timeout_ms(void)
{
    return limits.auth_timeout_ms;
}

static void
release(void *object)
{
    struct xy_session *session = object;
    xy_jid_drop(session->jid);
    xyi_login_drop(session->login);
    xyi_notes_free(&session->notes);
    xyi_free(session);
}

static enum xy_login_path
path_of(const struct xy_stream *stream, const struct xy_bind *bind)
{
    if (bind->resumes)
        return XY_LOGIN_RESUMED;
    if (!bind->request)
        return stream->login_path;
    return stream->login_path == XY_LOGIN_FAST ? XY_LOGIN_FAST_BIND2 : XY_LOGIN_SASL2_BIND2;
}

static struct xy_session *
add(struct xy_stream *stream, struct xy_user *user, const struct xy_jid *full,
    const struct xy_bind *bind, int64_t device)
{
    struct xy_session *session = xyi_alloc(sizeof(*session));
    session->jid = xy_jid_keep(full);
    session->user = user;
    session->stream = stream;
    session->opened_ms = xy_now_ms();
    session->open = true;
    session->device = device;
    session->reads_archive = bind->reads_archive;
    session->since = xyi_message_next_id();
    session->login = xyi_login_new(stream, full, path_of(stream, bind));
    xyi_outbox_init(session);
    xyi_list_init(&session->rooms);
    xyi_list_init(&session->left_behind);
    session->out.binding = true;
    xyi_list_append(&user->sessions, &session->in_user);
    xyi_list_append(&all, &session->in_all);
    user->session_count++;
    xyi_user_used(user);
    stream->session = session;
    stream->stage = XY_STREAM_BOUND;
    xyi_timer_clear(&stream->login_timer);
    xyi_route_counters.sessions++;
    xyi_route_counters.logins++;
    xyi_device_arrives(user, session->device);
    return session;
}

static struct xy_session *
of_device(const struct xy_user *user, int64_t device)
{
    for (struct xy_session *s = device ? xy_user_first(user) : NULL; s; s = xy_session_next(s))
        if (s->device == device)
            return s;
    return NULL;
}

/* Its hooks may wait, and another bind be faster. */
static void
replace_older(const struct xy_user *user, const struct xy_jid *full, int64_t device)
{
    struct xy_session *older;
    while ((older = xy_session_find(full)) || (older = of_device(user, device)))
        xy_session_close(older, "conflict", XY_STR("Replaced by a new connection"));
}

/* The row, not what is remembered of it: it may have been disabled since the login. */
static xy_status
may_bind(const struct xy_jid *bare, struct xy_user **user)
{
    struct xy_account account;
    xy_status status = xyi_account_read(bare, &account);
    if (status == XY_OK && account.state != XY_ACCOUNT_ACTIVE)
        status = XY_DENIED;
    if (status == XY_OK)
        status = xy_user_get(bare, user);
    return status == XY_OK ? xyi_devices_load(*user) : status;
}

xy_status
xy_stream_bind_as(struct xy_stream *stream, const struct xy_bind *bind,
                  struct xy_session **session)
{
    if (stream->stage != XY_STREAM_AUTHENTICATED)
        return XY_CONFLICT;
    struct xy_str name = bind->resource.len ? bind->resource : xyi_random_token(12);
    const struct xy_jid *account = stream->account;
    const struct xy_jid *full =
        xy_jid_make(xy_jid_local(account), xy_jid_domain(account), name);
    if (!full)
        return XY_INVALID;
    struct xy_user *user;
    xy_status status = may_bind(account, &user);
    if (status != XY_OK)
        return status;
    int64_t device = bind->known_device ? bind->known_device : xy_client_number(bind->device);
    replace_older(user, full, device);
    if (stream->stage != XY_STREAM_AUTHENTICATED || user->gone || !stream->link)
        return XY_GONE;
    if (user->disabled) /* while we waited */
        return XY_DENIED;
    if (limits.sessions != XY_NONE && user->session_count >= limits.sessions)
        return XY_FULL;
    *session = add(stream, user, full, bind, device);
    if (!bind->resumes)
        xyi_login_log(*session, "session.opened", "a session begins");
    xyi_forbid_wait("session_binding");
    xy_run_session_binding(user->host, *session, bind->request);
    xyi_allow_wait();
    xyi_account_touch(user->owner, xy_now_ms());
    xy_run_session_opened(user->host, *session);
    return (*session)->open ? XY_OK : XY_GONE;
}

xy_status
xy_stream_bind(struct xy_stream *stream, struct xy_str resource, struct xy_session **session)
{
    xy_status status =
        xy_stream_bind_as(stream, &(struct xy_bind){.resource = resource}, session);
    if (status == XY_OK)
        xy_session_release(*session);
    return status;
}

static void
say_unavailable(struct xy_session *session)
{
    struct xy_stanza *presence = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
    xy_stanza_set_type(presence, XY_STR("unavailable"));
    xy_stanza_set_from(presence, session->jid);
    xyi_stanza_freeze(presence);
    xy_run_session_presence(session->user->host, session, presence, false);
}

void
xyi_session_end(struct xy_session *session)
{
    if (!session->open)
        return;
    struct xy_user *user = session->user;
    session->open = false;
    xyi_list_remove(&session->in_user);
    xyi_list_remove(&session->in_all);
    user->session_count--;
    const struct xy_stanza *presence = session->presence;
    session->presence = NULL;
    xyi_user_pin(user); /* it stays while we wait */
    xyi_timer_clear(&session->retry);
    xyi_forbid_wait("session_ending");
    xy_run_session_ending(user->host, session);
    xyi_allow_wait();
    xyi_outbox_end(session);
    if (presence) {
        xy_stanza_drop(presence);
        say_unavailable(session);
    }
    xy_run_session_closed(user->host, session);
    xyi_rooms_session_ended(session);
    xyi_route_counters.sessions--;
    if (session->stream)
        session->stream->session = NULL; /* it may outlive us by long */
    xyi_user_unpin(user);
    xyi_retire(session, release);
}

void
xyi_session_lost(struct xy_session *session)
{
    struct xy_host *host = session->user->host;
    xyi_outbox_cut_off(session);
    bool keep = session->open && session->out.retained &&
                xy_run_session_lost(host, session) == XY_DONE && session->open;
    if (!keep) {
        xyi_session_end(session);
        return;
    }
    if (session->stream)
        session->stream->session = NULL;
    session->stream = NULL;
    xyi_outbox_detached(session);
    xy_run_session_detached(host, session);
}

void
xy_session_close(struct xy_session *session, const char *condition, struct xy_str text)
{
    if (!session->open)
        return;
    struct xy_stream *stream = session->stream;
    if (stream && condition)
        xy_stream_error(stream, condition, text);
    else if (stream)
        xy_stream_close(stream);
    xyi_session_end(session);
}

xy_status
xy_session_send(struct xy_session *session, const struct xy_stanza *stanza)
{
    return xy_session_send_of(session, stanza, 0);
}

xy_status
xy_session_send_of(struct xy_session *session, const struct xy_stanza *stanza, int64_t message)
{
    struct outbox *out = &session->out;
    if (!session->open || !(out->retained || xyi_session_is_connected(session)))
        return XY_GONE;
    if (out->retained || out->watched || out->waiting.first || out->binding)
        return xyi_outbox_put(session, &(struct item){.stanza = stanza, .content = message})
                   ? XY_OK
                   : XY_GONE;
    xyi_link_send(session->stream->link, stanza, NULL);
    xyi_route_counters.delivered++;
    return XY_OK;
}

bool
xyi_session_is_connected(const struct xy_session *session)
{
    const struct xy_stream *stream = session->stream;
    return stream && stream->link && !stream->closing;
}

bool
xyi_session_is_ready(const struct xy_session *session)
{
    return session->open && xyi_session_is_connected(session) && !session->out.binding;
}

bool
xyi_session_takes_messages(const struct xy_session *session)
{
    return session->presence && session->priority >= 0 &&
           (session->out.retained || xyi_session_is_connected(session));
}

void
xyi_sessions_each(void (*each)(void *argument, struct xy_session *session), void *argument)
{
    for (struct xyi_link_node *at = all.next, *next; at != &all; at = next) {
        next = at->next;
        each(argument, XYI_LIST_OF(at, struct xy_session, in_all));
    }
}

void
xy_sessions_each(const struct xy_host *host,
                 void (*each)(void *argument, struct xy_session *session), void *argument)
{
    for (struct xyi_link_node *at = all.next, *next; at != &all; at = next) {
        struct xy_session *session = XYI_LIST_OF(at, struct xy_session, in_all);
        next = at->next;
        if (session->user->host == host)
            each(argument, session);
    }
}

struct xy_session *
xy_session_find(const struct xy_jid *full)
{
    struct xy_user *user = xyi_user_known(xy_jid_bare(full));
    for (struct xy_session *s = user ? xy_user_first(user) : NULL; s; s = xy_session_next(s))
        if (s->jid == full)
            return s;
    return NULL;
}

struct xy_session *
xy_session_next(const struct xy_session *session)
{
    if (!session->open || session->in_user.next == &session->user->sessions)
        return NULL;
    return XYI_LIST_OF(session->in_user.next, struct xy_session, in_user);
}
