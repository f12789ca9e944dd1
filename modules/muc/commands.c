/* SPDX-License-Identifier: MIT */
/* xylemctl room …: the list of commands, and what they have in common. */
#include "modules/muc/commands.h"

const struct xy_command_row muc_commands[] = {
    XY_COMMAND("room create", command_create, .arguments = "ROOM [NAME=VALUE...] [--owner JID]",
               .about = "Creates a room, persistent unless told otherwise."),
    XY_COMMAND("room destroy", command_destroy,
               .arguments = "ROOM [--alternate ROOM] [--reason TEXT]",
               .about = "Puts everybody out and removes a room with its archive."),
    XY_COMMAND("room list", command_list,
               .arguments =
                   "[--empty] [--larger-than N] [--after ROOM] [--limit N] [--host HOST]",
               .about = "Lists rooms in order, hidden ones too, 1000 at a time."),
    XY_COMMAND("room show", command_show, .arguments = "ROOM",
               .about = "Shows a room and who is in it."),
    XY_COMMAND("room stats", command_stats, .arguments = "[--host HOST]",
               .about = "Counts rooms and who is in them."),
    XY_COMMAND("room config", command_config, .arguments = "ROOM [NAME=VALUE...]",
               .about = "Shows the settings of a room, or changes those given."),
    XY_COMMAND("room affiliations", command_affiliations,
               .arguments = "ROOM [--affiliation WHICH]",
               .about = "Lists owners, admins, members and outcasts of a room."),
    XY_COMMAND("room affiliation", command_affiliation,
               .arguments = "ROOM JID [AFFILIATION] [--reason TEXT]",
               .about = "Shows or sets somebody's: owner, admin, member, none or outcast."),
    XY_COMMAND("room kick", command_kick, .arguments = "ROOM NICK... [--reason TEXT]",
               .about = "Puts an occupant out of a room; it may come back."),
    XY_COMMAND("room history", command_history,
               .arguments = "ROOM --reason TEXT [--limit N] [--before ID]",
               .about = "Reads the newest messages of a room's archive. This is recorded."),
    XY_COMMAND("room hats", command_hats, .arguments = "ROOM",
               .about = "Lists the hats of a room and who wears them."),
    XY_COMMAND("room hat create", command_hat_create,
               .arguments = "ROOM URI TITLE... [--hue DEGREES]",
               .about = "Makes a hat, or changes one."),
    XY_COMMAND("room hat destroy", command_hat_destroy, .arguments = "ROOM URI",
               .about = "Removes a hat; nobody wears it then."),
    XY_COMMAND("room hat assign", command_hat_assign, .arguments = "ROOM JID URI",
               .about = "Gives somebody a hat to wear."),
    XY_COMMAND("room hat take", command_hat_take, .arguments = "ROOM JID URI",
               .about = "Takes a hat from somebody."),
};

xy_status
command_broken(struct xy_command *command, xy_status status)
{
    return xy_fail(command, status, "the database does not answer: %s", xy_status_name(status));
}

xy_status
command_jid(struct xy_command *command, const char *name, const struct xy_jid **bare)
{
    struct xy_str text = xy_arg(command, name);
    const struct xy_jid *jid = text.len ? xy_jid_parse(text) : NULL;
    *bare = jid ? xy_jid_bare(jid) : NULL;
    if (jid && xy_jid_local(jid).len)
        return XY_OK;
    return xy_fail(command, XY_INVALID, "`" XY_FMT "` %s", XY_ARG(text),
                   jid ? "has no name before the @" : "is not a JID");
}

static xy_status
read_room(struct muc *self, struct xy_command *command, struct xy_str text,
          const struct xy_jid **jid)
{
    struct xy_str service = xy_jid_text(xy_service_jid(self));
    bool whole = text.len && memchr(text.at, '@', text.len);
    *jid = whole ? xy_jid_parse(text) : xy_jid_make(text, service, XY_NO_STR);
    if (!*jid || !xy_jid_local(*jid).len)
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is not the address of a room",
                       XY_ARG(text));
    if (xy_jid_host(*jid) != xy_service_jid(self))
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is not a room of " XY_FMT,
                       XY_ARG(text), XY_ARG(service));
    *jid = xy_jid_bare(*jid);
    return XY_OK;
}

xy_status
command_room(struct muc *self, struct xy_command *command, const struct xy_jid **jid)
{
    return read_room(self, command, xy_arg(command, "ROOM"), jid);
}

xy_status
command_enter(struct muc *self, struct xy_command *command, struct xy_room **room)
{
    const struct xy_jid *jid;
    xy_status status = command_room(self, command, &jid);
    if (status != XY_OK)
        return status;
    status = muc_enter(self, jid, room);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "there is no room " XY_FMT, XY_ARG(xy_jid_text(jid)));
    return status == XY_OK ? status : command_broken(command, status);
}

void
command_log(const struct xy_command *command, struct xy_str room, struct xy_str what)
{
    struct xy_str actor = xy_command_actor(command);
    xy_notice("muc.administered", "an administrator does something to a room",
              XY_F_STR_AS("room", room), XY_F_STR_AS("what", what), XY_F_STR(actor),
              XY_F_STR_AS("why", xy_arg(command, "reason")));
}

xy_status
command_record(struct xy_command *command, struct xy_room *room, const char *kind,
               const char *reason)
{
    const struct xy_audit_record record = {
        .actor = xy_command_actor(command),
        .kind = xy_str_from(kind),
        .room = xy_jid_text(xy_room_jid(room)),
        .reason = xy_str_from(reason),
        .words = xy_arg(command, "reason"),
    };
    command_log(command, record.room, record.reason);
    xy_status status = xy_run_audit_write(xy_room_host(room), &record);
    if (status == XY_OK || status == XY_UNSUPPORTED) /* the module audit is off */
        return XY_OK;
    return xy_fail(command, status, "not done, because it could not be recorded: %s",
                   xy_status_name(status));
}

struct xy_str
affiliation_text(enum xy_affiliation affiliation)
{
    static const char *const names[] = {"outcast", "none", "member", "admin", "owner"};
    return xy_str_from(names[affiliation]);
}

struct xy_str
role_text(enum xy_role role)
{
    static const char *const names[] = {"none", "visitor", "participant", "moderator"};
    return xy_str_from(names[role]);
}

/* ---- coming and going of rooms ---- */

/* What is wrong with the settings shows before anything is made. */
static xy_status
create(struct muc *self, struct xy_command *command, struct xy_room *room,
       const struct xy_jid *owner)
{
    struct configuration wanted;
    struct xy_str error = XY_NO_STR;
    muc_configuration(room, &wanted);
    wanted.settings.persistent = true;
    xy_status status = command_settings(command, xy_arg(command, "NAME=VALUE"), &wanted);
    if (status != XY_OK)
        return status;
    status = muc_create(self, room, owner, false);
    if (status != XY_OK)
        return command_broken(command, status);
    status = muc_configure(self, room, &wanted, NULL, &error);
    if (status == XY_OK)
        return XY_OK;
    if (muc_destroy(self, room, NULL, XY_NO_STR, XY_NO_STR) != XY_OK)
        xy_warn("muc.half_created", "a room that could not be configured remains",
                XY_F_STR_AS("room", xy_jid_text(xy_room_jid(room))));
    return status == XY_INVALID ? xy_fail(command, status, XY_FMT, XY_ARG(error))
                                : command_broken(command, status);
}

xy_status
command_create(XY_SELF, struct xy_command *command)
{
    const struct xy_jid *jid, *owner = NULL;
    struct xy_room *room;
    xy_status status = command_room(self, command, &jid);
    if (status == XY_OK && xy_arg(command, "owner").at)
        status = command_jid(command, "owner", &owner);
    if (status != XY_OK)
        return status;
    status = muc_enter_any(self, jid, &room);
    if (status != XY_OK)
        return command_broken(command, status);
    if (muc_state(room)->created_ms)
        status = xy_fail(command, XY_CONFLICT, "there is a room " XY_FMT " already",
                         XY_ARG(xy_jid_text(jid)));
    else
        status = create(self, command, room, owner);
    xy_room_leave(room);
    if (status == XY_OK)
        xy_put_str(command, "room", xy_jid_text(jid));
    return status;
}

xy_status
command_destroy(XY_SELF, struct xy_command *command)
{
    struct xy_room *room;
    const struct xy_jid *alternate = NULL;
    if (xy_arg(command, "alternate").at &&
        command_jid(command, "alternate", &alternate) != XY_OK)
        return XY_INVALID;
    xy_status status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    status = command_record(command, room, "purge", "room_destroyed");
    if (status == XY_OK) {
        int64_t occupants = count_occupants(room);
        status = muc_destroy(self, room, alternate, XY_NO_STR, xy_arg(command, "reason"));
        xy_put_str(command, "destroyed", xy_jid_text(xy_room_jid(room)));
        xy_put_int(command, "occupants", occupants);
        if (status != XY_OK)
            (void)command_broken(command, status);
    }
    xy_room_leave(room);
    return status;
}
