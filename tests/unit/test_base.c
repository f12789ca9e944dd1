/* SPDX-License-Identifier: MIT */
/* The ground floor: heap, arenas, the fiber's memory, strings, encodings, random, the hash. */
#include "tests/unit/death.h"

#include "core/base/base.h"

static void
begin(void)
{
    xyi_temp_set(xyi_arena_new(256));
}

static void
end(void)
{
    xyi_arena_free(xyi_temp());
    xyi_temp_set(NULL);
}

static bool
is_zero(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

TEST(heap_blocks_are_zeroed_and_copies_end_in_nul)
{
    char *block = xyi_alloc(4096);
    CHECK(is_zero(block, 4096));
    memset(block, 1, 4096);
    block = xyi_resize(block, 8192);
    CHECK_EQ(block[4095], 1);
    xyi_free(block);
    xyi_free(xyi_alloc(0));
    xyi_free(NULL);
    struct xy_str copy = xyi_str_copy(xy_str_of("balcony!", 7));
    CHECK_STR(copy, "balcony");
    CHECK_EQ(copy.at[7], '\0');
    xyi_free(copy.at);
    CHECK(xyi_str_copy(XY_NO_STR).at == NULL);
}

TEST(arena_blocks_are_aligned_zeroed_and_apart)
{
    struct xyi_arena *arena = xyi_arena_new(100);
    for (int round = 0; round < 3; round++) {
        char *blocks[200];
        for (size_t i = 0; i < 200; i++) {
            size_t size = i * 7 % 97;
            blocks[i] = xyi_arena_alloc(arena, size);
            CHECK_EQ((uintptr_t)blocks[i] % 16, 0);
            CHECK(is_zero(blocks[i], size));
            memset(blocks[i], (int)i + 1, size);
        }
        for (size_t i = 0; i < 200; i++) {
            for (size_t at = 0; at < i * 7 % 97; at++)
                CHECK_EQ((unsigned char)blocks[i][at], i + 1);
        }
        xyi_arena_reset(arena); /* what was dirty comes back zeroed */
    }
    xyi_arena_free(arena);
    xyi_arena_free(NULL);
}

TEST(arena_keeps_its_room_when_a_large_block_comes)
{
    struct xyi_arena *arena = xyi_arena_new(1024);
    char *before = xyi_arena_alloc(arena, 16);
    char *large = xyi_arena_alloc(arena, 1 << 20);
    memset(large, 1, 1 << 20);
    char *after = xyi_arena_alloc(arena, 16);
    CHECK(after > before && after < before + 256);
    xyi_arena_reset(arena);
    CHECK(xyi_arena_alloc(arena, 16) == (void *)before);
    xyi_arena_free(arena);
}

TEST(arena_printf_has_no_limit)
{
    struct xyi_arena *arena = xyi_arena_new(64);
    CHECK_STR(xyi_arena_printf(arena, "%d-%s", 7, "x"), "7-x");
    struct xy_str wide = xyi_arena_printf(arena, "%05000d", 1);
    CHECK_EQ(wide.len, 5000);
    CHECK_EQ(wide.at[4999], '1');
    CHECK_EQ(wide.at[5000], '\0');
    for (int len = 254; len < 259; len++)
        CHECK_EQ(strlen(xyi_arena_printf(arena, "%0*d", len, 1).at), len);
    xyi_arena_free(arena);
}

TEST(temporary_strings)
{
    begin();
    CHECK_STR(xy_temp_str(XY_STR("romeo")), "romeo");
    CHECK(xy_temp_str(XY_NO_STR).at == NULL);
    CHECK(strcmp(xy_temp_cstr(xy_str_of("romeo", 2)), "ro") == 0);
    CHECK(strcmp(xy_temp_cstr(XY_NO_STR), "") == 0);
    const struct xy_str parts[] = {XY_STR("a"), XY_NO_STR, XY_STR("c")};
    CHECK_STR(xy_temp_join(parts, 3, ", "), "a, , c");
    CHECK_STR(xy_temp_join(parts, 1, ", "), "a");
    CHECK_STR(xy_temp_join(parts, 0, ", "), "");
    CHECK_STR(xy_temp_join(parts, 3, NULL), "ac");
    CHECK_STR(xy_temp_printf("%s=%d", "n", -1), "n=-1");
    end();
}

static void
use_temp_outside(void)
{
    xyi_temp_set(NULL);
    xy_temp_alloc(1);
}

TEST(temporary_memory_outside_a_fiber_is_a_programming_error)
{
    CHECK(last_words(use_temp_outside) != NULL);
}

TEST(buffer_grows_and_stays_terminated)
{
    begin();
    struct xy_buffer buffer = {0};
    xy_buffer_add(&buffer, XY_NO_STR);
    CHECK(strcmp(buffer.text, "") == 0);
    for (int i = 0; i < 1000; i++) {
        xy_buffer_add(&buffer, XY_STR("ab"));
        CHECK_EQ(buffer.text[buffer.len], '\0');
        xy_buffer_printf(&buffer, "%03d", i);
        CHECK_EQ(buffer.text[buffer.len], '\0');
    }
    CHECK_EQ(xy_buffer_str(&buffer).len, 5000);
    CHECK(memcmp(buffer.text + 4990, "ab998ab999", 10) == 0);
    xy_buffer_printf(&buffer, "%0100000d", 7);
    CHECK_EQ(strlen(buffer.text), 105000);
    end();
}

TEST(integers_are_decimal_and_within_bounds)
{
    int64_t value = 0;
    CHECK_EQ(xy_str_to_int(XY_STR("42"), 0, 100, &value), XY_OK);
    CHECK_EQ(value, 42);
    CHECK_EQ(xy_str_to_int(XY_STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &value),
             XY_OK);
    CHECK_EQ(value, INT64_MIN);
    CHECK_EQ(xy_str_to_int(XY_STR("9223372036854775807"), INT64_MIN, INT64_MAX, &value), XY_OK);
    CHECK_EQ(value, INT64_MAX);
    const char *bad[] = {"",
                         "-",
                         "+1",
                         " 1",
                         "1 ",
                         "0x1",
                         "1.0",
                         "--1",
                         "101",
                         "-1",
                         "９",
                         "9223372036854775808",
                         "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK_EQ(xy_str_to_int(xy_str_from(bad[i]), 0, 100, &value), XY_INVALID);
    CHECK_EQ(xy_str_to_int(XY_STR("9223372036854775808"), 0, INT64_MAX, &value), XY_INVALID);
    CHECK_EQ(xy_str_to_int(XY_STR("-9223372036854775809"), INT64_MIN, 0, &value), XY_INVALID);
    CHECK_EQ(value, INT64_MAX); /* untouched by failures */
}

TEST(slices)
{
    CHECK_STR(xy_str_trim(XY_STR(" \t\r\nx y\n ")), "x y");
    CHECK_STR(xy_str_trim(XY_STR("  ")), "");
    CHECK_STR(xy_str_trim(XY_NO_STR), "");
    CHECK(xy_str_compare(XY_STR("ab"), XY_STR("abc")) < 0);
    CHECK(xy_str_compare(XY_STR("b"), XY_STR("abc")) > 0);
    CHECK(xy_str_compare(XY_STR("\xff"), XY_STR("a")) > 0);
    CHECK_EQ(xy_str_compare(XY_NO_STR, XY_STR("")), 0);
    struct xy_str rest = XY_STR("a/b/");
    CHECK_STR(xy_str_cut(&rest, '/'), "a");
    CHECK_STR(xy_str_cut(&rest, '/'), "b");
    CHECK(rest.at && !rest.len);
    CHECK_STR(xy_str_cut(&rest, '/'), "");
    CHECK(!rest.at);
}

TEST(every_status_has_a_name)
{
    CHECK_STR(xy_str_from(xy_status_name(XY_OK)), "ok");
    CHECK_STR(xy_str_from(xy_status_name(XY_UNSUPPORTED)), "unsupported");
    for (int i = XY_OK; i <= XY_UNSUPPORTED; i++)
        CHECK(xy_status_name((xy_status)i) && strlen(xy_status_name((xy_status)i)) > 1);
    CHECK(xy_status_name((xy_status)99) != NULL);
}

TEST(base64_by_the_vectors_of_rfc_4648)
{
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    begin();
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        struct xy_str plain;
        CHECK_STR(xy_temp_base64(xy_str_from(vectors[i][0])), vectors[i][1]);
        CHECK_EQ(xy_temp_unbase64(xy_str_from(vectors[i][1]), &plain), XY_OK);
        CHECK_STR(plain, vectors[i][0]);
    }
    CHECK_STR(xy_temp_base64(XY_STR("\xfb\xff\xbf")), "+/+/");
    end();
}

TEST(base64_is_strict)
{
    static const char *const bad[] = {
        "Zg",
        "Zg=",
        "Z",
        "=",
        "====",
        "Zg==Zg==",
        "Zm=v",
        "Zm9v\n",
        " Zm9",
        "Zm-_",
        "Zh==" /* stray bits */,
        "Zm9=" /* stray bits */,
        "Z===",
        "Zm9\x80",
    };
    begin();
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct xy_str plain = XY_STR("untouched");
        CHECK_EQ(xy_temp_unbase64(xy_str_from(bad[i]), &plain), XY_INVALID);
        CHECK_STR(plain, "untouched");
    }
    end();
}

TEST(base64_and_hex_take_any_bytes)
{
    begin();
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct xy_str plain;
        CHECK_EQ(xy_temp_unbase64(xy_temp_base64(xy_str_of(bytes, len)), &plain), XY_OK);
        CHECK(xy_str_equal(plain, xy_str_of(bytes, len)));
    }
    CHECK_STR(xy_temp_hex(XY_STR("\x00\x7f\x80\xff")), "007f80ff");
    CHECK_STR(xy_temp_hex(XY_NO_STR), "");
    end();
}

TEST(random_tokens_are_url_safe_and_differ)
{
    begin();
    struct xy_str a = xyi_random_token(16), b = xyi_random_token(16);
    CHECK_EQ(a.len, 22);
    CHECK(!xy_str_equal(a, b));
    for (size_t i = 0; i < a.len; i++)
        CHECK(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                     a.at[i]));
    static char large[1 << 16];
    xyi_random(large, sizeof(large));
    CHECK(!is_zero(large + sizeof(large) - 64, 64));
    end();
}

TEST(siphash_13_as_another_implementation_computes_it)
{
    /* CPython 3.11 hashes bytes by SipHash-1-3, under the key 0 with PYTHONHASHSEED=0. */
    static const struct {
        const char *text;
        uint64_t hash;
    } known[] = {
        {"a", 0x407448d2b89b1813},
        {"abc", 0xc03bc3a0042630f2},
        {"abcdefg", 0x6db12aae9070f506},
        {"abcdefgh", 0x3f7b849c0b8e35ea},
        {"juliet@capulet.example/balcony", 0xcb0a22f0fad85c49},
    };
    const uint64_t key[2] = {0, 0}, other[2] = {0, 1};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        struct xy_str text = xy_str_from(known[i].text);
        CHECK(xyi_siphash13(key, text) == known[i].hash);
        CHECK(xyi_siphash13(other, text) != known[i].hash);
        CHECK(xyi_hash(text) != known[i].hash);
    }
}

static void
break_a_promise(void)
{
    xy_assert(1 + 1 == 3);
}

TEST(a_broken_assertion_ends_the_process)
{
    xy_assert(1 + 1 == 2);
    const char *words = last_words(break_a_promise);
    CHECK(words && strstr(words, "1 + 1 == 3") && strstr(words, "test_base.c"));
}

static int released[4], released_count;

static void
release(void *object)
{
    released[released_count++] = *(int *)object;
}

TEST(an_arena_releases_what_it_owns_last_first_and_once)
{
    static int one = 1, two = 2, three = 3;
    struct xyi_arena *arena = xyi_arena_new(64);
    xyi_arena_defer(arena, release, &one);
    xyi_arena_defer(arena, release, &two);
    xyi_arena_reset(arena);
    CHECK_EQ(released_count, 2);
    CHECK_EQ(released[0], 2);
    CHECK_EQ(released[1], 1);
    xyi_arena_defer(arena, release, &three);
    xyi_arena_free(arena);
    CHECK_EQ(released_count, 3);
    CHECK_EQ(released[2], 3);
}

TEST(xml_is_escaped_in_text_and_attributes)
{
    struct xyi_arena *arena = xyi_arena_new(64);
    xyi_temp_set(arena);
    CHECK_STR(xy_temp_xml(XY_STR("a<b>&'\"c")), "a&lt;b&gt;&amp;&apos;&quot;c");
    CHECK_STR(xy_temp_xml(XY_NO_STR), "");
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
}

END_TESTS
