/* SPDX-License-Identifier: MIT */
/* What readers see of a message that was taken back (XEP-0424 section 5, XEP-0425). */
#ifndef XYI_TOMBSTONE_H
#define XYI_TOMBSTONE_H

#include <xylem/archive.h>

/* Who, to whom, which type and id, in a room the occupant id: nothing of what it said. Mutable.
 */
struct xy_stanza *xyi_tombstone(const struct xy_stanza *message);
/* Says on the tombstones of a page when and by whom they were made. */
XY_SUSPENDS XY_CHECK xy_status xyi_tombstones_sign(const struct xy_archive_page *page);

#endif
