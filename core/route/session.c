/* SPDX-License-Identifier: MIT */
/*
 * Sessions: bound resources (RFC 6120 section 7). A full JID has at most one; a newer one takes
 * its place and the older stream ends with <conflict/>.
 */
#include "core/route/objects.h"

static struct xyi_c2s_limits limits = {.auth_timeout_ms = 30000, .sessions = XY_NONE};
struct xyi_route_counts xyi_route_counters;

void
xyi_route_configure(const struct xyi_c2s_limits *wanted)
{
    limits = *wanted;
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
    xyi_notes_free(&session->notes);
    xyi_free(session);
}

static struct xy_session *
add(struct xy_stream *stream, struct xy_user *user, const struct xy_jid *full)
{
    struct xy_session *session = xyi_alloc(sizeof(*session));
    session->jid = xy_jid_keep(full);
    session->user = user;
    session->stream = stream;
    session->opened_ms = xy_now_ms();
    session->open = true;
    xyi_list_append(&user->sessions, &session->in_user);
    user->session_count++;
    xyi_user_used(user);
    stream->session = session;
    stream->stage = XY_STREAM_BOUND;
    xyi_timer_clear(&stream->login_timer);
    xyi_route_counters.sessions++;
    xyi_route_counters.logins++;
    return session;
}

xy_status
xy_stream_bind(struct xy_stream *stream, struct xy_str resource, struct xy_session **session)
{
    if (stream->stage != XY_STREAM_AUTHENTICATED)
        return XY_CONFLICT;
    struct xy_str name = resource.len ? resource : xyi_random_token(12);
    const struct xy_jid *account = stream->account;
    const struct xy_jid *full =
        xy_jid_make(xy_jid_local(account), xy_jid_domain(account), name);
    if (!full)
        return XY_INVALID;
    struct xy_user *user;
    xy_status status = xy_user_get(account, &user);
    if (status != XY_OK)
        return status;
    struct xy_session *older;
    while ((older = xy_session_find(full))) /* its hooks may wait, and another bind be faster */
        xy_session_close(older, "conflict", XY_STR("Replaced by a new connection"));
    if (stream->stage != XY_STREAM_AUTHENTICATED || user->gone)
        return XY_GONE;
    if (limits.sessions != XY_NONE && user->session_count >= limits.sessions)
        return XY_FULL;
    *session = add(stream, user, full);
    xyi_account_touch(user->owner, xy_now_ms());
    xy_run_session_opened(user->host, *session);
    return (*session)->open ? XY_OK : XY_GONE;
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
    user->session_count--;
    const struct xy_stanza *presence = session->presence;
    session->presence = NULL;
    if (presence) {
        xy_stanza_drop(presence);
        say_unavailable(session);
    }
    xy_run_session_closed(user->host, session);
    xyi_route_counters.sessions--;
    xyi_user_unused(user);
    session->stream->session = NULL; /* it may outlive us by long */
    xyi_retire(session, release);
}

void
xy_session_close(struct xy_session *session, const char *condition, struct xy_str text)
{
    if (!session->open)
        return;
    struct xy_stream *stream = session->stream;
    if (condition)
        xy_stream_error(stream, condition, text);
    else
        xy_stream_close(stream);
    xyi_session_end(session);
}

xy_status
xy_session_send(struct xy_session *session, const struct xy_stanza *stanza)
{
    if (!session->open || !session->stream->link || session->stream->closing)
        return XY_GONE;
    xyi_link_send(session->stream->link, stanza, NULL);
    xyi_route_counters.delivered++;
    return XY_OK;
}

bool
xyi_session_takes_messages(const struct xy_session *session)
{
    const struct xy_stream *stream = session->stream;
    return session->presence && session->priority >= 0 && stream->link && !stream->closing;
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

const struct xy_jid *
xy_session_jid(const struct xy_session *session)
{
    return session->jid;
}

struct xy_user *
xy_session_user(const struct xy_session *session)
{
    return session->user;
}

struct xy_host *
xy_session_host(const struct xy_session *session)
{
    return session->user->host;
}

struct xy_stream *
xy_session_stream(const struct xy_session *session)
{
    return session->stream;
}

bool
xy_session_is_open(const struct xy_session *session)
{
    return session->open;
}

bool
xy_session_is_available(const struct xy_session *session)
{
    return session->presence != NULL;
}

int
xy_session_priority(const struct xy_session *session)
{
    return session->priority;
}

int64_t
xy_session_opened_ms(const struct xy_session *session)
{
    return session->opened_ms;
}

const struct xy_stanza *
xy_session_presence(const struct xy_session *session)
{
    return session->presence;
}

XYI_NOTE_FUNCTIONS(session)
