/* SPDX-License-Identifier: MIT */
/* How long an archive keeps what it has: the host's options, or what the administrator said for
 * an account (requirement S2-12). */
#include "mam.h"

const struct xy_statement mam_policy_find =
    XY_SQL("select keep_for, keep_messages from mam_policy where owner = ?");
const struct xy_statement mam_policy_save =
    XY_SQL("insert into mam_policy (owner, keep_for, keep_messages) values (?, ?, ?)"
           " on conflict (owner) do update set keep_for = excluded.keep_for,"
           " keep_messages = excluded.keep_messages");
const struct xy_statement mam_policy_drop = XY_SQL("delete from mam_policy where owner = ?");
const struct xy_statement mam_policy_one = XY_SQL("select 1 from mam_policy limit 1");

xy_status
mam_policy_read(xy_owner owner, struct policy *own)
{
    struct xy_rows *rows;
    *own = (struct policy){MAM_UNSET, MAM_UNSET};
    xy_status status = xy_sql_read(&mam_policy_find, &rows, XY_INT(owner));
    if (status == XY_OK && xy_rows_next(rows))
        *own = (struct policy){xy_rows_int(rows, 0), xy_rows_int(rows, 1)};
    return status;
}

xy_status
mam_policy_write(xy_owner owner, const struct policy *own)
{
    if (own->keep_for == MAM_UNSET && own->keep_messages == MAM_UNSET)
        return xy_sql_write(&mam_policy_drop, XY_INT(owner));
    return xy_sql_write(&mam_policy_save, XY_INT(owner), XY_INT(own->keep_for),
                        XY_INT(own->keep_messages));
}

struct policy
mam_policy_effective(const struct mam *self, const struct policy *own)
{
    return (struct policy){
        own->keep_for == MAM_UNSET ? self->keep_for.ms : own->keep_for,
        own->keep_messages == MAM_UNSET ? self->keep_messages : own->keep_messages,
    };
}

/* ---- retention ---- */

static xy_status
is_due(void *instance, bool *due)
{
    const struct mam *self = instance;
    struct xy_rows *rows;
    *due = self->keep_for.ms != XY_NONE || self->keep_messages != XY_NONE;
    if (*due)
        return XY_OK;
    xy_status status = xy_sql_read(&mam_policy_one, &rows); /* some account has its own */
    *due = status == XY_OK && xy_rows_next(rows);
    return status;
}

static xy_status
list(void *self, struct xy_str after, int64_t limit, struct xy_rows **rows)
{
    return xy_account_list(xy_host_of(self), after, limit, rows);
}

static xy_status
policy_of(void *self, xy_owner owner, struct policy *policy)
{
    struct policy own;
    xy_status status = mam_policy_read(owner, &own);
    *policy = mam_policy_effective(self, &own);
    return status;
}

void
mam_show_lifecycle(XY_SELF, struct xy_command *command, const struct xy_jid *of,
                   const struct xy_jid *with)
{
    if (xy_host_find(of) == xy_host_of(self))
        archive_lifecycle(self, &self->retention, command, of, with);
    if (with && xy_host_find(with) == xy_host_of(self))
        archive_lifecycle(self, &self->retention, command, with, of);
}

void
mam_retention_begin(XY_SELF)
{
    self->retention.trimmed = &self->trimmed;
    self->retention.event = "mam.not_trimmed";
    self->retention.is_due = is_due;
    self->retention.list = list;
    self->retention.policy_of = policy_of;
    retention_begin(self, &self->retention);
}
