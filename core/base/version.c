/* SPDX-License-Identifier: MIT */
/* Which core this is. */
#include <xylem/module.h>

const char *
xy_version(void)
{
    return XYI_VERSION;
}
