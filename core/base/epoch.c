/* SPDX-License-Identifier: MIT */
/*
 * Deferred reclaim. Logic thread only. Fibers belong to the epoch they entered in; an object
 * belongs to the epoch it was retired in and goes when that epoch and all older ones are empty.
 * Invariant: only the oldest and the present epoch may be empty (one that empties in between
 * hands its objects to its elder), so there are never more epochs than fibers and two.
 */
#include "core/base/base.h"

struct retired {
    struct retired *next;
    void *object;
    void (*release)(void *object);
};

struct epoch {
    struct epoch *older, *newer;
    unsigned live; /* fibers that entered in it and have not left */
    struct retired *first, **last;
};

static struct epoch *oldest, *present;
static struct retired *spare; /* records for reuse */

static void
begin_epoch(void)
{
    struct epoch *epoch = xyi_alloc(sizeof(*epoch));
    epoch->last = &epoch->first;
    epoch->older = present;
    if (present)
        present->newer = epoch;
    else
        oldest = epoch;
    present = epoch;
}

uint64_t
xyi_epoch_enter(void)
{
    if (!present)
        begin_epoch();
    present->live++;
    return (uint64_t)(uintptr_t)present;
}

static void
merge_into_older(struct epoch *epoch)
{
    struct epoch *older = epoch->older;
    if (epoch->first) {
        *older->last = epoch->first;
        older->last = epoch->last;
    }
    older->newer = epoch->newer;
    epoch->newer->older = older;
    xyi_free(epoch);
}

void
xyi_epoch_leave(uint64_t number)
{
    struct epoch *epoch = (struct epoch *)(uintptr_t)number;
    xy_assert(epoch->live > 0);
    if (--epoch->live == 0 && epoch != present && epoch->older)
        merge_into_older(epoch);
}

void
xyi_retire(void *object, void (*release)(void *object))
{
    struct retired *retired = spare;
    if (retired)
        spare = retired->next;
    else
        retired = xyi_alloc(sizeof(*retired));
    *retired = (struct retired){.object = object, .release = release};
    if (!present)
        begin_epoch();
    *present->last = retired;
    present->last = &retired->next;
}

static void
release_all(struct retired *retired)
{
    for (struct retired *next; retired; retired = next) {
        next = retired->next;
        retired->release(retired->object);
        retired->next = spare;
        spare = retired;
    }
}

void
xyi_epoch_sweep(void)
{
    if (!present)
        return;
    if (present->first) { /* fibers that enter from now on do not hold these */
        struct epoch *closed = present;
        begin_epoch();
        if (closed->live == 0 && closed->older)
            merge_into_older(closed);
    }
    while (oldest != present && oldest->live == 0) {
        struct epoch *due = oldest;
        oldest = due->newer;
        oldest->older = NULL;
        release_all(due->first);
        xyi_free(due);
    }
}

void
xyi_epoch_end(void)
{
    xyi_epoch_sweep();
    while (present && oldest == present && present->first) /* retired by a release */
        xyi_epoch_sweep();
    for (struct retired *next; spare; spare = next) {
        next = spare->next;
        xyi_free(spare);
    }
    if (present && oldest == present && present->live == 0) {
        xyi_free(present);
        oldest = present = NULL;
    }
}
