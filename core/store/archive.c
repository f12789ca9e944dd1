/* SPDX-License-Identifier: MIT */
/*
 * Pages of archives (XEP-0313). Invariant: a page holds the entries next to its near bound
 * without a gap, and `more` says exactly whether the bounds hold another, which is found by
 * reading one entry more than was asked for; nothing is ever counted.
 *
 * A full JID in `with` cannot be looked up: the entries of the bare one are read in small
 * steps, compared by their stanza's addresses and forgotten, until the page is full. So such a
 * query may be long, but it takes neither memory nor a reader for longer than one step.
 */
#include "core/store/archive.h"
#include "core/store/tombstone.h"
#include <stdlib.h>

enum { STEP = 100 };

static struct xy_stanza *
read_stanza(xy_message_id id, bool live, struct xy_str text)
{
    struct xy_stanza *message = xy_stanza_parse(text);
    if (!message) {
        xy_error("message.unreadable", "a stored message cannot be read", XY_F_INT(id));
        return xy_stanza_new(XY_NO_STR, XY_STR("message"));
    }
    return live ? message : xyi_tombstone(message);
}

static void
fill(struct xy_archived *at, xy_owner owner, const struct xy_rows *rows)
{
    at->id = xy_rows_int(rows, 0);
    at->stanza_id = xy_stanza_id_make(owner, at->id);
    at->outgoing = xy_rows_int(rows, 1) & XYI_ENTRY_OUTGOING;
    at->state = (enum xy_message_state)xy_rows_int(rows, 2);
    at->stanza = read_stanza(at->id, at->state == XY_MESSAGE_LIVE, xy_rows_text(rows, 3));
}

/* The first `most` rows; `reversed`: they came newest first. */
static void
make_page(struct xy_archive_page *page, xy_owner owner, struct xy_rows *rows, size_t most,
          bool reversed)
{
    size_t total = xy_rows_count(rows);
    *page =
        (struct xy_archive_page){.count = total < most ? total : most, .more = total > most};
    page->at = xy_temp_alloc(page->count * sizeof(*page->at));
    for (size_t i = 0; i < page->count && xy_rows_next(rows); i++)
        fill(&page->at[reversed ? page->count - 1 - i : i], owner, rows);
}

static int
compare_archived(const void *a, const void *b)
{
    xy_message_id left = ((const struct xy_archived *)a)->id;
    xy_message_id right = ((const struct xy_archived *)b)->id;
    return (left > right) - (left < right);
}

/* ---- full JIDs --------------------------------------------------------------------------- */

static bool
is_with(struct xy_rows *rows, const struct xy_jid *with)
{
    const struct xy_stanza *message = xy_stanza_parse(xy_rows_text(rows, 3));
    return message && (xy_stanza_from(message) == with || xy_stanza_to(message) == with);
}

struct search {
    const struct xy_jid *with;
    struct xyi_range range; /* what is left */
    xy_message_id *found;
    size_t count, wanted;
    bool ended;
};

static xy_status
search_step(struct search *search, struct xyi_arena *arena)
{
    struct xy_rows *rows;
    xy_status status = xyi_entries_read(arena, &search->range, STEP, &rows);
    if (status != XY_OK)
        return status;
    search->ended = xy_rows_count(rows) < STEP;
    struct xyi_arena *former = xyi_temp();
    xyi_temp_set(arena);
    while (search->count < search->wanted && xy_rows_next(rows)) {
        xy_message_id id = xy_rows_int(rows, 0);
        *(search->range.newest ? &search->range.before : &search->range.after) = id;
        if (is_with(rows, search->with))
            search->found[search->count++] = id;
    }
    xyi_temp_set(former);
    return XY_OK;
}

static xy_status
read_with(const struct xy_archive_query *query, const struct xyi_range *range,
          struct xy_archive_page *page)
{
    size_t wanted = (size_t)query->limit + 1;
    struct search search = {.with = query->with, .range = *range, .wanted = wanted};
    search.found = xy_temp_alloc(wanted * sizeof(*search.found));
    xy_status status = XY_OK;
    while (status == XY_OK && search.count < wanted && !search.ended) {
        struct xyi_arena *arena = xyi_arena_new(1024);
        status = search_step(&search, arena);
        xyi_arena_free(arena);
    }
    if (status == XY_OK)
        status = xy_archive_read_ids(query->owner, search.found,
                                     search.count < wanted ? search.count : wanted - 1, page);
    page->more = search.count == wanted;
    return status;
}

/* ---- reading ----------------------------------------------------------------------------- */

xy_status
xy_archive_read(const struct xy_archive_query *query, struct xy_archive_page *page)
{
    xy_assert(query->limit >= 1 && query->limit < INT32_MAX);
    *page = (struct xy_archive_page){0};
    struct xyi_range range = {.owner = query->owner,
                              .after = query->after > 0 ? query->after : 0,
                              .before = query->before ? query->before : INT64_MAX,
                              .newest = query->newest};
    xy_status status = XY_OK;
    bool occupant =
        query->with && xyi_owner_is_room(query->owner) && !xy_jid_is_bare(query->with);
    if (query->with && !occupant) /* an occupant's real address is the peer: look at all */
        status = xyi_jid_known_id(xy_jid_bare(query->with), &range.peer);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    if (query->with && !xy_jid_is_bare(query->with))
        return read_with(query, &range, page);
    struct xy_rows *rows;
    status = xyi_entries_read(xyi_temp(), &range, query->limit + 1, &rows);
    if (status == XY_OK)
        make_page(page, query->owner, rows, (size_t)query->limit, query->newest);
    return status == XY_OK ? xyi_tombstones_sign(page) : status;
}

xy_status
xy_archive_read_ids(xy_owner owner, const xy_message_id *ids, size_t count,
                    struct xy_archive_page *page)
{
    struct xy_rows *rows;
    *page = (struct xy_archive_page){0};
    if (!count)
        return XY_OK;
    xy_status status = xyi_entries_read_ids(owner, ids, count, &rows);
    if (status != XY_OK)
        return status;
    make_page(page, owner, rows, SIZE_MAX, false);
    qsort(page->at, page->count, sizeof(*page->at), compare_archived);
    return xyi_tombstones_sign(page);
}
