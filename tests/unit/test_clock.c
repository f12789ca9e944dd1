/* SPDX-License-Identifier: MIT */
/* The clock that tests inject, and XEP-0082 time. */
#include "tests/unit/harness.h"

#include <time.h>
#include "core/base/base.h"

static const int64_t nine_eleven = 1031701267000; /* 2002-09-10T23:41:07Z, XEP-0082's example */

TEST(time_stands_still_within_a_turn)
{
    xyi_clock_turn();
    int64_t now = xy_monotonic_ms(), start = xyi_clock_real_us();
    while (xyi_clock_real_us() - start < 3000)
        ;
    CHECK_EQ(xy_monotonic_ms(), now);
    xyi_clock_turn();
    CHECK(xy_monotonic_ms() > now);
}

TEST(a_frozen_clock_moves_only_when_told)
{
    int64_t wall = xy_now_ms(), monotonic = xy_monotonic_ms();
    CHECK(wall > 1700000000000 && monotonic > 0);
    CHECK(!xyi_clock_is_frozen());
    xyi_clock_freeze(nine_eleven);
    CHECK(xyi_clock_is_frozen());
    CHECK_EQ(xy_now_ms(), nine_eleven);
    int64_t before = xy_monotonic_ms();
    CHECK(before >= monotonic); /* timers set before keep their meaning */
    xyi_clock_turn();
    CHECK_EQ(xy_now_ms(), nine_eleven);
    CHECK_EQ(xy_monotonic_ms(), before);
    xyi_clock_advance(1500);
    CHECK_EQ(xy_now_ms(), nine_eleven + 1500);
    CHECK_EQ(xy_monotonic_ms(), before + 1500);
}

static void
check_format(int64_t ms, const char *text)
{
    CHECK_STR(xy_time_format(ms), text);
}

TEST(format)
{
    xyi_temp_set(xyi_arena_new(1024));
    check_format(nine_eleven, "2002-09-10T23:41:07.000Z");
    check_format(0, "1970-01-01T00:00:00.000Z");
    check_format(-1, "1969-12-31T23:59:59.999Z");
    check_format(951782400123, "2000-02-29T00:00:00.123Z");
    check_format(4107542399999, "2100-02-28T23:59:59.999Z");
    check_format(4107542400000, "2100-03-01T00:00:00.000Z"); /* no leap year */
    check_format(INT64_MAX, "9999-12-31T23:59:59.999Z");
    check_format(INT64_MIN, "0000-01-01T00:00:00.000Z");
    xyi_arena_free(xyi_temp());
}

TEST(every_day_as_libc_has_it_and_back)
{
    for (int64_t day = -719162; day < 2932896; day += 11) { /* years 1 to 9999 */
        time_t seconds = (time_t)(day * 86400 + 45296);
        struct tm broken;
        CHECK(gmtime_r(&seconds, &broken) != NULL);
        char ours[XYI_TIME_SIZE], theirs[64];
        xyi_time_write((int64_t)seconds * 1000, ours);
        snprintf(theirs, sizeof(theirs), "%04d-%02d-%02dT12:34:56.000Z", broken.tm_year + 1900,
                 broken.tm_mon + 1, broken.tm_mday);
        CHECK_STR(xy_str_from(ours), theirs);
        int64_t back = 0;
        CHECK_EQ(xy_time_parse(xy_str_from(ours), &back), XY_OK);
        CHECK_EQ(back, (int64_t)seconds * 1000);
    }
}

TEST(parse_takes_offsets_and_fractions)
{
    static const struct {
        const char *text;
        int64_t after; /* nine_eleven */
    } good[] = {
        {"2002-09-10T23:41:07Z", 0},           {"2002-09-10T23:41:07.5Z", 500},
        {"2002-09-10T23:41:07.1239999Z", 123}, {"2002-09-10T17:41:07-06:00", 0},
        {"2002-09-11T05:11:07+05:30", 0},      {"2002-09-10T23:41:07-00:00", 0},
        {"2002-09-10T23:40:60Z", -7000}, /* a leap second */
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        int64_t ms = 0;
        CHECK_EQ(xy_time_parse(xy_str_from(good[i].text), &ms), XY_OK);
        CHECK_EQ(ms, nine_eleven + good[i].after);
    }
}

TEST(parse_refuses_the_rest)
{
    static const char *const bad[] = {
        "",
        "2002-09-10",
        "2002-09-10T23:41:07",
        "2002-09-10T23:41:07.Z",
        "2002-09-10T23:41:07Z ",
        " 2002-09-10T23:41:07Z",
        "2002-9-10T23:41:07Z",
        "20020910T23:41:07",
        "2002-09-10 23:41:07Z",
        "2002-00-10T23:41:07Z",
        "2002-13-10T23:41:07Z",
        "2002-04-31T23:41:07Z",
        "2002-02-29T23:41:07Z",
        "1900-02-29T23:41:07Z",
        "2002-09-00T23:41:07Z",
        "2002-09-10T24:00:00Z",
        "2002-09-10T23:60:07Z",
        "2002-09-10T23:41:61Z",
        "2002-09-10T23:41:07+0530",
        "2002-09-10T23:41:07+05:60",
        "2002-09-10T23:41:07+24:00",
        "2002-09-10T23:41:07z",
        "-002-09-10T23:41:07Z",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        int64_t ms = 77;
        CHECK_EQ(xy_time_parse(xy_str_from(bad[i]), &ms), XY_INVALID);
        CHECK_EQ(ms, 77);
    }
}

END_TESTS
