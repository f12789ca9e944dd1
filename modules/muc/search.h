/* SPDX-License-Identifier: MIT */
/* What the two halves of the search share: what was asked (search.c) and finding it (found.c).
 */
#ifndef SEARCH_H
#define SEARCH_H

#include "modules/muc/show.h"

enum { SEARCH_PAGE = 50, SEARCH_PAGE_MOST = 100, SEARCH_WORDS = 8 };

struct search {
    struct muc *self;
    struct xy_str words[SEARCH_WORDS]; /* folded; each must be found */
    size_t word_count;
    bool in_name, in_description, in_address;
    bool by_users; /* the most people first; else by address */
    int64_t min_users;
    int64_t most;
    bool backwards;                      /* only by address */
    const struct xy_jid *after, *before; /* NULL: at an end */
    int64_t after_users; /* by users: how many `after` had; XY_NONE: at the beginning */
    /* filled */
    struct listed *found;
    size_t count, room;
    const struct xy_jid *last; /* where the next page begins: the last one looked at */
};
XY_SUSPENDS XY_CHECK xy_status search_run(struct search *search);

#endif
