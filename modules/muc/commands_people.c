/* SPDX-License-Identifier: MIT */
/* xylemctl room affiliations, affiliation, kick: who may what in a room, and putting somebody
 * out. */
#include "modules/muc/commands.h"

static const enum xy_affiliation kept[] = {XY_OWNER, XY_ADMIN, XY_MEMBER, XY_OUTCAST};
enum { KEPT = sizeof(kept) / sizeof(kept[0]) };

static xy_status
read_affiliation(struct xy_command *command, struct xy_str text, enum xy_affiliation *found)
{
    for (enum xy_affiliation at = XY_OUTCAST; at <= XY_OWNER; at++)
        if (xy_str_equal(text, affiliation_text(at))) {
            *found = at;
            return XY_OK;
        }
    return xy_fail(command, XY_INVALID,
                   "`" XY_FMT "` is none of owner, admin, member, none and outcast",
                   XY_ARG(text));
}

static void
put_affiliated(struct xy_command *command, const struct affiliated *one)
{
    xy_put_str(command, "jid", xy_jid_text(one->jid));
    xy_put_str(command, "affiliation", affiliation_text(one->affiliation));
    xy_put_str(command, "nick", one->nick);
    xy_put_str(command, "reason", one->reason);
}

static xy_status
list(struct xy_command *command, struct xy_room *room, enum xy_affiliation which)
{
    struct affiliated *all;
    size_t count;
    xy_status status = muc_affiliated(room, which, &all, &count);
    for (size_t i = 0; status == XY_OK && i < count; i++) {
        xy_row(command);
        put_affiliated(command, &all[i]);
    }
    return status;
}

xy_status
command_affiliations(XY_SELF, struct xy_command *command)
{
    struct xy_room *room;
    struct xy_str wanted = xy_arg(command, "affiliation");
    enum xy_affiliation only = XY_UNAFFILIATED;
    if (wanted.at && read_affiliation(command, wanted, &only) != XY_OK)
        return XY_INVALID;
    xy_status status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    for (size_t i = 0; i < KEPT && status == XY_OK; i++)
        if (!wanted.at || kept[i] == only)
            status = list(command, room, kept[i]);
    xy_room_leave(room);
    return status == XY_OK ? status : command_broken(command, status);
}

static xy_status
set(struct muc *self, struct xy_command *command, struct xy_room *room, struct affiliated *who,
    enum xy_affiliation wanted)
{
    struct affiliated *owners;
    size_t count;
    bool was_owner = who->affiliation == XY_OWNER;
    who->affiliation = wanted;
    who->reason = xy_arg(command, "reason");
    xy_status status = muc_set_affiliations(self, room, who, 1, NULL);
    if (status == XY_FULL)
        return xy_fail(command, status, "the room has as many affiliations as it may have");
    if (status == XY_OK)
        status = muc_affiliated(room, XY_OWNER, &owners, &count);
    if (status != XY_OK)
        return command_broken(command, status);
    if (was_owner && !count)
        xy_say(command, "The room has no owner now: nobody but you can configure it.");
    return XY_OK;
}

xy_status
command_affiliation(XY_SELF, struct xy_command *command)
{
    struct xy_room *room;
    const struct xy_jid *jid;
    struct affiliated who;
    struct xy_str text = xy_arg(command, "AFFILIATION");
    enum xy_affiliation wanted;
    xy_status status = command_jid(command, "JID", &jid);
    if (status == XY_OK && text.at)
        status = read_affiliation(command, text, &wanted);
    if (status == XY_OK)
        status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    status = muc_affiliation(self, room, jid, &who);
    who.jid = jid;
    if (status != XY_OK)
        (void)command_broken(command, status);
    else if (text.at)
        status = set(self, command, room, &who, wanted);
    if (text.at)
        muc_look_whether_empty(self, room);
    xy_room_leave(room);
    if (status == XY_OK)
        put_affiliated(command, &who);
    return status;
}

xy_status
command_kick(XY_SELF, struct xy_command *command)
{
    static const int codes[] = {307, 0};
    struct xy_room *room;
    struct xy_str nick = xy_arg(command, "NICK");
    xy_status status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    const struct xy_jid *jid =
        xy_jid_make(xy_jid_local(xy_room_jid(room)), xy_jid_domain(xy_room_jid(room)), nick);
    struct xy_occupant *occupant = jid ? xy_room_find_nick(room, jid) : NULL;
    if (occupant) {
        xy_put_str(command, "kicked", xy_jid_resource(xy_occupant_nick(occupant)));
        xy_put_str(command, "jid", xy_jid_text(xy_occupant_real(occupant)));
        muc_eject(self, occupant, codes, NULL, xy_arg(command, "reason"), NULL);
        muc_look_whether_empty(self, room);
    } else {
        status = xy_fail(command, XY_ABSENT, "nobody in " XY_FMT " is called `" XY_FMT "`",
                         XY_ARG(xy_jid_text(xy_room_jid(room))), XY_ARG(nick));
    }
    xy_room_leave(room);
    return status;
}
