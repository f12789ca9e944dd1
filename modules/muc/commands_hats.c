/* SPDX-License-Identifier: MIT */
/* xylemctl room hats, hat …: the hats of a room (XEP-0317). */
#include "modules/muc/commands.h"

static void
put_hat(struct xy_command *command, const struct hat *hat)
{
    xy_row(command);
    xy_put_str(command, "uri", hat->uri);
    xy_put_str(command, "title", hat->title);
    xy_put_str(command, "hue", hat->hue);
    xy_put_str(command, "worn_by", hat->jid);
}

static bool
is_worn(const struct hat *hat, const struct hat *worn, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (xy_str_equal(worn[i].uri, hat->uri))
            return true;
    return false;
}

xy_status
command_hats(XY_SELF, struct xy_command *command)
{
    struct xy_room *room;
    struct hat *hats, *worn;
    size_t count = 0, worn_count = 0;
    xy_status status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    status = hats_list(room, &hats, &count);
    if (status == XY_OK)
        status = hats_worn(room, &worn, &worn_count);
    xy_room_leave(room);
    if (status != XY_OK)
        return command_broken(command, status);
    for (size_t i = 0; i < worn_count; i++)
        put_hat(command, &worn[i]);
    for (size_t i = 0; i < count; i++)
        if (!is_worn(&hats[i], worn, worn_count))
            put_hat(command, &hats[i]);
    return XY_OK;
}

static xy_status
explain(struct xy_command *command, xy_status status)
{
    if (status == XY_ABSENT)
        return xy_fail(command, status, "there is no hat `" XY_FMT "`, or not on that head",
                       XY_ARG(xy_arg(command, "URI")));
    if (status == XY_FULL)
        return xy_fail(command, status, "a room has at most %d hats, and nobody wears over %d",
                       HATS_MOST, HATS_WORN_MOST);
    if (status == XY_INVALID)
        return xy_fail(command, status,
                       "a hat has a URI, a title, and a hue from 0 to 360 or none");
    return status == XY_OK ? status : command_broken(command, status);
}

xy_status
command_hat_create(XY_SELF, struct xy_command *command)
{
    struct xy_room *room;
    struct hat hat = {
        .uri = xy_arg(command, "URI"),
        .title = xy_arg(command, "TITLE"),
        .hue = xy_arg(command, "hue"),
    };
    xy_status status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    status = hat_define(self, room, &hat);
    xy_room_leave(room);
    return explain(command, status);
}

xy_status
command_hat_destroy(XY_SELF, struct xy_command *command)
{
    struct xy_room *room;
    xy_status status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    status = hat_destroy(self, room, xy_arg(command, "URI"));
    xy_room_leave(room);
    return explain(command, status);
}

typedef xy_status change_fn(struct muc *self, struct xy_room *room, const struct xy_jid *who,
                            struct xy_str uri);

static xy_status
change(struct muc *self, struct xy_command *command, change_fn *how)
{
    struct xy_room *room;
    const struct xy_jid *who;
    xy_status status = command_jid(command, "JID", &who);
    if (status == XY_OK)
        status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    status = how(self, room, who, xy_arg(command, "URI"));
    xy_room_leave(room);
    return explain(command, status);
}

xy_status
command_hat_assign(XY_SELF, struct xy_command *command)
{
    return change(self, command, hat_assign);
}

xy_status
command_hat_take(XY_SELF, struct xy_command *command)
{
    return change(self, command, hat_take);
}
