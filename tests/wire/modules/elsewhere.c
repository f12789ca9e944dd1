/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the rest of the network, for tests: what is routed to a foreign domain is
 * shown to an observer, and what the observer wraps in <inject/> arrives as if it came from
 * there.
 */
#define XY_STATE elsewhere
#include <xylem/xylem.h>

#define NS_ELSEWHERE "urn:xylem:test:elsewhere"

struct elsewhere {
    const struct xy_str observer; /* a bare JID */
};

static xy_status
show(XY_SELF, const struct xy_stanza *stanza)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_type(message, XY_STR("headline"));
    xy_stanza_set_from(message, xy_host_jid(xy_host_of(self)));
    xy_stanza_set_to(message, xy_jid_parse(self->observer));
    struct xy_node *routed =
        xy_node_add(xy_stanza_top(message), XY_STR(NS_ELSEWHERE), XY_STR("routed"));
    xy_node_add_copy(routed, xy_stanza_root(stanza));
    xy_route(message);
    return XY_OK;
}

static xy_status
inject(XY_SELF, struct xy_iq *iq)
{
    const struct xy_node *wrapped = xy_node_first(xy_iq_payload(iq));
    struct xy_stanza *stanza = xy_stanza_parse(xy_node_xml(wrapped));
    if (!stanza || !xy_stanza_from(stanza) || !xy_stanza_to(stanza))
        return XY_INVALID;
    xy_route(stanza);
    return xy_iq_reply(iq, NULL);
}

static const struct xy_option options[] = {
    XY_OPTION(observer, .doc = "Bare JID of the account that watches."),
};
static const struct xy_hook hooks[] = {XY_ON(route_elsewhere, show)};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_SET, NS_ELSEWHERE, "inject", inject, .where = XY_IQ_HOST, .quiet = true),
};

XY_MODULE(elsewhere, .about = "Plays the rest of the network in tests.", XY_STATE_SIZE,
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs));
