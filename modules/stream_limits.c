/* SPDX-License-Identifier: MIT */
/*
 * Tells clients what they may send (XEP-0478), so that they leave out a large avatar rather
 * than run into the limit. What is told is what the network layer enforces on this stream just
 * now: less before login than behind it.
 */
#include <xylem/xylem.h>

static void
add(struct xy_node *limits, const char *name, int64_t value)
{
    if (value > 0) /* none: nothing to tell */
        xy_node_add_text(xy_node_add(limits, XY_NO_STR, xy_str_from(name)),
                         xy_temp_printf("%lld", (long long)value));
}

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *features)
{
    int64_t bytes, silent_ms;
    xy_stream_limits(stream, &bytes, &silent_ms);
    struct xy_node *limits =
        xy_node_add(features, XY_STR(XY_NS_STREAM_LIMITS), XY_STR("limits"));
    add(limits, "max-bytes", bytes);
    add(limits, "idle-seconds", silent_ms / 1000);
}

static const struct xy_hook hooks[] = {
    XY_ON(stream_features, offer, .order = XY_LATE),
};

XY_MODULE(stream_limits, .about = "Tells clients how much they may send (XEP-0478).",
          XY_TABLE(hooks, hooks));
