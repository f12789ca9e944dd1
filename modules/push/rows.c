/* SPDX-License-Identifier: MIT */
/*
 * Registrations: rows of (owner, service, node). Every one that goes leaves a line in the log
 * that says why: users otherwise find their phones silent and nobody knows since when.
 */
#include "modules/push/push.h"

const struct xy_migration push_schema[1] = {
    {.number = 1,
     .sql = "create table push_registration (owner bigint not null, jid text not null, "
            "node text not null, options text not null, device bigint not null, "
            "resource text not null, enabled_ms bigint not null, failing_ms bigint not null, "
            "primary key (owner, jid, node))"},
};
static const struct xy_statement get =
    XY_SQL("select jid, node, options, resource, device, enabled_ms, failing_ms "
           "from push_registration where owner = ? order by enabled_ms desc, jid, node");
static const struct xy_statement put =
    XY_SQL("insert into push_registration "
           "(owner, jid, node, options, resource, device, enabled_ms, failing_ms) "
           "values (?, ?, ?, ?, ?, ?, ?, 0) on conflict (owner, jid, node) do update set "
           "options = excluded.options, resource = excluded.resource, "
           "device = excluded.device, enabled_ms = excluded.enabled_ms, failing_ms = 0");
static const struct xy_statement drop =
    XY_SQL("delete from push_registration where owner = ? and jid = ? and node = ?");
static const struct xy_statement drop_all =
    XY_SQL("delete from push_registration where owner = ?");
static const struct xy_statement set_failing =
    XY_SQL("update push_registration set failing_ms = ? "
           "where owner = ? and jid = ? and node = ? and enabled_ms = ?");
const struct xy_statement *const push_statements[] = {&get, &put, &drop, &drop_all,
                                                      &set_failing};

xy_status
push_read(xy_owner owner, struct registration **all, size_t *count)
{
    struct xy_rows *rows;
    *count = 0;
    xy_status status = xy_sql_read(&get, &rows, XY_INT(owner));
    if (status != XY_OK)
        return status;
    *all = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**all));
    while (xy_rows_next(rows))
        (*all)[(*count)++] = (struct registration){
            .service = xy_rows_text(rows, 0),
            .node = xy_rows_text(rows, 1),
            .options = xy_rows_text(rows, 2),
            .resource = xy_rows_text(rows, 3),
            .device = xy_rows_int(rows, 4),
            .enabled_ms = xy_rows_int(rows, 5),
            .failing_ms = xy_rows_int(rows, 6),
        };
    return XY_OK;
}

static void
log_end(struct push *self, struct xy_user *user, const struct registration *gone,
        const char *reason)
{
    xy_count(&self->deregistered);
    xy_notice("push.deregistered", "a client will not be woken any more",
              XY_F_STR_AS("account", xy_jid_text(xy_user_jid(user))),
              XY_F_STR_AS("service", gone->service), XY_F_STR_AS("node", gone->node),
              XY_F_CSTR_AS("reason", reason));
}

static bool
is_same(const struct registration *a, const struct registration *b)
{
    return xy_str_equal(a->service, b->service) && xy_str_equal(a->node, b->node);
}

xy_status
push_add(struct push *self, struct xy_user *user, const struct registration *added)
{
    xy_owner owner = xy_user_owner(user);
    struct registration *all;
    size_t count, kept = 1, gone = 0;
    xy_status status = push_read(owner, &all, &count);
    if (status != XY_OK)
        return status;
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &put, XY_INT(owner), XY_TEXT(added->service), XY_TEXT(added->node),
               XY_TEXT(added->options), XY_TEXT(added->resource), XY_INT(added->device),
               XY_INT(added->enabled_ms));
    for (size_t i = 0; i < count; i++) {
        if (is_same(&all[i], added) || (int64_t)kept++ < self->registrations)
            continue;
        xy_txn_add(txn, &drop, XY_INT(owner), XY_TEXT(all[i].service), XY_TEXT(all[i].node));
        all[gone++] = all[i];
    }
    status = xy_txn_commit(txn);
    if (status != XY_OK)
        return status;
    for (size_t i = 0; i < gone; i++)
        log_end(self, user, &all[i], "newer registrations took its place");
    push_changed(self, user);
    return XY_OK;
}

xy_status
push_remove(struct push *self, struct xy_user *user, struct xy_str service,
            const struct xy_str *node, const char *reason, int64_t *removed)
{
    xy_owner owner = xy_user_owner(user);
    struct registration *all;
    size_t count, gone = 0;
    *removed = 0;
    xy_status status = push_read(owner, &all, &count);
    if (status != XY_OK)
        return status;
    struct xy_txn *txn = xy_txn_begin();
    for (size_t i = 0; i < count; i++) {
        if (!xy_str_equal(all[i].service, service) ||
            (node && !xy_str_equal(all[i].node, *node)))
            continue;
        xy_txn_add(txn, &drop, XY_INT(owner), XY_TEXT(service), XY_TEXT(all[i].node));
        all[gone++] = all[i];
    }
    status = gone ? xy_txn_commit(txn) : XY_OK;
    for (size_t i = 0; i < gone && status == XY_OK; i++, ++*removed)
        log_end(self, user, &all[i], reason);
    if (gone)
        push_changed(self, user);
    return status;
}

xy_status
push_set_failing(xy_owner owner, const struct target *target)
{
    return xy_sql_write(&set_failing, XY_INT(target->failing_ms), XY_INT(owner),
                        XY_TEXT(target->service), XY_TEXT(target->node),
                        XY_INT(target->enabled_ms));
}

xy_status
push_remove_all(xy_owner owner)
{
    return xy_sql_write(&drop_all, XY_INT(owner));
}
