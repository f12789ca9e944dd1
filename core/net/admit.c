/* SPDX-License-Identifier: MIT */
/*
 * How many connections there may be, in all and from one address. IPv6 addresses count by their
 * /64, because that is what one subscriber gets. Logic thread. Invariant: every admitted
 * connection leaves once.
 */
#include "core/net/net_internal.h"

#include <arpa/inet.h>

enum { PREFIX_BYTES = 8 };

static struct xy_map *per_address; /* key: struct in6_addr, IPv4 whole, IPv6 its prefix */
static int64_t most, most_per_address;
uint64_t xyi_accepted, xyi_refused;

void
xyi_admit_init(void)
{
    per_address = xyi_map_new();
    most = most_per_address = XY_NONE;
    xyi_accepted = xyi_refused = 0;
}

void
xyi_admit_end(void)
{
    xy_map_free(per_address);
    per_address = NULL;
}

void
xyi_admit_limits(const struct xyi_net_limits *limits)
{
    most = limits->connections;
    most_per_address = limits->connections_per_address;
}

static struct in6_addr
subscriber(const struct in6_addr *address)
{
    struct in6_addr key = *address;
    if (!IN6_IS_ADDR_V4MAPPED(address))
        memset(key.s6_addr + PREFIX_BYTES, 0, sizeof(key) - PREFIX_BYTES);
    return key;
}

static bool
refuse(const char *peer, const char *why)
{
    xyi_refused++;
    xy_info("net.refused", "connection refused", XY_F_CSTR_AS("peer", peer),
            XY_F_CSTR_AS("why", why));
    return false;
}

bool
xyi_admit(const struct in6_addr *address, const char *peer)
{
    struct in6_addr key = subscriber(address);
    uintptr_t held = (uintptr_t)xy_map_get(per_address, XY_KEY(key));
    if (most != XY_NONE && (int64_t)xyi_links_count() >= most)
        return refuse(peer, "limits.connections");
    if (most_per_address != XY_NONE && (int64_t)held >= most_per_address)
        return refuse(peer, "limits.connections_per_address");
    (void)xy_map_put(per_address, XY_KEY(key), (void *)(held + 1));
    xyi_accepted++;
    return true;
}

void
xyi_admit_leave(const struct in6_addr *address)
{
    struct in6_addr key = subscriber(address);
    uintptr_t held = (uintptr_t)xy_map_get(per_address, XY_KEY(key));
    xy_assert(held > 0);
    if (held == 1)
        (void)xy_map_remove(per_address, XY_KEY(key));
    else
        (void)xy_map_put(per_address, XY_KEY(key), (void *)(held - 1));
}

void
xyi_address_of(const struct sockaddr *peer, struct in6_addr *address,
               char text[INET6_ADDRSTRLEN])
{
    *address = (struct in6_addr){0};
    text[0] = '\0';
    if (peer->sa_family == AF_INET6) {
        *address = ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
    } else if (peer->sa_family == AF_INET) {
        address->s6_addr[10] = address->s6_addr[11] = 0xff;
        memcpy(address->s6_addr + 12,
               &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    }
    if (IN6_IS_ADDR_V4MAPPED(address))
        (void)inet_ntop(AF_INET, address->s6_addr + 12, text, INET6_ADDRSTRLEN);
    else
        (void)inet_ntop(AF_INET6, address, text, INET6_ADDRSTRLEN);
}
