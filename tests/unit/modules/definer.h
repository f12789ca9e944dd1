/* SPDX-License-Identifier: MIT */
/* A hook of a module, in the header of whoever fires it, this year's and next year's. */
#ifndef DEFINER_H
#define DEFINER_H

#include <xylem/xylem.h>

#include "probe.h"

#if VARIANT == 1
XY_EVENT(definer_said, (struct probe *probe, bool loud), (probe, loud))
#else
XY_EVENT(definer_said, (struct probe *probe, bool loud, int64_t times), (probe, loud, times))
#endif

#endif
