/* SPDX-License-Identifier: MIT */
/*
 * A configuration file from anybody: parsed, read by a table with a row of every type, written
 * back as text. Whatever was accepted must read back as the same values.
 */
#include "core/conf/conf.h"

struct sample {
    bool plain;
    int64_t quota;
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
    ROW(plain, .initial = "on"),
    ROW(quota, .initial = "100", .max = 100000, .none = true),
    ROW(name, .initial = ""),
    ROW(keep_for, .initial = "30 days", .none = true),
    ROW(bytes, .initial = "64 KiB"),
    ROW(rate, .initial = "25/s", .none = true),
    ROW(who, .initial = "always", .choices = "always|never|roster"),
    ROW(password, .initial = ""),
    ROW(file, .initial = "x"),
    ROW(hosts, .initial = "[]"),
};
static const struct xyi_option_table table = {rows, sizeof(rows) / sizeof(rows[0])};

static struct xy_str
write_all(const struct sample *sample)
{
    struct xy_buffer text = {0};
    for (size_t i = 0; i < table.count; i++)
        if (rows[i].type != XY_OPTION_SECRET)
            xy_buffer_printf(&text, "%s: " XY_FMT "\n", rows[i].name,
                             XY_ARG(xyi_option_text(&rows[i], sample)));
    return xy_buffer_str(&text);
}

static void
check_round_trip(const struct sample *sample, struct xyi_arena *arena)
{
    struct xy_diagnostics *said = xyi_diagnostics_new(arena);
    struct xy_str text = write_all(sample);
    struct sample again = {0};
    struct xyi_yaml *map = xyi_yaml_parse(arena, XY_STR("again"), text, said);
    xyi_options_read(table, map, NULL, XY_STR("/"), arena, &again, said);
    xy_assert(xyi_errors(said) == 0);
    xy_assert(xy_str_equal(text, write_all(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct xyi_arena *arena = xyi_arena_new(4096);
    xyi_temp_set(arena);
    struct xy_diagnostics *said = xyi_diagnostics_new(arena);
    struct sample sample = {0};
    struct xyi_yaml *map =
        xyi_yaml_parse(arena, XY_STR("x.yaml"), xy_str_of((const char *)bytes, size), said);
    if (map)
        xyi_options_read(table, map, NULL, XY_STR("/base"), arena, &sample, said);
    (void)xyi_diagnostics_text(said);
    if (map)
        check_round_trip(&sample, arena);
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
    return 0;
}
