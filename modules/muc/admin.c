/* SPDX-License-Identifier: MIT */
/* Administration of a room (XEP-0045 9). */
#include "modules/muc/muc.h"

xy_status
muc_on_admin(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}
