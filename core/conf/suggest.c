/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the known word nearest to a mistyped one, by the number of letters put in,
 * left out, replaced or swapped with their neighbour (optimal string alignment distance).
 */
#include "core/conf/conf_internal.h"

#define LETTERS 48 /* longer words are not compared */

static unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned
distance(struct xy_str a, struct xy_str b)
{
    unsigned cost[3][LETTERS + 1];
    for (unsigned j = 0; j <= b.len; j++)
        cost[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *now = cost[i % 3], *before = cost[(i + 2) % 3], *earlier = cost[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            bool same = a.at[i - 1] == b.at[j - 1];
            now[j] = least(least(before[j], now[j - 1]) + 1, before[j - 1] + !same);
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1])
                now[j] = least(now[j], earlier[j - 2] + 1);
        }
    }
    return cost[a.len % 3][b.len];
}

struct xy_str
xyi_did_you_mean(struct xy_str word, const struct xy_str *known, size_t count)
{
    struct xy_str nearest = XY_NO_STR;
    unsigned limit = word.len <= 1 ? 0 : word.len <= 3 ? 1 : 2, found = limit + 1;
    if (word.len == 0 || word.len > LETTERS)
        return nearest;
    for (size_t i = 0; i < count; i++) {
        if (known[i].len > LETTERS)
            continue;
        unsigned apart = distance(word, known[i]);
        if (apart < found) {
            found = apart;
            nearest = known[i];
        }
    }
    return nearest;
}
