/* SPDX-License-Identifier: MIT */
/* Arguments of admin commands by their documentation, and how an answer is built. */
#include "core/server/server.h"
#include "tests/unit/harness.h"

static struct xyi_arena *arena;
static struct xy_command command;
static struct xy_command_row row;

static void
begin(const char *arguments)
{
    if (!arena)
        arena = xyi_arena_new(4096);
    xyi_temp_set(arena);
    row = (struct xy_command_row){.name = "noun verb", .arguments = arguments};
    command = (struct xy_command){.row = &row,
                                  .words = XY_STR("noun verb"),
                                  .fields = json_object(),
                                  .rows = json_array(),
                                  .notes = json_array()};
}

static void
finish(void)
{
    json_decref(command.fields);
    json_decref(command.rows);
    json_decref(command.notes);
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
    arena = NULL;
}

/* Words separated by '|', so that one may hold spaces. */
static xy_status
parse(const char *arguments, const char *given)
{
    if (arena)
        finish();
    begin(arguments);
    json_t *words = json_array();
    struct xy_str rest = xy_str_from(given);
    while (rest.at && *given) {
        struct xy_str word = xy_str_cut(&rest, '|');
        json_array_append_new(words, json_stringn(word.at, word.len));
    }
    /* The arguments point into the words: both live in the test. */
    xyi_arena_defer(arena, (void (*)(void *))json_decref, words);
    return xyi_arguments_parse(&command, words, 0, NULL);
}

static void
expect_error(const char *arguments, const char *given, const char *error)
{
    CHECK_EQ(parse(arguments, given), XY_INVALID);
    CHECK_STR(command.error, xy_temp_printf("%s; usage: xylemctl noun verb%s%s", error,
                                            arguments ? " " : "", arguments ? arguments : "")
                                 .at);
}

TEST(positional_arguments)
{
    CHECK_EQ(parse("JID [FILE]", "a@b"), XY_OK);
    CHECK_STR(xy_arg(&command, "JID"), "a@b");
    CHECK(!xy_arg(&command, "FILE").at);
    CHECK_EQ(parse("JID [FILE]", "a@b|x y"), XY_OK);
    CHECK_STR(xy_arg(&command, "FILE"), "x y");
    CHECK_EQ(parse(NULL, ""), XY_OK);
    expect_error("JID [FILE]", "", "missing: JID");
    expect_error("JID [FILE]", "a|b|c", "too many arguments: c");
    expect_error(NULL, "a", "too many arguments: a");
    finish();
}

TEST(options_and_flags)
{
    const char *arguments = "JID [--limit N] [--force]";
    CHECK_EQ(parse(arguments, "--limit|5|a|--force"), XY_OK);
    CHECK_STR(xy_arg(&command, "limit"), "5");
    CHECK_STR(xy_arg(&command, "JID"), "a");
    CHECK(xy_flag(&command, "force"));
    CHECK_EQ(parse(arguments, "a|--limit=7"), XY_OK);
    CHECK_STR(xy_arg(&command, "limit"), "7");
    CHECK(!xy_flag(&command, "force"));
    CHECK_EQ(parse(arguments, "a|--limit="), XY_OK);
    CHECK(xy_arg(&command, "limit").at && xy_arg(&command, "limit").len == 0);
    expect_error(arguments, "a|--limit", "a value is missing behind --limit");
    expect_error(arguments, "a|--force=yes", "takes no value: --force");
    expect_error(arguments, "a|--fource", "unknown option --fource (did you mean --force?)");
    expect_error(arguments, "a|--zzzzzz", "unknown option --zzzzzz");
    expect_error("JID --reason TEXT", "a", "missing: --reason");
    finish();
}

TEST(behind_two_dashes_all_is_words)
{
    CHECK_EQ(parse("JID [--force]", "--|--force"), XY_OK);
    CHECK_STR(xy_arg(&command, "JID"), "--force");
    CHECK(!xy_flag(&command, "force"));
    CHECK_EQ(parse("FILE", "-"), XY_OK);
    CHECK_STR(xy_arg(&command, "FILE"), "-");
    finish();
}

TEST(the_rest_of_the_line)
{
    CHECK_EQ(parse("HOST TEXT... [--all]", "h|one|two|--all|three"), XY_OK);
    CHECK_STR(xy_arg(&command, "TEXT"), "one two three");
    CHECK_STR(xy_arg(&command, "HOST"), "h");
    CHECK(xy_flag(&command, "all"));
    expect_error("HOST TEXT...", "h", "missing: TEXT");
    CHECK_EQ(parse("[TEXT...]", ""), XY_OK);
    finish();
}

TEST(options_as_an_object)
{
    begin("[--limit N] [--force]");
    json_t *words = json_array();
    json_t *options = json_pack("{s:i, s:b}", "limit", 5, "force", 1);
    CHECK_EQ(xyi_arguments_parse(&command, words, 0, options), XY_OK);
    CHECK_STR(xy_arg(&command, "limit"), "5");
    CHECK(xy_flag(&command, "force"));
    command.arguments_count = 0;
    json_object_set_new(options, "force", json_false());
    CHECK_EQ(xyi_arguments_parse(&command, words, 0, options), XY_OK);
    CHECK(!xy_flag(&command, "force"));
    command.arguments_count = 0;
    json_object_set_new(options, "force", json_string("yes"));
    CHECK_EQ(xyi_arguments_parse(&command, words, 0, options), XY_INVALID);
    json_decref(options);
    json_decref(words);
    finish();
}

TEST(an_answer_is_built)
{
    begin(NULL);
    xy_put_str(&command, "name", XY_STR("x"));
    xy_row(&command);
    xy_put_int(&command, "n", 1);
    xy_row(&command);
    xy_put_bool(&command, "b", true);
    xy_put_str(&command, "none", XY_NO_STR);
    xy_put_str(&command, "bytes", XY_STR("\xff"));
    xy_say(&command, "%d lines", 2);
    CHECK_EQ(xy_fail(&command, XY_ABSENT, "no %s", "such"), XY_ABSENT);
    CHECK_STR(command.error, "no such");
    char *rows = json_dumps(command.rows, JSON_COMPACT);
    CHECK_STR(xy_str_from(rows), "[{\"n\":1},{\"b\":true,\"none\":\"\",\"bytes\":\"ff\"}]");
    free(rows);
    CHECK_EQ(json_object_size(command.fields), 1);
    CHECK_STR(xyi_json_str(json_array_get(command.notes, 0)), "2 lines");
    finish();
}

TEST(exit_codes_are_stable)
{
    CHECK_EQ(xyi_exit_code(XY_OK), 0);
    CHECK_EQ(xyi_exit_code(XY_INVALID), 2);
    CHECK_EQ(xyi_exit_code(XY_ABSENT), 3);
    CHECK_EQ(xyi_exit_code(XY_CONFLICT), 4);
    CHECK_EQ(xyi_exit_code(XY_DENIED), 5);
    CHECK_EQ(xyi_exit_code(XY_BROKEN), 1);
    CHECK_EQ(xyi_exit_code(XY_UNSUPPORTED), 1);
}

static void
check_row(void *argument, const struct xy_command_row *at)
{
    size_t *count = argument;
    CHECK(at->name && at->about && at->handler);
    CHECK(at->about[strlen(at->about) - 1] == '.');
    *count += 1;
}

TEST(every_command_is_documented)
{
    size_t count = 0;
    xyi_each_core_command(check_row, &count);
    CHECK(count > 20);
}

TEST(every_default_is_a_value)
{
    begin(NULL);
    struct xyi_config config = {0};
    struct xy_diagnostics *said = xyi_diagnostics_new(arena);
    for (size_t i = 0; i < xyi_sections_count; i++)
        xyi_options_read(xyi_sections[i].table, NULL, xyi_top_keys, XY_STR("/base"), arena,
                         (char *)&config + xyi_sections[i].offset, said);
    CHECK_STR(xyi_diagnostics_text(said), "");
    CHECK_EQ(config.limits.stanza_bytes.bytes, 256 * 1024);
    CHECK_EQ(config.passwords.iterations, 4096);
    finish();
}

END_TESTS
