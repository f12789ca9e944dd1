/* SPDX-License-Identifier: MIT */
/* Allowances per key: what is taken comes back evenly, nobody is shut out for longer than a
 * period. */
#include "tests/unit/harness.h"

#include <xylem/option.h>
#include <xylem/throttle.h>
#include "core/base/base.h"

enum { MOST = 5, PERIOD = 60 * 1000 };

static struct xy_map *
fresh(void)
{
    xyi_temp_set(xyi_arena_new(1024));
    xyi_clock_freeze(1700000000000);
    return xyi_map_new();
}

static void
end(struct xy_map *taken)
{
    xy_map_free(taken);
    xyi_arena_free(xyi_temp());
    xyi_temp_set(NULL);
}

static int
take_all(struct xy_map *taken, struct xy_str key)
{
    int count = 0;
    while (count < 1000 && xy_throttle_take(taken, key, MOST, PERIOD))
        count++;
    return count;
}

TEST(a_key_may_use_its_allowance_at_once)
{
    struct xy_map *taken = fresh();
    CHECK_EQ(take_all(taken, XY_STR("a")), MOST);
    CHECK_EQ(take_all(taken, XY_STR("b")), MOST);
    end(taken);
}

TEST(it_comes_back_evenly)
{
    struct xy_map *taken = fresh();
    take_all(taken, XY_STR("a"));
    xyi_clock_advance(PERIOD / MOST - 200);
    CHECK_EQ(take_all(taken, XY_STR("a")), 0);
    xyi_clock_advance(200);
    CHECK_EQ(take_all(taken, XY_STR("a")), 1);
    xyi_clock_advance(PERIOD / MOST * 2);
    CHECK_EQ(take_all(taken, XY_STR("a")), 2);
    xyi_clock_advance(PERIOD * 10);
    CHECK_EQ(take_all(taken, XY_STR("a")), MOST);
    end(taken);
}

TEST(trying_on_does_not_prolong_it)
{
    struct xy_map *taken = fresh();
    take_all(taken, XY_STR("a"));
    for (int i = 0; i < 100000; i++)
        CHECK(!xy_throttle_take(taken, XY_STR("a"), MOST, PERIOD));
    xyi_clock_advance(PERIOD / MOST);
    CHECK_EQ(take_all(taken, XY_STR("a")), 1);
    end(taken);
}

TEST(looking_takes_nothing)
{
    struct xy_map *taken = fresh();
    for (int i = 0; i < 100; i++)
        CHECK(xy_throttle_has(taken, XY_STR("a"), MOST, PERIOD));
    CHECK_EQ(xy_map_count(taken), 0);
    CHECK_EQ(take_all(taken, XY_STR("a")), MOST);
    CHECK(!xy_throttle_has(taken, XY_STR("a"), MOST, PERIOD));
    CHECK(xy_throttle_has(taken, XY_STR("b"), MOST, PERIOD));
    CHECK(xy_throttle_has(taken, XY_STR("a"), XY_NONE, PERIOD));
    CHECK(!xy_throttle_has(taken, XY_STR("b"), 0, PERIOD));
    end(taken);
}

TEST(none_is_no_limit_and_zero_forbids)
{
    struct xy_map *taken = fresh();
    for (int i = 0; i < 1000; i++)
        CHECK(xy_throttle_take(taken, XY_STR("a"), XY_NONE, PERIOD));
    CHECK_EQ(xy_map_count(taken), 0);
    CHECK(!xy_throttle_take(taken, XY_STR("a"), 0, PERIOD));
    end(taken);
}

TEST(memory_is_bounded_and_the_busy_stay)
{
    struct xy_map *taken = fresh();
    for (uint32_t i = 0; i < 65535; i++)
        CHECK(xy_throttle_take(taken, XY_KEY(i), MOST, PERIOD));
    xyi_clock_advance(PERIOD / 2);
    take_all(taken, XY_STR("busy"));
    for (uint32_t i = 100000; i < 130000; i++)
        CHECK(xy_throttle_take(taken, XY_KEY(i), MOST, PERIOD));
    CHECK(xy_map_count(taken) <= 65536);
    CHECK_EQ(take_all(taken, XY_STR("busy")), 0);
    for (uint32_t i = 200000; i < 300000; i++) /* all at once: more than can be kept apart */
        CHECK(xy_throttle_take(taken, XY_KEY(i), MOST, PERIOD));
    CHECK(xy_map_count(taken) <= 65536);
    end(taken);
}

TEST(an_ipv6_client_counts_by_its_network)
{
    struct xy_map *taken = fresh();
    struct xy_str one = xy_throttle_address(XY_STR("2001:db8:1:2::1"));
    CHECK(xy_str_equal(one, xy_throttle_address(XY_STR("2001:db8:1:2:ffff::9"))));
    CHECK(!xy_str_equal(one, xy_throttle_address(XY_STR("2001:db8:1:3::1"))));
    CHECK_STR(xy_throttle_address(XY_STR("192.0.2.1")), "192.0.2.1");
    CHECK_STR(xy_throttle_address(XY_STR("::ffff:192.0.2.1")), "::ffff:192.0.2.1");
    end(taken);
}

END_TESTS

/* ---- from one edition of a module's code to the next ------------------------------------- */

TEST(what_was_taken_can_be_handed_over)
{
    struct xy_map *taken = fresh(), *next = xyi_map_new();
    struct xy_str zeros = xy_str_of("\0\0 a key longer than what a map keeps inline", 45);
    take_all(taken, XY_STR("a"));
    CHECK(xy_throttle_take(taken, zeros, MOST, PERIOD));
    take_all(taken, XY_STR("old"));
    xyi_clock_advance(PERIOD);
    take_all(taken, XY_STR("a"));
    CHECK(xy_throttle_take(taken, zeros, MOST, PERIOD));
    struct xy_str saved = xy_throttle_save(taken);
    xy_throttle_load(next, saved);
    CHECK_EQ(xy_map_count(next), 2); /* what is whole again is not carried along */
    CHECK_EQ(take_all(next, XY_STR("a")), 0);
    CHECK_EQ(take_all(next, zeros), MOST - 1);
    xy_throttle_load(next, saved); /* a module reads it while preparing and at the switch */
    CHECK_EQ(xy_map_count(next), 2);
    xy_map_free(next);
    end(taken);
}

TEST(bytes_that_make_no_sense_are_ignored)
{
    struct xy_map *taken = fresh(), *next = xyi_map_new();
    take_all(taken, XY_STR("a"));
    take_all(taken, XY_STR("b"));
    struct xy_str saved = xy_throttle_save(taken);
    CHECK(saved.len > 2);
    for (size_t len = 0; len < saved.len; len++)
        xy_throttle_load(next, xy_str_of(saved.at, len));
    CHECK_EQ(xy_map_count(next), 1);
    xy_throttle_load(next, XY_NO_STR);
    char garbage[64];
    memset(garbage, 0xff, sizeof(garbage));
    xy_throttle_load(next, xy_str_of(garbage, sizeof(garbage)));
    CHECK_EQ(xy_map_count(next), 1);
    xy_map_free(next);
    end(taken);
}
