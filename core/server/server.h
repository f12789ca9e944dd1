/* SPDX-License-Identifier: MIT */
/*
 * The server as a whole: start, stop, reload, the control socket, admin commands. Logic thread
 * only.
 */
#ifndef XYI_SERVER_H
#define XYI_SERVER_H

#include <jansson.h>
#include <xylem/xylem.h>
#include "core/server/config.h"

/* ---- the running server --------------------------------------------------------------------------- */
struct xyi_open_socket {
    struct xyi_open_socket *next;
    struct xyi_listen listen; /* its address is a copy */
    struct xyi_listener *listener;
    struct xyi_open_socket *former; /* while a reload is prepared: the one this takes over */
};
struct xyi_server {
    struct xyi_config *config; /* the one in force */
    struct xyi_open_socket *sockets;
    struct xy_str file;     /* of the configuration */
    struct xy_str pid_file; /* absent: none */
    int lock;               /* on data_dir; -1: none */
    int64_t started_ms;     /* monotonic */
    enum xy_level log_level;
    bool test_clock, started, stopping, reloading; /* started: stop is due */
    unsigned reloads;
};
extern struct xyi_server xyi_server; /* the process has one */

struct xyi_launch {
    struct xy_str file, pid_file;
    bool test_clock;
    int64_t test_clock_ms; /* wall clock to stand still at */
};
/* The programs. Both return the exit status. */
int xyi_serve(const struct xyi_launch *launch);
int xyi_check_file(struct xy_str file); /* --check */
/* Runs work() on a fiber of a core that has nothing but fibers and JIDs, then ends it. */
void xyi_with_core(void (*work)(void *argument), void *argument);

/* Start in parts, for xylemd and for xylemctl while no server runs (`serving` false: no sockets). On
 * failure what was started is stopped again; *error says why, or `to` has the diagnostics. */
XY_SUSPENDS XY_CHECK xy_status xyi_server_start(struct xyi_config *config, bool serving,
                                                struct xy_diagnostics *to, struct xy_str *error);
XY_SUSPENDS void xyi_server_stop(void);
/* Fires server_stopping for every host; at most that long. */
XY_SUSPENDS void xyi_server_farewell(const char *reason, int64_t grace_ms);
/* Answers at once; the server stops on a fiber of its own and leaves the loop. */
void xyi_server_request_stop(const char *why);
void xyi_server_apply_limits(const struct xyi_config *config, struct xyi_tls *tls);
XY_CHECK xy_status xyi_server_configure_log(const struct xyi_config *config);

/* ---- its place on the machine: machine.c ------------------------------------------------------------ */
/* Raises the soft limit on open files and sets config->connections: complains when the file asks for
 * more than they allow, else makes do with what they allow. */
void xyi_fit_open_files(struct xyi_config *config, struct xy_diagnostics *to);
/* XY_CONFLICT: another process has it. *fd is the lock. */
XY_CHECK xy_status xyi_lock_data(struct xy_str data_dir, int *fd, struct xy_str *error);
XY_CHECK xy_status xyi_write_pid(struct xy_str path, struct xy_str *error);
void xyi_notify(const char *state); /* sd_notify(3) */
int64_t xyi_resident_bytes(void);

/* ---- sockets: sockets.c ------------------------------------------------------------------------------- */
struct xyi_socket_change {
    struct xyi_open_socket *next; /* the new set */
    struct xy_buffer opened, closed, kept;  /* a line each; in xyi_temp() */
};
/* Opens what is new and accepts nothing yet; what cannot be opened is complained of. */
void xyi_sockets_prepare(const struct xyi_config *config, struct xyi_socket_change *change,
                         struct xy_diagnostics *to);
void xyi_sockets_commit(struct xyi_socket_change *change);
void xyi_sockets_discard(struct xyi_socket_change *change);
void xyi_sockets_close(void);
struct xy_str xyi_socket_text(const struct xyi_open_socket *socket); /* "c2s 127.0.0.1 port 5222 starttls" */

/* ---- reload: reload.c ------------------------------------------------------------------------------------ */
/* XY_INVALID: `to` has the errors, nothing has changed; XY_CONFLICT: another reload is at work. `by`: see
 * xy_command_actor(). */
struct xyi_reload_report {
    struct xyi_bus_report bus;
    struct xy_buffer opened, closed, certificates;
    struct xy_buffer changed; /* a line each: "limits.depth: 30 (was 50)" */
};
XY_SUSPENDS XY_CHECK xy_status xyi_reload(bool dry_run, struct xy_str by, struct xy_diagnostics *to,
                                          struct xyi_reload_report *report);
int64_t xyi_modules_kept(const struct xyi_reload_report *report);
void xyi_reload_on_signal(void);
XY_SUSPENDS void xyi_config_announce(struct xy_str by); /* fires config_applied */
/* Changes with the value, and says nothing else about it; absent: the key for it cannot be had. */
struct xy_str xyi_secret_mark(struct xy_str name, struct xy_str value);

/* ---- requests: request.c, command.c, arguments.c ----------------------------------------------------------- */
struct xyi_argument {
    struct xy_str name, value; /* "JID" or "limit" for --limit */
    bool flag;
};
struct xy_command {
    const struct xy_command_row *row;
    struct xy_str words; /* its name as found */
    struct xyi_argument *arguments;
    size_t arguments_count;
    struct xy_str input, actor;
    json_t *fields, *rows, *row_open, *notes;
    struct xy_str error;
};
/* Carries out one request document and answers with one, which the caller releases. `stopped`: no
 * server runs, only commands that may run without one do. `by`: see xy_command_actor(). Takes no
 * reference. */
XY_SUSPENDS json_t *xyi_request(const json_t *request, struct xy_str by, bool stopped);
int xyi_exit_code(xy_status status);
/* Fills command->arguments from the words behind its name and the `options` object (may be NULL). */
XY_CHECK xy_status xyi_arguments_parse(struct xy_command *command, const json_t *words, size_t from,
                                       const json_t *options);
struct xy_str xyi_json_str(const json_t *text); /* absent for anything but a text */
json_t *xyi_json_text(struct xy_str text);
/* The commands there are: the core's, then those of live modules. */
typedef void xyi_each_command_fn(void *argument, const struct xy_command_row *row);
void xyi_each_core_command(xyi_each_command_fn *each, void *argument);
void xyi_each_command(xyi_each_command_fn *each, void *argument);

extern const struct xy_command_row xyi_user_commands[], xyi_session_commands[],
    xyi_module_commands[], xyi_config_commands[], xyi_server_commands[], xyi_clock_commands[],
    xyi_message_commands[];
extern const size_t xyi_user_commands_count, xyi_session_commands_count, xyi_module_commands_count,
    xyi_config_commands_count, xyi_server_commands_count, xyi_clock_commands_count, xyi_message_commands_count;
xy_status xyi_user_import(struct xy_nothing *self, struct xy_command *command);
xy_status xyi_show_metrics(struct xy_nothing *self, struct xy_command *command);
void xyi_put_session(struct xy_command *command, struct xy_session *session); /* as a row */
/* The JID argument of that name: bare, with a local part. NULL: it has failed, return XY_INVALID. */
const struct xy_jid *xyi_account_argument(struct xy_command *command, const char *name);
/* A block of lines in a buffer, as rows with `key` and further fields. */
void xyi_put_lines(struct xy_command *command, struct xy_str lines, const char *what,
                   const char *key);
void xyi_put_diagnostics(struct xy_command *command, const struct xy_diagnostics *of);

/* ---- the books of the message queue: invariant.c --------------------------------------------------------- */
struct xyi_balance { /* messages times the devices they wait or waited for, since the start */
    int64_t accepted, waiting, removed[XYI_REMOVALS];
    int64_t missing; /* accepted less all others: 0 */
    int64_t unknown; /* commits of which the database could not tell what became: then it may differ */
    struct xyi_disagreements found;
    bool holds;
};
XY_SUSPENDS XY_CHECK xy_status xyi_balance(struct xyi_balance *balance);
XY_SUSPENDS XY_CHECK xy_status xyi_invariant_start(void); /* once the store is open */
void xyi_invariant_stop(void);
struct xyi_invariant_counts {
    uint64_t checks, violations;
};
extern struct xyi_invariant_counts xyi_invariant_counters;

/* ---- the control socket: control.c ---------------------------------------------------------------------------- */
XY_CHECK xy_status xyi_control_open(struct xy_str path, struct xy_str group, struct xy_str *error);
/* No further requests; cancels those at work and waits until they are done. */
XY_SUSPENDS void xyi_control_close(void);
void xyi_control_end(void); /* removes the socket; clients hear the end of the process */

#endif
