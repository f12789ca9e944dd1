/* SPDX-License-Identifier: MIT */
/* Deferred reclaim: nothing goes while somebody may hold it, everything goes afterwards. */
#include "tests/unit/harness.h"

#include "core/base/base.h"

static void
mark(void *object)
{
    ++*(int *)object;
}

TEST(without_fibers_an_object_goes_with_the_next_sweep)
{
    int gone = 0;
    xyi_retire(&gone, mark);
    CHECK_EQ(gone, 0);
    xyi_epoch_sweep();
    CHECK_EQ(gone, 1);
    xyi_epoch_sweep();
    CHECK_EQ(gone, 1);
    xyi_epoch_end();
}

TEST(who_was_there_holds_it_and_who_comes_later_does_not)
{
    int gone = 0;
    uint64_t before = xyi_epoch_enter();
    xyi_retire(&gone, mark);
    xyi_epoch_sweep();
    uint64_t after = xyi_epoch_enter();
    xyi_epoch_sweep();
    CHECK_EQ(gone, 0);
    xyi_epoch_leave(before);
    CHECK_EQ(gone, 0); /* only a sweep releases */
    xyi_epoch_sweep();
    CHECK_EQ(gone, 1);
    xyi_epoch_leave(after);
    xyi_epoch_end();
}

TEST(an_old_fiber_holds_what_was_retired_in_all_epochs_since)
{
    int gone[3] = {0};
    uint64_t oldest = xyi_epoch_enter();
    xyi_retire(&gone[0], mark);
    xyi_epoch_sweep();
    uint64_t middle = xyi_epoch_enter();
    xyi_retire(&gone[1], mark);
    xyi_epoch_sweep();
    uint64_t young = xyi_epoch_enter();
    xyi_epoch_leave(middle); /* its objects go to the elder's care */
    xyi_retire(&gone[2], mark);
    xyi_epoch_sweep();
    CHECK_EQ(gone[0] + gone[1] + gone[2], 0);
    xyi_epoch_leave(oldest);
    xyi_epoch_sweep();
    CHECK(gone[0] == 1 && gone[1] == 1 && gone[2] == 0);
    xyi_epoch_leave(young);
    xyi_epoch_sweep();
    CHECK_EQ(gone[2], 1);
    xyi_epoch_end();
}

static int chained;

static void
retire_another(void *object)
{
    ++chained;
    if (chained < 3)
        xyi_retire(object, retire_another);
}

TEST(a_release_may_retire)
{
    chained = 0;
    xyi_retire(&chained, retire_another);
    xyi_epoch_sweep();
    CHECK_EQ(chained, 1);
    xyi_epoch_end();
    CHECK_EQ(chained, 3);
}

struct object {
    unsigned released;
    bool held_by[16];
};

static void
release(void *object)
{
    struct object *it = object;
    for (size_t i = 0; i < 16; i++)
        CHECK(!it->held_by[i]);
    it->released++;
}

enum { OBJECTS = 4000 };
static struct object objects[OBJECTS];

static void
forget(size_t fiber, size_t retired)
{
    for (size_t i = 0; i < retired; i++)
        objects[i].held_by[fiber] = false;
}

TEST(at_random)
{
    uint64_t epochs[16];
    bool inside[16] = {false};
    unsigned random = 99;
    size_t retired = 0;
    while (retired < OBJECTS) {
        random = random * 1103515245 + 12345;
        size_t fiber = random >> 16 & 15;
        if (random >> 24 & 1 && retired < OBJECTS) {
            memcpy(objects[retired].held_by, inside, sizeof(inside));
            xyi_retire(&objects[retired++], release);
        }
        if (inside[fiber]) {
            forget(fiber, retired);
            xyi_epoch_leave(epochs[fiber]);
        } else {
            epochs[fiber] = xyi_epoch_enter();
        }
        inside[fiber] = !inside[fiber];
        if (random >> 25 & 1)
            xyi_epoch_sweep();
    }
    for (size_t i = 0; i < 16; i++) {
        forget(i, retired);
        if (inside[i])
            xyi_epoch_leave(epochs[i]);
    }
    xyi_epoch_end();
    for (size_t i = 0; i < OBJECTS; i++)
        CHECK_EQ(objects[i].released, 1);
}

END_TESTS
