/* SPDX-License-Identifier: MIT */
/* Lets everybody ask to take back anything, for tests of what then becomes of the request. */
#define XY_STATE lenient
#include <xylem/xylem.h>

struct lenient {
    char unused;
};

static void
allow(XY_SELF, struct xy_session *session, const struct xy_stanza *message,
      enum xy_retraction *verdict)
{
    (void)session, (void)message;
    *verdict = XY_RETRACTION_ALLOWED;
}

static const struct xy_hook hooks[] = {XY_ON(retraction_asked, allow)};

XY_MODULE(lenient, .about = "Allows retractions.", XY_STATE_SIZE, XY_TABLE(hooks, hooks));
