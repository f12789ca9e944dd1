/* SPDX-License-Identifier: MIT */
/*
 * The rows behind xylem/archive.h. Every range has two bounds, or SQLite may choose the index by
 * peer and sort (half a second instead of a tenth of a millisecond).
 */
#ifndef XYI_STORE_ARCHIVE_H
#define XYI_STORE_ARCHIVE_H

#include <xylem/archive.h>
#include "core/store/parts.h"

struct xyi_range { /* of entries */
    xy_owner owner;
    int64_t peer;                /* jid id; 0: anybody */
    xy_message_id after, before; /* exclusive */
    bool newest;                 /* the newest first */
};
/* At most `limit` of them, in order. Columns: id, flags, state, stanza. */
XY_SUSPENDS XY_CHECK xy_status xyi_entries_read(struct xyi_arena *arena,
                                                const struct xyi_range *range, int64_t limit,
                                                struct xy_rows **rows);
/* Those that are there, in any order. Columns as above. */
XY_SUSPENDS XY_CHECK xy_status xyi_entries_read_ids(xy_owner owner, const xy_message_id *ids,
                                                    size_t count, struct xy_rows **rows);
/* The entry with `nth` others below it, or above it; 0: there are not so many. */
XY_SUSPENDS XY_CHECK xy_status xyi_entry_find_nth(struct xyi_arena *arena, xy_owner owner,
                                                  xy_message_id before, int64_t nth,
                                                  bool from_newest, xy_message_id *id);

#endif
