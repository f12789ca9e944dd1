/* SPDX-License-Identifier: MIT */
/*
 * Takes out of the archives what is due (XEP-0313 3.2: the oldest, never from the middle). One
 * archive after the other, in lots so small that the writer hardly notices, with a pause behind
 * each; a replaced module goes on where the former was.
 */
#include "modules/archives/archives.h"

enum {
    LOT = 64,
    ARCHIVES = 64,
    PAUSE_MS = 50,
    SOON_MS = 60 * 1000, /* behind a start, or a failure */
    PERIOD_MS = 10 * 60 * 1000
};

static bool
is_unlimited(const struct policy *policy)
{
    return policy->keep_for == XY_NONE && policy->keep_messages == XY_NONE;
}

/* What is below *before has to go. */
static xy_status
find_due(const struct policy *policy, xy_owner owner, xy_message_id *before)
{
    xy_message_id surplus = 0;
    *before = 0;
    if (policy->keep_for != XY_NONE)
        *before = xy_message_id_at(xy_now_ms() - policy->keep_for);
    if (policy->keep_messages == XY_NONE)
        return XY_OK;
    xy_status status = xy_archive_nth(owner, policy->keep_messages, &surplus);
    if (status == XY_OK && surplus >= *before && surplus)
        *before = surplus + 1;
    return status;
}

/* One lot; *paused: something was written. */
static xy_status
trim(const struct retention *retention, const struct policy *policy, xy_owner owner, bool *more,
     bool *paused)
{
    xy_message_id oldest, newest, before;
    int64_t removed = 0;
    xy_status status = xy_archive_bounds(owner, 0, &oldest, &newest);
    if (status != XY_OK || !oldest)
        return status;
    status = find_due(policy, owner, &before);
    if (status != XY_OK || oldest >= before)
        return status;
    *paused = true;
    status = xy_archive_trim(owner, before, LOT, &removed);
    xy_count_by(retention->trimmed, (uint64_t)removed);
    *more = status == XY_OK && removed == LOT;
    return status;
}

static xy_status
trim_archive(void *self, const struct retention *retention, xy_owner owner, bool *more,
             bool *paused)
{
    struct policy policy;
    *more = false;
    xy_status status = retention->policy_of(self, owner, &policy);
    if (status != XY_OK || is_unlimited(&policy))
        return status;
    return trim(retention, &policy, owner, more, paused);
}

static void
move_cursor(void *self, struct retention *retention, struct xy_str name)
{
    const char *former = retention->cursor.at;
    retention->cursor = name.len ? xy_keep_str(self, name) : XY_NO_STR;
    xy_keep_free(self, former);
}

/* Goes on until something was written or ARCHIVES have been looked at. *done: that was the
 * last.
 */
static xy_status
trim_some(void *self, struct retention *retention, bool *done)
{
    struct xy_rows *rows;
    bool more = false, paused = false;
    xy_status status = retention->list(self, retention->cursor, ARCHIVES, &rows);
    if (status != XY_OK)
        return status;
    while (!paused && xy_rows_next(rows)) {
        status = trim_archive(self, retention, xy_rows_int(rows, 1), &more, &paused);
        if (status != XY_OK)
            return status;
        if (!more)
            move_cursor(self, retention, xy_rows_text(rows, 0));
    }
    *done = !paused && xy_rows_count(rows) < ARCHIVES;
    if (*done)
        move_cursor(self, retention, XY_NO_STR);
    return XY_OK;
}

static void
step(void *self, void *argument)
{
    struct retention *retention = argument;
    bool due = false, done = true;
    xy_status status = retention->is_due(self, &due);
    if (status == XY_OK && due)
        status = trim_some(self, retention, &done);
    if (status != XY_OK)
        xy_warn(retention->event, "messages that are due stay in their archives",
                XY_F_CSTR_AS("status", xy_status_name(status)));
    int64_t ms = status != XY_OK ? SOON_MS : done ? PERIOD_MS : PAUSE_MS;
    (void)xy_after(self, ms, step, retention);
}

void
retention_begin(void *self, struct retention *retention)
{
    (void)xy_after(self, SOON_MS, step, retention);
}

/* ---- reload ---- */

static const char cursor[] = "retention.cursor";

void
retention_hand_over(const struct retention *retention, struct xy_handover *to)
{
    xy_handover_put(to, cursor, 1, retention->cursor);
}

void
retention_adopt(void *self, struct retention *retention, struct xy_handover *from)
{
    struct xy_str name;
    if (xy_handover_get(from, cursor, 1, &name) == XY_OK && name.len)
        move_cursor(self, retention, name);
}
