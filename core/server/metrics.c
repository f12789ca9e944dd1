/* SPDX-License-Identifier: MIT */
/*
 * `metrics`: the core's counts and whatever modules declare in their tables, in one form.
 */
#include "core/server/server.h"

/* Absent: all. A name, or what it begins with up to a dot. */
static bool
is_wanted(const struct xy_command *command, struct xy_str name)
{
    struct xy_str wanted = xy_arg(command, "NAME");
    return !wanted.len || xy_str_equal(name, wanted) ||
           (xy_str_starts(name, wanted) && name.at[wanted.len] == '.');
}

static void
put_count(struct xy_command *command, struct xy_str name, uint64_t count)
{
    if (!is_wanted(command, name))
        return;
    xy_row(command);
    xy_put_str(command, "metric", name);
    xy_put_int(command, "value", (int64_t)count);
}

/* The upper bound of the bucket that holds the share `per_mille` of all. */
static int64_t
quantile(const xy_histogram *histogram, uint64_t per_mille)
{
    uint64_t seen = 0, wanted = (histogram->count * per_mille + 999) / 1000;
    for (unsigned i = 0; i < XY_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->bucket[i];
        if (seen >= wanted)
            return i ? (int64_t)((UINT64_C(1) << i) - 1) : 0;
    }
    return 0;
}

static void
put_histogram(struct xy_command *command, struct xy_str name, const xy_histogram *histogram,
              const char *unit)
{
    if (!is_wanted(command, name))
        return;
    xy_row(command);
    xy_put_str(command, "metric", name);
    xy_put_int(command, "value", (int64_t)histogram->count);
    xy_put_str(command, "unit", xy_str_from(unit));
    xy_put_int(command, "sum", (int64_t)histogram->sum);
    xy_put_int(command, "p50", quantile(histogram, 500));
    xy_put_int(command, "p99", quantile(histogram, 990));
}

#define PUT(prefix, from, field) put_count(command, XY_STR(prefix "." #field), (from)->field)

static void
put_net(struct xy_command *command)
{
    struct xyi_net_counts counts, *net = &counts;
    xyi_net_counts(net);
    PUT("net", net, accepted);
    PUT("net", net, refused);
    PUT("net", net, open);
    PUT("net", net, bytes_in);
    PUT("net", net, bytes_out);
    PUT("net", net, stanzas_in);
    PUT("net", net, stanzas_out);
    PUT("net", net, tls_failures);
}

static void
put_route(struct xy_command *command)
{
    struct xyi_route_counts counts, *route = &counts;
    xyi_route_counts(route);
    PUT("route", route, streams);
    PUT("route", route, sessions);
    PUT("route", route, users);
    PUT("route", route, messages);
    PUT("route", route, presences);
    PUT("route", route, iqs);
    PUT("route", route, delivered);
    PUT("route", route, bounced);
    PUT("route", route, stored);
    PUT("route", route, logins);
    PUT("route", route, auth_failures);
}

static void
put_store(struct xy_command *command)
{
    struct xyi_store_counts counts, *store = &counts;
    xyi_store_counts(store);
    PUT("store", store, commits);
    PUT("store", store, transactions);
    PUT("store", store, statements);
    PUT("store", store, reads);
    PUT("store", store, failures);
    PUT("store", store, queue);
    put_histogram(command, XY_STR("store.batch"), &store->batch, "transactions");
    put_histogram(command, XY_STR("store.commit_us"), &store->commit_us, "us");
}

static void
put_invariant(struct xy_command *command)
{
    const struct xyi_invariant_counts *invariant = &xyi_invariant_counters;
    struct xyi_store_counts store;
    xyi_store_counts(&store);
    PUT("invariant", invariant, checks);
    PUT("invariant", invariant, violations);
    put_count(command, XY_STR("pending.accepted"), store.pending_added);
    put_count(command, XY_STR("pending.received"), store.pending_removed[XYI_RECEIVED]);
    put_count(command, XY_STR("pending.expired"), store.pending_removed[XYI_EXPIRED]);
    put_count(command, XY_STR("pending.taken_back"), store.pending_removed[XYI_TAKEN_BACK]);
    put_count(command, XY_STR("pending.cleared"), store.pending_removed[XYI_CLEARED]);
    put_count(command, XY_STR("pending.forgotten"), store.pending_removed[XYI_FORGOTTEN]);
}

static void
put_fibers(struct xy_command *command)
{
    struct xyi_fiber_stats counts = xyi_fibers_stats(), *fibers = &counts;
    PUT("fibers", fibers, live);
    PUT("fibers", fibers, held);
    PUT("fibers", fibers, jobs);
    PUT("fibers", fibers, resumed);
    PUT("fibers", fibers, held_ever);
    put_count(command, XY_STR("server.memory_bytes"), (uint64_t)xyi_resident_bytes());
    put_count(command, XY_STR("server.reloads"), xyi_server.reloads);
}

static void
put_gauge(struct xy_command *command, struct xy_str name, const struct xy_metric *metric,
          struct xy_instance *instance)
{
    if (is_wanted(command, name))
        put_count(command, name, (uint64_t)metric->read(xyi_instance_state(instance)));
}

static void
put_instance(void *argument, struct xy_instance *instance)
{
    const struct xy_module *module = instance->module;
    struct xy_command *command = argument;
    struct xy_str at = XY_NO_STR;
    if (instance->host && xy_host_next(xy_host_first()))
        at = xy_temp_printf("@" XY_FMT, XY_ARG(xy_jid_text(xy_host_jid(instance->host))));
    for (size_t i = 0; i < module->metrics_count; i++) {
        const struct xy_metric *metric = &module->metrics[i];
        const void *field = (const char *)xyi_instance_state(instance) + metric->offset;
        struct xy_str name =
            xy_temp_printf("%s.%s" XY_FMT, module->name, metric->name, XY_ARG(at));
        if (metric->type == XY_METRIC_COUNTER)
            put_count(command, name, ((const xy_counter *)field)->count);
        else if (metric->type == XY_METRIC_GAUGE)
            put_gauge(command, name, metric, instance);
        else
            put_histogram(command, name, field, metric->unit);
    }
}

xy_status
xyi_show_metrics(XY_SELF, struct xy_command *command)
{
    put_net(command);
    put_route(command);
    put_store(command);
    put_invariant(command);
    put_fibers(command);
    xyi_bus_each_instance(put_instance, command);
    if (!command->row_open)
        return xy_fail(command, XY_ABSENT, "there is no metric `" XY_FMT "`",
                       XY_ARG(xy_arg(command, "NAME")));
    return XY_OK;
}
