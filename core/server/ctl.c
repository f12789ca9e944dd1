/* SPDX-License-Identifier: MIT */
/*
 * xylemctl: asks the running server through its control socket, or, while none runs, carries
 * out what may be done without one in its own process, by the same command table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/server/ctl.h"

static const char usage[] =
    "usage: xylemctl [-c FILE] [-s SOCKET] [--json] COMMAND …\n"
    "\n"
    "  -c FILE       the server's configuration (/etc/xylem/xylem.yaml)\n"
    "  -s SOCKET     the server's control socket, when the configuration cannot be read\n"
    "  --json        answer as JSON: status, exit, fields, rows, notes, error\n"
    "  --version     print the version\n"
    "  -h, --help    this; behind a command: how that one is used\n"
    "\n"
    "Exit status: 0 done, 2 the request is wrong, 3 there is no such thing, 4 it exists "
    "already or\n"
    "somebody else was faster, 5 not allowed, or not without the consent of a second\n"
    "administrator, 1 anything else.\n"
    "\n";

/* ---- our own options
 * ------------------------------------------------------------------------------------- */

struct options {
    bool help, version;
    const char *wrong;
};

static void
take_word(struct xyi_ctl *ctl, const char *word, struct options *options, bool *only_words)
{
    if (*only_words || word[0] != '-')
        json_array_append_new(ctl->words, json_string(word));
    else if (strcmp(word, "--json") == 0)
        ctl->json = true;
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        options->help = true;
    else if (strcmp(word, "--version") == 0)
        options->version = true;
    else if (json_array_size(ctl->words) == 0)
        options->wrong = word;
    else
        json_array_append_new(ctl->words, json_string(word));
    *only_words = *only_words || strcmp(word, "--") == 0;
}

static struct options
take_words(struct xyi_ctl *ctl, int count, char **words)
{
    struct options options = {0};
    bool only_words = false;
    for (int i = 1; i < count; i++) {
        bool more = json_array_size(ctl->words) == 0 && i + 1 < count;
        if (more && strcmp(words[i], "-c") == 0)
            ctl->file = xy_str_from(words[++i]);
        else if (more && strcmp(words[i], "-s") == 0)
            ctl->path = xy_str_from(words[++i]);
        else
            take_word(ctl, words[i], &options, &only_words);
    }
    return options;
}

/* ---- asking
 * -----------------------------------------------------------------------------------------------
 */

static json_t *
describe(const struct xyi_ctl *ctl)
{
    json_t *request = json_pack("{s:O, s:b}", "words", ctl->words, "describe", 1);
    json_t *answer = xyi_ctl_ask(ctl, request);
    json_decref(request);
    return answer ? answer : xyi_ctl_answer(XY_BROKEN, XY_STR("the server hung up"));
}

static bool
is_ok(const json_t *answer)
{
    return json_integer_value(json_object_get(answer, "exit")) == 0;
}

static struct xy_command_row
row_of(const json_t *description)
{
    const json_t *fields = json_object_get(description, "fields");
    return (struct xy_command_row){
        .name = json_string_value(json_object_get(fields, "name")),
        .arguments = json_string_value(json_object_get(fields, "arguments")),
        .input = json_is_true(json_object_get(fields, "input")),
    };
}

static json_t *
ask_server(const struct xyi_ctl *ctl)
{
    json_t *description = describe(ctl), *input = NULL;
    struct xy_str error = XY_NO_STR;
    if (!is_ok(description))
        return description;
    struct xy_command_row row = row_of(description);
    xy_status status = xyi_ctl_input(ctl, &row, &input, &error);
    json_t *request = json_pack("{s:O, s:o*}", "words", ctl->words, "input", input);
    json_t *answer = NULL;
    if (status != XY_OK)
        answer = xyi_ctl_answer(status, error);
    else if (!(answer = xyi_ctl_ask(ctl, request)))
        answer = xyi_ctl_answer(XY_BROKEN, XY_STR("the server hung up before it answered"));
    if (is_ok(answer) && strcmp(row.name, "stop") == 0)
        xyi_ctl_await_end(ctl);
    json_decref(request);
    json_decref(description);
    return answer;
}

/* Only the path is needed here: a file with errors elsewhere must not keep one from the server.
 */
static xy_status
find_socket(const struct xyi_ctl *ctl, struct xy_str *path, struct xy_str *error)
{
    struct xy_diagnostics *to = xyi_diagnostics_new(xyi_temp());
    const struct xyi_yaml *tree = xyi_yaml_read(xyi_temp(), ctl->file, to);
    if (!tree) {
        struct xy_str text = xyi_diagnostics_text(to);
        *error = xy_temp_printf("the configuration cannot be read\n" XY_FMT, XY_ARG(text));
        return XY_INVALID;
    }
    struct xyi_config_core core = {0};
    struct xyi_option_table table = xyi_sections[0].table;
    xyi_options_read(table, tree, xyi_top_keys, xyi_config_base(xyi_temp(), ctl->file),
                     xyi_temp(), &core, to);
    *path = core.control.path;
    return XY_OK;
}

/* These look at the file, not at the server. */
static bool
is_local(const struct xyi_ctl *ctl)
{
    struct xy_str noun = xyi_json_str(json_array_get(ctl->words, 0));
    struct xy_str verb = xyi_json_str(json_array_get(ctl->words, 1));
    return xy_str_is(noun, "config") &&
           (xy_str_is(verb, "check") || xy_str_is(verb, "defaults"));
}

static json_t *
get_answer(struct xyi_ctl *ctl)
{
    struct xy_str path = XY_NO_STR, error = XY_NO_STR;
    if (is_local(ctl))
        return xyi_ctl_alone(ctl);
    xy_status status = XY_OK;
    if (ctl->path.len)
        path = ctl->path;
    else
        status = find_socket(ctl, &path, &error);
    if (status == XY_OK)
        status = xyi_ctl_connect(ctl, path, &error);
    if (status == XY_ABSENT && !ctl->path.len)
        return xyi_ctl_alone(ctl);
    if (status == XY_ABSENT) {
        status = XY_GONE;
        error = xy_temp_printf("nobody listens on " XY_FMT, XY_ARG(path));
    }
    return status == XY_OK ? ask_server(ctl) : xyi_ctl_answer(status, error);
}

/* ---- help
 * -------------------------------------------------------------------------------------------------
 */

/* Behind a command its own use, else ours and all commands. */
static json_t *
get_help(struct xyi_ctl *ctl)
{
    json_t *words = json_array();
    json_array_append_new(words, json_string("help"));
    if (json_array_size(ctl->words) > 0)
        json_array_append(words, json_array_get(ctl->words, 0));
    else if (!ctl->json)
        fputs(usage, stdout);
    json_decref(ctl->words);
    ctl->words = words;
    return get_answer(ctl);
}

static int
run(struct xyi_ctl *ctl, const struct options *options)
{
    if (options->version) {
        printf("xylemctl %s\n", xy_version());
        return 0;
    }
    bool bare = json_array_size(ctl->words) == 0;
    if (options->wrong || (bare && !options->help)) {
        fprintf(stderr, "%s%s%s%s", options->wrong ? "xylemctl: unknown option " : "",
                options->wrong ? options->wrong : "", options->wrong ? "\n" : "", usage);
        return 2;
    }
    json_t *answer = options->help ? get_help(ctl) : get_answer(ctl);
    int code = xyi_ctl_print(answer, ctl->json);
    json_decref(answer);
    return code;
}

int
xyi_ctl_main(int count, char **words)
{
    struct xyi_arena *arena = xyi_arena_new(16384);
    struct xyi_ctl ctl = {
        .file = XY_STR("/etc/xylem/xylem.yaml"), .words = json_array(), .socket = -1};
    xyi_temp_set(arena);
    struct options options = take_words(&ctl, count, words);
    int code = run(&ctl, &options);
    if (ctl.socket >= 0)
        close(ctl.socket);
    json_decref(ctl.words);
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
    return code;
}
