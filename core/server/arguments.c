/* SPDX-License-Identifier: MIT */
/*
 * Arguments of admin commands by the text that documents them: "JID [--limit N] [--force]
 * [FILE]". Capital words are positional, [ ] may be left out, --name alone is a flag, --name
 * WORD takes a value, a last WORD... takes the rest of the line.
 */
#include "core/server/server.h"

struct spec { /* one of the documented arguments */
    struct xy_str name;
    bool option, flag, optional, rest;
};
struct specs {
    struct spec at[24];
    size_t count;
};

/* ---- the documented
 * ------------------------------------------------------------------------------------ */

static struct xy_str
next_word(struct xy_str *text)
{
    struct xy_str word = XY_NO_STR;
    while (text->len && !word.len)
        word = xy_str_cut(text, ' ');
    return word;
}

static struct xy_str
cut_front(struct xy_str s, size_t by)
{
    return xy_str_of(s.at + by, s.len - by);
}

static bool
strip_end(struct xy_str *word, struct xy_str end)
{
    if (!xy_str_ends(*word, end))
        return false;
    word->len -= end.len;
    return true;
}

static struct spec
take_spec(struct xy_str word, struct xy_str *text)
{
    struct spec spec = {.optional = word.at[0] == '['};
    if (spec.optional)
        word = cut_front(word, 1);
    bool closed = strip_end(&word, XY_STR("]"));
    spec.rest = strip_end(&word, XY_STR("..."));
    spec.option = xy_str_starts(word, XY_STR("--"));
    spec.name = spec.option ? cut_front(word, 2) : word;
    struct xy_str after = *text, value = next_word(&after);
    spec.flag = spec.option;
    bool has_value = !closed && value.len && value.at[0] != '[' && value.at[0] != '-';
    if (spec.option && has_value && (!spec.optional || xy_str_ends(value, XY_STR("]")))) {
        spec.flag = false;
        *text = after;
    }
    return spec;
}

static struct specs
read_specs(const char *arguments)
{
    struct specs specs = {.count = 0};
    struct xy_str text = xy_str_from(arguments), word;
    while ((word = next_word(&text)).len) {
        xy_assert(specs.count < sizeof(specs.at) / sizeof(specs.at[0]));
        specs.at[specs.count++] = take_spec(word, &text);
    }
    return specs;
}

/* ---- the given
 * ------------------------------------------------------------------------------------------ */

struct filling {
    struct xy_command *command;
    const struct specs *specs;
    size_t positional; /* how many are filled */
    size_t last;       /* the argument the last of them became */
};

static xy_status
usage(struct xy_command *command, const char *problem, struct xy_str about)
{
    const char *arguments = command->row->arguments;
    return xy_fail(command, XY_INVALID, "%s" XY_FMT "; usage: xylemctl " XY_FMT "%s%s", problem,
                   XY_ARG(about), XY_ARG(command->words), arguments ? " " : "",
                   arguments ? arguments : "");
}

static void
add(struct xy_command *command, const struct spec *spec, struct xy_str value)
{
    command->arguments[command->arguments_count++] =
        (struct xyi_argument){.name = spec->name, .value = value, .flag = spec->flag};
}

static const struct spec *
find_option(const struct filling *filling, struct xy_str name)
{
    for (size_t i = 0; i < filling->specs->count; i++)
        if (filling->specs->at[i].option && xy_str_equal(filling->specs->at[i].name, name))
            return &filling->specs->at[i];
    return NULL;
}

static xy_status
complain_of_option(const struct filling *filling, struct xy_str name)
{
    struct xy_str known[24];
    size_t count = 0;
    for (size_t i = 0; i < filling->specs->count; i++)
        if (filling->specs->at[i].option)
            known[count++] = filling->specs->at[i].name;
    struct xy_str meant = xyi_did_you_mean(name, known, count);
    struct xy_str about = xy_temp_printf("--" XY_FMT, XY_ARG(name));
    if (meant.len)
        about = xy_temp_printf(XY_FMT " (did you mean --" XY_FMT "?)", XY_ARG(about),
                               XY_ARG(meant));
    return usage(filling->command, "unknown option ", about);
}

/* Takes "--name", "--name=value" or "--name value"; *at moves over what was taken. */
static xy_status
take_option(struct filling *filling, const json_t *words, size_t *at)
{
    struct xy_str rest = cut_front(xyi_json_str(json_array_get(words, *at)), 2);
    bool joined = rest.len && memchr(rest.at, '=', rest.len);
    struct xy_str name = joined ? xy_str_cut(&rest, '=') : rest;
    const struct spec *spec = find_option(filling, name);
    if (!spec)
        return complain_of_option(filling, name);
    if (spec->flag && joined)
        return usage(filling->command, "takes no value: --", name);
    if (!spec->flag && !joined) {
        rest = xyi_json_str(json_array_get(words, *at + 1));
        if (!rest.at)
            return usage(filling->command, "a value is missing behind --", name);
        *at += 1;
    }
    add(filling->command, spec, spec->flag ? XY_NO_STR : rest);
    return XY_OK;
}

static const struct spec *
find_positional(const struct specs *specs, size_t number)
{
    for (size_t i = 0; i < specs->count; i++)
        if (!specs->at[i].option && number-- == 0)
            return &specs->at[i];
    return NULL;
}

/* A further word of a last WORD... */
static bool
extend(struct filling *filling, struct xy_str word)
{
    const struct spec *spec =
        filling->positional ? find_positional(filling->specs, filling->positional - 1) : NULL;
    if (!spec || !spec->rest)
        return false;
    struct xy_str *value = &filling->command->arguments[filling->last].value;
    *value = xy_temp_printf(XY_FMT " " XY_FMT, XY_ARG(*value), XY_ARG(word));
    return true;
}

static xy_status
take_word(struct filling *filling, struct xy_str word)
{
    const struct spec *spec = find_positional(filling->specs, filling->positional);
    if (!spec && extend(filling, word))
        return XY_OK;
    if (!spec)
        return usage(filling->command, "too many arguments: ", word);
    filling->positional++;
    filling->last = filling->command->arguments_count;
    add(filling->command, spec, word);
    return XY_OK;
}

static xy_status
take_words(struct filling *filling, const json_t *words, size_t from)
{
    xy_status status = XY_OK;
    bool only_words = false;
    for (size_t at = from; at < json_array_size(words) && status == XY_OK; at++) {
        struct xy_str word = xyi_json_str(json_array_get(words, at));
        if (!only_words && xy_str_is(word, "--"))
            only_words = true;
        else if (!only_words && word.len > 2 && xy_str_starts(word, XY_STR("--")))
            status = take_option(filling, words, &at);
        else
            status = take_word(filling, word);
    }
    return status;
}

/* The `options` object of a request, which programs find easier than words. */
static xy_status
take_object(struct filling *filling, const json_t *options)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)options, key, value)
    {
        const struct spec *spec = find_option(filling, xy_str_from(key));
        if (!spec)
            return complain_of_option(filling, xy_str_from(key));
        if (spec->flag ? !json_is_boolean(value)
                       : !json_is_string(value) && !json_is_integer(value))
            return usage(filling->command,
                         spec->flag ? "must be true or false: --" : "must be a text: --",
                         xy_str_from(key));
        if (spec->flag && !json_is_true(value))
            continue;
        add(filling->command, spec,
            json_is_integer(value)
                ? xy_temp_printf("%lld", (long long)json_integer_value(value))
                : xyi_json_str(value));
    }
    return XY_OK;
}

static xy_status
check_missing(const struct filling *filling)
{
    for (size_t i = 0; i < filling->specs->count; i++) {
        const struct spec *spec = &filling->specs->at[i];
        bool given = false;
        for (size_t j = 0; j < filling->command->arguments_count; j++)
            given = given || xy_str_equal(filling->command->arguments[j].name, spec->name);
        if (!given && !spec->optional && !spec->flag)
            return usage(filling->command,
                         spec->option ? "missing: --" : "missing: ", spec->name);
    }
    return XY_OK;
}

xy_status
xyi_arguments_parse(struct xy_command *command, const json_t *words, size_t from,
                    const json_t *options)
{
    struct specs specs = read_specs(command->row->arguments);
    struct filling filling = {.command = command, .specs = &specs};
    size_t most = json_array_size(words) + json_object_size(options) + 1;
    command->arguments = xy_temp_alloc(most * sizeof(*command->arguments));
    xy_status status = take_words(&filling, words, from);
    if (status == XY_OK && options)
        status = take_object(&filling, options);
    return status == XY_OK ? check_missing(&filling) : status;
}
