/* SPDX-License-Identifier: MIT */
/* Avatars of rooms (XEP-0486). */
#include "modules/muc/muc.h"

xy_status
muc_on_vcard(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
}
