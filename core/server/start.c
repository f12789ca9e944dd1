/* SPDX-License-Identifier: MIT */
/*
 * Start and stop in order. Each step has its counterpart, and a start that fails half way stops
 * what it had started, in reverse, so that nothing of a refused start stays behind.
 */
#include <unistd.h>

#include "core/server/server.h"

struct xyi_server xyi_server = {.lock = -1};

enum step { NOTHING, LOCKED, HELPING, STORED, ROUTING, MODULES, LISTENING, CONTROLLED };
static enum step reached; /* logic thread */

struct xy_str
xy_data_dir(void)
{
    return xyi_server.config ? xyi_server.config->core.data_dir.path : XY_NO_STR;
}

/* ---- what a configuration sets live
 * ---------------------------------------------------------------- */

xy_status
xyi_server_configure_log(const struct xyi_config *config)
{
    xyi_server.log_level = (enum xy_level)config->log.level.index;
    return xyi_log_configure(xyi_server.log_level,
                             (enum xyi_log_format)config->log.format.index,
                             config->log.file.path);
}

static int64_t
bytes_rate(xy_rate rate)
{
    return rate.per_second_milli == XY_NONE ? XY_NONE : rate.per_second_milli / 1000;
}

/* What a class does not say for itself is as for all. */
static void
use_governance(const struct xyi_config *config)
{
    const struct xyi_config_by_class *by_class = &config->governance_by_class;
    const xy_choice *const of[] = {[XY_USER_MESSAGE] = &by_class->user,
                                   [XY_ADMIN_NOTICE] = &by_class->notice,
                                   [XY_NEWS] = &by_class->news,
                                   [XY_SERVICE_MESSAGE] = &by_class->service,
                                   [XY_INTEGRATION_MESSAGE] = &by_class->integration};
    for (unsigned i = 0; i < sizeof(of) / sizeof(of[0]); i++)
        xyi_governance_set(i, of[i]->index ? of[i]->index - 1 : config->core.governance.index);
}

void
xyi_server_apply_limits(const struct xyi_config *config, struct xyi_tls *tls)
{
    const struct xyi_config_limits *limits = &config->limits;
    const struct xyi_net_limits net = {
        .stanza_bytes_before = limits->stanza_bytes_before_login.bytes,
        .stanza_bytes = limits->stanza_bytes.bytes,
        .depth = limits->depth,
        .attributes = limits->attributes,
        .children = limits->children,
        .connections_per_address = limits->connections_per_address,
        .connections = config->connections,
        .output_bytes = limits->output_bytes.bytes,
        .output_stalled_ms = limits->output_stalled.ms,
        .stanza_rate_milli = limits->stanza_rate.per_second_milli,
        .stanza_burst = limits->stanza_rate.burst,
        .byte_rate = bytes_rate(limits->byte_rate),
        .byte_burst = limits->byte_rate.burst,
        .idle_ms = limits->idle.ms,
        .queued = 64,
    };
    const struct xyi_c2s_limits c2s = {
        .auth_timeout_ms = limits->auth_timeout.ms,
        .sessions = limits->sessions,
        .auth_failures = limits->auth_failures,
        .grace_ms = limits->grace.ms,
        .plain_needs_tls = true,
    };
    xyi_net_configure(&net, tls);
    xyi_route_configure(&c2s);
    xyi_fibers_set_most(limits->fibers == XY_NONE ? 1000000 : (unsigned)limits->fibers);
    xyi_account_iterations = config->passwords.iterations;
    use_governance(config);
}

/* ---- start
 * -------------------------------------------------------------------------------------------
 */

static xy_status
open_store(const struct xyi_config *config, struct xy_str *error)
{
    static const char *const drivers[] = {"sqlite", "pgsql"};
    const struct xyi_store_config store = {
        .driver = xy_str_from(drivers[config->storage.driver.index]),
        .driver_path = xyi_drivers_path(),
        .path = config->storage.path.path,
        .url = config->storage.url.text,
        .durable = config->storage.durability.index == 0,
        .readers = 2,
        .timeout_ms = config->storage.timeout.ms,
    };
    return xyi_store_open(&store, error);
}

static xy_status
start_modules(const struct xyi_config *config, struct xy_diagnostics *to)
{
    struct xyi_bus_report report = {0};
    struct xyi_bus_wish wish = xyi_config_wish(config);
    struct xyi_bus *bus = xyi_bus_prepare(&wish, to, &report);
    if (!bus)
        return XY_INVALID;
    xyi_bus_commit(bus, config->reload.grace.ms);
    return XY_OK;
}

static xy_status
start_serving(const struct xyi_config *config, struct xy_diagnostics *to, struct xy_str *error)
{
    struct xyi_socket_change change;
    xyi_sockets_prepare(config, &change, to);
    if (xyi_errors(to)) {
        xyi_sockets_discard(&change);
        return XY_INVALID;
    }
    xy_status status =
        xyi_control_open(config->core.control.path, config->core.control_group, error);
    if (status != XY_OK) {
        xyi_sockets_discard(&change);
        return status;
    }
    reached = CONTROLLED;
    xyi_sockets_commit(&change);
    return XY_OK;
}

static xy_status
start_base(struct xyi_config *config, struct xy_str *error)
{
    xy_status status = xyi_lock_data(config->core.data_dir.path, &xyi_server.lock, error);
    if (status != XY_OK)
        return status;
    reached = LOCKED;
    xyi_helpers_start(0);
    reached = HELPING;
    status = open_store(config, error);
    if (status != XY_OK)
        return status;
    reached = STORED;
    status = xyi_invariant_start();
    if (status != XY_OK)
        *error = XY_STR("the database does not answer");
    return status;
}

static xy_status
start_all(struct xyi_config *config, bool serving, struct xy_diagnostics *to,
          struct xy_str *error)
{
    struct xyi_tls *tls = serving ? xyi_config_load_tls(config, to) : NULL;
    xy_status status = xyi_errors(to) ? XY_INVALID : start_base(config, error);
    if (status == XY_OK) {
        xyi_route_start(serving ? xyi_config_io_threads(config) : 0);
        reached = ROUTING;
        xyi_server_apply_limits(config, tls);
        status = start_modules(config, to);
    }
    if (status == XY_OK) {
        reached = MODULES;
        status = xyi_departures_finish();
        if (status != XY_OK)
            *error = XY_STR("the database does not answer");
    }
    if (status == XY_OK) {
        if (serving)
            xyi_config_announce(XY_STR("server"));
        status = serving ? start_serving(config, to, error) : XY_OK;
    }
    if (tls)
        xyi_tls_drop(tls);
    return status;
}

xy_status
xyi_server_start(struct xyi_config *config, bool serving, struct xy_diagnostics *to,
                 struct xy_str *error)
{
    xyi_server.config = config;
    xyi_server.started = true;
    xyi_server.started_ms = xy_monotonic_ms();
    xy_status status = start_all(config, serving, to, error);
    if (status == XY_OK)
        return status;
    xyi_server.config = NULL; /* the caller's again */
    xyi_server_stop();
    return status;
}

/* ---- stop
 * ---------------------------------------------------------------------------------------------
 */

static void
stop_logic(void)
{
    int64_t grace = xyi_server.config ? xyi_server.config->reload.grace.ms : 1000;
    if (reached >= CONTROLLED)
        xyi_control_close();
    xyi_sockets_close();
    if (reached >= ROUTING)
        xyi_route_stop("system-shutdown");
    if (reached >= MODULES)
        xyi_bus_end(grace);
    if (reached >= STORED) {
        xyi_invariant_stop();
        xyi_store_close();
    }
}

void
xyi_server_stop(void)
{
    stop_logic();
    if (reached >= ROUTING)
        xyi_net_stop();
    if (reached >= HELPING)
        xyi_helpers_stop();
    if (reached >= CONTROLLED)
        xyi_control_end();
    if (xyi_server.pid_file.len)
        unlink(xy_temp_cstr(xyi_server.pid_file));
    if (reached >= LOCKED)
        close(xyi_server.lock);
    xyi_server.lock = -1;
    reached = NOTHING;
    xyi_server.started = false;
    xyi_config_free(xyi_server.config);
    xyi_server.config = NULL;
}
