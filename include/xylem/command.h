/* SPDX-License-Identifier: MIT */
/*
 * Admin commands: noun and verb, from one table for the control socket, `xylemctl` and its help.
 * A handler answers by building fields and rows; `--json` and text are made from the same.
 */
#ifndef XYLEM_COMMAND_H
#define XYLEM_COMMAND_H

#include <xylem/hook.h>
#include <xylem/str.h>

struct xy_command; /* one being carried out */

/* An argument as given, or its absence: xy_arg(c, "JID"), xy_arg(c, "limit") for --limit N. */
XY_API struct xy_str xy_arg(const struct xy_command *command, const char *name);
XY_API bool xy_flag(const struct xy_command *command, const char *name); /* --force */
/* Who asks, for records of what was done: "unix:1000" is the local user of that number. */
XY_API struct xy_str xy_command_actor(const struct xy_command *command);
/* The command with its arguments, in an order and spelling that does not depend on how they were given:
 * "hold release 3 --reason 'settled'". The value of `unsaid` (NULL: none) is left out. */
XY_API struct xy_str xy_command_text(const struct xy_command *command, const char *unsaid);
/* What the administrator piped in or typed at a prompt (passwords, import files). */
XY_API struct xy_str xy_command_input(const struct xy_command *command);

/* The value of --name as a whole number within [min, max], or `otherwise` when it is not given. On
 * XY_INVALID it has failed: return that. */
XY_API XY_CHECK xy_status xy_arg_int(struct xy_command *command, const char *name, int64_t min,
                                     int64_t max, int64_t otherwise, int64_t *number);

/* Fields of the answer, or of the row begun last. */
XY_API void xy_put_str(struct xy_command *command, const char *key, struct xy_str value);
XY_API void xy_put_int(struct xy_command *command, const char *key, int64_t value);
XY_API void xy_put_bool(struct xy_command *command, const char *key, bool value);
XY_API void xy_row(struct xy_command *command); /* begins a row of a list */
/* A line for people; not in --json output except as "notes". */
XY_API void xy_say(struct xy_command *command, const char *format, ...) XY_PRINTF(2, 3);
/* Why it failed; return the same status. Exit codes: XY_OK 0, XY_ABSENT 3, XY_CONFLICT 4,
 * XY_INVALID 2, XY_DENIED 5, everything else 1. */
XY_API xy_status xy_fail(struct xy_command *command, xy_status status, const char *format, ...)
    XY_PRINTF(3, 4);

typedef xy_status xy_command_fn(XY_SELF, struct xy_command *command);

/* A row of a module's `commands` table. */
struct xy_command_row {
    const char *name;      /* "offline count" */
    const char *arguments; /* "JID [--limit N] [--force] [FILE]" */
    const char *about;     /* one line */
    xy_any_fn *handler;
    bool stopped; /* xylemctl may run it itself while no server runs */
    bool input;   /* reads standard input or prompts for a secret */
};
#define XY_COMMAND(words, function, ...)                                                           \
    {                                                                                              \
        .name = (words),                                                                           \
        .handler = _Generic((function), xy_command_fn *: (xy_any_fn *)(function))                  \
            __VA_OPT__(, ) __VA_ARGS__                                                             \
    }

#endif
