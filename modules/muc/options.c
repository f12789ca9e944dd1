/* SPDX-License-Identifier: MIT */
/* The options of the module. */
#include "modules/muc/muc.h"

const struct xy_option muc_options[] = {
    XY_OPTION(host, .initial = "", .effect = XY_REPLACE,
              .doc = "The domain of the rooms; empty: conference. before the host's name."),
    XY_OPTION(create, .initial = "local", .choices = "anyone|local|admins",
              .doc = "Who may create rooms: anyone, accounts of this server, or admins only."),
    XY_OPTION(admins, .initial = "[]",
              .doc = "Bare JIDs that own every room and may create any."),
    XY_OPTION(max_rooms, .initial = "10000", .min = 1, .max = INT64_C(100000000),
              .doc = "Rooms there may be."),
    XY_OPTION(max_users, .initial = "1000", .min = 1, .max = 1000000,
              .doc = "Occupants a room may have at most."),
    XY_OPTION(rooms_per_user, .initial = "100", .min = 1, .max = 1000000,
              .doc = "Rooms one session may be in at once."),
    XY_OPTION(max_history, .initial = "100", .max = 10000,
              .doc = "Messages a room may show to newcomers at most."),
    XY_OPTION(max_subject, .initial = "2000", .min = 1, .max = 1000000,
              .doc = "Bytes a subject may have."),
    XY_OPTION(max_affiliations, .initial = "10000", .min = 1, .max = 10000000,
              .doc = "Affiliations a room may have."),
    XY_OPTION(messages, .initial = "10/s burst 30", .none = true,
              .doc = "How many messages one occupant may send to a room."),
    XY_OPTION(presences, .initial = "5/s burst 20", .none = true,
              .doc = "How many changes of presence one occupant may send to a room."),
    XY_OPTION(keep_empty, .initial = "10 min", .min = 1000, .max = INT64_MAX,
              .doc = "How long a temporary room waits for its occupants after a restart."),
};
