/* SPDX-License-Identifier: MIT */
/*
 * Looks at all managed sessions every few seconds: who does not acknowledge is taken for dead,
 * who does not come back in time is ended. Sessions are found in the core each time, so nothing
 * is forgotten when the module's code is replaced.
 */
#include "modules/sm/sm.h"

/* ---- later ----------------------------------------------------------------------------------
 */

void
sm_later(struct sm *self, int64_t ms, xy_task_fn *task, const struct xy_session *session)
{
    struct xy_str jid = xy_keep_str(self, xy_jid_text(xy_session_jid(session)));
    (void)xy_after(self, ms, task, (void *)(uintptr_t)jid.at);
}

struct xy_session *
sm_later_session(struct sm *self, void *argument)
{
    const struct xy_jid *jid = xy_jid_parse(xy_str_from(argument));
    xy_keep_free(self, argument);
    return jid ? xy_session_find(jid) : NULL;
}

/* ---- the watch ------------------------------------------------------------------------------
 */

struct due {
    bool (*is_due)(const struct due *due, struct xy_session *session);
    const struct sm *self;
    int64_t now_ms;
    struct xy_session **at;
    size_t count, room;
};

static void
collect(void *argument, struct xy_session *session)
{
    struct due *due = argument;
    if (!managed(session) || !due->is_due(due, session))
        return;
    if (due->count == due->room) {
        struct xy_session **former = due->at;
        due->room = due->room ? due->room * 2 : 64;
        due->at = xy_temp_alloc(due->room * sizeof(struct xy_session *));
        if (due->count)
            memcpy(due->at, former, due->count * sizeof(struct xy_session *));
    }
    due->at[due->count++] = session;
}

/* Ending one may wait, and much happen to the next meanwhile: each is looked at again. */
static struct xy_session *
take(struct due *due)
{
    while (due->count) {
        struct xy_session *session = due->at[--due->count];
        if (xy_session_is_open(session) && due->is_due(due, session))
            return session;
    }
    return NULL;
}

static bool
is_waiting(const struct due *due, struct xy_session *session)
{
    (void)due;
    return managed(session)->detached;
}

static bool
is_expired(const struct due *due, struct xy_session *session)
{
    const struct managed *note = managed(session);
    return note->detached && due->now_ms - note->lost_ms >= note->max_ms;
}

static bool
is_silent(const struct due *due, struct xy_session *session)
{
    struct managed *note = managed(session);
    bool owes = xy_session_is_retained(session) && xy_session_is_connected(session) &&
                xy_session_sent(session) != xy_session_acknowledged(session);
    if (owes && !note->due)
        note->due_ms = due->now_ms;
    note->due = owes;
    return owes && due->self->ack_timeout.ms != XY_NONE &&
           due->now_ms - note->due_ms >= due->self->ack_timeout.ms;
}

static bool
is_over(const struct due *due, struct xy_session *session)
{
    return managed(session)->detached ? is_expired(due, session) : is_silent(due, session);
}

static void
watch(void *instance, void *argument)
{
    (void)argument;
    struct sm *self = instance;
    struct due due = {.is_due = is_over, .self = self, .now_ms = xy_monotonic_ms()};
    struct xy_session *session;
    xy_sessions_each(xy_host_of(self), collect, &due);
    while ((session = take(&due))) {
        if (managed(session)->detached) {
            xy_count(&self->expired);
            xy_session_close(session, NULL, XY_NO_STR);
            continue;
        }
        xy_count(&self->unanswered);
        managed(session)->due = false;
        xy_stream_error(xy_session_stream(session), "connection-timeout",
                        XY_STR("No acknowledgement"));
    }
}

void
sm_end_waiting(const struct xy_host *host)
{
    struct due due = {.is_due = is_waiting};
    struct xy_session *session;
    xy_sessions_each(host, collect, &due);
    while ((session = take(&due))) { /* our hooks are no longer called */
        sm_row_end(managed(session)->id, xy_session_handled(session));
        xy_session_close(session, NULL, XY_NO_STR);
    }
}

static void
sweep(void *instance, void *argument)
{
    (void)argument;
    sm_rows_sweep(xy_host_of(instance));
}

void
sm_watch(struct sm *self)
{
    (void)xy_every(self, WATCH_EVERY_MS, watch, NULL);
    (void)xy_every(self, (int64_t)3600 * 1000, sweep, NULL);
}
