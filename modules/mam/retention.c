/* SPDX-License-Identifier: MIT */
/*
 * Takes out of the archives what is due (XEP-0313 3.2: the oldest, never from the middle). One
 * account after the other, in lots so small that the writer hardly notices, with a pause behind
 * each; a replaced module goes on where the former was.
 */
#include "mam.h"

enum {
    LOT = 64,
    ACCOUNTS = 64,
    PAUSE_MS = 50,
    SOON_MS = 60 * 1000, /* behind a start, or a failure */
    PERIOD_MS = 10 * 60 * 1000
};

static xy_status
take_out(XY_SELF, xy_owner owner, xy_message_id before, bool *more)
{
    int64_t removed = 0;
    xy_status status = xy_archive_trim(owner, before, LOT, &removed);
    xy_count_by(&self->trimmed, (uint64_t)removed);
    *more = status == XY_OK && removed == LOT;
    return status;
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

/* One lot of one account; *paused: something was written. */
static xy_status
trim_account(XY_SELF, xy_owner owner, bool *more, bool *paused)
{
    struct policy own;
    xy_message_id oldest, newest, before;
    *more = false;
    xy_status status = mam_policy_read(owner, &own);
    struct policy policy = mam_policy_effective(self, &own);
    if (status != XY_OK || (policy.keep_for == XY_NONE && policy.keep_messages == XY_NONE))
        return status;
    status = xy_archive_bounds(owner, 0, &oldest, &newest);
    if (status != XY_OK || !oldest)
        return status;
    status = find_due(&policy, owner, &before);
    if (status != XY_OK || oldest >= before)
        return status;
    *paused = true;
    return take_out(self, owner, before, more);
}

static void
move_cursor(XY_SELF, struct xy_str account)
{
    const char *former = self->cursor.at;
    self->cursor = account.len ? xy_keep_str(self, account) : XY_NO_STR;
    xy_keep_free(self, former);
}

/* Goes on through the accounts until something was written or ACCOUNTS have been looked at.
 * *done: that was the last. */
static xy_status
trim_some(XY_SELF, bool *done)
{
    struct xy_rows *rows;
    bool more = false, paused = false;
    xy_status status = xy_account_list(xy_host_of(self), self->cursor, ACCOUNTS, &rows);
    if (status != XY_OK)
        return status;
    while (!paused && xy_rows_next(rows)) {
        status = trim_account(self, xy_rows_int(rows, 1), &more, &paused);
        if (status != XY_OK)
            return status;
        if (!more)
            move_cursor(self, xy_rows_text(rows, 0));
    }
    *done = !paused && xy_rows_count(rows) < ACCOUNTS;
    if (*done)
        move_cursor(self, XY_NO_STR);
    return XY_OK;
}

static xy_status
go_on(XY_SELF, bool *done)
{
    bool limited = self->keep_for.ms != XY_NONE || self->keep_messages != XY_NONE;
    xy_status status = limited ? XY_OK : mam_policy_any(&limited);
    *done = !limited;
    return status == XY_OK && limited ? trim_some(self, done) : status;
}

static void
step(void *instance, void *argument)
{
    struct mam *self = instance;
    bool done = false;
    (void)argument;
    xy_status status = go_on(self, &done);
    if (status != XY_OK)
        xy_warn("mam.not_trimmed", "messages that are due stay in their archives",
                XY_F_CSTR_AS("status", xy_status_name(status)));
    int64_t ms = status != XY_OK ? SOON_MS : done ? PERIOD_MS : PAUSE_MS;
    (void)xy_after(self, ms, step, NULL);
}

void
mam_retention_begin(XY_SELF)
{
    (void)xy_after(self, SOON_MS, step, NULL);
}
