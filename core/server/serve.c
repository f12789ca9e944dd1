/* SPDX-License-Identifier: MIT */
/*
 * xylemd's life: read the configuration, start, say that it is ready, turn the loop until
 * somebody says stop, stop. The first signal stops in order, the second at once.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "core/server/server.h"

static struct {
    const struct xyi_launch *launch;
    bool started, finished;
    struct xyi_watch *signals[3];
    struct xyi_job stop;
    const char *why;
} life; /* logic thread */

/* ---- the ground everything stands on
 * ------------------------------------------------------------------- */

static void
begin_core(void)
{
    xyi_loop_init();
    xyi_fibers_init((struct xyi_fiber_limits){0});
    xyi_jids_init();
}

static void
end_core(void)
{
    xyi_fibers_end();
    xyi_epoch_end();
    xyi_parser_pool_drain();
    xyi_jids_end();
    xyi_timers_end();
    xyi_loop_end();
}

void
xyi_with_core(void (*work)(void *argument), void *argument)
{
    begin_core();
    xyi_run_on_fiber(work, argument, xyi_loop_turn);
    end_core();
}

static void
print_diagnostics(const struct xy_diagnostics *of)
{
    struct xy_str text = xyi_diagnostics_text(of);
    fprintf(stderr, XY_FMT, XY_ARG(text));
}

/* ---- start
 * ------------------------------------------------------------------------------------------------
 */

static void
log_ready(const struct xyi_config *config)
{
    struct xy_buffer sockets = {0};
    for (const struct xyi_open_socket *at = xyi_server.sockets; at; at = at->next)
        xy_buffer_printf(&sockets, "%s" XY_FMT, sockets.len ? ", " : "",
                         XY_ARG(xyi_socket_text(at)));
    xy_notice("server.ready", "xylem is ready", XY_F_CSTR_AS("version", xy_version()),
              XY_F_STR_AS("listeners", xy_buffer_str(&sockets)),
              XY_F_CSTR_AS("storage", xyi_store_driver()),
              XY_F_INT_AS("io_threads", xyi_config_io_threads(config)),
              XY_F_INT_AS("connections", config->connections),
              XY_F_INT_AS("hosts", config->hosts_count));
    xyi_notify(xy_temp_printf("READY=1\nMAINPID=%d\nSTATUS=" XY_FMT "\n", (int)getpid(),
                              XY_ARG(xy_buffer_str(&sockets)))
                   .at);
}

static xy_status
start(struct xyi_config *config, struct xy_diagnostics *to, struct xy_str *error)
{
    if (xyi_server_configure_log(config) != XY_OK) {
        *error = xy_temp_printf("log file " XY_FMT " cannot be opened",
                                XY_ARG(config->log.file.path));
        return XY_BROKEN;
    }
    xyi_fit_open_files(config, to);
    if (xyi_errors(to))
        return XY_INVALID;
    xy_status status = xyi_server_start(config, true, to, error);
    if (status == XY_OK && life.launch->pid_file.len) {
        status = xyi_write_pid(life.launch->pid_file, error);
        xyi_server.pid_file = status == XY_OK ? life.launch->pid_file : XY_NO_STR;
        if (status != XY_OK)
            xyi_server_stop();
    }
    return status;
}

/* For whoever reads the log and never saw the terminal. */
static void
log_cautions(const struct xy_diagnostics *of)
{
    for (const struct xyi_diagnostic *at = xyi_diagnostics_first(of); at; at = at->next)
        xy_warn("config.caution", "configuration", XY_F_STR_AS("where", at->where),
                XY_F_STR_AS("text", at->text));
}

static void
begin(void *argument)
{
    (void)argument;
    struct xy_diagnostics *to = xyi_diagnostics_new(xyi_temp());
    struct xy_str error = XY_NO_STR;
    struct xyi_config *config = xyi_config_load(life.launch->file, to);
    xyi_server.file = life.launch->file;
    xyi_server.test_clock = life.launch->test_clock;
    bool good = config && !xyi_errors(to);
    xy_status status = good ? start(config, to, &error) : XY_INVALID;
    if (status == XY_OK) {
        log_ready(config);
        xyi_config_lint(config, to);
        log_cautions(to);
    } else {
        print_diagnostics(to);
    }
    if (error.len)
        fprintf(stderr, "xylemd: " XY_FMT "\n", XY_ARG(error));
    if (status != XY_OK && !xyi_server.config)
        xyi_config_free(config);
    life.started = status == XY_OK;
}

/* ---- stop
 * -------------------------------------------------------------------------------------------------
 */

static void
run_stop(struct xyi_job *job)
{
    (void)job;
    xyi_notify("STOPPING=1\n");
    xyi_server_farewell(life.why, xyi_server.config->reload.grace.ms);
    xyi_server_stop();
    xy_notice("server.stopped", "xylem has stopped");
    life.finished = true;
}

void
xyi_server_request_stop(const char *why)
{
    if (xyi_server.stopping)
        return;
    xyi_server.stopping = true;
    life.why = why;
    xy_notice("server.stopping", "xylem stops", XY_F_CSTR_AS("reason", why));
    life.stop.run = run_stop;
    xyi_spawn(&life.stop);
}

static void
on_stop_signal(void *argument)
{
    if (!life.started || xyi_server.stopping)
        _exit(1); /* nothing to end in order yet; or asked twice: somebody is in a hurry */
    xyi_server_request_stop(argument);
}

static void
on_reload_signal(void *argument)
{
    (void)argument;
    if (life.started)
        xyi_reload_on_signal();
}

/* ---- life
 * -------------------------------------------------------------------------------------------------
 */

static void
watch_signals(void)
{
    static char term[] = "SIGTERM", interrupt[] = "SIGINT";
    life.signals[0] = xyi_watch_signal(SIGTERM, on_stop_signal, term);
    life.signals[1] = xyi_watch_signal(SIGINT, on_stop_signal, interrupt);
    life.signals[2] = xyi_watch_signal(SIGHUP, on_reload_signal, NULL);
}

static void
unwatch_signals(void)
{
    for (size_t i = 0; i < 3; i++)
        xyi_watch_end(life.signals[i]);
}

int
xyi_serve(const struct xyi_launch *launch)
{
    life.launch = launch;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a full disk: the write says so */
    if (launch->test_clock)
        xyi_clock_freeze(launch->test_clock_ms);
    begin_core();
    watch_signals();
    xyi_run_on_fiber(begin, NULL, xyi_loop_turn);
    while (life.started && !life.finished)
        xyi_loop_turn();
    unwatch_signals();
    end_core();
    return life.started ? 0 : 1;
}

/* ---- --check
 * -----------------------------------------------------------------------------------------------
 */

struct check {
    struct xy_str file;
    bool fine;
};

static void
run_check(void *argument)
{
    struct check *check = argument;
    struct xy_diagnostics *to = xyi_diagnostics_new(xyi_temp());
    struct xyi_config *config = xyi_config_check(check->file, to);
    print_diagnostics(to);
    check->fine = xyi_errors(to) == 0;
    if (check->fine)
        printf(XY_FMT ": no errors\n", XY_ARG(check->file));
    xyi_config_free(config);
}

int
xyi_check_file(struct xy_str file)
{
    struct check check = {.file = file};
    xyi_with_core(run_check, &check);
    return check.fine ? 0 : 1;
}
