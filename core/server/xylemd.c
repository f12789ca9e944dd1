/* SPDX-License-Identifier: MIT */
/* The server program: its command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/server/server.h"

static const char usage[] =
    "usage: xylemd [-c FILE] [--check | --defaults]\n"
    "\n"
    "  -c, --config FILE   the configuration (/etc/xylem/xylem.yaml); conf.d/*.yaml beside it "
    "too\n"
    "      --check         report every error of the configuration as FILE:LINE:COLUMN: TEXT, "
    "exit\n"
    "                      with 1 if there are any; starts nothing\n"
    "      --defaults      print every key with its default and meaning, as YAML\n"
    "      --schema        print a JSON Schema of the configuration, for editors\n"
    "      --man           print the manual page of the configuration, as roff\n"
    "      --pid-file FILE write the process id there once the server is ready\n"
    "      --version       print the version\n"
    "  -h, --help          this\n"
    "\n"
    "Signals: HUP follows the configuration, changed certificates and modules; TERM and INT "
    "end the\n"
    "streams and stop; a second one stops at once. XYLEM_MODULES in the environment is a list "
    "of\n"
    "folders with modules, separated by colons and looked into first.\n";

enum { CHECK = 256, DEFAULTS, SCHEMA, MAN, PID_FILE, VERSION, TEST_CLOCK };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, CHECK},
    {"defaults", no_argument, NULL, DEFAULTS},
    {"schema", no_argument, NULL, SCHEMA},
    {"man", no_argument, NULL, MAN},
    {"pid-file", required_argument, NULL, PID_FILE},
    {"version", no_argument, NULL, VERSION},
    {"help", no_argument, NULL, 'h'},
    {"test-clock", optional_argument, NULL, TEST_CLOCK},
    {NULL, 0, NULL, 0},
};

static void
print_document(void *argument)
{
    struct xy_str (*const *make)(void) = argument;
    struct xy_str text = (*make)();
    printf(XY_FMT, XY_ARG(text));
}

static int print(struct xy_str (*make)(void))
{
    xyi_with_core(print_document, &make);
    return 0;
}

static int
refuse(void)
{
    fputs("xylemd: see --help\n", stderr);
    return 2;
}

/* --test-clock[=MS]: time stands still at MS since 1970, or now, and moves by `clock advance`.
 */
static bool
set_test_clock(struct xyi_launch *launch, const char *ms)
{
    launch->test_clock = true;
    launch->test_clock_ms = xy_now_ms();
    return !ms ||
           xy_str_to_int(xy_str_from(ms), 0, INT64_MAX / 2, &launch->test_clock_ms) == XY_OK;
}

static int
run(int mode, const struct xyi_launch *launch)
{
    switch (mode) {
    case CHECK:
        return xyi_check_file(launch->file);
    case DEFAULTS:
        return print(xyi_config_defaults);
    case SCHEMA:
        return print(xyi_config_schema);
    case MAN:
        return print(xyi_config_man);
    case VERSION:
        printf("xylemd %s\n", xy_version());
        return 0;
    case 'h':
        fputs(usage, stdout);
        return 0;
    default:
        return xyi_serve(launch);
    }
}

int
main(int count, char **words)
{
    struct xyi_launch launch = {.file = XY_STR("/etc/xylem/xylem.yaml")};
    int mode = 0, option;
    while ((option = getopt_long(count, words, "c:h", options, NULL)) != -1) {
        bool good = option != '?';
        if (option == 'c')
            launch.file = xy_str_from(optarg);
        else if (option == PID_FILE)
            launch.pid_file = xy_str_from(optarg);
        else if (option == TEST_CLOCK)
            good = set_test_clock(&launch, optarg);
        else
            mode = option;
        if (!good)
            return refuse();
    }
    return optind == count ? run(mode, &launch) : refuse();
}
