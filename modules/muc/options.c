/* SPDX-License-Identifier: MIT */
/* The options of the module: the service's limits and policies, and what new rooms are set to.
 */
#include "modules/muc/muc.h"

#define MEMBER(option_, initial_, label_, ...) \
    XY_OPTION(default_config.option_, .initial = (initial_), .doc = label_ ".", ##__VA_ARGS__)
#define NO_ROW(...)
#define BOOL_ROW(field, option, var, also, initial, label) MEMBER(option, initial, label),
#define INT_ROW(field, option, var, also, initial, label, min_, max_) \
    MEMBER(option, initial, label, .min = (min_), .max = (max_)),
#define SECONDS_ROW(field, option, var, also, initial, label, min_, max_) \
    MEMBER(option, initial, label, .min = (min_)*1000, .max = INT64_C(1000) * (max_)),
#define CHOICE_ROW(field, option, var, also, initial, label, choices_) \
    MEMBER(option, initial, label, .choices = (choices_)),
#define ROLES_ROW(field, option, var, also, initial, label) MEMBER(option, initial, label),

const struct xy_option muc_options[] = {
    XY_OPTION(host, .initial = "", .effect = XY_REPLACE,
              .doc = "The domain of the rooms; empty: conference. before the host's name."),
    XY_OPTION(create, .initial = "local", .choices = "anyone|local|admins",
              .doc = "Who may create rooms: anyone, accounts of this server, or admins only."),
    XY_OPTION(admins, .initial = "[]",
              .doc = "Bare JIDs that own every room and may create any, whatever the limits."),
    XY_OPTION(max_rooms, .initial = "10000", .min = 1, .max = INT64_C(100000000),
              .doc = "Rooms the service may have."),
    XY_OPTION(max_users, .initial = "1000", .min = 1, .max = 1000000,
              .doc = "Occupants a room may have at most, whatever it is set to."),
    XY_OPTION(rooms_per_user, .initial = "100", .min = 1, .max = 1000000,
              .doc = "Rooms one person may own and still create another."),
    XY_OPTION(rooms_per_session, .initial = "500", .min = 1, .max = 1000000,
              .doc = "Rooms one session may be in at once."),
    XY_OPTION(max_history, .initial = "100", .max = 10000,
              .doc = "Messages a room may show to newcomers at most, whatever it is set to."),
    XY_OPTION(max_subject, .initial = "2000", .min = 1, .max = 1000000,
              .doc = "Bytes a subject may have."),
    XY_OPTION(max_affiliations, .initial = "10000", .min = 1, .max = 10000000,
              .doc = "Affiliations and registered nicks a room may have."),
    XY_OPTION(messages, .initial = "10/s burst 30", .none = true,
              .doc = "How many messages one occupant may send to a room."),
    XY_OPTION(presences, .initial = "5/s burst 20", .none = true,
              .doc = "How many changes of presence one occupant may send to a room."),
    XY_OPTION(
        queries, .initial = "20/s burst 200", .none = true,
        .doc = "How many requests (iq) one occupant may have passed on to others in a room."),
    XY_OPTION(max_presence, .initial = "16 KiB", .min = 1024, .max = 1024 * 1024,
              .doc = "How large an occupant's presence may be."),
    XY_OPTION(max_avatar, .initial = "128 KiB", .min = 1024, .max = 64 * 1024 * 1024,
              .doc = "How large the vCard with a room's avatar may be."),
    XY_OPTION(keep_empty, .initial = "10 min", .min = 1000, .max = INT64_C(31536000000),
              .effect = XY_REPLACE,
              .doc = "How long a temporary room waits for its occupants after a restart."),
    XY_OPTION_GROUP_ROW("default_config",
                        "What a new room is set to; its owners change it as they like."),
    MUC_SETTINGS(NO_ROW, BOOL_ROW, INT_ROW, SECONDS_ROW, CHOICE_ROW, ROLES_ROW)};

static bool
is_role(struct xy_str name)
{
    return xy_str_is(name, "visitor") || xy_str_is(name, "participant") ||
           xy_str_is(name, "moderator");
}

void
muc_check_options(const struct muc *self, struct xy_diagnostics *to)
{
    const xy_list *roles = &self->default_config.presence_broadcast;
    for (size_t i = 0; i < self->admins.count; i++)
        if (!xy_jid_parse(self->admins.at[i]))
            xy_complain(to, "admins", "`" XY_FMT "` is not a JID", XY_ARG(self->admins.at[i]));
    for (size_t i = 0; i < roles->count; i++)
        if (!is_role(roles->at[i]))
            xy_complain(to, "default_config.presence_broadcast",
                        "must be of visitor, participant and moderator, not `" XY_FMT "`",
                        XY_ARG(roles->at[i]));
    if (self->default_config.history > self->max_history)
        xy_caution(to, "default_config.history",
                   "the service shows no more than max_history, %lld messages",
                   (long long)self->max_history);
    if (self->default_config.max_users > self->max_users)
        xy_caution(to, "default_config.max_users",
                   "the service lets in no more than max_users, %lld",
                   (long long)self->max_users);
}
