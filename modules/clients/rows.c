/* SPDX-License-Identifier: MIT */
/*
 * Table clients_device: one row per account and client. The id that is shown is random, so it
 * leads neither to the user-agent id nor to another account.
 */
#include "modules/clients/clients.h"

#define COLUMNS "client, id, software, device, first_seen, last_seen, password, session"

static const struct xy_statement read_all =
    XY_SQL("select " COLUMNS " from clients_device where owner = ?"
           " order by last_seen desc, client");
static const struct xy_statement read_one =
    XY_SQL("select " COLUMNS " from clients_device where owner = ? and client = ?");
static const struct xy_statement save =
    XY_SQL("insert into clients_device (owner, host, client, id, software, device, first_seen,"
           " last_seen, password, session) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
           " on conflict (owner, client) do update set software = excluded.software,"
           " device = excluded.device, last_seen = excluded.last_seen, password ="
           " case when excluded.password > clients_device.password then excluded.password"
           " else clients_device.password end, session ="
           " case when excluded.session > clients_device.session then excluded.session"
           " else clients_device.session end");
static const struct xy_statement touch =
    XY_SQL("update clients_device set last_seen = ? where owner = ? and client = ?");
static const struct xy_statement drop =
    XY_SQL("delete from clients_device where owner = ? and client = ?");
static const struct xy_statement drop_all =
    XY_SQL("delete from clients_device where owner = ?");
static const struct xy_statement older =
    XY_SQL("select owner, client from clients_device where host = ? and last_seen < ?"
           " order by last_seen limit ?");
const struct xy_statement *const client_statements[CLIENT_STATEMENTS] = {
    &read_all, &read_one, &save, &touch, &drop, &drop_all, &older};

const struct xy_migration client_schema[1] = {
    {1,
     "create table clients_device (owner bigint not null, host text not null,"
     " client bigint not null, id text not null, software text not null, device text not null,"
     " first_seen bigint not null, last_seen bigint not null, password bigint not null,"
     " session smallint not null, primary key (owner, client));"
     "create index clients_device_seen on clients_device (host, last_seen)",
     NULL},
};

static struct client
client_of_row(const struct xy_rows *rows)
{
    return (struct client){
        .number = xy_rows_int(rows, 0),
        .id = xy_rows_text(rows, 1),
        .software = xy_rows_text(rows, 2),
        .device = xy_rows_text(rows, 3),
        .first_ms = xy_rows_int(rows, 4),
        .last_ms = xy_rows_int(rows, 5),
        .password = xy_rows_int(rows, 6),
        .session = xy_rows_int(rows, 7),
    };
}

xy_status
clients_read(xy_owner owner, struct client **all, size_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_all, &rows, XY_INT(owner));
    *count = 0;
    if (status != XY_OK)
        return status;
    *all = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(struct client));
    while (xy_rows_next(rows))
        (*all)[(*count)++] = client_of_row(rows);
    return XY_OK;
}

xy_status
client_read(xy_owner owner, int64_t number, struct client *client)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_one, &rows, XY_INT(owner), XY_INT(number));
    if (status == XY_OK && !xy_rows_next(rows))
        status = XY_ABSENT;
    if (status == XY_OK)
        *client = client_of_row(rows);
    return status;
}

xy_status
client_save(xy_owner owner, const struct xy_host *host, const struct client *client)
{
    return xy_sql_write(&save, XY_INT(owner), XY_TEXT(xy_jid_text(xy_host_jid(host))),
                        XY_INT(client->number), XY_TEXT(client->id), XY_TEXT(client->software),
                        XY_TEXT(client->device), XY_INT(client->first_ms),
                        XY_INT(client->last_ms), XY_INT(client->password),
                        XY_INT(client->session));
}

xy_status
client_touch(xy_owner owner, int64_t number, int64_t now_ms)
{
    return xy_sql_write(&touch, XY_INT(now_ms), XY_INT(owner), XY_INT(number));
}

xy_status
client_drop(xy_owner owner, int64_t number)
{
    return xy_sql_write(&drop, XY_INT(owner), XY_INT(number));
}

xy_status
clients_drop(xy_owner owner)
{
    return xy_sql_write(&drop_all, XY_INT(owner));
}

xy_status
clients_older(const struct xy_host *host, int64_t before_ms, int64_t limit,
              struct xy_rows **rows)
{
    return xy_sql_read(&older, rows, XY_TEXT(xy_jid_text(xy_host_jid(host))), XY_INT(before_ms),
                       XY_INT(limit));
}
