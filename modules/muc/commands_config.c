/* SPDX-License-Identifier: MIT */
/* xylemctl room config: the settings of a room by the names `default_config` has them under. */
#include "modules/muc/commands.h"

/* A word like `name=`: what stands behind it, up to the next of that kind, is its value. */
static bool
begins_setting(struct xy_str word)
{
    size_t at = 0;
    while (at < word.len && ((word.at[at] >= 'a' && word.at[at] <= 'z') || word.at[at] == '_'))
        at++;
    return at > 0 && at < word.len && word.at[at] == '=';
}

static xy_status
complain(struct xy_command *command, struct xy_str name)
{
    struct xy_buffer names = {0};
    for (size_t i = 0; i < muc_settings_count; i++)
        xy_buffer_printf(&names, "%s%s", i ? ", " : "", muc_settings_table[i].option);
    return xy_fail(command, XY_INVALID, "there is no setting `" XY_FMT "`; there are: " XY_FMT,
                   XY_ARG(name), XY_ARG(xy_buffer_str(&names)));
}

/* "a@b, c@d" as it is kept. */
static struct xy_str
one_a_line(struct xy_str addresses)
{
    struct xy_buffer lines = {0};
    while (addresses.len) {
        struct xy_str some = xy_str_cut(&addresses, ' ');
        while (some.len) {
            struct xy_str one = xy_str_cut(&some, ',');
            if (one.len)
                xy_buffer_printf(&lines, XY_FMT "\n", XY_ARG(one));
        }
    }
    return xy_buffer_str(&lines);
}

static xy_status
set_text(struct xy_command *command, const struct setting *setting, struct xy_str value,
         struct configuration *wanted)
{
    if ((int64_t)value.len > setting->max)
        return xy_fail(command, XY_INVALID, "%s has at most %lld bytes", setting->option,
                       (long long)setting->max);
    if (setting->offset == TEXT_CONTACTS) /* kept one a line */
        value = one_a_line(value);
    wanted->texts[setting->offset] = value;
    return XY_OK;
}

static xy_status
set(struct xy_command *command, struct xy_str assignment, struct configuration *wanted)
{
    struct xy_str value = assignment, error, name = xy_str_cut(&value, '=');
    const struct setting *setting = muc_setting(name);
    if (!setting)
        return complain(command, name);
    if (setting->kind == SETTING_TEXT)
        return set_text(command, setting, value, wanted);
    if (muc_setting_parse(setting, value, &wanted->settings, &error) == XY_OK)
        return XY_OK;
    return xy_fail(command, XY_INVALID, "%s: " XY_FMT, setting->option, XY_ARG(error));
}

xy_status
command_settings(struct xy_command *command, struct xy_str text, struct configuration *wanted)
{
    while (text.len) {
        struct xy_str rest = text, word = xy_str_cut(&rest, ' ');
        if (!begins_setting(word))
            return xy_fail(command, XY_INVALID, "`" XY_FMT "` is not of the form NAME=VALUE",
                           XY_ARG(word));
        while (rest.len) {
            struct xy_str further = rest, next = xy_str_cut(&further, ' ');
            if (begins_setting(next))
                break;
            rest = further;
        }
        size_t len = rest.at ? (size_t)(rest.at - text.at) - 1 : text.len;
        xy_status status = set(command, xy_str_of(text.at, len), wanted);
        if (status != XY_OK)
            return status;
        text = rest;
    }
    return XY_OK;
}

static void
put_settings(struct xy_command *command, struct xy_room *room)
{
    for (size_t i = 0; i < muc_settings_count; i++) {
        const struct setting *setting = &muc_settings_table[i];
        struct xy_str value = setting->kind == SETTING_TEXT
                                  ? muc_text(room, (enum text)setting->offset)
                                  : muc_setting_text(setting, muc_settings(room));
        if (setting->kind == SETTING_TEXT && setting->offset == TEXT_PASSWORD && value.len)
            value = XY_STR("(set)");
        xy_row(command);
        xy_put_str(command, "setting", xy_str_from(setting->option));
        xy_put_str(command, "value", value);
        xy_put_str(command, "about", xy_str_from(setting->label));
    }
}

static xy_status
configure(struct muc *self, struct xy_command *command, struct xy_room *room)
{
    struct configuration wanted;
    struct xy_str error;
    muc_configuration(room, &wanted);
    xy_status status = command_settings(command, xy_arg(command, "NAME=VALUE"), &wanted);
    if (status != XY_OK)
        return status;
    status = muc_configure(self, room, &wanted, NULL, &error);
    if (status == XY_INVALID)
        return xy_fail(command, status, XY_FMT, XY_ARG(error));
    return status == XY_OK ? status : command_broken(command, status);
}

xy_status
command_config(XY_SELF, struct xy_command *command)
{
    struct xy_room *room;
    xy_status status = command_enter(self, command, &room);
    if (status != XY_OK)
        return status;
    if (xy_arg(command, "NAME=VALUE").len)
        status = configure(self, command, room);
    if (status == XY_OK)
        put_settings(command, room);
    xy_room_leave(room);
    return status;
}
