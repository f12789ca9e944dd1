/* SPDX-License-Identifier: MIT */
/* Admin commands about sessions: who is connected, and ending it. */
#include "core/server/server.h"

void
xyi_put_session(struct xy_command *command, struct xy_session *session)
{
    struct xy_stream *stream = xy_session_stream(session);
    struct xy_str tls = stream ? xy_stream_tls(stream) : XY_NO_STR;
    xy_row(command);
    xy_put_str(command, "jid", xy_jid_text(xy_session_jid(session)));
    xy_put_str(command, "address", stream ? xy_stream_peer(stream) : XY_STR("detached"));
    xy_put_str(command, "tls", tls.len ? tls : XY_STR("none"));
    xy_put_bool(command, "available", xy_session_is_available(session));
    xy_put_int(command, "priority", xy_session_priority(session));
    xy_put_str(command, "since", xy_time_format(xy_session_opened_ms(session)));
    xy_put_str(command, "stream", stream ? xy_stream_id(stream) : XY_STR("none"));
    xy_put_int(command, "login", xy_session_login(session));
}

/* The JID argument, full or bare, of an account. */
static const struct xy_jid *
jid_argument(struct xy_command *command)
{
    struct xy_str text = xy_arg(command, "JID");
    const struct xy_jid *jid = xy_jid_parse(text);
    if (!jid)
        (void)xy_fail(command, XY_INVALID, "`" XY_FMT "` is not a JID", XY_ARG(text));
    return jid;
}

static bool
is_of(const struct xy_session *session, const struct xy_jid *jid)
{
    const struct xy_jid *own = xy_session_jid(session);
    if (!jid || own == jid)
        return true;
    return xy_jid_bare(own) == jid || (!xy_jid_local(jid).len && xy_jid_host(own) == jid);
}

struct collected {
    const struct xy_jid *jid;
    struct xy_session **at;
    size_t count, room;
};

static void
collect(void *argument, struct xy_session *session)
{
    struct collected *all = argument;
    if (!is_of(session, all->jid))
        return;
    if (all->count == all->room) {
        size_t room = all->room ? all->room * 2 : 64;
        struct xy_session **larger = xy_temp_alloc(room * sizeof(*larger));
        if (all->count)
            memcpy(larger, all->at, all->count * sizeof(*larger));
        all->at = larger;
        all->room = room;
    }
    all->at[all->count++] = session;
}

static xy_status
list(XY_SELF, struct xy_command *command)
{
    struct collected all = {0};
    if (xy_arg(command, "JID").at && !(all.jid = jid_argument(command)))
        return XY_INVALID;
    xyi_sessions_each(collect, &all);
    for (size_t i = 0; i < all.count; i++)
        xyi_put_session(command, all.at[i]);
    return XY_OK;
}

static xy_status
kick(XY_SELF, struct xy_command *command)
{
    struct collected all = {.jid = jid_argument(command)};
    struct xy_str reason = xy_arg(command, "reason");
    if (!all.jid)
        return XY_INVALID;
    xyi_sessions_each(collect, &all);
    if (!all.count)
        return xy_fail(command, XY_ABSENT, "no session of " XY_FMT,
                       XY_ARG(xy_jid_text(all.jid)));
    for (size_t i = 0; i < all.count; i++) {
        if (xy_session_is_open(all.at[i])) /* handlers of the one before waited */
            xy_run_session_kicked(xy_session_host(all.at[i]), all.at[i]);
        xy_session_close(all.at[i], "policy-violation",
                         reason.len ? reason : XY_STR("ended by an administrator"));
    }
    xy_put_int(command, "ended", (int64_t)all.count);
    return XY_OK;
}

const struct xy_command_row xyi_session_commands[] = {
    XY_COMMAND("session list", list, .arguments = "[JID]",
               .about = "Lists sessions: all, of a host, of an account, or one."),
    XY_COMMAND("session kick", kick, .arguments = "JID [--reason TEXT]",
               .about = "Ends the sessions of an account, or one by its full JID."),
};
const size_t xyi_session_commands_count =
    sizeof(xyi_session_commands) / sizeof(xyi_session_commands[0]);
