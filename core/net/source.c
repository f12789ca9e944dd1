/* SPDX-License-Identifier: MIT */
/*
 * What kind of address a connection comes from (IANA's special-purpose registries): evidence
 * says that of a session, and never the address (requirements S0-2, S4-3). The first prefix
 * that fits decides; IPv4 stands behind ::ffff:0:0/96.
 */
#include "core/net/net_internal.h"

struct kind {
    unsigned char prefix[12]; /* the rest of it is 0 */
    unsigned bits;
    enum xy_source source;
};

static const struct kind ipv4[] = {
    {{0}, 8, XY_SOURCE_UNKNOWN}, /* this network */
    {{10}, 8, XY_SOURCE_PRIVATE},
    {{100, 64}, 10, XY_SOURCE_SHARED},
    {{127}, 8, XY_SOURCE_LOOPBACK},
    {{169, 254}, 16, XY_SOURCE_LINK_LOCAL},
    {{172, 16}, 12, XY_SOURCE_PRIVATE},
    {{192, 0, 2}, 24, XY_SOURCE_UNKNOWN}, /* documentation */
    {{192, 168}, 16, XY_SOURCE_PRIVATE},
    {{198, 18}, 15, XY_SOURCE_UNKNOWN}, /* benchmarks */
    {{198, 51, 100}, 24, XY_SOURCE_UNKNOWN},
    {{203, 0, 113}, 24, XY_SOURCE_UNKNOWN},
    {{224}, 3, XY_SOURCE_UNKNOWN}, /* multicast, reserved */
    {{0}, 0, XY_SOURCE_PUBLIC},
};
static const struct kind ipv6[] = {
    {{0xfc}, 7, XY_SOURCE_PRIVATE},
    {{0xfe, 0x80}, 10, XY_SOURCE_LINK_LOCAL},
    {{0xfe, 0xc0}, 10, XY_SOURCE_PRIVATE},             /* site-local, of old */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, XY_SOURCE_UNKNOWN}, /* documentation */
    {{0x3f, 0xff}, 20, XY_SOURCE_UNKNOWN},
    {{0x20}, 3, XY_SOURCE_PUBLIC},
    {{0x00, 0x64, 0xff, 0x9b}, 96, XY_SOURCE_PUBLIC}, /* IPv4 behind NAT64 (RFC 6052) */
    {{0}, 0, XY_SOURCE_UNKNOWN},
};

static bool
fits(const unsigned char *address, const struct kind *kind)
{
    for (unsigned bit = 0; bit < kind->bits; bit++) {
        unsigned char mask = (unsigned char)(0x80 >> bit % 8);
        if ((address[bit / 8] ^ kind->prefix[bit / 8]) & mask)
            return false;
    }
    return true;
}

static enum xy_source
find(const struct kind *kind, const unsigned char *address)
{
    while (!fits(address, kind)) /* the last fits all */
        kind++;
    return kind->source;
}

enum xy_source
xyi_source_of(const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        return find(ipv4, address->s6_addr + 12);
    return IN6_IS_ADDR_LOOPBACK(address) ? XY_SOURCE_LOOPBACK : find(ipv6, address->s6_addr);
}
