/* SPDX-License-Identifier: MIT */
/*
 * Hosts: the domains we serve, each with its view of the live generation. A handle is for ever:
 * a domain that was served once keeps its few bytes, and is the same host when it comes back.
 */
#include "core/bus/internal.h"

static struct xy_host *hosts; /* every one there ever was; logic thread */

struct xy_host *
xyi_host_get(const struct xy_jid *jid)
{
    for (struct xy_host *host = hosts; host; host = host->next)
        if (host->jid == jid)
            return host;
    struct xy_host *host = xyi_alloc(sizeof(*host));
    host->jid = xy_jid_keep(jid);
    host->next = hosts;
    hosts = host;
    return host;
}

static struct xy_host **
slot(const struct xyi_bus *bus, const struct xy_jid *jid)
{
    size_t at = (uintptr_t)jid >> 4;
    while (bus->hosts_hash[at & bus->hosts_mask] &&
           bus->hosts_hash[at & bus->hosts_mask]->jid != jid)
        at++;
    return &bus->hosts_hash[at & bus->hosts_mask];
}

void
xyi_hosts_hash(struct xyi_bus *bus)
{
    size_t size = 2;
    while (size < 2 * bus->hosts_count)
        size *= 2;
    bus->hosts_mask = size - 1;
    bus->hosts_hash = xyi_arena_alloc(bus->arena, size * sizeof(struct xy_host *));
    for (size_t i = 0; i < bus->hosts_count; i++)
        *slot(bus, bus->hosts[i]->jid) = bus->hosts[i];
}

/* Former hosts still have streams to end, which server-wide modules must hear of. */
void
xyi_hosts_switch(struct xyi_bus *bus)
{
    for (struct xy_host *host = hosts; host; host = host->next) {
        host->served = false;
        host->view = bus ? bus->server : NULL;
    }
    for (size_t i = 0; bus && i < bus->hosts_count; i++) {
        bus->hosts[i]->served = true;
        bus->hosts[i]->place = i;
        bus->hosts[i]->view = bus->views[i];
    }
}

struct xy_host *
xy_host_find(const struct xy_jid *jid)
{
    return xyi_bus_live ? *slot(xyi_bus_live, xy_jid_host(jid)) : NULL;
}

const struct xy_jid *
xy_host_jid(const struct xy_host *host)
{
    return host->jid;
}

struct xy_host *
xy_host_of(void *self)
{
    return xyi_instance_of(self)->host;
}

struct xy_host *
xy_host_first(void)
{
    return xyi_bus_live && xyi_bus_live->hosts_count ? xyi_bus_live->hosts[0] : NULL;
}

struct xy_host *
xy_host_next(const struct xy_host *host)
{
    size_t next = host->place + 1;
    return host->served && next < xyi_bus_live->hosts_count ? xyi_bus_live->hosts[next] : NULL;
}
