/* SPDX-License-Identifier: MIT */
/* XEP-0202: the server's time and its offset from UTC. */
#include <time.h>
#include <xylem/xylem.h>

static xy_status
answer(XY_SELF, struct xy_iq *iq)
{
    int64_t now_ms = xy_now_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm local = {0};
    localtime_r(&seconds, &local);
    long offset = local.tm_gmtoff / 60, minutes = offset < 0 ? -offset : offset;
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *when =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_TIME), XY_STR("time"));
    xy_node_add_text(
        xy_node_add(when, XY_NO_STR, XY_STR("tzo")),
        xy_temp_printf("%c%02ld:%02ld", offset < 0 ? '-' : '+', minutes / 60, minutes % 60));
    xy_node_add_text(xy_node_add(when, XY_NO_STR, XY_STR("utc")), xy_time_format(now_ms));
    return xy_iq_reply(iq, result);
}

static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_TIME, "time", answer, .where = XY_IQ_HOST | XY_IQ_SERVICES),
};

XY_MODULE(time, .about = "Tells the time (XEP-0202).", XY_TABLE(iqs, iqs));
