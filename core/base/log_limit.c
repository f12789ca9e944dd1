/* SPDX-License-Identifier: MIT */
/*
 * A flood of one event must not drown the log. Counts lines of each event per second in a small
 * fixed table, under the log's mutex. Invariant: a place with lines left out is not given to
 * another event before they have been told.
 */
#include "core/base/log_internal.h"

enum { PLACES = 128, PROBES = 8, WINDOW_MS = 1000 };

struct place {
    char event[64]; /* a copy: the module that named it may leave */
    int64_t since_ms;
    unsigned lines;
    int64_t left_out;
};

static struct place places[PLACES];

static bool
is_over(const struct place *place, int64_t now_ms)
{
    return now_ms - place->since_ms >= WINDOW_MS;
}

static struct place *
place_of(struct xy_str event, int64_t now_ms)
{
    size_t home = xyi_hash(event) % PLACES;
    struct place *vacant = NULL;
    for (size_t i = 0; i < PROBES; i++) {
        struct place *place = &places[(home + i) % PLACES];
        if (xy_str_equal(xy_str_from(place->event), event))
            return place;
        if (!vacant && !place->left_out && (!place->event[0] || is_over(place, now_ms)))
            vacant = place;
    }
    if (vacant) {
        *vacant = (struct place){.since_ms = now_ms};
        memcpy(vacant->event, event.at, event.len);
    }
    return vacant;
}

bool
xyi_log_admit(const char *event, int64_t now_ms)
{
    struct xy_str name = xy_str_from(event);
    if (name.len >= sizeof(places->event))
        name.len = sizeof(places->event) - 1;
    struct place *place = place_of(name, now_ms);
    if (!place)
        return true; /* more events at once than the table has room for */
    if (is_over(place, now_ms)) {
        place->since_ms = now_ms;
        place->lines = 0;
    }
    if (++place->lines <= XYI_LOG_BURST)
        return true;
    place->left_out++;
    return false;
}

bool
xyi_log_next_suppressed(int64_t now_ms, bool all, char event[64], int64_t *lines)
{
    for (struct place *place = places; place < places + PLACES; place++) {
        if (!place->left_out || (!all && !is_over(place, now_ms)))
            continue;
        memcpy(event, place->event, sizeof(place->event));
        *lines = place->left_out;
        place->left_out = 0;
        return true;
    }
    return false;
}

bool
xyi_log_owes(void)
{
    for (const struct place *place = places; place < places + PLACES; place++) {
        if (place->left_out)
            return true;
    }
    return false;
}
