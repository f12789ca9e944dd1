/* SPDX-License-Identifier: MIT */
/*
 * Two modules of one text. Variant 1 gets on: an order, a filter that the first ends, a service of
 * the second. 2: a circle of order. 3: both would do the same things. 4: they need each other.
 */
#include <xylem/xylem.h>

#include "probe.h"

static void
pass(XY_SELF, struct probe *probe)
{
    probe_say(probe, XY_STR(ME));
}

static void
pass_late(XY_SELF, struct probe *probe)
{
    probe_say(probe, XY_STR(ME "-late"));
}

static xy_verdict
judge(XY_SELF, struct probe *probe)
{
    probe_say(probe, XY_STR(ME));
    return probe->number == (FIRST ? 1 : 2) ? XY_DONE : XY_PASS;
}

#if VARIANT == 3 || !FIRST
static xy_status
serve(XY_SELF, struct probe *probe)
{
    probe_say(probe, XY_STR(ME));
    return probe->number == 5 ? XY_FULL : XY_OK;
}
#endif

static xy_status
answer(XY_SELF, struct xy_iq *iq)
{
    (void)iq;
    return XY_OK;
}

static xy_status
order(XY_SELF, struct xy_command *command)
{
    (void)command;
    return XY_OK;
}

#if VARIANT == 1
#define BEFORE (FIRST ? "nobody second" : NULL)
#elif VARIANT == 2
#define BEFORE (FIRST ? "second" : "first")
#else
#define BEFORE NULL
#endif

static const struct xy_hook hooks[] = {
    XY_ON(probe_event, pass_late, .order = XY_LATE),
    XY_ON(probe_event, pass, .before = BEFORE),
    XY_ON(probe_filter, judge),
#if VARIANT == 3 || !FIRST
    XY_ON(probe_service, serve),
#endif
};

static const struct xy_iq_route iqs[] = {
#if VARIANT == 3
    XY_IQ_ROUTE(XY_GET, "urn:test:same", "query", answer),
#else
    XY_IQ_ROUTE(XY_GET, "urn:test:" ME, "query", answer, .where = XY_IQ_HOST),
    XY_IQ_ROUTE(XY_SET, "urn:test:" ME, "query", answer, .where = XY_IQ_ACCOUNT),
    XY_IQ_ROUTE(XY_GET | XY_SET, "urn:test:quiet", ME, answer, .quiet = true),
#endif
};

static const struct xy_command_row commands[] = {
#if VARIANT == 3
    XY_COMMAND("pair order", order),
#else
    XY_COMMAND("pair " ME, order),
#endif
};

static const struct xy_feature features[] = {
    {.var = "urn:test:both", .where = XY_IQ_HOST | XY_IQ_ACCOUNT},
    {.var = "urn:test:a-host"},
};
