/* SPDX-License-Identifier: MIT */
/* What modules may know of a session (xylem/session.h, xylem/delivery.h). */
#include "core/route/objects.h"

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
xy_session_login(const struct xy_session *session)
{
    return xyi_login_number(session->login);
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

int64_t
xy_session_device(const struct xy_session *session)
{
    return session->device;
}

bool
xy_session_reads_archive(const struct xy_session *session)
{
    return session->reads_archive;
}

xy_message_id
xy_session_since(const struct xy_session *session)
{
    return session->since;
}

bool
xy_session_is_connected(const struct xy_session *session)
{
    return session->open && xyi_session_is_connected(session);
}

bool
xy_session_is_retained(const struct xy_session *session)
{
    return session->out.retained;
}

uint32_t
xy_session_sent(const struct xy_session *session)
{
    return session->out.out;
}

uint32_t
xy_session_acknowledged(const struct xy_session *session)
{
    return session->out.acknowledged;
}

XYI_NOTE_FUNCTIONS(session)
