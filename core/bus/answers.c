/* SPDX-License-Identifier: MIT */
/*
 * What a host answers: iq routes by namespace and element, and the disco features that follow
 * from them and from the features tables (XEP-0030 section 3). Two modules that would answer
 * the same request are an error, not a matter of order.
 */
#include <stdlib.h>

#include "core/bus/internal.h"

/* ---- iq routes -------------------------------------------------------------------------- */

/* The table is fixed at load and probing bounded by its size, so chosen names cannot hurt it.
 */
static size_t
hash_of(struct xy_str ns, struct xy_str element)
{
    size_t hash = 14695981039346656037u;
    for (size_t i = 0; i < element.len; i++)
        hash = (hash ^ (unsigned char)element.at[i]) * 1099511628211u;
    for (size_t i = ns.len; i > 0 && i + 16 > ns.len; i--) /* namespaces differ at their end */
        hash = (hash ^ (unsigned char)ns.at[i - 1]) * 1099511628211u;
    return hash ^ hash >> 29;
}

static struct xyi_iq_entry *
slot(const struct xyi_view *view, struct xy_str ns, struct xy_str element)
{
    for (size_t at = hash_of(ns, element);; at++) {
        struct xyi_iq_entry *entry = &view->iqs[at & view->iqs_mask];
        if (entry->count == 0 ||
            (xy_str_equal(entry->element, element) && xy_str_equal(entry->ns, ns)))
            return entry;
    }
}

static unsigned
places_of(const struct xy_iq_route *route)
{
    unsigned where = route->where ? route->where : XY_IQ_HOST | XY_IQ_OWN;
    return where & XY_IQ_ACCOUNT ? where | XY_IQ_OWN : where;
}

static void
check_rival(const struct xyi_iq_entry *entry, const struct xyi_want *want,
            const struct xy_iq_route *route, struct xy_diagnostics *to)
{
    for (size_t i = 0; i < entry->count; i++) {
        const struct xy_iq_route *other = entry->at[i].route;
        if ((other->types & route->types) && (places_of(other) & places_of(route)))
            xyi_complain_at(to, want->at, "iq %s of %s is answered by two: %s and %s",
                            route->element, route->ns, entry->at[i].instance->module->name,
                            want->library->module.name);
    }
}

static void
add_route(struct xyi_view *view, const struct xyi_want *want, const struct xy_iq_route *route,
          struct xy_diagnostics *to)
{
    struct xy_str ns = xy_str_from(route->ns), element = xy_str_from(route->element);
    struct xyi_iq_entry *entry = slot(view, ns, element);
    check_rival(entry, want, route, to);
    struct xyi_bound_iq *bound =
        xyi_arena_alloc(view->bus->arena, (entry->count + 1) * sizeof(*bound));
    if (entry->count > 0)
        memcpy(bound, entry->at, entry->count * sizeof(*bound));
    bound[entry->count] = (struct xyi_bound_iq){route, want->chosen};
    *entry = (struct xyi_iq_entry){ns, element, bound, entry->count + 1};
}

void
xyi_view_iqs(struct xyi_view *view, struct xy_diagnostics *to)
{
    const struct xyi_wants *wants = &view->bus->wants;
    size_t count = 0, size = 2;
    for (size_t i = 0; i < wants->count; i++)
        count += wants->at[i].library->module.iqs_count;
    while (size < 2 * count)
        size *= 2;
    view->iqs_mask = size - 1;
    view->iqs = xyi_arena_alloc(view->bus->arena, size * sizeof(*view->iqs));
    for (size_t i = 0; i < wants->count; i++) {
        const struct xy_module *module = &wants->at[i].library->module;
        for (size_t k = 0; xyi_want_is_at(&wants->at[i], view->host) && k < module->iqs_count;
             k++)
            add_route(view, &wants->at[i], &module->iqs[k], to);
    }
}

void
xyi_iq_begin(struct xy_host *host, struct xy_str ns, struct xy_str element,
             struct xyi_iq_lookup *lookup)
{
    *lookup = (struct xyi_iq_lookup){0};
    if (!host || !host->view)
        return;
    const struct xyi_iq_entry *entry = slot(host->view, ns, element);
    if (entry->count == 0)
        return;
    *lookup = (struct xyi_iq_lookup){entry->at, entry->count, host->view->bus};
    xyi_bus_hold(host->view->bus);
}

void
xyi_iq_end(struct xyi_iq_lookup *lookup)
{
    if (lookup->snapshot)
        xyi_bus_release(lookup->snapshot);
    *lookup = (struct xyi_iq_lookup){0};
}

/* ---- features --------------------------------------------------------------------------- */

static void
advertise(struct xyi_view *view, const char *var, unsigned where)
{
    for (size_t i = 0; i < view->features_count; i++)
        if (strcmp(view->features[i].var, var) == 0) {
            view->features[i].where |= where;
            return;
        }
    view->features[view->features_count++] = (struct xyi_seen_feature){var, where};
}

static int
by_var(const void *a, const void *b)
{
    return strcmp(((const struct xyi_seen_feature *)a)->var,
                  ((const struct xyi_seen_feature *)b)->var);
}

void
xyi_view_features(struct xyi_view *view)
{
    const struct xyi_wants *wants = &view->bus->wants;
    size_t most = 1;
    for (size_t i = 0; i < wants->count; i++)
        most += wants->at[i].library->module.iqs_count +
                wants->at[i].library->module.features_count;
    view->features = xyi_arena_alloc(view->bus->arena, most * sizeof(*view->features));
    for (size_t i = 0; i < wants->count; i++) {
        const struct xy_module *module = &wants->at[i].library->module;
        if (!xyi_want_is_at(&wants->at[i], view->host))
            continue;
        for (size_t k = 0; k < module->iqs_count; k++)
            if (!module->iqs[k].quiet)
                advertise(view, module->iqs[k].ns, places_of(&module->iqs[k]));
        for (size_t k = 0; k < module->features_count; k++)
            advertise(view, module->features[k].var,
                      module->features[k].where ? module->features[k].where : XY_IQ_HOST);
    }
    qsort(view->features, view->features_count, sizeof(*view->features), by_var);
}

void
xy_features_each(struct xy_host *host, unsigned where,
                 void (*each)(void *argument, const char *var), void *argument)
{
    if (!host->view)
        return;
    struct xyi_view *view = host->view;
    xyi_bus_hold(view->bus);
    for (size_t i = 0; i < view->features_count; i++)
        if (view->features[i].where & where)
            each(argument, view->features[i].var);
    xyi_bus_release(view->bus);
}
