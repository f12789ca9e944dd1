/* SPDX-License-Identifier: MIT */
/*
 * Durations, sizes and rates as operators write them. A duration without a unit is refused:
 * "30" has been seconds to one and days to another.
 */
#include "core/conf/conf_internal.h"

/* A moment and the longest duration can be added: else the longest would be over at once. */
#define LONGEST_MS (365000 * INT64_C(86400000))

struct unit {
    const char *name;
    int64_t worth;
};

/* The first of each worth is how we write it ourselves; largest first. */
static const struct unit durations[] = {
    {"week", 604800000}, {"weeks", 604800000}, {"w", 604800000},
    {"days", 86400000},  {"day", 86400000},    {"d", 86400000},
    {"h", 3600000},      {"hour", 3600000},    {"hours", 3600000},
    {"min", 60000},      {"minute", 60000},    {"minutes", 60000},
    {"m", 60000},        {"s", 1000},          {"sec", 1000},
    {"second", 1000},    {"seconds", 1000},    {"ms", 1},
    {NULL, 0},
};
static const struct unit sizes[] = {
    {"GiB", 1 << 30}, {"GB", 1000000000}, {"MiB", 1 << 20}, {"MB", 1000000}, {"KiB", 1024},
    {"kB", 1000},     {"KB", 1000},       {"B", 1},         {"bytes", 1},    {NULL, 0},
};

static struct xy_str
take_digits(struct xy_str *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] >= '0' && rest->at[len] <= '9')
        len++;
    struct xy_str digits = xy_str_of(rest->at, len);
    *rest = xy_str_trim(xy_str_of(rest->at + len, rest->len - len));
    return digits;
}

static const struct unit *
find_unit(const struct unit *units, struct xy_str name)
{
    for (; units->name; units++)
        if (xy_str_equal(name, xy_str_from(units->name)))
            return units;
    return NULL;
}

/* Splits "30 min" and multiplies. */
static xy_status
parse_amount(struct xy_str text, const struct unit *units, int64_t *out, struct xy_str *error)
{
    struct xy_str rest = xy_str_trim(text), digits = take_digits(&rest);
    const struct unit *unit = find_unit(units, rest);
    int64_t number;
    if (unit && xy_str_to_int(digits, 0, INT64_MAX / unit->worth, &number) == XY_OK) {
        *out = number * unit->worth;
        return XY_OK;
    }
    if (unit && digits.len)
        *error = xy_temp_printf("`" XY_FMT "` is too large: use a smaller one", XY_ARG(text));
    return XY_INVALID;
}

xy_status
xy_duration_parse(struct xy_str text, int64_t *ms, struct xy_str *error)
{
    struct xy_str rest = text;
    *error = XY_NO_STR;
    if (parse_amount(text, durations, ms, error) == XY_OK && *ms <= LONGEST_MS)
        return XY_OK;
    struct xy_str digits = take_digits(&rest);
    if (digits.len && rest.len == 0)
        *error = xy_temp_printf("`" XY_FMT "` needs a unit: " XY_FMT " s, " XY_FMT
                                " min, " XY_FMT " h or " XY_FMT " days",
                                XY_ARG(text), XY_ARG(digits), XY_ARG(digits), XY_ARG(digits),
                                XY_ARG(digits));
    else if (digits.len && !error->len && find_unit(durations, rest))
        *error = xy_temp_printf("`" XY_FMT "` is too long: at most 365000 days", XY_ARG(text));
    else if (!error->len)
        *error =
            xy_temp_printf("`" XY_FMT "` is not a duration such as 200 ms, 30 s, 5 min, 2 h "
                           "or 90 days",
                           XY_ARG(text));
    return XY_INVALID;
}

xy_status
xyi_size_parse(struct xy_str text, int64_t *bytes, struct xy_str *error)
{
    *error = XY_NO_STR;
    if (xy_str_to_int(text, 0, INT64_MAX, bytes) == XY_OK ||
        parse_amount(text, sizes, bytes, error) == XY_OK)
        return XY_OK;
    if (!error->len)
        *error = xy_temp_printf(
            "`" XY_FMT "` is not a size such as 262144, 64 kB, 10 KiB or 1 MiB", XY_ARG(text));
    return XY_INVALID;
}

/* "25/s", "100/min burst 200". Without a burst one unit's worth may come at once. */
static xy_status
parse_rate(struct xy_str text, xy_rate *rate)
{
    struct xy_str rest = xy_str_trim(text), digits = take_digits(&rest);
    int64_t number, seconds;
    if (xy_str_to_int(digits, 1, 1000000000, &number) != XY_OK ||
        !xy_str_starts(rest, XY_STR("/")))
        return XY_INVALID;
    rest = xy_str_trim(xy_str_of(rest.at + 1, rest.len - 1));
    struct xy_str per = xy_str_cut(&rest, ' ');
    if (xy_str_is(per, "s"))
        seconds = 1;
    else if (xy_str_is(per, "min"))
        seconds = 60;
    else
        return XY_INVALID;
    rate->per_second_milli = (number * 1000 + seconds / 2) / seconds;
    rate->burst = number;
    rest = xy_str_trim(rest);
    if (rest.len == 0)
        return XY_OK;
    if (!xy_str_starts(rest, XY_STR("burst ")))
        return XY_INVALID;
    rest = xy_str_trim(xy_str_of(rest.at + 6, rest.len - 6));
    return xy_str_to_int(rest, 1, 1000000000, &rate->burst);
}

xy_status
xyi_rate_parse(struct xy_str text, xy_rate *rate, struct xy_str *error)
{
    if (parse_rate(text, rate) == XY_OK)
        return XY_OK;
    *error = xy_temp_printf(
        "`" XY_FMT "` is not a rate such as 25/s, 100/min or 25/s burst 200", XY_ARG(text));
    return XY_INVALID;
}

xy_status
xyi_bool_parse(struct xy_str text, bool *value)
{
    static const char *const words[] = {"off", "on", "false", "true", "no", "yes"};
    for (size_t i = 0; i < 6; i++) {
        if (text.len != strlen(words[i]) || strncasecmp(text.at, words[i], text.len) != 0)
            continue;
        *value = i % 2 != 0;
        return XY_OK;
    }
    return XY_INVALID;
}

static struct xy_str
amount_text(int64_t amount, const struct unit *units)
{
    const struct unit *unit = units;
    while (unit[1].name && (unit->worth > amount || amount % unit->worth != 0))
        unit++;
    return xy_temp_printf("%lld %s", (long long)(amount / unit->worth), unit->name);
}

struct xy_str
xy_duration_text(int64_t ms)
{
    if (ms == 86400000)
        return XY_STR("1 day");
    if (ms == 0)
        return XY_STR("0 s");
    return amount_text(ms, durations + 3);
}

struct xy_str
xyi_size_text(int64_t bytes)
{
    if (bytes < 1024)
        return xy_temp_printf("%lld B", (long long)bytes);
    return amount_text(bytes, sizes);
}

struct xy_str
xyi_rate_text(xy_rate rate)
{
    bool whole = rate.per_second_milli % 1000 == 0;
    int64_t number =
        whole ? rate.per_second_milli / 1000 : (rate.per_second_milli * 60 + 500) / 1000;
    const char *unit = whole ? "s" : "min";
    if (number == rate.burst)
        return xy_temp_printf("%lld/%s", (long long)number, unit);
    return xy_temp_printf("%lld/%s burst %lld", (long long)number, unit, (long long)rate.burst);
}

struct xy_str
xyi_choice_name(const char *choices, int at)
{
    struct xy_str rest = xy_str_from(choices), name = XY_NO_STR;
    for (int i = 0; i <= at; i++) {
        if (rest.len == 0)
            return XY_NO_STR;
        name = xy_str_cut(&rest, '|');
    }
    return name;
}
