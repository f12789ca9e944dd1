/* SPDX-License-Identifier: MIT */
/* xylemctl client …: the same list and the same end of access, for administrators. */
#include "modules/clients/clients.h"

static xy_status
find_user(struct xy_command *command, struct xy_user **user)
{
    struct xy_str text = xy_arg(command, "JID");
    const struct xy_jid *jid = xy_jid_parse(text);
    if (!jid || !xy_jid_is_bare(jid))
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is not a bare JID", XY_ARG(text));
    xy_status status = xy_user_get(jid, user);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "there is no account " XY_FMT, XY_ARG(text));
    return status == XY_OK ? status : xy_fail(command, status, "the database does not answer");
}

xy_status
admin_list(struct clients *self, struct xy_command *command)
{
    struct xy_user *user;
    struct access access;
    xy_status status = find_user(command, &user);
    if (status != XY_OK)
        return status;
    status = access_read(self, user, &access);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer");
    for (size_t i = 0; i < access.count; i++) {
        const struct client *client = &access.all[i];
        xy_row(command);
        xy_put_str(command, "id", client->id);
        xy_put_str(command, "software", client->software);
        xy_put_str(command, "device", client->device);
        xy_put_str(command, "first_seen", xy_time_format(client->first_ms));
        xy_put_str(command, "last_seen", xy_time_format(client->last_ms));
        xy_put_bool(command, "connected", access.connected[i]);
        xy_put_bool(command, "password", access_by_password(&access, i));
        xy_put_bool(command, "fast", access.has_token[i]);
    }
    return XY_OK;
}

xy_status
admin_revoke(struct clients *self, struct xy_command *command)
{
    struct xy_user *user;
    int64_t number;
    struct xy_str id = xy_arg(command, "ID");
    xy_status status = find_user(command, &user);
    if (status != XY_OK)
        return status;
    status = access_revoke(self, user, id, XY_STR("an administrator"), &number);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "no client " XY_FMT " of " XY_FMT, XY_ARG(id),
                       XY_ARG(xy_jid_text(xy_user_jid(user))));
    if (status != XY_OK && status != XY_DENIED)
        return xy_fail(command, status, "its tokens may still be good: %s",
                       xy_status_name(status));
    access_end_sessions(user, number);
    xy_put_str(command, "revoked", id);
    xy_put_bool(command, "password", status == XY_DENIED);
    if (status == XY_DENIED)
        xy_say(command, "It knows the password: `user password " XY_FMT "` keeps it out.",
               XY_ARG(xy_jid_text(xy_user_jid(user))));
    return XY_OK;
}
