/* SPDX-License-Identifier: MIT */
/* Empty handlers: 50 on one hook, 10 on another. For measuring. */
#include <xylem/xylem.h>

static void
nothing(XY_SELF, struct xy_session *session)
{
    (void)session;
}

#define TEN(hook)                                                                           \
    XY_ON(hook, nothing), XY_ON(hook, nothing), XY_ON(hook, nothing), XY_ON(hook, nothing), \
        XY_ON(hook, nothing), XY_ON(hook, nothing), XY_ON(hook, nothing),                   \
        XY_ON(hook, nothing), XY_ON(hook, nothing), XY_ON(hook, nothing)

static const struct xy_hook hooks[] = {
    TEN(session_opened), TEN(session_opened), TEN(session_opened),
    TEN(session_opened), TEN(session_opened), TEN(session_closed),
};

XY_MODULE(load, .about = "Measured.", XY_TABLE(hooks, hooks), );
