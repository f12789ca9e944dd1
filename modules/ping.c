/* SPDX-License-Identifier: MIT */
/* XEP-0199: answers a ping sent to the server, to a service of it, or by a client to its own
 * account. */
#include <xylem/xylem.h>

static xy_status
answer(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_reply(iq, NULL);
}

static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_PING, "ping", answer,
                .where = XY_IQ_HOST | XY_IQ_OWN | XY_IQ_SERVICES),
};

XY_MODULE(ping, .about = "Answers pings (XEP-0199).", XY_TABLE(iqs, iqs));
