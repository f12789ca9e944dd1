/* SPDX-License-Identifier: MIT */
/* Loading: the gates in order, each with its own words; the modules map; options; private
 * copies. */
#include <fcntl.h>

#include "core/store/store.h"
#include "tests/unit/bus.h"

/* ---- tools ------------------------------------------------------------------------------ */

static void run(const char *format, ...) XY_PRINTF(1, 2);
static void
run(const char *format, ...)
{
    char command[1024] = "cd ";
    strcat(strcat(command, place), " && ");
    va_list arguments;
    va_start(arguments, format);
    size_t len = strlen(command);
    vsnprintf(command + len, sizeof(command) - len, format, arguments);
    va_end(arguments);
    shell(command);
}

/* Overwrites every `from` in a file with `to`, of the same length. */
static void
patch(const char *file, const char *from, const char *to)
{
    int fd = open(path_of(file), O_RDWR);
    struct stat found;
    CHECK(fd >= 0 && fstat(fd, &found) == 0 && strlen(from) == strlen(to));
    char *bytes = malloc((size_t)found.st_size);
    CHECK(read(fd, bytes, (size_t)found.st_size) == found.st_size);
    unsigned patched = 0;
    for (char *at = bytes, *end = bytes + found.st_size;
         (at = memmem(at, (size_t)(end - at), from, strlen(from)));) {
        memcpy(at, to, strlen(to));
        patched++;
    }
    CHECK(patched > 0 && pwrite(fd, bytes, (size_t)found.st_size, 0) == found.st_size);
    free(bytes);
    close(fd);
}

static bool
refused(const char *module, const char *because)
{
    bool fine = !change(xy_temp_cstr(xy_temp_printf("modules: { %s: on }", module))) &&
                complained(because) && !xyi_bus_live;
    turns(3);
    return fine && (!unmaps() || copies() == 0);
}

static bool
refused_variant(const char *variant, const char *because)
{
    put(variant);
    return refused("misfit", because);
}

/* ---- gates ------------------------------------------------------------------------------ */

TEST(gate_1_the_file)
{
    begin();
    run("mkdir modules/folder.so && mkfifo modules/pipe.so");
    CHECK(refused("folder", "modules/folder.so is not a regular file"));
    CHECK(refused("pipe", "modules/pipe.so is not a regular file"));
    put("plain-1");
    run("chmod 0646 modules/plain.so");
    CHECK(refused("plain",
                  "modules/plain.so can be changed by others: its mode is 0646; wanted: 0644"));
    put("plain-1");
    if (geteuid() == 0) {
        CHECK(chown(path_of("plain.so"), 12345, 12345) == 0);
        CHECK(refused(
            "plain", "modules/plain.so belongs to uid 12345; wanted: root or the server's user "
                     "(uid 0)"));
        put("plain-1");
        CHECK(chown(path_of("plain.so"), 0, 12345) == 0 &&
              chmod(path_of("plain.so"), 0664) == 0);
        CHECK(refused("plain", "can be changed by others"));
    }
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    finish();
}

TEST(gate_2_what_the_linker_sees)
{
    begin();
    run("echo 'no library' > modules/misfit.so");
    CHECK(refused("misfit", "modules/misfit.so is no shared object of this machine"));
    run("head -c 3000 %s/plain-1.so > modules/misfit.so", built);
    CHECK(refused("misfit", "modules/misfit.so is truncated"));
    run("head -c 100 %s/plain-1.so > modules/misfit.so", built);
    CHECK(refused("misfit", "modules/misfit.so is truncated"));
    run(": > modules/misfit.so");
    CHECK(refused("misfit", "modules/misfit.so is no shared object"));
    CHECK(refused_variant("misfit-8",
                          "modules/misfit.so uses what only the core may (XYLEM_PRIVATE): "
                          "xyi_random"));
    put("plain-1");
    patch("plain.so", "XYLEM_1.0", "XYLEM_1.9");
    CHECK(refused("plain", "modules/plain.so needs a newer xylem: wanted XYLEM_1.9 (for xy_"));
    CHECK(complained("), found XYLEM_1.0"));
    put("plain-1");
    patch("plain.so", "libxylem.so.1", "libxylem.so.2");
    CHECK(refused("plain",
                  "modules/plain.so is built for another xylem: wanted libxylem.so.2, found "
                  "libxylem.so.1"));
    put("plain-1");
    patch("plain.so", "xy_map_new", "xy_nap_new");
    CHECK(refused("plain", "modules/plain.so does not load: "));
    CHECK(complained("undefined symbol: xy_nap_new") && !strstr(complaints, "private"));
    finish();
}

/* Whatever is cut off or damaged in the parts we read, the process lives. */
TEST(gate_2_survives_damage)
{
    begin();
    struct xyi_image image;
    struct xy_str why;
    CHECK(xyi_image_read(&image, xy_temp_printf("%s/plain-1.so", built), &why));
    CHECK(xyi_elf_check(&image, &why));
    char *bytes = (char *)(uintptr_t)image.bytes.at;
    size_t whole = image.bytes.len;
    for (size_t len = 0; len < whole; len += len < 512 ? 1 : 997) {
        char *part = malloc(len + 1); /* so that ASan sees a step beyond */
        memcpy(part, bytes, len);
        image.bytes = xy_str_of(part, len);
        (void)xyi_elf_check(&image, &why);
        free(part);
    }
    unsigned seed = 1;
    for (int round = 0; round < 3000; round++) {
        char *damaged = malloc(whole);
        memcpy(damaged, bytes, whole);
        for (int i = 0; i < 4; i++) {
            seed = seed * 1103515245u + 12345u;
            damaged[seed / 16 % (round % 2 ? 2048 : whole)] = (char)(seed >> 8);
        }
        image.bytes = xy_str_of(damaged, whole);
        (void)xyi_elf_check(&image, &why);
        free(damaged);
    }
    image.bytes = xy_str_of(bytes, whole);
    xyi_image_close(&image);
    finish();
}

TEST(gate_3_the_constant)
{
    begin();
    CHECK(refused_variant(
        "misfit-1", "modules/misfit.so: it exports no xy_module: is it a module of xylem?"));
    CHECK(refused_variant("misfit-2",
                          "its xy_module is no module: found magic 00000001, wanted 6d6c7978"));
    CHECK(refused_variant("misfit-3", "it was built for ABI 2.0, wanted 1.0"));
    finish();
}

TEST(gate_4_the_size)
{
    begin();
    CHECK(refused_variant(
        "misfit-4", "it uses fields this xylem does not know: its struct xy_module has "));
    CHECK(complained("bytes (ABI 1.7), ours "));
    CHECK(refused_variant("misfit-14",
                          "its struct xy_module says it has 1073741824 bytes, wanted "));
    put("misfit-5"); /* larger, but asks for nothing new */
    CHECK(change("modules: { misfit: on }"));
    put("misfit-6"); /* smaller: what it does not have is not read */
    CHECK(change("modules: { misfit: on }"));
    CHECK_EQ(xyi_bus_live->wants.at[0].chosen->module->commands_count, 0);
    finish();
}

TEST(gate_5_name_needs_and_tables)
{
    begin();
    CHECK(refused_variant("misfit-7",
                          "it calls itself stranger, wanted misfit, the name of its file"));
    CHECK(refused_variant(
        "misfit-13", "test.yaml:1:20: module misfit@example.org needs nobody, which is off"));
    CHECK(refused_variant("misfit-10",
                          "row 1 of its table hooks has no name, signature or handler"));
    CHECK(refused_variant("misfit-16",
                          "row 1 of its table options has no row of its group before it"));
    CHECK(refused_variant("misfit-11",
                          "its option count lies outside of its state of 0 bytes: is "
                          "XY_STATE_SIZE missing?"));
    finish();
}

TEST(gate_6_hooks)
{
    begin();
    CHECK(refused_variant(
        "misfit-9", "module misfit: handler was built for another session_opened: wanted (of "
                    "the core) `EVENT (struct xy_session *session)`, found `EVENT (struct "
                    "xy_session *session, int flags)`"));
    CHECK(refused_variant("misfit-12",
                          ", which is the core's hook: XY_HOOKS_HERE goes behind #include"));
    finish();
}

#ifndef XYI_SANITIZED
TEST(house_rules_broken_are_cautions)
{
    begin();
    put("misfit-15");
    CHECK(change("modules: { misfit: on }"));
    CHECK(complained("test.yaml:1:20: caution: module misfit has thread-local data; see "
                     "scripts/check-module"));
    finish();
}
#endif

TEST(gate_7_options)
{
    begin();
    put("plain-1");
    CHECK(!change("modules: { plain: { quota: many, dept: 2 } }") &&
          complained("test.yaml:1:28: quota: "));
    CHECK(complained("test.yaml:1:34: unknown option `dept`; did you mean `depth`?"));
    CHECK(!change("modules: { plain: { quota: 666 } }"));
    CHECK(complained("test.yaml:1:28: quota: is forbidden") && !xyi_bus_live);
    finish();
}

TEST(every_error_is_told_at_once)
{
    begin();
    put("plain-1");
    put("misfit-3");
    put("first-4");
    CHECK(!change("modules: { plain: { quota: -1 }, misfit: on, nobody: on, first: on }"));
    CHECK(complained("quota: ") && complained("ABI 2.0") &&
          complained("unknown module `nobody`") && complained("needs second"));
    finish();
}

/* ---- the modules map -------------------------------------------------------------------- */

TEST(values_are_on_off_or_a_map)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: off }") && says("example.org", ""));
    CHECK(change("modules: { plain: no }") && says("example.org", ""));
    CHECK(change("modules: {}") && change("other: 1"));
    CHECK(!change("modules: { plain: maybe }"));
    CHECK(complained(
        "test.yaml:1:19: module plain: must be on, off or a map of its options, not `maybe`"));
    CHECK(!change("modules: { plain: [on] }") && complained("not a list"));
    CHECK(!change("modules:\n  plain:\n") &&
          complained("module plain: must be on, off or a map"));
    CHECK(!change("modules: [plain]") && complained("modules: must be a map of module names"));
    CHECK(change("modules: { plain: {} }") && xyi_bus_live->wants.count == 1);
    finish();
}

TEST(unknown_names_are_errors)
{
    begin();
    put("plain-1");
    CHECK(!change("modules: { plane: on }"));
    CHECK(complained("test.yaml:1:12: unknown module `plane`; did you mean `plain`?"));
    CHECK(!change("modules: { elsewhere: off }"));
    CHECK(complained("unknown module `elsewhere`; there is no elsewhere.so in "));
    CHECK(!change("{ example.org: { plian: off } }"));
    CHECK(complained("test.yaml:1:18: unknown module `plian`; did you mean `plain`?"));
    finish();
}

TEST(a_hosts_options_go_over_the_servers)
{
    begin();
    put("plain-1");
    hosts_wanted = "a.example b.example c.example d.example";
    CHECK(change("modules: { plain: { quota: 5, depth: 3 } }\n"
                 "b.example: { plain: { quota: 6 } }\n"
                 "c.example: { plain: on }\n"
                 "d.example: { plain: off }\n"));
    CHECK(strstr(said("a.example"), "plain1 quota=5 depth=3 "));
    CHECK(strstr(said("b.example"), "plain1 quota=6 depth=3 "));
    CHECK(strstr(said("c.example"), "plain1 quota=5 depth=3 "));
    CHECK(says("d.example", ""));
    CHECK(is_listed(report.added, "plain@c.example\n"));
    CHECK(!change("modules: { plain: { quota: 5 } }\nb.example: { plain: { quto: 6 } }"));
    CHECK(complained("test.yaml:2:23: unknown option `quto`"));
    CHECK_EQ(xyi_bus_live->wants.count, 3);
    CHECK(xyi_bus_live->wants.at[0].chosen->library ==
          xyi_bus_live->wants.at[2].chosen->library);
    CHECK_EQ(copies(), 1);
    finish();
}

TEST(a_hosts_groups_go_over_the_servers_member_by_member)
{
    begin();
    put("plain-1");
    hosts_wanted = "a.example b.example c.example";
    CHECK(change("modules: { plain: { room: { lit: on, beds: 5 } } }\n"
                 "b.example: { plain: { room: { beds: 6 } } }\n"
                 "c.example: { plain: { quota: 6 } }\n"));
    CHECK(strstr(said("a.example"), " room=1,5"));
    CHECK(strstr(said("b.example"), " room=1,6"));
    CHECK(strstr(said("c.example"), " room=1,5"));
    CHECK(change("modules: { plain: { room: { lit: on, beds: 7 } } }\n"
                 "b.example: { plain: { room: { lit: off } } }\n"));
    CHECK(strstr(said("a.example"), " room=1,7"));
    CHECK(strstr(said("b.example"), " room=0,7"));
    CHECK(is_listed(report.retuned, "plain@a.example: room.beds\n"));
    CHECK(!change("modules: { plain: { room: { beds: 10 } } }"));
    CHECK(complained("test.yaml:1:35: room.beds: must be between 0 and 9, not 10"));
    finish();
}

/* ---- copies ----------------------------------------------------------------------------- */

TEST(copies_are_private_and_cleaned_at_start)
{
    begin();
    put("plain-1");
    run("mkdir -m 0700 private && echo old > private/plain-0123-1.so && echo old > "
        "private/other");
    CHECK(change("modules: { plain: on }"));
    CHECK_EQ(copies(), 1);
    struct xyi_library *library = xyi_bus_live->wants.at[0].chosen->library;
    struct stat copy;
    CHECK(stat(library->copy.at, &copy) == 0 && (copy.st_mode & 07777) == 0400);
    CHECK(strstr(library->copy.at,
                 xy_temp_cstr(xy_temp_printf("/private/plain-%.16s-", library->hash.at))));
    CHECK(access(xy_temp_cstr(xy_temp_printf("%s/private/other", place)), F_OK) == 0);
    CHECK_STR(xyi_library_hash(xyi_bus_live->wants.at[0].chosen), library->hash.at);
    CHECK(library->hash.len == 64);
    CHECK_STR(xyi_library_path(xyi_bus_live->wants.at[0].chosen), path_of("plain.so"));
    finish();
}

TEST(a_directory_others_can_write_is_refused)
{
    begin();
    put("plain-1");
    run("mkdir -m 0777 private && chmod 0777 private");
    CHECK(!change("modules: { plain: on }"));
    CHECK(complained(
        "private, for copies of modules, must be a directory that only its owner, uid "));
    run("rmdir private && mkdir theirs && ln -s theirs private");
    CHECK(!change("modules: { plain: on }") && complained("must be a directory"));
    run("rm private");
    CHECK(change("modules: { plain: on }"));
    finish();
}

TEST(a_check_reads_tables_and_starts_nothing)
{
    begin();
    put("plain-1");
    struct change check = {
        .yaml = "modules: { plain: { quota: 13 } }", .tables_only = true, .hold = true};
    make_change(&check); /* no fiber, no store */
    CHECK(check.bus && !xyi_bus_live);
    xyi_bus_discard(check.bus);
    CHECK_EQ(xyi_bus_draining(), 0);
    CHECK(!unmaps() || copies() == 0);
    check = (struct change){.yaml = "modules: { plain: { quota: 666 } }", .tables_only = true};
    make_change(&check);
    CHECK(!check.bus && complained("is forbidden"));
    finish();
}

/* ---- without a server ------------------------------------------------------------------- */

TEST(modules_can_be_listed_and_peeked_at)
{
    begin();
    put("plain-1");
    put("first-1");
    run("touch modules/readme.txt modules/.hidden.so modules/.so && mkdir none && cp "
        "modules/plain.so none/");
    struct xy_str *names,
        path = xy_temp_printf("%s/nowhere:%s/none:%s/modules", place, place, place);
    CHECK_EQ(xyi_modules_available(path, &names), 2);
    CHECK_STR(names[0], "first");
    CHECK_STR(names[1], "plain");

    struct xyi_arena *arena = xyi_arena_new(1024);
    struct xy_diagnostics *to = xyi_diagnostics_new(arena);
    const struct xy_module *plain = xyi_module_peek(path, XY_STR("plain"), to);
    CHECK(plain && strcmp(plain->name, "plain") == 0 && plain->options_count == 9);
    CHECK(xyi_module_peek(path, XY_STR("plain"), to) == plain);
    CHECK(copies() == 0);
    /* What is peeked at and what is at work do not meet. */
    CHECK(change("modules: { plain: on }"));
    CHECK(xyi_bus_live->wants.at[0].chosen->module != plain);
    put("plain-2");
    run("rm none/plain.so");
    const struct xy_module *newer = xyi_module_peek(path, XY_STR("plain"), to);
    CHECK(newer && newer != plain && newer->hooks != plain->hooks);
    CHECK_EQ(xyi_errors(to), 0);
    CHECK(!xyi_module_peek(path, XY_STR("nobody"), to) && xyi_errors(to) == 1);
    xyi_arena_free(arena);
    finish();
}

/* ---- tables of its own ------------------------------------------------------------------ */

static void
open_store(void *nothing)
{
    (void)nothing;
    struct xyi_store_config config = {.driver = XY_STR("sqlite"),
                                      .driver_path = xy_temp_printf("%s/../../drivers", built),
                                      .path = xy_temp_printf("%s/test.db", place),
                                      .durable = false,
                                      .readers = 1,
                                      .timeout_ms = 5000};
    struct xy_str error;
    if (xyi_store_open(&config, &error) != XY_OK) {
        fprintf(stderr, XY_FMT "\n", XY_ARG(error));
        CHECK(!"the store opens");
    }
}

TEST(schema_and_statements_are_tried_before_start)
{
    begin();
    xyi_run_on_fiber(open_store, NULL, NULL);
    put("keeper-3");
    CHECK(!change("modules: { keeper: on }"));
    CHECK(complained("test.yaml:1:20: module keeper: its schema: "));
    put("keeper-2");
    CHECK(!change("modules: { keeper: on }"));
    CHECK(complained("test.yaml:1:20: module keeper: its statements: "));
    put("keeper-1");
    CHECK(change("modules: { keeper: on }"));
    CHECK(change("modules: {}"));
    CHECK(change("modules: { keeper: on }")); /* its migration is not applied again */
    finish();
    xyi_store_close();
}

END_TESTS
