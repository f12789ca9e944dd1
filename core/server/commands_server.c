/* SPDX-License-Identifier: MIT */
/*
 * Admin commands about the server as a whole: help, status, reload, log level, stop; and the
 * test clock, which exists only when the server was started with one.
 */
#include <unistd.h>

#include "core/server/server.h"

/* ---- help
 * ----------------------------------------------------------------------------------------------
 */

struct listing {
    struct xy_command *command;
    struct xy_str noun; /* absent: all */
};

static void
list_command(void *argument, const struct xy_command_row *row)
{
    const struct listing *listing = argument;
    struct xy_str rest = xy_str_from(row->name), noun = xy_str_cut(&rest, ' ');
    if (listing->noun.len && !xy_str_equal(noun, listing->noun))
        return;
    const char *arguments = row->arguments && listing->noun.len ? row->arguments : "";
    xy_row(listing->command);
    xy_put_str(listing->command, "command",
               xy_temp_printf("%s%s%s", row->name, arguments[0] ? " " : "", arguments));
    xy_put_str(listing->command, "about", xy_str_from(row->about));
}

static xy_status
help(XY_SELF, struct xy_command *command)
{
    struct listing listing = {command, xy_arg(command, "NOUN")};
    xyi_each_command(list_command, &listing);
    if (!command->row_open)
        return xy_fail(command, XY_ABSENT, "no command begins with `" XY_FMT "`",
                       XY_ARG(listing.noun));
    if (!listing.noun.len)
        xy_say(command, "`help NOUN` shows their arguments, say `help user`.");
    return XY_OK;
}

/* ---- status
 * --------------------------------------------------------------------------------------------
 */

static void
put_counts(struct xy_command *command)
{
    struct xyi_route_counts route;
    struct xyi_store_counts store;
    struct xyi_net_counts net;
    xyi_route_counts(&route);
    xyi_store_counts(&store);
    xyi_net_counts(&net);
    xy_put_int(command, "connections", (int64_t)net.open);
    xy_put_int(command, "streams", (int64_t)route.streams);
    xy_put_int(command, "sessions", (int64_t)route.sessions);
    xy_put_int(command, "users_in_memory", (int64_t)route.users);
    xy_put_int(command, "storage_queue", (int64_t)store.queue);
    xy_put_int(command, "fibers", xyi_fibers_live());
    xy_put_int(command, "modules_draining", xyi_bus_draining());
    xy_put_int(command, "modules_abandoned", xyi_bus_abandoned());
}

static xy_status
status(XY_SELF, struct xy_command *command)
{
    const struct xyi_config *config = xyi_server.config;
    int64_t up_ms = xy_monotonic_ms() - xyi_server.started_ms;
    xy_put_str(command, "version", xy_str_from(xy_version()));
    xy_put_int(command, "pid", (int64_t)getpid());
    xy_put_int(command, "uptime_s", up_ms / 1000);
    xy_put_str(command, "started", xy_time_format(xy_now_ms() - up_ms));
    xy_put_str(command, "configuration", config->file);
    xy_put_int(command, "reloads", xyi_server.reloads);
    xy_put_str(command, "storage", xy_str_from(xyi_store_driver()));
    xy_put_int(command, "io_threads", xyi_config_io_threads(config));
    xy_put_int(command, "memory_kib", xyi_resident_bytes() / 1024);
    put_counts(command);
    for (size_t i = 0; i < config->hosts_count; i++) {
        xy_row(command);
        xy_put_str(command, "kind", XY_STR("host"));
        xy_put_str(command, "what", xy_jid_text(config->hosts[i]));
    }
    for (const struct xyi_open_socket *at = xyi_server.sockets; at; at = at->next) {
        xy_row(command);
        xy_put_str(command, "kind", XY_STR("listener"));
        xy_put_str(command, "what", xyi_socket_text(at));
    }
    return XY_OK;
}

/* ---- reload
 * --------------------------------------------------------------------------------------------
 */

static xy_status
reload(XY_SELF, struct xy_command *command)
{
    struct xy_diagnostics *to = xyi_diagnostics_new(xyi_temp());
    struct xyi_reload_report report = {0};
    bool dry_run = xy_flag(command, "dry-run");
    xy_status status = xyi_reload(dry_run, xy_command_actor(command), to, &report);
    if (status == XY_CONFLICT)
        return xy_fail(command, status, "another reload is under way");
    if (status == XY_CANCELLED)
        return xy_fail(command, status, "the server is stopping");
    if (status != XY_OK) {
        xyi_put_diagnostics(command, to);
        return xy_fail(command, status, "the configuration has errors; nothing has changed");
    }
    xy_put_int(command, "modules_kept", xyi_modules_kept(&report));
    xyi_put_lines(command, xy_buffer_str(&report.bus.retuned), "module", "retuned");
    xyi_put_lines(command, xy_buffer_str(&report.bus.replaced), "module", "replaced");
    xyi_put_lines(command, xy_buffer_str(&report.bus.added), "module", "added");
    xyi_put_lines(command, xy_buffer_str(&report.bus.removed), "module", "removed");
    xyi_put_lines(command, xy_buffer_str(&report.bus.refused), "module", "refused");
    xyi_put_lines(command, xy_buffer_str(&report.opened), "listener", "opened");
    xyi_put_lines(command, xy_buffer_str(&report.closed), "listener", "closed");
    xyi_put_lines(command, xy_buffer_str(&report.certificates), "certificate", "changed");
    xyi_put_lines(command, xy_buffer_str(&report.changed), "option", "changed");
    for (const struct xyi_diagnostic *at = xyi_diagnostics_first(to); at; at = at->next)
        xy_say(command, XY_FMT ": " XY_FMT, XY_ARG(at->where), XY_ARG(at->text));
    if (dry_run)
        xy_say(command, "dry run: nothing has changed");
    return XY_OK;
}

/* ---- log, stop, clock
 * ---------------------------------------------------------------------------------- */

static xy_status
log_level(XY_SELF, struct xy_command *command)
{
    static const struct xy_str names[] = {XY_STR_INIT("debug"), XY_STR_INIT("info"),
                                          XY_STR_INIT("notice"), XY_STR_INIT("warn"),
                                          XY_STR_INIT("error")};
    const struct xyi_config_log *log = &xyi_server.config->log;
    struct xy_str wanted = xy_arg(command, "LEVEL");
    size_t level = 0;
    while (level < 5 && !xy_str_equal(names[level], wanted))
        level++;
    if (level == 5)
        return xy_fail(command, XY_INVALID,
                       "`" XY_FMT "` is no level; they are debug, info, notice, warn, error",
                       XY_ARG(wanted));
    xy_put_str(command, "former", names[xyi_server.log_level]);
    if (xyi_log_configure((enum xy_level)level, (enum xyi_log_format)log->format.index,
                          log->file.path) != XY_OK)
        return xy_fail(command, XY_BROKEN, "the log file cannot be opened");
    xyi_server.log_level = (enum xy_level)level;
    xy_put_str(command, "level", wanted);
    xy_say(command, "until the next reload; log: { level: " XY_FMT " } keeps it",
           XY_ARG(wanted));
    return XY_OK;
}

static xy_status
stop(XY_SELF, struct xy_command *command)
{
    xyi_server_request_stop("xylemctl stop");
    xy_say(command, "the server stops");
    return XY_OK;
}

static xy_status
clock_advance(XY_SELF, struct xy_command *command)
{
    struct xy_str error = XY_NO_STR;
    int64_t ms;
    if (xy_duration_parse(xy_arg(command, "DURATION"), &ms, &error) != XY_OK)
        return xy_fail(command, XY_INVALID, XY_FMT, XY_ARG(error));
    xyi_clock_advance(ms);
    xy_put_str(command, "now", xy_time_format(xy_now_ms()));
    return XY_OK;
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

const struct xy_command_row xyi_server_commands[] = {
    XY_COMMAND("help", help, .arguments = "[NOUN]",
               .about = "Lists the commands; those of a noun with their arguments.",
               .stopped = true),
    XY_COMMAND("status", status, .about = "What runs, since when, and how much of it."),
    XY_COMMAND("reload", reload, .arguments = "[--dry-run]",
               .about = "Follows the configuration file, certificates and changed modules; an "
                        "error changes nothing."),
    XY_COMMAND("log level", log_level, .arguments = "LEVEL",
               .about = "Logs from this level on, until the next reload."),
    XY_COMMAND("metrics", xyi_show_metrics, .arguments = "[NAME]",
               .about = "Counters and histograms of the core and the modules."),
    XY_COMMAND("stop", stop, .about = "Ends the streams and stops the server."),
};
const size_t xyi_server_commands_count = COUNT(xyi_server_commands);

const struct xy_command_row xyi_clock_commands[] = {
    XY_COMMAND("clock advance", clock_advance, .arguments = "DURATION",
               .about = "Moves the test clock."),
};
const size_t xyi_clock_commands_count = COUNT(xyi_clock_commands);
