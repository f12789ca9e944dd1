/* SPDX-License-Identifier: MIT */
/*
 * Lists of rooms, from their rows, in the order of their addresses: a page begins behind the
 * address the former one ended with, so it misses none that was there all the time. What is
 * said of a room is read from its row; nobody enters it.
 */
#include "modules/muc/rows.h"
#include "modules/muc/show.h"

#define ROOMS(which, bound, order)                                                  \
    XY_SQL("select jid, locked, created, config from muc_room where host = ?" which \
           " and jid > ?" bound " order by jid" order " limit ? offset ?")
#define LISTED " and listed = 1"
enum { UP, DOWN, BEFORE, ALL, COUNT = 2 * ALL, COUNT_BELOW };
const struct xy_statement muc_listing_sql[MUC_LISTING_SQL] = {
    [UP] = ROOMS(LISTED, "", ""),
    [DOWN] = ROOMS(LISTED, "", " desc"),
    [BEFORE] = ROOMS(LISTED, " and jid < ?", " desc"),
    [ALL + UP] = ROOMS("", "", ""),
    [ALL + DOWN] = ROOMS("", "", " desc"),
    [ALL + BEFORE] = ROOMS("", " and jid < ?", " desc"),
    [COUNT] = XY_SQL("select count(*) from muc_room where host = ?" LISTED),
    [COUNT_BELOW] =
        XY_SQL("select count(*) from muc_room where host = ?" LISTED " and jid < ?"),
};

/* Nicks, not clients. */
int64_t
count_occupants(struct xy_room *room)
{
    int64_t count = 0;
    for (struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at))
        count += xy_room_find_nick(room, xy_occupant_nick(at)) == at;
    return count;
}

static void
read_config(struct muc *self, struct xy_str config, struct listed *listed)
{
    struct xy_str name, value, error;
    struct settings *set = &listed->settings;
    muc_default_settings(self, set);
    while (muc_unpack_line(&config, &name, &value)) {
        const struct setting *setting = muc_setting(name);
        if (setting && setting->kind != SETTING_TEXT)
            (void)!muc_setting_parse(setting, value, set, &error);
        else if (setting && setting->offset == TEXT_NAME)
            listed->name = value;
        else if (setting && setting->offset == TEXT_DESCRIPTION)
            listed->description = value;
        else if (setting && setting->offset == TEXT_LANGUAGE)
            listed->language = value;
        else if (setting && setting->offset == TEXT_PASSWORD)
            listed->has_password = value.len;
    }
}

static bool
read_room(struct muc *self, struct xy_rows *rows, struct listed *listed)
{
    *listed = (struct listed){
        .jid = xy_jid_parse(xy_rows_text(rows, 0)),
        .locked = xy_rows_int(rows, 1),
        .created_ms = xy_rows_int(rows, 2),
    };
    if (!listed->jid)
        return false;
    read_config(self, xy_rows_text(rows, 3), listed);
    if (!listed->name.len)
        listed->name = xy_jid_local(listed->jid);
    struct xy_room *room = xy_room_known(listed->jid);
    listed->occupants = room ? count_occupants(room) : 0;
    return true;
}

struct listed
listed_in_memory(struct xy_room *room)
{
    const struct xy_jid *jid = xy_jid_parse(xy_jid_text(xy_room_jid(room)));
    struct xy_str name = muc_text(room, TEXT_NAME);
    return (struct listed){
        .jid = jid,
        .name = name.len ? xy_temp_str(name) : xy_jid_local(jid),
        .description = xy_temp_str(muc_text(room, TEXT_DESCRIPTION)),
        .language = xy_temp_str(muc_text(room, TEXT_LANGUAGE)),
        .settings = *muc_settings(room),
        .created_ms = muc_state(room)->created_ms,
        .has_password = muc_text(room, TEXT_PASSWORD).len,
        .locked = muc_state(room)->locked,
        .occupants = count_occupants(room),
    };
}

static void
reverse(struct listing *listing)
{
    for (size_t i = 0, j = listing->count; i + 1 < j; i++) {
        struct listed former = listing->at[i];
        listing->at[i] = listing->at[--j];
        listing->at[j] = former;
    }
}

xy_status
rooms_list(struct muc *self, struct listing *list)
{
    struct xy_rows *rows;
    struct xy_value service = XY_TEXT(xy_jid_text(xy_service_jid(self))),
                    after = XY_TEXT(list->after ? xy_jid_text(list->after) : XY_STR("")),
                    most = XY_INT(list->most), skip = XY_INT(list->skip);
    const struct xy_statement *sql = muc_listing_sql + (list->hidden ? ALL : 0);
    xy_status status =
        list->backwards && list->before
            ? xy_sql_read_values(
                  &sql[BEFORE], &rows,
                  XY_VALUES(service, after, XY_TEXT(xy_jid_text(list->before)), most, skip))
            : xy_sql_read_values(&sql[list->backwards ? DOWN : UP], &rows,
                                 XY_VALUES(service, after, most, skip));
    list->count = 0;
    if (status != XY_OK)
        return status;
    list->at = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(*list->at));
    while (xy_rows_next(rows))
        if (read_room(self, rows, &list->at[list->count]))
            list->count++;
    if (list->backwards)
        reverse(list);
    return XY_OK;
}

xy_status
rooms_count(struct muc *self, const struct xy_jid *below, int64_t *count)
{
    struct xy_rows *rows;
    struct xy_value service = XY_TEXT(xy_jid_text(xy_service_jid(self)));
    xy_status status =
        below ? xy_sql_read_values(&muc_listing_sql[COUNT_BELOW], &rows,
                                   XY_VALUES(service, XY_TEXT(xy_jid_text(below))))
              : xy_sql_read_values(&muc_listing_sql[COUNT], &rows, XY_VALUES(service));
    if (status == XY_OK)
        *count = xy_rows_next(rows) ? xy_rows_int(rows, 0) : 0;
    return status;
}
