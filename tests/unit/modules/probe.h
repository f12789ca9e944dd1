/* SPDX-License-Identifier: MIT */
/* How the tests of the bus talk to their modules: hooks of their own, fired by the test. */
#ifndef PROBE_H
#define PROBE_H

#include <xylem/xylem.h>

struct probe {
    char text[512]; /* what handlers said, in order */
    size_t len;
    int64_t number;
    xy_status (*wait)(struct probe *probe); /* suspends until the test says */
};

static inline void
probe_say(struct probe *probe, struct xy_str what)
{
    if (probe->len > 0 && probe->len < sizeof(probe->text) - 1)
        probe->text[probe->len++] = ' ';
    for (size_t i = 0; i < what.len && probe->len < sizeof(probe->text) - 1; i++)
        probe->text[probe->len++] = what.at[i];
    probe->text[probe->len] = 0;
}

XY_EVENT(probe_event, (struct probe *probe), (probe))
XY_EVENT(probe_wait, (struct probe *probe), (probe))
XY_FILTER(probe_filter, (struct probe *probe), (probe))
XY_SERVICE(probe_service, (struct probe *probe), (probe))

#endif
