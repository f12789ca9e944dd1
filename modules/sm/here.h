/* SPDX-License-Identifier: MIT */
#ifndef SM_HERE_H
#define SM_HERE_H

#include <xylem/xylem.h>

/* Whether anybody manages streams at `host`: asked by an instance that leaves. */
XY_SERVICE(sm_here, (struct xy_host * at), (at))

#endif
