/* SPDX-License-Identifier: MIT */
/* Registration with a room (XEP-0045 7.10). */
#include "modules/muc/muc.h"

xy_status
muc_on_register(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}
