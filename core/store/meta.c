/* SPDX-License-Identifier: MIT */
/*
 * Table xylem_meta: a few named values of the whole store, such as secrets and the high-water
 * mark of message ids.
 */
#include "core/store/parts.h"

static const struct xy_statement get = XY_SQL("select value from xylem_meta where name = ?");
static const struct xy_statement set =
    XY_SQL("insert into xylem_meta (name, value) values (?, ?) "
           "on conflict (name) do update set value = excluded.value");
static const struct xy_statement add =
    XY_SQL("insert into xylem_meta (name, value) values (?, ?) "
           "on conflict (name) do nothing");

xy_status
xyi_meta_read(const char *name, struct xy_str *value)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&get, &rows, XY_TEXT(xy_str_from(name)));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    *value = xy_rows_text(rows, 0);
    return XY_OK;
}

xy_status
xy_store_secret(const char *name, void *secret, size_t size)
{
    struct xy_str value;
    xy_status status = xyi_meta_read(name, &value);
    if (status == XY_ABSENT) { /* whoever writes first has drawn it for all */
        xyi_random(secret, size);
        status =
            xy_sql_write(&add, XY_TEXT(xy_str_from(name)), XY_BYTES(xy_str_of(secret, size)));
        if (status == XY_OK)
            status = xyi_meta_read(name, &value);
    }
    if (status != XY_OK)
        return status;
    if (value.len != size)
        return XY_INVALID;
    memcpy(secret, value.at, size);
    return XY_OK;
}

void
xyi_meta_set(struct xy_txn *txn, const char *name, struct xy_str value)
{
    xy_txn_add(txn, &set, XY_TEXT(xy_str_from(name)), XY_BYTES(value));
}
