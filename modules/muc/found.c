/* SPDX-License-Identifier: MIT */
/*
 * Finding rooms (XEP-0433). By address a page goes on behind the address the former one ended
 * with. By number of users those with people in them come from memory, and the empty ones
 * follow by address. Rooms are read a few at a time, and no more than SCAN_MOST for one
 * request: what was found is answered then, and the next page goes on behind the last one
 * looked at.
 */
#include <stdlib.h>

#include "modules/muc/search.h"

enum { CHUNK = 250, SCAN_MOST = 10000 };

static bool
holds(struct xy_str text, struct xy_str word)
{
    return text.len && memmem(text.at, text.len, word.at, word.len);
}

static bool
matches(const struct search *search, const struct listed *room)
{
    if (room->occupants < search->min_users)
        return false;
    if (!search->word_count)
        return true;
    struct xy_str name = search->in_name ? xy_temp_fold(room->name) : XY_NO_STR,
                  about = search->in_description ? xy_temp_fold(room->description) : XY_NO_STR,
                  address = search->in_address ? xy_jid_text(room->jid) : XY_NO_STR;
    for (size_t i = 0; i < search->word_count; i++) {
        struct xy_str word = search->words[i];
        if (!holds(name, word) && !holds(about, word) && !holds(address, word))
            return false;
    }
    return true;
}

static void
keep(struct search *search, const struct listed *room)
{
    if (search->count >= search->room) {
        size_t more = search->count * 2 + 64;
        struct listed *larger = xy_temp_alloc(more * sizeof(*larger));
        if (search->count)
            memcpy(larger, search->found, search->count * sizeof(*larger));
        search->found = larger;
        search->room = more;
    }
    search->found[search->count++] = *room;
}

/* ---- by address ---- */

/* Whether the page is full. */
static bool
take_chunk(struct search *search, const struct listing *list, bool only_empty)
{
    for (size_t i = 0; i < list->count && (int64_t)search->count < search->most; i++) {
        const struct listed *room = &list->at[list->backwards ? list->count - 1 - i : i];
        search->last = room->jid;
        if ((!only_empty || !room->occupants) && matches(search, room))
            keep(search, room);
    }
    return (int64_t)search->count >= search->most;
}

static xy_status
scan(struct search *search, struct listing list, bool only_empty)
{
    list.most = CHUNK;
    for (size_t read = 0; read < SCAN_MOST; read += CHUNK) {
        xy_status status = rooms_list(search->self, &list);
        if (status != XY_OK)
            return status;
        if (take_chunk(search, &list, only_empty))
            break;
        if (list.count < CHUNK) { /* there is nothing behind what was found */
            if (!search->count)
                search->last = NULL;
            break;
        }
        if (list.backwards)
            list.before = list.at[0].jid;
        else
            list.after = list.at[list.count - 1].jid;
    }
    return XY_OK;
}

static xy_status
find_by_address(struct search *search)
{
    struct listing from = {
        .after = search->after, .before = search->before, .backwards = search->backwards};
    xy_status status = scan(search, from, false);
    for (size_t i = 0, j = search->count; from.backwards && i + 1 < j; i++) {
        struct listed former = search->found[i];
        search->found[i] = search->found[--j];
        search->found[j] = former;
    }
    return status;
}

/* ---- by number of users ---- */

/* The most people first, then by address. */
static int
compare(int64_t users, const struct xy_jid *jid, const struct listed *other)
{
    if (users != other->occupants)
        return users > other->occupants ? -1 : 1;
    return xy_str_compare(xy_jid_text(jid), xy_jid_text(other->jid));
}

static int
compare_listed(const void *a, const void *b)
{
    const struct listed *room = a;
    return compare(room->occupants, room->jid, b);
}

static void
take_busy(void *argument, struct xy_room *room)
{
    struct search *search = argument;
    const struct state *state = xy_room_count(room) ? muc_state(room) : NULL;
    if (!state || !state->created_ms || state->locked || !muc_settings(room)->public_room)
        return;
    struct listed listed = listed_in_memory(room);
    if (matches(search, &listed))
        keep(search, &listed);
}

/* What is behind the mark, at most a page of it. */
static void
cut_page(struct search *search)
{
    size_t first = 0;
    if (!search->count)
        return;
    while (search->after && first < search->count &&
           compare(search->after_users, search->after, &search->found[first]) >= 0)
        first++;
    search->found += first;
    search->count -= first;
    if ((int64_t)search->count > search->most)
        search->count = (size_t)search->most;
    search->room = 0; /* what is kept from here on is copied */
    if (search->count)
        search->last = search->found[search->count - 1].jid;
}

static xy_status
find_by_users(struct search *search)
{
    bool in_empty = search->after && !search->after_users;
    if (!in_empty) {
        xy_rooms_each(xy_service_jid(search->self), take_busy, search);
        if (search->count)
            qsort(search->found, search->count, sizeof(*search->found), compare_listed);
        cut_page(search);
    }
    if ((int64_t)search->count >= search->most || search->min_users > 0)
        return XY_OK;
    return scan(search, (struct listing){.after = in_empty ? search->after : NULL}, true);
}

xy_status
search_run(struct search *search)
{
    if (!search->most)
        return XY_OK;
    return search->by_users ? find_by_users(search) : find_by_address(search);
}
