/* SPDX-License-Identifier: MIT */
/* Search for rooms (XEP-0433). */
#include "modules/muc/muc.h"

xy_status
muc_on_search(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}
