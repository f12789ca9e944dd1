/* SPDX-License-Identifier: MIT */
/*
 * Domains that modules serve themselves, such as conference.example.org: who serves which in a
 * generation. A domain belongs to one module on one host; it is neither a host nor served
 * twice.
 */
#include "core/bus/internal.h"

static const struct xy_jid *
domain_of(const struct xy_service_row *row, const struct xy_instance *instance)
{
    const char *field = (const char *)xyi_instance_state(instance) + row->offset;
    const struct xy_jid *chosen = *(const struct xy_jid *const *)(const void *)field;
    if (chosen)
        return chosen;
    return xy_jid_make(
        XY_NO_STR,
        xy_temp_printf("%s" XY_FMT, row->prefix, XY_ARG(xy_jid_domain(instance->host->jid))),
        XY_NO_STR);
}

void
xyi_service_name(struct xy_instance *instance)
{
    const struct xy_module *module = instance->module;
    if (module->services_count > 0 && instance->host)
        instance->service = xy_jid_keep(domain_of(&module->services[0], instance));
}

static const struct xyi_yaml *
place_of(const struct xyi_want *want)
{
    const char *option = want->library->module.services[0].option;
    const struct xyi_yaml *at = want->map ? xyi_yaml_get(want->map, xy_str_from(option)) : NULL;
    return at ? at : want->at;
}

static bool
is_host(const struct xyi_bus *bus, const struct xy_jid *domain)
{
    for (size_t i = 0; i < bus->hosts_count; i++)
        if (bus->hosts[i]->jid == domain)
            return true;
    return false;
}

static void
check(const struct xyi_bus *bus, const struct xyi_want *want, struct xy_diagnostics *to)
{
    const char *name = want->library->module.name;
    const struct xy_jid *domain = want->chosen->service;
    if (want->library->module.services_count > 1)
        xyi_complain_at(to, place_of(want), "module %s: it may serve one domain, not several",
                        name);
    if (!domain || xy_jid_host(domain) != domain) {
        xyi_complain_at(to, place_of(want), "module %s: must be a domain of its own", name);
        return;
    }
    struct xy_str text = xy_jid_text(domain);
    if (is_host(bus, domain))
        xyi_complain_at(to, place_of(want),
                        "module %s: " XY_FMT " is one of `hosts`; it needs a domain of its own",
                        name, XY_ARG(text));
    for (size_t i = 0; i < bus->services_count; i++)
        if (bus->services[i]->service == domain)
            xyi_complain_at(
                to, place_of(want), "module %s: " XY_FMT " is served already, by " XY_FMT, name,
                XY_ARG(text),
                XY_ARG(xyi_label(bus->services[i]->module->name, bus->services[i]->host)));
}

void
xyi_services_list(struct xyi_bus *bus, struct xy_diagnostics *to)
{
    bus->services =
        xyi_arena_alloc(bus->arena, (bus->wants.count + 1) * sizeof(struct xy_instance *));
    for (size_t i = 0; i < bus->wants.count; i++) {
        const struct xyi_want *want = &bus->wants.at[i];
        if (want->library->module.services_count == 0 || !want->host)
            continue;
        check(bus, want, to);
        bus->services[bus->services_count++] = want->chosen;
    }
}

/* ---- the live generation ---------------------------------------------------------------- */

static struct xy_instance *
find(const struct xy_jid *jid)
{
    const struct xy_jid *domain = xy_jid_host(jid);
    for (size_t i = 0; xyi_bus_live && i < xyi_bus_live->services_count; i++)
        if (xyi_bus_live->services[i]->service == domain)
            return xyi_bus_live->services[i];
    return NULL;
}

struct xy_instance *
xyi_service_instance(const struct xy_jid *jid)
{
    return find(jid);
}

struct xy_host *
xy_service_host(const struct xy_jid *jid)
{
    const struct xy_instance *instance = find(jid);
    return instance ? instance->host : NULL;
}

const struct xy_jid *
xy_service_jid(void *self)
{
    return xyi_instance_of(self)->service;
}

bool
xyi_service_handle(const struct xy_stanza *stanza)
{
    struct xy_instance *instance = find(xy_stanza_to(stanza));
    if (!instance)
        return false;
    struct xyi_bus *bus = xyi_bus_live;
    xyi_bus_hold(bus);
    struct xy_instance *former = xyi_instance_enter(instance);
    typedef void handler_fn(void *self, const struct xy_stanza *stanza);
    ((handler_fn *)instance->module->services[0].handler)(xyi_instance_state(instance), stanza);
    xyi_instance_leave(instance, former);
    xyi_bus_release(bus);
    return true;
}
