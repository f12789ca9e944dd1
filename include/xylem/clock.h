/* SPDX-License-Identifier: MIT */
/*
 * Time. Modules take it from here and nowhere else, so that tests can inject it: a test clock
 * moves only when told to, and every timer and wait follows it.
 */
#ifndef XYLEM_CLOCK_H
#define XYLEM_CLOCK_H

#include <xylem/str.h>

XY_API int64_t xy_now_ms(void);       /* wall clock, milliseconds since 1970, UTC */
XY_API int64_t xy_monotonic_ms(void); /* never steps back; for intervals */

/* XEP-0082: "2026-11-21T08:00:00.123Z", in the fiber's memory. */
XY_API struct xy_str xy_time_format(int64_t ms);
XY_API XY_CHECK xy_status xy_time_parse(struct xy_str text, int64_t *ms); /* any offset, fraction optional */

#endif
