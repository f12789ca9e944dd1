/* SPDX-License-Identifier: MIT */
/* One for the whole server; also calls a provider that may not be there. */
#define XY_STATE wide
#include <xylem/xylem.h>

#define XY_HOOKS_HERE
#include "probe.h"

struct wide {
    const int64_t size;
};

static const struct xy_option options[] = {XY_OPTION(size, .initial = "7", .doc = "A number.")};

static void
answer(XY_SELF, struct probe *probe)
{
    probe_say(probe, xy_temp_printf("wide=%lld%s", (long long)self->size,
                                    xy_host_of(self) ? "!" : ""));
    probe_say(probe, xy_str_from(xy_status_name(xy_run_probe_service(xy_host_first(), probe))));
}

static const struct xy_hook hooks[] = {XY_ON(probe_event, answer)};

XY_MODULE(wide, .about = "Server-wide.", .scope = XY_SERVER, XY_STATE_SIZE,
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), );
