/* SPDX-License-Identifier: MIT */
/* Option tables: every type, its range and its errors; text, difference and documents. */
#include "core/conf/conf.h"
#include "core/xml/xml.h"
#include "tests/unit/harness.h"

#include <jansson.h>

struct sample {
    bool plain;
    int64_t quota, level;
    struct xy_str name;
    xy_duration keep_for;
    xy_size bytes;
    xy_rate rate;
    xy_choice who;
    xy_secret password;
    xy_path file;
    xy_list hosts;
};
#define ROW(field, ...) XY_OPTION_IN(sample, field, __VA_ARGS__)

static const struct xy_option rows[] = {
    ROW(plain, .initial = "on", .doc = "Whether."),
    ROW(quota, .initial = "100", .max = 1000, .none = true, .doc = "How many."),
    ROW(level, .initial = "0", .min = -128, .max = 127, .effect = XY_REPLACE),
    ROW(name, .initial = "", .effect = XY_RESTART, .doc = "A name: anything."),
    ROW(keep_for, .initial = "30 days", .min = 60000, .none = true),
    ROW(bytes, .initial = "64 KiB", .min = 1024, .max = 1 << 20),
    ROW(rate, .initial = "25/s burst 100", .none = true),
    ROW(who, .initial = "always", .choices = "always|never|roster", .effect = XY_RECONNECT),
    ROW(password, .initial = ""),
    ROW(file, .initial = "data/x"),
    ROW(hosts, .initial = "[a, b]"),
};
static const struct xyi_option_table table = {rows, sizeof(rows) / sizeof(rows[0])};

static struct xyi_arena *arena;
static struct xy_diagnostics *said;

static struct sample
read_sample(const char *text)
{
    static const char *const known[] = {"elsewhere", NULL};
    struct sample sample = {0};
    if (!arena)
        arena = xyi_arena_new(4096);
    xyi_temp_set(arena);
    said = xyi_diagnostics_new(arena);
    struct xyi_yaml *map = xyi_yaml_parse(arena, XY_STR("x.yaml"), xy_str_from(text), said);
    xyi_options_read(table, map, known, XY_STR("/base"), arena, &sample, said);
    return sample;
}

static void
finish(void)
{
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
    arena = NULL;
}

static void
expect_error(const char *text, const char *error)
{
    (void)read_sample(text);
    CHECK_STR(xyi_diagnostics_text(said), xy_temp_printf("x.yaml:%s\n", error).at);
}

TEST(defaults_fill_every_field)
{
    struct sample s = read_sample("");
    CHECK_STR(xyi_diagnostics_text(said), "");
    CHECK(s.plain);
    CHECK_EQ(s.quota, 100);
    CHECK_EQ(s.level, 0);
    CHECK_STR(s.name, "");
    CHECK_EQ(s.keep_for.ms, 30LL * 86400000);
    CHECK_EQ(s.bytes.bytes, 65536);
    CHECK_EQ(s.rate.per_second_milli, 25000);
    CHECK_EQ(s.rate.burst, 100);
    CHECK_EQ(s.who.index, 0);
    CHECK_STR(s.file.path, "/base/data/x");
    CHECK_EQ(s.hosts.count, 2);
    CHECK_STR(s.hosts.at[1], "b");
    finish();
}

TEST(values_are_read)
{
    struct sample s =
        read_sample("plain: No\nquota: none\nlevel: -5\nname: 'on'\nkeep_for: none\n"
                    "bytes: 2048\nrate: 100/min\nwho: roster\npassword: secret\n"
                    "file: /etc/x\nhosts: one\nelsewhere: [x]\n");
    CHECK_STR(xyi_diagnostics_text(said), "");
    CHECK(!s.plain);
    CHECK_EQ(s.quota, XY_NONE);
    CHECK_EQ(s.level, -5);
    CHECK_STR(s.name, "on");
    CHECK_EQ(s.keep_for.ms, XY_NONE);
    CHECK_EQ(s.bytes.bytes, 2048);
    CHECK_EQ(s.rate.per_second_milli, 1667);
    CHECK_EQ(s.rate.burst, 100);
    CHECK_EQ(s.who.index, 2);
    CHECK_STR(s.password.text, "secret");
    CHECK_STR(s.file.path, "/etc/x");
    CHECK_EQ(s.hosts.count, 1);
    CHECK_STR(s.hosts.at[0], "one");
    finish();
}

static int64_t
duration(const char *text)
{
    struct sample s = read_sample(xy_str_from(text).at);
    CHECK_EQ(xyi_errors(said), 0);
    return s.keep_for.ms;
}

TEST(durations_have_units)
{
    CHECK_EQ(duration("keep_for: 90000 ms"), 90000);
    CHECK_EQ(duration("keep_for: 90s"), 90000);
    CHECK_EQ(duration("keep_for: 5 min"), 300000);
    CHECK_EQ(duration("keep_for: 2 h"), 7200000);
    CHECK_EQ(duration("keep_for: 1 day"), 86400000);
    CHECK_EQ(duration("keep_for: 1 week"), 604800000);
    expect_error("keep_for: 30",
                 "1:11: keep_for: `30` needs a unit: 30 s, 30 min, 30 h or 30 days, "
                 "or `none`");
    expect_error("keep_for: 5 parsecs",
                 "1:11: keep_for: `5 parsecs` is not a duration such as 200 "
                 "ms, 30 s, 5 min, 2 h or 90 days, or `none`");
    expect_error("keep_for: -5 s",
                 "1:11: keep_for: `-5 s` is not a duration such as 200 ms, 30 s, "
                 "5 min, 2 h or 90 days, or `none`");
    expect_error(
        "keep_for: 99999999999999999 days",
        "1:11: keep_for: `99999999999999999 days` is too large: use a smaller one, or `none`");
    CHECK_EQ(duration("keep_for: 365000 days"), 365000 * INT64_C(86400000));
    expect_error("keep_for: 365001 days",
                 "1:11: keep_for: `365001 days` is too long: at most 365000 days, or `none`");
    expect_error(
        "keep_for: 9223372036854775807 ms",
        "1:11: keep_for: `9223372036854775807 ms` is too long: at most 365000 days, or "
        "`none`");
    expect_error("keep_for: 5 s", "1:11: keep_for: must be at least 1 min, not 5 s");
    finish();
}

TEST(sizes_rates_and_numbers)
{
    CHECK_EQ(read_sample("bytes: 10 kB").bytes.bytes, 10000);
    CHECK_EQ(read_sample("bytes: 10 KiB").bytes.bytes, 10240);
    CHECK_EQ(read_sample("bytes: 1 MiB").bytes.bytes, 1 << 20);
    CHECK_EQ(read_sample("rate: 25/s").rate.burst, 25);
    CHECK_EQ(read_sample("rate: none").rate.per_second_milli, XY_NONE);
    CHECK_EQ(read_sample("rate: 1/min burst 3").rate.per_second_milli, 17);
    CHECK_EQ(xyi_errors(said), 0);
    expect_error("bytes: 2 MiB", "1:8: bytes: must be between 1 KiB and 1 MiB, not 2 MiB");
    expect_error("bytes: 10 K",
                 "1:8: bytes: `10 K` is not a size such as 262144, 64 kB, 10 KiB or "
                 "1 MiB");
    expect_error("rate: 25",
                 "1:7: rate: `25` is not a rate such as 25/s, 100/min or 25/s burst "
                 "200, or `none`");
    expect_error("rate: 0/s",
                 "1:7: rate: `0/s` is not a rate such as 25/s, 100/min or 25/s burst "
                 "200, or `none`");
    expect_error("quota: many", "1:8: quota: `many` is not a whole number, or `none`");
    expect_error("quota: 1001", "1:8: quota: must be between 0 and 1000, not 1001");
    expect_error("quota: -1", "1:8: quota: must be between 0 and 1000, not -1");
    expect_error("level: none", "1:8: level: `none` is not a whole number");
    expect_error("level: 200", "1:8: level: must be between -128 and 127, not 200");
    finish();
}

TEST(wrong_kinds_and_words_are_named)
{
    expect_error("plain: maybe", "1:8: plain: must be on or off, not `maybe`");
    expect_error("plain: [on]", "1:8: plain: must be a single value, not a list");
    expect_error("plain: {on: 1}", "1:8: plain: must be a single value, not a map");
    expect_error("plain:", "1:7: plain: has no value");
    expect_error("plain: ''", "1:8: plain: has no value");
    expect_error("hosts: {a: b}", "1:8: hosts: must be a list, not a map");
    expect_error("hosts: [a, [b]]", "1:12: hosts: each entry must be a text");
    expect_error("who: alwasy", "1:6: who: `alwasy` is not known; did you mean `always`?");
    expect_error("who: bob", "1:6: who: must be one of always, never, roster, not `bob`");
    expect_error("qouta: 1", "1:1: unknown option `qouta`; did you mean `quota`?");
    expect_error("elsewher: 1", "1:1: unknown option `elsewher`; did you mean `elsewhere`?");
    expect_error("nothing_like_it: 1", "1:1: unknown option `nothing_like_it`");
    expect_error("file: \"a\\0b\"", "1:7: file: a path cannot contain a NUL");
    finish();
}

TEST(all_errors_come_at_once_and_defaults_stay)
{
    struct sample s = read_sample("quota: 5000\nqouta: 1\nkeep_for: 1\nwho: x\n");
    CHECK_EQ(xyi_errors(said), 4);
    CHECK_EQ(s.quota, 100);
    CHECK_EQ(s.keep_for.ms, 30LL * 86400000);
    finish();
}

struct room {
    const struct xy_jid *host, *owner;
};

TEST(addresses_are_prepared_and_let_go)
{
    static const struct xy_option addresses[] = {
        XY_OPTION_IN(room, host, .initial = "a.test"),
        XY_OPTION_IN(room, owner, .initial = ""),
    };
    const struct xyi_option_table pair = {addresses, 2};
    struct room room = {0}, same = {0};
    enum xy_effect effect;
    arena = xyi_arena_new(1024);
    xyi_temp_set(arena);
    xyi_jids_init();
    said = xyi_diagnostics_new(arena);
    struct xyi_yaml *map = xyi_yaml_parse(arena, XY_STR("x.yaml"),
                                          XY_STR("host: ROOMS.test\nowner: a@b@c\n"), said);
    xyi_options_read(pair, map, NULL, XY_STR("/"), arena, &room, said);
    CHECK_STR(xyi_diagnostics_text(said), "x.yaml:2:8: owner: `a@b@c` is not a JID\n");
    CHECK_STR(xyi_option_text(&addresses[0], &room), "rooms.test");
    CHECK_STR(xyi_option_text(&addresses[1], &room), "\"\"");
    CHECK(!room.owner);
    xyi_options_read(pair, NULL, NULL, XY_STR("/"), arena, &same, said);
    CHECK(xyi_options_differ(pair, &room, &same, &effect));
    xyi_options_read(pair, NULL, NULL, XY_STR("/"), arena, &room, said);
    CHECK(!xyi_options_differ(pair, &room, &same, &effect));
    xyi_options_release(pair, &room);
    xyi_options_release(pair, &same);
    CHECK(!room.host);
    finish();
    xyi_epoch_end();
    CHECK_EQ(xyi_jids_count(), 0);
    xyi_jids_end();
}

TEST(a_map_must_be_a_map)
{
    struct sample s = {0};
    arena = xyi_arena_new(1024);
    xyi_temp_set(arena);
    said = xyi_diagnostics_new(arena);
    struct xyi_yaml *root =
        xyi_yaml_parse(arena, XY_STR("x.yaml"), XY_STR("a: [1]\nb:\n"), said);
    xyi_options_read(table, xyi_yaml_get(root, XY_STR("a")), NULL, XY_STR("/"), arena, &s,
                     said);
    CHECK_STR(xyi_diagnostics_text(said),
              "x.yaml:1:4: must be a map of options, such as { key: value }\n");
    said = xyi_diagnostics_new(arena);
    xyi_options_read(table, xyi_yaml_get(root, XY_STR("b")), NULL, XY_STR("/"), arena, &s,
                     said);
    CHECK_EQ(xyi_errors(said), 0);
    CHECK_EQ(s.quota, 100);
    finish();
}

/* ---- groups ---------------------------------------------------------------------------- */

struct house {
    bool open;
    struct {
        bool light;
        int64_t beds;
    } room;
};
static const struct xy_option house_rows[] = {
    XY_OPTION_IN(house, open, .initial = "on", .doc = "Whether."),
    XY_OPTION_GROUP_ROW("room", "What a room has."),
    XY_OPTION_IN(house, room.light, .initial = "on", .doc = "Light."),
    XY_OPTION_IN(house, room.beds, .initial = "2", .min = 1, .max = 9, .effect = XY_REPLACE,
                 .doc = "Beds."),
};
static const struct xyi_option_table house_table = {house_rows, 4};

static struct house
read_house(const char *text)
{
    struct house house = {0};
    if (!arena)
        arena = xyi_arena_new(4096);
    xyi_temp_set(arena);
    said = xyi_diagnostics_new(arena);
    struct xyi_yaml *map = xyi_yaml_parse(arena, XY_STR("x.yaml"), xy_str_from(text), said);
    xyi_options_read(house_table, map, NULL, XY_STR("/"), arena, &house, said);
    xyi_diagnostics_aim(said, map);
    return house;
}

TEST(a_group_is_a_map_within_the_map)
{
    struct house house = read_house("room: { beds: 3 }");
    CHECK_STR(xyi_diagnostics_text(said), "");
    CHECK(house.open && house.room.light);
    CHECK_EQ(house.room.beds, 3);
    house = read_house("room: {}");
    CHECK_EQ(house.room.beds, 2);
    house = read_house("open: off");
    CHECK_EQ(house.room.beds, 2);
    finish();
}

static void
expect_house_error(const char *text, const char *error)
{
    struct house house = read_house(text);
    CHECK_STR(xyi_diagnostics_text(said), xy_temp_printf("x.yaml:%s\n", error).at);
    CHECK_EQ(house.room.beds, 2);
}

TEST(errors_in_a_group_name_the_member)
{
    expect_house_error("room: { beds: 10 }",
                       "1:15: room.beds: must be between 1 and 9, not 10");
    expect_house_error("room: { bed: 1 }", "1:9: unknown option `bed`; did you mean `beds`?");
    expect_house_error("rom: { beds: 1 }", "1:1: unknown option `rom`; did you mean `room`?");
    expect_house_error("room: on",
                       "1:7: room: must be a map of options, such as { key: value }");
    expect_house_error("room: [beds]",
                       "1:7: room: must be a map of options, such as { key: value }");
    /* neither a member outside of its map, nor a name with a dot, nor others inside */
    expect_house_error("beds: 3", "1:1: unknown option `beds`");
    expect_house_error("room.beds: 3", "1:1: unknown option `room.beds`");
    expect_house_error("room: { open: on }", "1:9: unknown option `open`");
    (void)read_house("room: { beds: 3 }");
    xy_complain(said, "room.beds", "too many");
    CHECK_STR(xyi_diagnostics_text(said), "x.yaml:1:15: room.beds: too many\n");
    finish();
}

TEST(members_of_a_group_differ)
{
    enum xy_effect effect;
    struct house before = read_house(""), after = read_house("room: { beds: 3 }");
    CHECK(xyi_options_differ(house_table, &before, &after, &effect) && effect == XY_REPLACE);
    after = read_house("room: { beds: 2 }");
    CHECK(!xyi_options_differ(house_table, &before, &after, &effect));
    finish();
}

TEST(groups_are_documented)
{
    struct house initial = read_house("");
    struct xy_str text = xyi_options_defaults(house_table, 0);
    CHECK(strstr(text.at, "# What a room has.\n# (map of the options that follow)\nroom:\n"
                          "  # Light.\n"));
    CHECK(strstr(text.at, "\n  beds: 2\n"));
    struct house again = read_house(xy_temp_cstr(text));
    CHECK_STR(xyi_diagnostics_text(said), "");
    enum xy_effect effect;
    CHECK(!xyi_options_differ(house_table, &initial, &again, &effect));
    text = xyi_options_man(house_table);
    CHECK(strstr(text.at, ".TP\n\\fBroom\\fR\nWhat a room has.\n"));
    CHECK(strstr(text.at, ".TP\n\\fBroom.beds\\fR: \\fI2\\fR\n"));
    text = xyi_options_schema(house_table);
    json_t *schema = json_loadb(text.at, text.len, 0, NULL);
    json_t *room = json_object_get(json_object_get(schema, "properties"), "room");
    CHECK_EQ(json_object_size(json_object_get(schema, "properties")), 2);
    CHECK(json_is_false(json_object_get(room, "additionalProperties")));
    json_t *beds = json_object_get(json_object_get(room, "properties"), "beds");
    CHECK_EQ(json_integer_value(json_object_get(beds, "maximum")), 9);
    json_decref(schema);
    finish();
}

TEST(required_options_are_asked_for)
{
    static const struct xy_option required[] = {ROW(name, .doc = "x")};
    struct sample s = {0};
    arena = xyi_arena_new(1024);
    xyi_temp_set(arena);
    said = xyi_diagnostics_new(arena);
    struct xyi_yaml *root = xyi_yaml_parse(arena, XY_STR("x.yaml"), XY_STR("m: {}\n"), said);
    struct xyi_option_table one = {required, 1};
    xyi_options_read(one, xyi_yaml_get(root, XY_STR("m")), NULL, XY_STR("/"), arena, &s, said);
    xyi_options_read(one, NULL, NULL, XY_STR("/"), arena, &s, said);
    CHECK_STR(xyi_diagnostics_text(said), "x.yaml: name: is required\n"
                                          "x.yaml:1:1: name: is required\n");
    finish();
}

static const char written[] =
    "plain: off\nquota: none\nlevel: -7\nname: \"a: #\\\"\\\\\"\nkeep_for: 90 min\nbytes: 1500 "
    "B\n"
    "rate: 100/min\nwho: never\nfile: /x y\nhosts: [a, \"\\u0001\\u0085\\u2028é\", \"no: \"]\n";

static const struct xy_option *
row_of(const char *name)
{
    for (size_t i = 0; i < table.count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    CHECK(false);
    return NULL;
}

TEST(text_reads_back_as_the_value)
{
    struct sample s = read_sample(written);
    CHECK_STR(xyi_diagnostics_text(said), "");
    struct xy_buffer text = {0};
    for (size_t i = 0; i < table.count; i++)
        if (rows[i].type != XY_OPTION_SECRET)
            xy_buffer_printf(&text, "%s: " XY_FMT "\n", rows[i].name,
                             XY_ARG(xyi_option_text(&rows[i], &s)));
    CHECK_STR(xy_buffer_str(&text), written);
    struct sample again = read_sample(text.text);
    enum xy_effect effect;
    CHECK(!xyi_options_differ(table, &s, &again, &effect));
    CHECK_STR(xyi_option_text(row_of("password"), &s), "\"\"");
    s = read_sample("password: hunter2");
    CHECK_STR(xyi_option_text(row_of("password"), &s), "(set)");
    finish();
}

TEST(the_strongest_difference_counts)
{
    enum xy_effect effect;
    struct sample before = read_sample(""), after = read_sample("");
    CHECK(!xyi_options_differ(table, &before, &after, &effect));
    after = read_sample("quota: 1");
    CHECK(xyi_options_differ(table, &before, &after, &effect) && effect == XY_LIVE);
    after = read_sample("quota: 1\nwho: never");
    CHECK(xyi_options_differ(table, &before, &after, &effect) && effect == XY_RECONNECT);
    after = read_sample("quota: 1\nwho: never\nlevel: 3");
    CHECK(xyi_options_differ(table, &before, &after, &effect) && effect == XY_REPLACE);
    after = read_sample("name: x\nwho: never\nlevel: 3");
    CHECK(xyi_options_differ(table, &before, &after, &effect) && effect == XY_RESTART);
    before = read_sample("password: a");
    after = read_sample("password: b");
    CHECK(xyi_options_differ(table, &before, &after, &effect) && effect == XY_LIVE);
    finish();
}

TEST(written_defaults_are_the_defaults)
{
    struct sample initial = read_sample("");
    struct xy_str text = xyi_options_defaults(table, 0);
    CHECK(strstr(text.at,
                 "# How many.\n# (number, at most 1000, or none; changes live at a reload)\n"
                 "quota: 100\n"));
    struct sample again = read_sample(xy_temp_cstr(text));
    CHECK_STR(xyi_diagnostics_text(said), "");
    enum xy_effect effect;
    CHECK(!xyi_options_differ(table, &initial, &again, &effect));
    CHECK(strstr(xyi_options_defaults(table, 4).at, "\n    quota: 100\n"));
    finish();
}

TEST(the_manual_escapes_roff)
{
    (void)read_sample("");
    static const struct xy_option odd[] = {ROW(name, .initial = "", .doc = ".a \\ b-c")};
    struct xy_str text = xyi_options_man((struct xyi_option_table){odd, 1});
    CHECK_STR(text,
              ".TP\n\\fBname\\fR: \\fI\"\"\\fR\n\\&.a \\e b\\-c\n(text; changes live at a "
              "reload)\n");
    finish();
}

TEST(the_schema_is_json)
{
    (void)read_sample("");
    struct xy_str text = xyi_options_schema(table);
    json_t *schema = json_loadb(text.at, text.len, 0, NULL);
    CHECK(schema);
    json_t *properties = json_object_get(schema, "properties");
    CHECK_EQ(json_object_size(properties), table.count);
    json_t *who = json_object_get(json_object_get(properties, "who"), "enum");
    CHECK_EQ(json_array_size(who), 3);
    CHECK(json_is_false(json_object_get(schema, "additionalProperties")));
    json_decref(schema);
    finish();
}

END_TESTS
