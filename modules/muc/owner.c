/* SPDX-License-Identifier: MIT */
/* Configuration of a room (XEP-0045 10). */
#include "modules/muc/muc.h"

xy_status
muc_on_owner(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}
