/* SPDX-License-Identifier: MIT */
/*
 * Reload in two phases. Everything that can fail is prepared first: the file, certificates, new
 * listeners, modules, the log. Any error drops all of it and nothing has changed. The commit is
 * pointer stores and closes what went.
 */
#include <time.h>

#include "core/server/server.h"

struct preparation {
    struct xyi_config *config;
    struct xyi_tls *tls;
    struct xyi_bus *bus;
    struct xyi_socket_change sockets;
};

/* ---- prepare
 * -------------------------------------------------------------------------------------------
 */

/* With errors already there the modules' tables are still read, to report theirs as well. */
static void
prepare_bus(struct preparation *next, struct xy_diagnostics *to,
            struct xyi_reload_report *report)
{
    struct xyi_bus_wish wish = xyi_config_wish(next->config);
    wish.tables_only = xyi_errors(to) > 0;
    if (wish.tables_only)
        wish.private_path = XY_NO_STR;
    next->bus = xyi_bus_prepare(&wish, to, &report->bus);
}

static void
prepare_log(const struct preparation *next, struct xy_diagnostics *to)
{
    if (xyi_server_configure_log(next->config) == XY_OK)
        return;
    xyi_diagnostics_aim(to, xyi_yaml_get(next->config->tree, XY_STR("log")));
    xy_complain(to, "file", XY_FMT " cannot be opened", XY_ARG(next->config->log.file.path));
    xyi_diagnostics_aim(to, NULL);
    xy_assert(xyi_server_configure_log(xyi_server.config) == XY_OK || xyi_errors(to));
}

static void
prepare(struct preparation *next, bool dry_run, struct xy_diagnostics *to,
        struct xyi_reload_report *report)
{
    next->config = xyi_config_load(xyi_server.file, to);
    if (!next->config)
        return;
    xyi_config_check_restart(xyi_server.config, next->config, to);
    xyi_fit_open_files(next->config, to);
    next->tls = xyi_config_load_tls(next->config, to);
    xyi_sockets_prepare(next->config, &next->sockets, to);
    prepare_bus(next, to, report);
    if (!xyi_errors(to))
        xyi_config_lint(next->config, to);
    if (!dry_run && !xyi_errors(to))
        prepare_log(next, to);
}

static void
discard(struct preparation *next)
{
    if (next->bus)
        xyi_bus_discard(next->bus);
    xyi_sockets_discard(&next->sockets);
    if (next->tls)
        xyi_tls_drop(next->tls);
    xyi_config_free(next->config);
}

/* ---- commit
 * --------------------------------------------------------------------------------------------
 */

static void
release_config(void *config)
{
    xyi_config_free(config);
}

static void
commit(struct preparation *next)
{
    struct xyi_config *former = xyi_server.config;
    xyi_server.config = next->config;
    xyi_bus_commit(next->bus, next->config->reload.grace.ms);
    xyi_server_apply_limits(next->config, next->tls);
    xyi_sockets_commit(&next->sockets);
    xyi_route_hosts_changed();
    if (next->tls)
        xyi_tls_drop(next->tls);
    xyi_retire(former, release_config);
    xyi_server.reloads++;
}

/* ---- what has changed
 * ----------------------------------------------------------------------------------- */

static void
report_values(const struct xyi_config *was, const struct xyi_config *will, struct xy_buffer *to)
{
    const struct xyi_item *before = xyi_config_items(was, false);
    for (const struct xyi_item *item = xyi_config_items(will, false); item; item = item->next) {
        const struct xyi_item *same = before;
        while (same && !xy_str_equal(same->name, item->name))
            same = same->next;
        if (!same || xy_str_equal(same->value, item->value))
            continue;
        xy_buffer_printf(to, XY_FMT ": " XY_FMT ", was " XY_FMT "\n", XY_ARG(item->name),
                         XY_ARG(xyi_item_text(item)), XY_ARG(xyi_item_text(same)));
    }
}

static void
report_certificates(const struct xyi_config *was, const struct xyi_config *will,
                    struct xy_buffer *to)
{
    for (size_t i = 0; i < will->certificates_count; i++) {
        const struct xyi_certificate *now = &will->certificates[i];
        bool known = false;
        for (size_t j = 0; j < was->certificates_count && !known; j++)
            known = xy_str_equal(was->certificates[j].path, now->path) &&
                    xy_str_equal(was->certificates[j].host, now->host) &&
                    was->certificates[j].version == now->version;
        if (!known)
            xy_buffer_printf(to, XY_FMT "\n", XY_ARG(now->path));
    }
}

static xy_status
reload(bool dry_run, struct xy_diagnostics *to, struct xyi_reload_report *report)
{
    struct preparation next = {0};
    prepare(&next, dry_run, to, report);
    if (xyi_errors(to) || xyi_server.stopping) {
        discard(&next);
        return xyi_errors(to) ? XY_INVALID : XY_CANCELLED;
    }
    report->opened = next.sockets.opened;
    report->closed = next.sockets.closed;
    report_values(xyi_server.config, next.config, &report->changed);
    report_certificates(xyi_server.config, next.config, &report->certificates);
    if (dry_run)
        discard(&next);
    else
        commit(&next);
    return XY_OK;
}

void
xyi_config_announce(struct xy_str by)
{
    const struct xyi_item *first = xyi_config_items(xyi_server.config, true);
    size_t count = 0;
    for (const struct xyi_item *item = first; item; item = item->next)
        count++;
    struct xy_setting *settings = xy_temp_alloc((count + 1) * sizeof(*settings));
    count = 0;
    for (const struct xyi_item *item = first; item; item = item->next) {
        struct xy_str text = xyi_item_text(item);
        bool hidden = item->secret && !xy_str_equal(text, item->value);
        settings[count++] = (struct xy_setting){
            .name = item->name,
            .value = text,
            .mark = hidden ? xyi_secret_mark(item->name, item->value) : XY_NO_STR,
        };
    }
    xy_run_config_applied(NULL, by, settings, count);
}

/* ---- the log's account
 * ---------------------------------------------------------------------------------- */

static size_t
log_lines(const struct xy_buffer *buffer, const char *what)
{
    struct xy_str rest = xy_buffer_str(buffer);
    size_t count = 0;
    for (; rest.len; count++) {
        struct xy_str item = xy_str_cut(&rest, '\n');
        xy_info("reload.change", what, XY_F_STR(item));
    }
    return count;
}

int64_t
xyi_modules_kept(const struct xyi_reload_report *report)
{
    struct xy_str rest = xy_buffer_str(&report->bus.kept);
    int64_t kept = 0;
    for (; rest.len; kept++)
        (void)xy_str_cut(&rest, '\n');
    return kept;
}

static void
log_report(const struct xyi_reload_report *report)
{
    size_t changes = log_lines(&report->bus.retuned, "module retuned") +
                     log_lines(&report->bus.replaced, "module replaced") +
                     log_lines(&report->bus.added, "module added") +
                     log_lines(&report->bus.removed, "module removed") +
                     log_lines(&report->opened, "listener opened") +
                     log_lines(&report->closed, "listener closed") +
                     log_lines(&report->certificates, "certificate changed") +
                     log_lines(&report->changed, "option changed");
    xy_notice("reload.done", "configuration reloaded", XY_F_INT(changes),
              XY_F_INT_AS("modules_kept", xyi_modules_kept(report)));
}

static void
log_errors(const struct xy_diagnostics *of)
{
    for (const struct xyi_diagnostic *at = xyi_diagnostics_first(of); at; at = at->next)
        xy_log(at->is_caution ? XY_LEVEL_WARN : XY_LEVEL_ERROR, "reload.complaint",
               "configuration", XY_F_STR_AS("where", at->where), XY_F_STR_AS("text", at->text));
    int64_t errors = (int64_t)xyi_errors(of);
    if (errors)
        xy_error("reload.refused", "configuration not reloaded, nothing has changed",
                 XY_F_INT(errors));
}

xy_status
xyi_reload(bool dry_run, struct xy_str by, struct xy_diagnostics *to,
           struct xyi_reload_report *report)
{
    if (xyi_server.reloading)
        return XY_CONFLICT;
    xyi_server.reloading = true;
    xy_status status = reload(dry_run, to, report);
    xyi_server.reloading = false;
    if (!dry_run)
        log_errors(to);
    if (dry_run || status != XY_OK)
        return status;
    log_report(report);
    xyi_config_announce(by);
    return status;
}

/* ---- SIGHUP
 * ----------------------------------------------------------------------------------------------
 */

static struct xyi_job job;
static bool asked, running; /* a signal during a reload causes one more */

static void
tell_manager(bool done)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long us = (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    xyi_notify(done ? "READY=1\n"
                    : xy_temp_printf("RELOADING=1\nMONOTONIC_USEC=%lld\n", us).at);
}

static void
run_reload(struct xyi_job *self)
{
    (void)self;
    struct xy_diagnostics *to = xyi_diagnostics_new(xyi_temp());
    struct xyi_reload_report report = {0};
    asked = false;
    tell_manager(false);
    if (xyi_reload(false, XY_STR("SIGHUP"), to, &report) == XY_CONFLICT)
        xy_warn("reload.busy", "a reload is under way already, the signal is dropped");
    tell_manager(true);
    running = false;
    if (asked)
        xyi_reload_on_signal();
}

void
xyi_reload_on_signal(void)
{
    asked = true;
    if (running || xyi_server.stopping)
        return;
    running = true;
    job.run = run_reload;
    xyi_spawn(&job);
}
