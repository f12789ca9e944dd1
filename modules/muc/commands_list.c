/* SPDX-License-Identifier: MIT */
/* xylemctl room list, show, stats: which rooms there are and what goes on in them. */
#include <stdlib.h>

#include "modules/muc/commands.h"
#include "modules/muc/rows.h"

enum { LIMIT = 1000, LIMIT_MOST = 100000, CHUNK = 500 };

/* ---- list ---- */

static void
put_room(struct xy_command *command, const struct listed *room)
{
    const struct settings *set = &room->settings;
    xy_row(command);
    xy_put_str(command, "room", xy_jid_text(room->jid));
    xy_put_str(command, "name", room->name);
    xy_put_int(command, "occupants", room->occupants);
    xy_put_bool(command, "persistent", set->persistent);
    xy_put_bool(command, "public", set->public_room);
    xy_put_bool(command, "members_only", set->members_only);
    xy_put_bool(command, "password", room->has_password);
    xy_put_str(command, "created", xy_time_format(room->created_ms));
}

struct wanted {
    bool empty;
    int64_t more_than; /* XY_NONE: any */
    int64_t limit, given;
    const struct xy_jid *after;
    struct listed *busy; /* for more_than */
    size_t count, room;
};

/* Whether there is no room for more of them. */
static bool
put_wanted(struct xy_command *command, struct wanted *wanted, const struct listed *room)
{
    if (wanted->empty && room->occupants)
        return false;
    if (wanted->given++ < wanted->limit) {
        put_room(command, room);
        return false;
    }
    xy_say(command, "There are more: --after the last of these shows them.");
    return true;
}

static xy_status
list_all(struct muc *self, struct xy_command *command, struct wanted *wanted)
{
    struct listing list = {.after = wanted->after, .hidden = true, .most = CHUNK};
    do {
        xy_status status = rooms_list(self, &list);
        if (status != XY_OK)
            return command_broken(command, status);
        for (size_t i = 0; i < list.count; i++)
            if (put_wanted(command, wanted, &list.at[i]))
                return XY_OK;
        if (list.count)
            list.after = list.at[list.count - 1].jid;
    } while (list.count == CHUNK);
    return XY_OK;
}

static void
take_large(void *argument, struct xy_room *room)
{
    struct wanted *wanted = argument;
    if (count_occupants(room) <= wanted->more_than || !muc_state(room)->created_ms)
        return;
    if (wanted->count == wanted->room) {
        size_t more = wanted->room * 2 + 64;
        struct listed *larger = xy_temp_alloc(more * sizeof(*larger));
        if (wanted->count)
            memcpy(larger, wanted->busy, wanted->count * sizeof(*larger));
        wanted->busy = larger;
        wanted->room = more;
    }
    wanted->busy[wanted->count++] = listed_in_memory(room);
}

static int
compare(const void *a, const void *b)
{
    const struct listed *one = a, *other = b;
    return xy_str_compare(xy_jid_text(one->jid), xy_jid_text(other->jid));
}

/* Whoever is in a room keeps it in memory. */
static void
list_large(struct muc *self, struct xy_command *command, struct wanted *wanted)
{
    xy_rooms_each(xy_service_jid(self), take_large, wanted);
    if (wanted->count)
        qsort(wanted->busy, wanted->count, sizeof(*wanted->busy), compare);
    for (size_t i = 0; i < wanted->count; i++) {
        struct xy_str jid = xy_jid_text(wanted->busy[i].jid);
        if (wanted->after && xy_str_compare(jid, xy_jid_text(wanted->after)) <= 0)
            continue;
        if (put_wanted(command, wanted, &wanted->busy[i]))
            return;
    }
}

xy_status
command_list(XY_SELF, struct xy_command *command)
{
    struct wanted wanted = {.empty = xy_flag(command, "empty")};
    struct xy_str text = xy_arg(command, "after"), service = xy_jid_text(xy_service_jid(self));
    xy_status status = xy_arg_int(command, "limit", 1, LIMIT_MOST, LIMIT, &wanted.limit);
    if (status == XY_OK)
        status = xy_arg_int(command, "larger-than", 0, INT32_MAX, XY_NONE, &wanted.more_than);
    if (status != XY_OK)
        return status;
    if (text.at)
        wanted.after = memchr(text.at, '@', text.len) ? xy_jid_parse(text)
                                                      : xy_jid_make(text, service, XY_NO_STR);
    if (text.at && !wanted.after)
        return xy_fail(command, XY_INVALID,
                       "--after: `" XY_FMT "` is not the address of a room", XY_ARG(text));
    if (wanted.more_than == XY_NONE)
        return list_all(self, command, &wanted);
    list_large(self, command, &wanted);
    return XY_OK;
}

/* ---- show ---- */

static xy_status
put_affiliations(struct xy_command *command, struct xy_room *room)
{
    static const struct {
        enum xy_affiliation which;
        const char *key;
    } kinds[] = {{XY_OWNER, "owners"},
                 {XY_ADMIN, "admins"},
                 {XY_MEMBER, "members"},
                 {XY_OUTCAST, "outcasts"}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct affiliated *list;
        size_t count;
        xy_status status = muc_affiliated(room, kinds[i].which, &list, &count);
        if (status != XY_OK)
            return status;
        xy_put_int(command, kinds[i].key, (int64_t)count);
    }
    return XY_OK;
}

static xy_status
put_archive(struct xy_command *command, struct xy_room *room)
{
    xy_message_id oldest = 0, newest = 0;
    xy_status status = xy_room_identify(room, false);
    if (status == XY_OK)
        status = xy_archive_bounds(xy_room_owner(room), 0, &oldest, &newest);
    if (status != XY_OK && status != XY_ABSENT)
        return status;
    xy_put_bool(command, "archived", muc_settings(room)->archived);
    if (newest) {
        xy_put_str(command, "oldest_message", xy_time_format(xy_message_id_ms(oldest)));
        xy_put_str(command, "newest_message", xy_time_format(xy_message_id_ms(newest)));
    }
    return XY_OK;
}

static void
put_occupants(struct xy_command *command, struct xy_room *room)
{
    for (struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at)) {
        const struct person *person = muc_person(at);
        xy_row(command);
        xy_put_str(command, "nick", xy_jid_resource(xy_occupant_nick(at)));
        xy_put_str(command, "jid", xy_jid_text(xy_occupant_real(at)));
        xy_put_str(command, "role", role_text(person->role));
        xy_put_str(command, "affiliation", affiliation_text(person->affiliation));
        xy_put_str(command, "since", xy_time_format(person->joined_ms));
    }
}

static void
put_state(struct xy_command *command, struct xy_room *room)
{
    const struct settings *set = muc_settings(room);
    const struct state *state = muc_state(room);
    struct xy_str name = muc_text(room, TEXT_NAME);
    xy_put_str(command, "room", xy_jid_text(xy_room_jid(room)));
    xy_put_str(command, "name", name.len ? name : xy_jid_local(xy_room_jid(room)));
    xy_put_str(command, "description", muc_text(room, TEXT_DESCRIPTION));
    xy_put_str(command, "created", xy_time_format(state->created_ms));
    xy_put_bool(command, "waits_for_its_owner", state->locked);
    xy_put_bool(command, "persistent", set->persistent);
    xy_put_bool(command, "public", set->public_room);
    xy_put_bool(command, "members_only", set->members_only);
    xy_put_bool(command, "moderated", set->moderated);
    xy_put_bool(command, "password", muc_text(room, TEXT_PASSWORD).len);
    xy_put_str(command, "real_jids_seen_by",
               set->whois == WHOIS_ANYONE ? XY_STR("anyone") : XY_STR("moderators"));
    xy_put_int(command, "occupants", count_occupants(room));
    xy_put_int(command, "clients", (int64_t)xy_room_count(room));
}

xy_status
command_show(XY_SELF, struct xy_command *command)
{
    struct xy_room *room;
    xy_status status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    put_state(command, room);
    status = put_affiliations(command, room);
    if (status == XY_OK)
        status = put_archive(command, room);
    put_occupants(command, room);
    xy_room_leave(room);
    return status == XY_OK ? status : command_broken(command, status);
}

/* ---- stats ---- */

xy_status
command_stats(XY_SELF, struct xy_command *command)
{
    struct room_counts counts = muc_count_rooms(self);
    int64_t all = 0, listed = 0;
    xy_status status = room_rows_count(xy_service_jid(self), &all);
    if (status == XY_OK)
        status = rooms_count(self, NULL, &listed);
    if (status != XY_OK)
        return command_broken(command, status);
    xy_put_str(command, "service", xy_jid_text(xy_service_jid(self)));
    xy_put_int(command, "rooms", all);
    xy_put_int(command, "public", listed);
    xy_put_int(command, "in_memory", counts.rooms);
    xy_put_int(command, "with_occupants", counts.busy);
    xy_put_int(command, "occupants", counts.occupants);
    xy_put_int(command, "clients", counts.clients);
    xy_put_int(command, "most_occupants", counts.most);
    return XY_OK;
}
