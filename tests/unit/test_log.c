/* SPDX-License-Identifier: MIT */
/* The log: both formats with strangers' bytes, rotation, limits on repetition, threads. */
#include "tests/unit/harness.h"

#include <jansson.h>
#include <pthread.h>
#include "core/base/base.h"

static char path[64], *lines[512];
static size_t line_count;

static void
begin(enum xy_level level, enum xyi_log_format format)
{
    xyi_clock_freeze(0);
    xyi_clock_advance(10000); /* no event of the case before counts */
    xyi_clock_freeze(1031701267000);
    xyi_log_scope = (struct xyi_log_scope){0};
    strcpy(path, "/tmp/xylem-test-log-XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    CHECK_EQ(xyi_log_configure(level, format, xy_str_from(path)), XY_OK);
}

static void
read_lines(void)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    CHECK(len == 0 || text[len - 1] == '\n');
    line_count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        lines[line_count++] = line;
}

static void
end(void)
{
    CHECK_EQ(xyi_log_configure(XY_LEVEL_INFO, XYI_LOG_TEXT, XY_NO_STR), XY_OK);
    unlink(path);
}

#define CHECK_LINE(n, text) CHECK_STR(xy_str_from(lines[n]), text)

TEST(text)
{
    begin(XY_LEVEL_INFO, XYI_LOG_TEXT);
    int64_t quota = -3;
    struct xy_str account = XY_STR("romeo@example.org");
    xy_info("offline.full", "quota reached", XY_F_INT(quota), XY_F_STR(account));
    xy_error("a.b", "nothing to add");
    xy_debug("not.wanted", "below the level");
    xyi_log_scope.host = XY_STR("example.org");
    xyi_log_scope.stream = XY_STR("c2s-17");
    const struct xy_field on = {.name = "on", .type = XY_FIELD_BOOL, .integer = 1};
    xy_log_fields(XY_LEVEL_WARN, "c.d", "scoped", &on, 1);
    read_lines();
    CHECK_EQ(line_count, 3);
    CHECK_LINE(0, "2002-09-10T23:41:07.000Z info   offline.full quota reached quota=-3 "
                  "account=romeo@example.org");
    CHECK_LINE(1, "2002-09-10T23:41:07.000Z error  a.b nothing to add");
    CHECK_LINE(2, "2002-09-10T23:41:07.000Z warn   c.d scoped host=example.org stream=c2s-17 "
                  "on=true");
    end();
}

static struct xy_str
some_module(void)
{
    return XY_STR("offline");
}

TEST(module_is_asked_for)
{
    begin(XY_LEVEL_INFO, XYI_LOG_TEXT);
    xyi_log_module = some_module;
    xy_info("a.b", "words");
    xyi_log_scope.module = XY_STR("roster");
    xy_info("a.b", "words");
    read_lines();
    CHECK_LINE(0, "2002-09-10T23:41:07.000Z info   a.b words module=offline");
    CHECK_LINE(1, "2002-09-10T23:41:07.000Z info   a.b words module=roster");
    xyi_log_module = NULL;
    end();
}

TEST(text_from_strangers_stays_one_line)
{
    begin(XY_LEVEL_INFO, XYI_LOG_TEXT);
    const char *values[] = {"a b",
                            "",
                            "a=b",
                            "say \"hi\"\\",
                            "x\n2002 forged",
                            "\x1b[31m",
                            "bad\xff\xc0\xaf",
                            "Zoë",
                            "\xc2\x85\xe2\x80\xa8",
                            "\x7f"};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        xy_info("a.b", "w", XY_F_CSTR_AS("v", values[i]));
    read_lines();
    const char *expected[] = {"\"a b\"",
                              "\"\"",
                              "\"a=b\"",
                              "\"say \\\"hi\\\"\\\\\"",
                              "\"x\\x0a2002 forged\"",
                              "\"\\x1b[31m\"",
                              "\"bad\\xff\\xc0\\xaf\"",
                              "\"Zoë\"",
                              "\"\\xc2\\x85\\xe2\\x80\\xa8\"",
                              "\"\\x7f\""};
    CHECK_EQ(line_count, sizeof(expected) / sizeof(*expected));
    for (size_t i = 0; i < line_count; i++)
        CHECK_STR(xy_str_from(strstr(lines[i], " v=") + 3), expected[i]);
    end();
}

static json_t *
parse(const char *line)
{
    json_error_t error;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        fprintf(stderr, "%s: %s\n", error.text, line);
    CHECK(object != NULL);
    return object;
}

static void
check_member(const char *line, const char *name, const char *text)
{
    json_t *object = parse(line);
    CHECK_STR(xy_str_from(json_string_value(json_object_get(object, name))), text);
    json_decref(object);
}

TEST(json)
{
    begin(XY_LEVEL_DEBUG, XYI_LOG_JSON);
    int64_t n = INT64_MIN;
    struct xy_str v =
        XY_STR("a\"\\\n\t\x01\xc2\x85\xe2\x80\xa9\xf0\x9f\x98\x80\xff\xed\xa0\x80");
    xy_debug("a.b", "say \"hi\"", XY_F_STR(v), XY_F_INT(n));
    read_lines();
    CHECK_EQ(line_count, 1);
    check_member(lines[0], "time", "2002-09-10T23:41:07.000Z");
    check_member(lines[0], "level", "debug");
    check_member(lines[0], "event", "a.b");
    check_member(lines[0], "message", "say \"hi\"");
    check_member(lines[0], "v", "a\"\\\n\t\x01\xc2\x85\xe2\x80\xa9\xf0\x9f\x98\x80����");
    json_t *object = parse(lines[0]);
    CHECK_EQ(json_integer_value(json_object_get(object, "n")), INT64_MIN);
    json_decref(object);
    end();
}

TEST(long_values_are_cut_and_json_stays_json)
{
    begin(XY_LEVEL_INFO, XYI_LOG_JSON);
    static char longest[5000];
    for (int fill = 0; fill < 4; fill++) {
        memset(longest, "a\x01\xff\xc3"[fill], sizeof(longest) - 1);
        for (int fields = 1; fields < 6; fields++) {
            struct xy_field field[6];
            const char *names[] = {"f0", "f1", "f2", "f3", "f4", "f5"};
            for (int i = 0; i < fields; i++)
                field[i] = XY_F_CSTR_AS(names[i], longest);
            field[fields] = XY_F_INT_AS("last", 7);
            xy_log_fields(XY_LEVEL_ERROR, "a.b", "w", field, (size_t)fields + 1);
        }
    }
    read_lines();
    CHECK_EQ(line_count, 20);
    for (size_t i = 0; i < line_count; i++) {
        json_t *object = parse(lines[i]);
        CHECK(strlen(lines[i]) < 4096);
        CHECK_EQ(json_integer_value(json_object_get(object, "last")),
                 7); /* short ones still fit */
        if (i % 5 == 4)
            CHECK(json_is_true(json_object_get(object, "cut")));
        json_decref(object);
    }
    end();
}

TEST(configuring_reopens_the_file_or_changes_nothing)
{
    begin(XY_LEVEL_INFO, XYI_LOG_TEXT);
    xy_info("a.b", "before");
    char rotated[80];
    snprintf(rotated, sizeof(rotated), "%s.1", path);
    CHECK(rename(path, rotated) == 0);
    xy_info("a.b", "still there");
    CHECK_EQ(xyi_log_configure(XY_LEVEL_INFO, XYI_LOG_TEXT, XY_STR("/nowhere/x.log")),
             XY_BROKEN);
    xy_info("a.b", "even so");
    CHECK_EQ(xyi_log_configure(XY_LEVEL_WARN, XYI_LOG_TEXT, xy_str_from(path)), XY_OK);
    xy_warn("a.b", "after");
    xy_info("a.b", "not wanted any more");
    read_lines();
    CHECK_EQ(line_count, 1);
    CHECK(strstr(lines[0], "after"));
    char fresh[sizeof(path)];
    strcpy(fresh, path);
    strcpy(path, rotated);
    read_lines();
    CHECK_EQ(line_count, 3);
    unlink(fresh);
    end();
}

TEST(a_flood_of_one_event_is_limited_and_accounted_for)
{
    begin(XY_LEVEL_INFO, XYI_LOG_TEXT);
    for (int i = 0; i < 50; i++)
        xy_warn("flood.a", "again");
    for (int i = 0; i < 25; i++)
        xy_error("flood.b", "errors are never left out");
    xyi_log_tick();
    read_lines();
    CHECK_EQ(line_count, 45);
    xyi_clock_advance(1000);
    xyi_log_scope.host = XY_STR("example.org");
    xyi_log_tick();
    xyi_log_tick();
    xy_warn("flood.a", "next second");
    read_lines();
    CHECK_EQ(line_count, 47);
    CHECK_LINE(45, "2002-09-10T23:41:08.000Z notice log.suppressed lines of one event left out "
                   "of=flood.a lines=30");
    CHECK(strstr(lines[46], "next second host=example.org"));
    end();
}

TEST(what_is_owed_is_told_with_any_later_line)
{
    begin(XY_LEVEL_INFO, XYI_LOG_TEXT);
    for (int i = 0; i < 21; i++)
        xy_info("flood.a", "again");
    xyi_clock_advance(5000);
    xy_info("other", "words");
    read_lines();
    CHECK_EQ(line_count, 22);
    CHECK(strstr(lines[20], "of=flood.a lines=1"));
    end();
}

TEST(many_events_at_once_are_all_written)
{
    begin(XY_LEVEL_INFO, XYI_LOG_TEXT);
    for (int i = 0; i < 400; i++) {
        char event[100];
        snprintf(event, sizeof(event), "event.%d.%070d", i % 300, i);
        xy_info(event, "words");
    }
    read_lines();
    CHECK_EQ(line_count, 400);
    end();
}

static void *
write_many(void *argument)
{
    for (int i = 0; i < 100; i++)
        xy_error("a.b", "words of some length", XY_F_INT_AS("thread", *(int *)argument),
                 XY_F_CSTR_AS("filler", "0123456789012345678901234567890123456789"));
    return NULL;
}

TEST(lines_of_threads_do_not_mix)
{
    begin(XY_LEVEL_INFO, XYI_LOG_JSON);
    pthread_t threads[4];
    int numbers[4] = {0, 1, 2, 3};
    for (int i = 0; i < 4; i++)
        CHECK(!pthread_create(&threads[i], NULL, write_many, &numbers[i]));
    for (int i = 0; i < 20; i++) /* rotated meanwhile */
        CHECK_EQ(xyi_log_configure(XY_LEVEL_INFO, XYI_LOG_JSON, xy_str_from(path)), XY_OK);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    read_lines();
    CHECK_EQ(line_count, 400);
    for (size_t i = 0; i < line_count; i++)
        json_decref(parse(lines[i]));
    end();
}

END_TESTS
