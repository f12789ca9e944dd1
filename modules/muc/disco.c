/* SPDX-License-Identifier: MIT */
/* Service discovery of rooms and of the service (XEP-0045 6). */
#include "modules/muc/muc.h"

xy_status
muc_on_disco_info(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}

xy_status
muc_on_disco_items(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}
