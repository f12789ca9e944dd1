/* SPDX-License-Identifier: MIT */
/* The YAML tree: places, what is refused, conf.d, "did you mean". */
#include <sys/stat.h>

#include "core/conf/conf.h"
#include "tests/unit/harness.h"

static struct xyi_arena *arena;
static struct xy_diagnostics *said;

static struct xyi_yaml *
parse(const char *text)
{
    arena = xyi_arena_new(1024);
    xyi_temp_set(arena);
    said = xyi_diagnostics_new(arena);
    return xyi_yaml_parse(arena, XY_STR("x.yaml"), xy_str_from(text), said);
}

static void
finish(void)
{
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
}

static void
expect_errors(const char *text, const char *errors)
{
    (void)parse(text);
    CHECK_STR(xyi_diagnostics_text(said), errors);
    finish();
}

TEST(keys_and_values_know_where_they_stand)
{
    struct xyi_yaml *root = parse("hosts: [a, 'b']\nlimits:\n  depth: 30\n");
    struct xyi_yaml *hosts = xyi_yaml_get(root, XY_STR("hosts"));
    CHECK(hosts && hosts->kind == XYI_YAML_LIST);
    CHECK_EQ(hosts->line, 1);
    CHECK_EQ(hosts->column, 8);
    CHECK_STR(hosts->first->text, "a");
    CHECK(!hosts->first->quoted);
    CHECK(hosts->first->next->quoted);
    CHECK(hosts->first->parent == hosts);
    struct xyi_yaml *depth =
        xyi_yaml_get(xyi_yaml_get(root, XY_STR("limits")), XY_STR("depth"));
    CHECK_STR(depth->text, "30");
    CHECK_EQ(depth->line, 3);
    CHECK_EQ(depth->column, 10);
    CHECK_EQ(depth->key_line, 3);
    CHECK_EQ(depth->key_column, 3);
    CHECK_STR(depth->file, "x.yaml");
    CHECK_EQ(xyi_errors(said), 0);
    finish();
}

TEST(columns_count_characters)
{
    struct xyi_yaml *root = parse("{ k\xc3\xbc: \xe2\x82\xac, b: 1 }");
    CHECK_EQ(xyi_yaml_get(root, XY_STR("b"))->key_column, 10);
    finish();
}

TEST(a_value_left_out_is_none)
{
    struct xyi_yaml *root = parse("modules:\nhost: ''\n");
    CHECK_EQ(xyi_yaml_get(root, XY_STR("modules"))->kind, XYI_YAML_NONE);
    CHECK_EQ(xyi_yaml_get(root, XY_STR("host"))->kind, XYI_YAML_SCALAR);
    CHECK(xyi_yaml_get(NULL, XY_STR("x")) == NULL);
    CHECK(xyi_yaml_get(xyi_yaml_get(root, XY_STR("host")), XY_STR("x")) == NULL);
    finish();
}

TEST(a_key_twice_names_both_places)
{
    expect_errors("port: 1\nlog: {}\nport: 2\n",
                  "x.yaml:3:1: `port` is set twice; the first is at x.yaml:1:1\n");
}

TEST(what_makes_files_unreadable_to_people_is_refused)
{
    expect_errors(
        "a: &x 1\nb: *x\n",
        "x.yaml:1:4: anchors (`&x`) are not supported: write the value where it is needed\n"
        "x.yaml:2:4: aliases (`*x`) are not supported: write the value where it is needed\n");
    expect_errors("*x : 1\n",
                  "x.yaml:1:1: aliases (`*x`) are not supported: write the value where "
                  "it is needed\n");
    expect_errors("a: !!int 1\n",
                  "x.yaml:1:4: tags (`tag:yaml.org,2002:int`) are not supported: "
                  "the option decides the type\n");
    expect_errors("a: 1\n---\nb: 2\n",
                  "x.yaml:2:1: a second document begins here; only one is read\n");
    expect_errors("? [a]\n: 1\n", "x.yaml:1:3: a key must be plain text\n");
    expect_errors("- a\n", "x.yaml:1:1: the file must be a map of `key: value` lines\n");
    expect_errors("text", "x.yaml:1:1: the file must be a map of `key: value` lines\n");
}

TEST(deep_nesting_ends)
{
    char text[400];
    memset(text, '[', sizeof(text) - 1);
    memcpy(text, "a: ", 3);
    text[sizeof(text) - 1] = 0;
    expect_errors(text, "x.yaml:1:35: nested more than 32 deep\n");
}

TEST(bytes_that_are_no_text_have_a_place)
{
    expect_errors("a: 1\nb: \xc3\xbc\xff\n", "x.yaml:2:5: not valid UTF-8 (0xff)\n");
    expect_errors("a: 1\nb: \x01\n",
                  "x.yaml:2:4: a control character is not allowed here (0x01)\n");
    expect_errors("a: \xc3", "x.yaml:1:4: not valid UTF-8 (0xc3)\n");
}

TEST(syntax_errors_give_no_tree)
{
    CHECK(parse("a: [1, 2\nb: 3\n") == NULL);
    CHECK_EQ(xyi_errors(said), 1);
    CHECK(xy_str_starts(xyi_diagnostics_text(said), XY_STR("x.yaml:2:2: not YAML: ")));
    finish();
    CHECK(parse("a: 1\n\tb: 2\n") == NULL);
    CHECK_EQ(xyi_errors(said), 1);
    finish();
}

TEST(comments_alone_are_an_empty_map)
{
    struct xyi_yaml *root = parse("# nothing\n");
    CHECK(root && root->kind == XYI_YAML_MAP && !root->first);
    CHECK_EQ(xyi_errors(said), 0);
    finish();
}

/* ---- files
 * ------------------------------------------------------------------------------------- */

static char folder[64];

static struct xy_str
write_file(const char *name, const char *text)
{
    struct xy_str path = xy_temp_printf("%s/%s", folder, name);
    FILE *file = fopen(path.at, "w");
    CHECK(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static void
begin_files(void)
{
    arena = xyi_arena_new(1024);
    xyi_temp_set(arena);
    said = xyi_diagnostics_new(arena);
    strcpy(folder, "/tmp/xyconfXXXXXX");
    CHECK(mkdtemp(folder));
}

static void
end_files(void)
{
    CHECK_EQ(system(xy_temp_printf("rm -r %s", folder).at), 0);
    finish();
}

TEST(a_folder_adds_to_the_file)
{
    begin_files();
    struct xy_str path = write_file("x.yaml", "hosts: [a]\nmodules: { ping: on }\nlog:\n");
    CHECK_EQ(mkdir(xy_temp_printf("%s/conf.d", folder).at, 0700), 0);
    write_file("conf.d/2.yaml", "modules:\n  roster: on\n");
    write_file("conf.d/1.yaml", "hosts: [b]\nlog: { level: debug }\nio_threads: 2\n");
    write_file("conf.d/3.yaml", "# all switched off\n");
    write_file("conf.d/.hidden.yaml", "x: 1\n");
    write_file("conf.d/note.txt", "x: 1\n");
    struct xyi_yaml *root = xyi_yaml_read(arena, path, said);
    CHECK_STR(xyi_diagnostics_text(said), "");
    CHECK_STR(xyi_yaml_get(root, XY_STR("hosts"))->first->next->text, "b");
    struct xyi_yaml *modules = xyi_yaml_get(root, XY_STR("modules"));
    struct xyi_yaml *roster = xyi_yaml_get(modules, XY_STR("roster"));
    CHECK(roster && roster->parent == modules);
    CHECK(xy_str_ends(roster->file, XY_STR("/conf.d/2.yaml")));
    struct xyi_yaml *log = xyi_yaml_get(root, XY_STR("log"));
    CHECK_STR(xyi_yaml_get(log, XY_STR("level"))->text, "debug");
    CHECK(xyi_yaml_get(log, XY_STR("level"))->parent == log);
    CHECK_STR(xyi_yaml_get(root, XY_STR("io_threads"))->text, "2");
    CHECK(!xyi_yaml_get(root, XY_STR("x")));
    end_files();
}

TEST(a_folder_cannot_change_the_file)
{
    begin_files();
    struct xy_str path = write_file("x.yaml", "port: 1\nlist: [a]\n");
    CHECK_EQ(mkdir(xy_temp_printf("%s/conf.d", folder).at, 0700), 0);
    write_file("conf.d/1.yaml", "port: 2\nlist: b\n");
    CHECK(xyi_yaml_read(arena, path, said));
    struct xy_str expected = xy_temp_printf("%s/conf.d/1.yaml:1:1: `port` is set already, at "
                                            "%s/x.yaml:1:1; a second file can only add "
                                            "to lists and maps\n"
                                            "%s/conf.d/1.yaml:2:1: `list` is set already, at "
                                            "%s/x.yaml:2:1; a second file can only add "
                                            "to lists and maps\n",
                                            folder, folder, folder, folder);
    CHECK_STR(xyi_diagnostics_text(said), expected.at);
    end_files();
}

static void
expect_unreadable(struct xy_str path, const char *error)
{
    said = xyi_diagnostics_new(arena);
    CHECK(!xyi_yaml_read(arena, path, said));
    CHECK_STR(xyi_diagnostics_text(said),
              xy_temp_printf(XY_FMT ": %s\n", XY_ARG(path), error).at);
}

TEST(files_that_cannot_be_read_say_why)
{
    begin_files();
    expect_unreadable(xy_temp_printf("%s/none.yaml", folder),
                      "cannot be read: No such file or directory");
    expect_unreadable(xy_str_from(folder), "is a directory, not a configuration file");
    CHECK_EQ(mkfifo(xy_temp_printf("%s/fifo", folder).at, 0600), 0);
    expect_unreadable(xy_temp_printf("%s/fifo", folder), "is not a regular file");
    struct xy_str big = write_file("big.yaml", "");
    CHECK_EQ(truncate(big.at, (4 << 20) + 1), 0);
    expect_unreadable(big, "is larger than 4 MiB; no configuration is");
    end_files();
}

TEST(an_empty_file_is_an_error)
{
    begin_files();
    struct xy_str path = write_file("x.yaml", "");
    CHECK(xyi_yaml_read(arena, path, said));
    CHECK_STR(xyi_diagnostics_text(said),
              xy_temp_printf("%s/x.yaml: has no configuration in it\n", folder).at);
    end_files();
}

/* ---- the rest
 * ---------------------------------------------------------------------------------- */

TEST(the_nearest_word_is_suggested)
{
    static const struct xy_str known[] = {XY_STR_INIT("quota"), XY_STR_INIT("keep_for"),
                                          XY_STR_INIT("plain"), XY_STR_INIT("on")};
    CHECK_STR(xyi_did_you_mean(XY_STR("qouta"), known, 4), "quota");
    CHECK_STR(xyi_did_you_mean(XY_STR("keepfor"), known, 4), "keep_for");
    CHECK_STR(xyi_did_you_mean(XY_STR("plian"), known, 4), "plain");
    CHECK_STR(xyi_did_you_mean(XY_STR("quot"), known, 4), "quota");
    CHECK_STR(xyi_did_you_mean(XY_STR("quotasxx"), known, 4), "");
    CHECK_STR(xyi_did_you_mean(XY_STR("xy"), known, 4), "");
    CHECK_STR(xyi_did_you_mean(XY_STR(""), known, 4), "");
}

TEST(diagnostics_stand_in_the_order_of_lines_and_once)
{
    struct xyi_yaml *root = parse("a: 1\nb: 2\n");
    xyi_complain_at(said, xyi_yaml_get(root, XY_STR("b")), "second");
    xyi_complain_at(said, xyi_yaml_get(root, XY_STR("a")), "first");
    xyi_complain_at(said, xyi_yaml_get(root, XY_STR("b")), "second");
    xyi_caution_at(said, xyi_yaml_get(root, XY_STR("b")), "second");
    xyi_diagnostics_aim(said, root);
    xy_complain(said, "a", "is %d", 1);
    xy_complain(said, "c", "is missing");
    CHECK_STR(xyi_diagnostics_text(said), "x.yaml:1:1: c: is missing\n"
                                          "x.yaml:1:4: first\n"
                                          "x.yaml:1:4: a: is 1\n"
                                          "x.yaml:2:4: second\n"
                                          "x.yaml:2:4: caution: second\n");
    CHECK_EQ(xyi_errors(said), 4);
    finish();
}

END_TESTS
