/* SPDX-License-Identifier: MIT */
/* Maps: against a plain array as model, and at the edges of their contract. */
#include "tests/unit/harness.h"

#include "core/base/base.h"

static void *
value(size_t n)
{
    return (void *)(uintptr_t)(n + 1);
}

TEST(put_answers_the_former_value)
{
    struct xy_map *map = xyi_map_new();
    CHECK(xy_map_get(map, XY_STR("a")) == NULL);
    CHECK(xy_map_remove(map, XY_STR("a")) == NULL);
    CHECK(xy_map_put(map, XY_STR("a"), value(1)) == NULL);
    CHECK(xy_map_put(map, XY_STR("a"), value(2)) == value(1));
    CHECK_EQ(xy_map_count(map), 1);
    CHECK(xy_map_remove(map, XY_STR("a")) == value(2));
    CHECK(xy_map_get(map, XY_STR("a")) == NULL);
    CHECK_EQ(xy_map_count(map), 0);
    xy_map_free(map);
    xy_map_free(NULL);
}

TEST(keys_are_copied_bytes)
{
    struct xy_map *map = xyi_map_new();
    char key[64];
    for (size_t len = 0; len <= sizeof(key);
         len++) { /* on both sides of what lies inside an entry */
        memset(key, 'k', len);
        CHECK(xy_map_put(map, xy_str_of(key, len), value(len)) == NULL);
        memset(key, 'x', len);
    }
    for (size_t len = 0; len <= sizeof(key); len++) {
        memset(key, 'k', len);
        CHECK(xy_map_get(map, xy_str_of(key, len)) == value(len));
    }
    CHECK(xy_map_get(map, XY_NO_STR) == value(0));
    CHECK(xy_map_put(map, xy_str_of("a\0b", 3), value(100)) == NULL);
    CHECK(xy_map_put(map, xy_str_of("a\0c", 3), value(101)) == NULL);
    CHECK(xy_map_get(map, xy_str_of("a\0b", 3)) == value(100));
    int64_t number = -5;
    CHECK(xy_map_put(map, XY_KEY(number), value(102)) == NULL);
    number = 5;
    CHECK(xy_map_get(map, XY_KEY(number)) == NULL);
    number = -5;
    CHECK(xy_map_get(map, XY_KEY(number)) == value(102));
    xy_map_free(map);
}

enum { KEYS = 512 };

static struct xy_str
name_of(unsigned n, char *text) /* short and long ones */
{
    int len = snprintf(text, 48, n % 2 ? "%u" : "user%u@a-long-host.example", n);
    return xy_str_of(text, (size_t)len);
}

static void
compare(const struct xy_map *map, void *const *model)
{
    size_t live = 0, visited = 0, at = 0;
    char text[48];
    for (unsigned n = 0; n < KEYS; n++) {
        CHECK(xy_map_get(map, name_of(n, text)) == model[n]);
        live += model[n] != NULL;
    }
    CHECK_EQ(xy_map_count(map), live);
    struct xy_str key;
    for (void *found; xy_map_next(map, &at, &key, &found); visited++)
        CHECK(xy_map_get(map, key) == found);
    CHECK_EQ(visited, live);
}

TEST(behaves_like_the_model)
{
    struct xy_map *map = xyi_map_new();
    void *model[KEYS] = {0};
    unsigned random = 12345;
    for (size_t step = 0; step < 60000; step++) {
        random = random * 1103515245 + 12345;
        unsigned n = random >> 16 & (KEYS - 1);
        bool grow = (random >> 8 & 7) < (step / 10000 % 2 ? 2 : 6); /* waxes and wanes */
        char text[48];
        struct xy_str key = name_of(n, text);
        void *fresh = grow ? value(step) : NULL;
        void *former = grow ? xy_map_put(map, key, fresh) : xy_map_remove(map, key);
        CHECK(former == model[n]);
        model[n] = fresh;
        if (step % 5000 == 0)
            compare(map, model);
    }
    compare(map, model);
    xy_map_free(map);
}

TEST(a_visitor_may_remove_what_it_visits)
{
    struct xy_map *map = xyi_map_new();
    for (size_t n = 0; n < 1000; n++)
        CHECK(xy_map_put(map, XY_KEY(n), value(n)) == NULL);
    bool seen[1000] = {false};
    size_t at = 0;
    struct xy_str key;
    void *found;
    while (xy_map_next(map, &at, &key, &found)) {
        size_t n = (size_t)(uintptr_t)found - 1;
        CHECK(!seen[n]);
        seen[n] = true;
        if (n % 3)
            CHECK(xy_map_remove(map, XY_KEY(n)) == found);
    }
    for (size_t n = 0; n < 1000; n++)
        CHECK(seen[n] && (xy_map_get(map, XY_KEY(n)) != NULL) == (n % 3 == 0));
    xy_map_free(map);
}

TEST(key_and_value_of_a_visit_are_optional)
{
    struct xy_map *map = xyi_map_new();
    size_t at = 0;
    CHECK(!xy_map_next(map, &at, NULL, NULL));
    xy_map_put(map, XY_STR("a"), value(1));
    at = 0;
    CHECK(xy_map_next(map, &at, NULL, NULL));
    CHECK(!xy_map_next(map, &at, NULL, NULL));
    CHECK(!xy_map_next(map, &at, NULL, NULL));
    xy_map_free(map);
}

TEST(a_queue_like_life_stays_small)
{
    struct xy_map *map = xyi_map_new();
    for (size_t n = 0; n < 500000; n++) {
        xy_map_put(map, XY_KEY(n), value(n));
        size_t old = n - 10;
        if (n >= 10)
            CHECK(xy_map_remove(map, XY_KEY(old)) == value(old));
    }
    CHECK_EQ(xy_map_count(map), 10);
    size_t at = 0, steps = 0;
    while (xy_map_next(map, &at, NULL, NULL))
        steps++;
    CHECK_EQ(steps, 10);
    CHECK(at <= 64); /* the dead have been dropped */
    xy_map_free(map);
}

TEST(owner_finds_its_maps_and_loses_freed_ones)
{
    struct xyi_link_node owner;
    xyi_list_init(&owner);
    struct xy_map *a = xyi_map_new(), *b = xyi_map_new();
    xyi_list_append(&owner, xyi_map_owner_node(a));
    xyi_list_append(&owner, xyi_map_owner_node(b));
    CHECK(xyi_map_of_owner_node(owner.next) == a);
    xy_map_free(a);
    CHECK(xyi_map_of_owner_node(owner.next) == b);
    xy_map_free(b);
    CHECK(xyi_list_empty(&owner));
}

END_TESTS
