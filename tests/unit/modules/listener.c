/* SPDX-License-Identifier: MIT */
/* Listens to a hook of another module, in this year's or next year's form. */
#include "definer.h"

#if VARIANT == 1
static void
hear(XY_SELF, struct probe *probe, bool loud)
{
    probe_say(probe, loud ? XY_STR("heard1") : XY_STR("whisper"));
}
#else
static void
hear(XY_SELF, struct probe *probe, bool loud, int64_t times)
{
    for (int64_t i = 0; loud && i < times; i++)
        probe_say(probe, XY_STR("heard2"));
}
#endif

static const struct xy_hook hooks[] = {XY_ON(definer_said, hear)};

XY_MODULE(listener, .about = "Hears.", XY_TABLE(hooks, hooks), );
