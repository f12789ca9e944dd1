/* SPDX-License-Identifier: MIT */
/*
 * Settings by name: the table made from settings.h, and one value as text and back. Forms,
 * `default_config`, commands and the database all go through here, so that a setting means the
 * same everywhere.
 */
#include "modules/muc/muc.h"

#define NAMED(label_, field_, option_, var_, also_) \
    .var = (var_), .also = (also_), .option = #option_, .label = (label_)
#define IN_SETTINGS(field_, option_)             \
    .offset = offsetof(struct settings, field_), \
    .default_offset = offsetof(struct defaults, option_)

#define TEXT_ROW(text_, option_, var_, also_, label_, min_, max_)                         \
    {NAMED(label_, text_, option_, var_, also_), .kind = SETTING_TEXT, .offset = (text_), \
     .min = (min_), .max = (max_)},
#define BOOL_ROW(field_, option_, var_, also_, initial_, label_)        \
    {NAMED(label_, field_, option_, var_, also_), .kind = SETTING_BOOL, \
     IN_SETTINGS(field_, option_)},
#define INT_ROW(field_, option_, var_, also_, initial_, label_, min_, max_) \
    {NAMED(label_, field_, option_, var_, also_), .kind = SETTING_INT,      \
     IN_SETTINGS(field_, option_), .min = (min_), .max = (max_)},
#define SECONDS_ROW(field_, option_, var_, also_, initial_, label_, min_, max_) \
    {NAMED(label_, field_, option_, var_, also_), .kind = SETTING_SECONDS,      \
     IN_SETTINGS(field_, option_), .min = (min_), .max = (max_)},
#define CHOICE_ROW(field_, option_, var_, also_, initial_, label_, choices_) \
    {NAMED(label_, field_, option_, var_, also_), .kind = SETTING_CHOICE,    \
     IN_SETTINGS(field_, option_), .choices = (choices_)},
#define ROLES_ROW(field_, option_, var_, also_, initial_, label_)        \
    {NAMED(label_, field_, option_, var_, also_), .kind = SETTING_ROLES, \
     IN_SETTINGS(field_, option_), .choices = "visitor|participant|moderator"},

const struct setting muc_settings_table[] = {
    MUC_SETTINGS(TEXT_ROW, BOOL_ROW, INT_ROW, SECONDS_ROW, CHOICE_ROW, ROLES_ROW)};
const size_t muc_settings_count = sizeof(muc_settings_table) / sizeof(muc_settings_table[0]);

const struct setting *
muc_setting(struct xy_str option)
{
    for (size_t i = 0; i < muc_settings_count; i++)
        if (xy_str_equal(option, xy_str_from(muc_settings_table[i].option)))
            return &muc_settings_table[i];
    return NULL;
}

/* ---- choices and sets of roles ------------------------------------------------------- */

static struct xy_str
choice_name(const char *choices, unsigned at)
{
    struct xy_str rest = xy_str_from(choices), name = xy_str_cut(&rest, '|');
    while (at-- > 0)
        name = xy_str_cut(&rest, '|');
    return name;
}

static int
choice_of(const char *choices, struct xy_str name)
{
    struct xy_str rest = xy_str_from(choices);
    for (int at = 0; rest.len; at++)
        if (xy_str_equal(xy_str_cut(&rest, '|'), name))
            return at;
    return -1;
}

static struct xy_str
roles_text(const char *choices, unsigned bits)
{
    struct xy_buffer text = {0};
    for (unsigned role = XY_MODERATOR; role >= XY_VISITOR; role--) {
        struct xy_str name = choice_name(choices, role - XY_VISITOR);
        if (bits & 1u << role)
            xy_buffer_printf(&text, "%s" XY_FMT, text.len ? " " : "", XY_ARG(name));
    }
    return text.text ? xy_buffer_str(&text) : XY_STR("");
}

static xy_status
parse_roles(const char *choices, struct xy_str text, uint8_t *bits, struct xy_str *error)
{
    unsigned found = 0;
    while (text.len) {
        struct xy_str name = xy_str_cut(&text, ' ');
        int at = choice_of(choices, name);
        if (!name.len || xy_str_is(name, "none"))
            continue;
        if (at < 0) {
            *error = xy_temp_printf("`" XY_FMT "` is no role", XY_ARG(name));
            return XY_INVALID;
        }
        found |= 1u << (XY_VISITOR + at);
    }
    *bits = (uint8_t)found;
    return XY_OK;
}

/* ---- one value ----------------------------------------------------------------------- */

struct xy_str
muc_setting_text(const struct setting *setting, const struct settings *settings)
{
    const void *field = (const char *)settings + setting->offset;
    switch (setting->kind) {
    case SETTING_BOOL:
        return *(const bool *)field ? XY_STR("on") : XY_STR("off");
    case SETTING_INT:
    case SETTING_SECONDS:
        return xy_temp_printf("%d", *(const int32_t *)field);
    case SETTING_CHOICE:
        return choice_name(setting->choices, *(const uint8_t *)field);
    case SETTING_ROLES:
        return roles_text(setting->choices, *(const uint8_t *)field);
    case SETTING_TEXT:
        break;
    }
    return XY_NO_STR;
}

static xy_status
parse_bool(struct xy_str text, bool *field, struct xy_str *error)
{
    bool on = xy_str_is(text, "1") || xy_str_is(text, "true") || xy_str_is(text, "on");
    bool off = xy_str_is(text, "0") || xy_str_is(text, "false") || xy_str_is(text, "off");
    if (!on && !off) {
        *error = xy_temp_printf("must be on or off, not `" XY_FMT "`", XY_ARG(text));
        return XY_INVALID;
    }
    *field = on;
    return XY_OK;
}

static xy_status
parse_number(const struct setting *setting, struct xy_str text, int32_t *field,
             struct xy_str *error)
{
    int64_t value = 0;
    if (!xy_str_is(text, "none") && !xy_str_is(text, "") &&
        xy_str_to_int(text, setting->min, setting->max, &value) != XY_OK) {
        *error = xy_temp_printf("must be a number between %lld and %lld, not `" XY_FMT "`",
                                (long long)setting->min, (long long)setting->max, XY_ARG(text));
        return XY_INVALID;
    }
    *field = (int32_t)value;
    return XY_OK;
}

static xy_status
parse_choice(const struct setting *setting, struct xy_str text, uint8_t *field,
             struct xy_str *error)
{
    int at = choice_of(setting->choices, text);
    if (at < 0) {
        *error = xy_temp_printf("must be one of %s, not `" XY_FMT "`", setting->choices,
                                XY_ARG(text));
        return XY_INVALID;
    }
    *field = (uint8_t)at;
    return XY_OK;
}

xy_status
muc_setting_parse(const struct setting *setting, struct xy_str text, struct settings *settings,
                  struct xy_str *error)
{
    void *field = (char *)settings + setting->offset;
    switch (setting->kind) {
    case SETTING_BOOL:
        return parse_bool(text, field, error);
    case SETTING_INT:
    case SETTING_SECONDS:
        return parse_number(setting, text, field, error);
    case SETTING_CHOICE:
        return parse_choice(setting, text, field, error);
    case SETTING_ROLES:
        return parse_roles(setting->choices, text, field, error);
    case SETTING_TEXT:
        break;
    }
    return XY_INVALID;
}

/* ---- default_config ------------------------------------------------------------------ */

static struct xy_str
default_text(const struct setting *setting, const struct defaults *defaults)
{
    const void *field = (const char *)defaults + setting->default_offset;
    switch (setting->kind) {
    case SETTING_BOOL:
        return *(const bool *)field ? XY_STR("on") : XY_STR("off");
    case SETTING_INT:
        return xy_temp_printf("%lld", (long long)*(const int64_t *)field);
    case SETTING_SECONDS:
        return xy_temp_printf("%lld", (long long)((const xy_duration *)field)->ms / 1000);
    case SETTING_CHOICE:
        return choice_name(setting->choices, (unsigned)((const xy_choice *)field)->index);
    case SETTING_ROLES:
        return xy_temp_join(((const xy_list *)field)->at, ((const xy_list *)field)->count, " ");
    case SETTING_TEXT:
        break;
    }
    return XY_NO_STR;
}

/* What the configuration's check let through parses. */
void
muc_default_settings(const struct muc *self, struct settings *settings)
{
    *settings = (struct settings){0};
    for (size_t i = 0; i < muc_settings_count; i++) {
        const struct setting *setting = &muc_settings_table[i];
        struct xy_str error;
        if (setting->kind != SETTING_TEXT)
            (void)!muc_setting_parse(setting, default_text(setting, &self->default_config),
                                     settings, &error);
    }
}
