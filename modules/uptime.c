/* SPDX-License-Identifier: MIT */
/* XEP-0012 section 5: for how long the server has been running. */
#define XY_STATE uptime
#include <xylem/xylem.h>

struct uptime {
    int64_t since_ms; /* monotonic */
};

static xy_status
start(XY_SELF)
{
    self->since_ms = xy_monotonic_ms();
    return XY_OK;
}

/* New code does not make the server younger. */
static void
hand_over(XY_SELF, struct xy_handover *to)
{
    xy_handover_put(to, "since", 1, XY_KEY(self->since_ms));
}

static void
adopt(XY_SELF, struct xy_handover *from)
{
    struct xy_str bytes;
    if (xy_handover_get(from, "since", 1, &bytes) == XY_OK &&
        bytes.len == sizeof(self->since_ms))
        memcpy(&self->since_ms, bytes.at, bytes.len);
}

static xy_status
answer(XY_SELF, struct xy_iq *iq)
{
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *query =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_LAST), XY_STR("query"));
    int64_t seconds = (xy_monotonic_ms() - self->since_ms) / 1000;
    xy_node_set(query, "seconds", xy_temp_printf("%lld", (long long)seconds));
    return xy_iq_reply(iq, result);
}

static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_LAST, "query", answer, .where = XY_IQ_HOST | XY_IQ_SERVICES),
};

XY_MODULE(uptime, .about = "Tells for how long the server has been running (XEP-0012).",
          XY_STATE_SIZE, XY_START(start), XY_HAND_OVER(hand_over), XY_ADOPT(adopt),
          XY_TABLE(iqs, iqs));
