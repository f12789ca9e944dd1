/* SPDX-License-Identifier: MIT */
/*
 * What is known about a connection: where it comes from and what its TLS handshake agreed on.
 * Logic thread.
 */
#include "core/net/net_internal.h"

void
xyi_link_set_owner(struct xyi_link *link, void *owner)
{
    link->owner = owner;
}

void *
xyi_link_owner(const struct xyi_link *link)
{
    return link->owner;
}

struct xy_str
xyi_link_peer(const struct xyi_link *link)
{
    return xy_str_from(link->peer);
}

bool
xyi_link_is_loopback(const struct xyi_link *link)
{
    return xyi_link_source(link) == XY_SOURCE_LOOPBACK;
}

enum xy_source
xyi_link_source(const struct xyi_link *link)
{
    return xyi_source_of(&link->address);
}

int
xyi_link_tag(const struct xyi_link *link)
{
    return link->tag;
}

enum xyi_listen_tls
xyi_link_listen_tls(const struct xyi_link *link)
{
    return link->listen_tls;
}

bool
xyi_link_is_secure(const struct xyi_link *link)
{
    return link->facts != NULL;
}

struct xy_str
xyi_link_tls_name(const struct xyi_link *link)
{
    return link->facts ? xy_str_from(link->facts->name) : XY_NO_STR;
}

struct xy_str
xyi_link_sni(const struct xyi_link *link)
{
    return link->facts && link->facts->sni_len
               ? xy_str_of(link->facts->sni, link->facts->sni_len)
               : XY_NO_STR;
}

static struct xy_str
octets(const unsigned char *at, size_t len)
{
    return len ? xy_str_of((const char *)at, len) : XY_NO_STR;
}

struct xy_str
xyi_link_channel_binding(const struct xyi_link *link, struct xy_str type)
{
    const struct facts *facts = link->facts;
    if (facts && xy_str_is(type, "tls-exporter"))
        return octets(facts->exporter, facts->has_exporter ? sizeof(facts->exporter) : 0);
    if (facts && xy_str_is(type, "tls-server-end-point"))
        return octets(facts->certificate->end_point, facts->certificate->end_point_len);
    return XY_NO_STR;
}
