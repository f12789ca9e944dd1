/* SPDX-License-Identifier: MIT */
/*
 * xylemctl while no server runs: the same store, hooks and modules started in this process
 * without sockets, under the lock on data_dir, for commands that may run so.
 */
#include <unistd.h>

#include "core/server/ctl.h"

struct errand {
    struct xyi_ctl *ctl;
    json_t *answer;
};

struct search {
    const struct xyi_ctl *ctl;
    const struct xy_command_row *row;
    size_t words;
    bool core;
};

/* The words it takes, if ours begin with its name. */
static size_t
match(const struct xyi_ctl *ctl, const char *name)
{
    struct xy_str rest = xy_str_from(name);
    size_t words = 0;
    while (rest.len) {
        struct xy_str word = xy_str_cut(&rest, ' ');
        if (!xy_str_equal(word, xyi_json_str(json_array_get(ctl->words, words))))
            return 0;
        words++;
    }
    return words;
}

static void
look_at(void *argument, const struct xy_command_row *row)
{
    struct search *search = argument;
    size_t words = match(search->ctl, row->name);
    if (words <= search->words)
        return;
    search->row = row;
    search->words = words;
}

static json_t *
request(const struct xyi_ctl *ctl, json_t *input)
{
    json_t *document = json_pack("{s:O, s:o*}", "words", ctl->words, "input", input);
    json_t *answer = xyi_request(document, xy_temp_printf("unix:%u", (unsigned)getuid()), true);
    json_decref(document);
    return answer;
}

static struct xy_str
join_diagnostics(const char *head, const struct xy_diagnostics *of)
{
    return xy_temp_printf("%s\n" XY_FMT, head, XY_ARG(xyi_diagnostics_text(of)));
}

/* The config's from here on: the server stop releases it. */
static json_t *
start_and_ask(const struct xyi_ctl *ctl, struct xyi_config *config, json_t *input)
{
    struct xy_diagnostics *to = xyi_diagnostics_new(xyi_temp());
    struct xy_str error = XY_NO_STR;
    xyi_server.config = NULL;
    xy_status status = xyi_server_start(config, false, to, &error);
    if (status == XY_OK) {
        json_t *answer = request(ctl, input);
        xyi_server_stop();
        return answer;
    }
    xyi_config_free(config);
    json_decref(input);
    if (xyi_errors(to))
        error = join_diagnostics("the configuration has errors", to);
    return xyi_ctl_answer(status, error);
}

static json_t *
ask_configured(const struct xyi_ctl *ctl, struct xyi_config *config)
{
    struct search search = {.ctl = ctl};
    struct xy_str error = XY_NO_STR, noun = xyi_json_str(json_array_get(ctl->words, 0));
    json_t *input = NULL;
    xyi_server.config = config;
    xyi_each_command(look_at, &search);
    if (search.row && !search.row->stopped)
        return xyi_ctl_answer(XY_UNSUPPORTED,
                              xy_temp_printf("no server runs (nobody listens on " XY_FMT
                                             "); start it with systemctl start xylem or "
                                             "xylemd -c " XY_FMT,
                                             XY_ARG(config->core.control.path),
                                             XY_ARG(ctl->file)));
    if (!search.row || xy_str_is(noun, "help") || xy_str_is(noun, "config"))
        return request(ctl, NULL);
    xy_status status = xyi_ctl_input(ctl, search.row, &input, &error);
    return status == XY_OK ? start_and_ask(ctl, config, input) : xyi_ctl_answer(status, error);
}

static bool
needs_no_file(const struct xyi_ctl *ctl)
{
    struct xy_str noun = xyi_json_str(json_array_get(ctl->words, 0));
    struct xy_str verb = xyi_json_str(json_array_get(ctl->words, 1));
    return xy_str_is(noun, "config") &&
           (xy_str_is(verb, "check") || xy_str_is(verb, "defaults"));
}

static void
run(void *argument)
{
    struct errand *errand = argument;
    struct xyi_ctl *ctl = errand->ctl;
    struct xy_diagnostics *to = xyi_diagnostics_new(xyi_temp());
    xyi_server.file = ctl->file;
    if (needs_no_file(ctl)) {
        errand->answer = request(ctl, NULL);
        return;
    }
    struct xyi_config *config = xyi_config_load(ctl->file, to);
    if (config && !xyi_errors(to)) {
        errand->answer = ask_configured(ctl, config);
        xyi_config_free(xyi_server.config);
        xyi_server.config = NULL;
        return;
    }
    xyi_config_free(config);
    errand->answer =
        xyi_ctl_answer(XY_INVALID, join_diagnostics("the configuration has errors", to));
}

json_t *
xyi_ctl_alone(struct xyi_ctl *ctl)
{
    struct errand errand = {ctl, NULL};
    xy_status quiet = xyi_log_configure(XY_LEVEL_WARN, XYI_LOG_TEXT, XY_NO_STR);
    xy_assert(quiet == XY_OK);
    xyi_with_core(run, &errand);
    return errand.answer;
}
