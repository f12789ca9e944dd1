/* SPDX-License-Identifier: MIT */
/* Defines a hook of its own and fires it, at once or after a wait. */
#include <xylem/xylem.h>

#include "probe.h"

#define XY_HOOKS_HERE
#include "definer.h"

static void
say(struct probe *probe)
{
    probe_say(probe, xy_temp_printf("definer%d", VARIANT));
#if VARIANT == 1
    xy_run_definer_said(xy_host_first(), probe, true);
#else
    xy_run_definer_said(xy_host_first(), probe, true, 2);
#endif
}

static void
pass_on(XY_SELF, struct probe *probe)
{
    say(probe);
}

static void
pass_on_later(XY_SELF, struct probe *probe)
{
    (void)!probe->wait(probe);
    say(probe);
}

static const struct xy_hook hooks[] = {
    XY_ON(probe_event, pass_on),
    XY_ON(probe_wait, pass_on_later),
};

XY_MODULE(definer, .about = "Fires.", XY_TABLE(hooks, hooks), );
