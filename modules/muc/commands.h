/* SPDX-License-Identifier: MIT */
/* What the files of `xylemctl room …` share. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "modules/muc/show.h"

/* commands.c. Each has said what is wrong when it does not answer XY_OK. */
/* The argument ROOM: an address of the service, or its local part alone. */
XY_CHECK xy_status command_room(struct muc *self, struct xy_command *command,
                                const struct xy_jid **jid);
/* The same, and goes in; there must be such a room. */
XY_SUSPENDS XY_CHECK xy_status command_enter(struct muc *self, struct xy_command *command,
                                             struct xy_room **room);
XY_CHECK xy_status command_jid(struct xy_command *command, const char *name,
                               const struct xy_jid **bare);
xy_status command_broken(struct xy_command *command, xy_status status); /* the database */
/* Writes down, in the log and with the module audit, that the administrator is about to do it: what
 * cannot be recorded is not to be done. `kind` and `reason` as in xylem/audit.h. */
XY_SUSPENDS XY_CHECK xy_status command_record(struct xy_command *command, struct xy_room *room,
                                              const char *kind, const char *reason);
/* In the log alone: for what xy_privileged() records. */
void command_log(const struct xy_command *command, struct xy_str room, struct xy_str what);
struct xy_str affiliation_text(enum xy_affiliation affiliation);
struct xy_str role_text(enum xy_role role);

/* commands_config.c: "name=A room public=off" over what `wanted` says. */
XY_CHECK xy_status command_settings(struct xy_command *command, struct xy_str text,
                                    struct configuration *wanted);

xy_command_fn command_create, command_destroy, command_show, command_list, command_stats,
    command_affiliations, command_affiliation, command_kick, command_config, command_history,
    command_hats, command_hat_create, command_hat_destroy, command_hat_assign,
    command_hat_take;

enum { MUC_COMMANDS = 15 };
extern const struct xy_command_row muc_commands[MUC_COMMANDS];

#endif
