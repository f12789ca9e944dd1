/* SPDX-License-Identifier: MIT */
/*
 * A room's settings and texts as they are stored: lines "name value", with backslash and line
 * feed in values escaped. A name that this version does not know is skipped, one that is
 * missing keeps the service's default: versions before and after this one read each other's
 * rooms.
 */
#include "modules/muc/rows.h"

/* Texts that no form sets; the others are named by settings.h. The subject has a row of its
 * own: it is read here where a former release wrote it (muc_adopt_subject()). */
static const struct {
    const char *name;
    enum text text;
    bool former;
} more_texts[] = {
    {"avatar_hash", TEXT_AVATAR_HASH, false}, {"subject", TEXT_SUBJECT, true},
    {"subject_by", TEXT_SUBJECT_BY, true},    {"subject_at", TEXT_SUBJECT_AT, true},
    {"subject_id", TEXT_SUBJECT_ID, true},
};
enum { MORE_TEXTS = sizeof(more_texts) / sizeof(more_texts[0]) };

static void
add_escaped(struct xy_buffer *to, struct xy_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\\')
            xy_buffer_add(to, XY_STR("\\\\"));
        else if (text.at[i] == '\n')
            xy_buffer_add(to, XY_STR("\\n"));
        else
            xy_buffer_add(to, xy_str_of(text.at + i, 1));
    }
}

static struct xy_str
unescape(struct xy_str text)
{
    char *out = xy_temp_alloc(text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool escaped = text.at[i] == '\\' && i + 1 < text.len;
        if (escaped)
            i++;
        out[len++] = escaped && text.at[i] == 'n' ? '\n' : text.at[i];
    }
    return xy_str_of(out, len);
}

static void
add_line(struct xy_buffer *to, const char *name, struct xy_str value)
{
    xy_buffer_printf(to, "%s ", name);
    add_escaped(to, value);
    xy_buffer_add(to, XY_STR("\n"));
}

struct xy_str
muc_pack(struct xy_room *room)
{
    struct xy_buffer packed = {0};
    const struct settings *settings = muc_settings(room);
    for (size_t i = 0; i < muc_settings_count; i++) {
        const struct setting *setting = &muc_settings_table[i];
        struct xy_str value = setting->kind == SETTING_TEXT
                                  ? muc_text(room, (enum text)setting->offset)
                                  : muc_setting_text(setting, settings);
        if (setting->kind != SETTING_TEXT || value.len)
            add_line(&packed, setting->option, value);
    }
    for (size_t i = 0; i < MORE_TEXTS; i++)
        if (!more_texts[i].former && muc_text(room, more_texts[i].text).len)
            add_line(&packed, more_texts[i].name, muc_text(room, more_texts[i].text));
    return xy_buffer_str(&packed);
}

static void
take_line(struct xy_room *room, struct xy_str name, struct xy_str value)
{
    const struct setting *setting = muc_setting(name);
    struct xy_str error;
    if (setting && setting->kind == SETTING_TEXT)
        muc_set_text(room, (enum text)setting->offset, value);
    else if (setting)
        (void)!muc_setting_parse(setting, value, muc_settings(room), &error);
    for (size_t i = 0; i < MORE_TEXTS; i++)
        if (xy_str_equal(name, xy_str_from(more_texts[i].name)))
            muc_set_text(room, more_texts[i].text, value);
}

bool
muc_unpack_line(struct xy_str *packed, struct xy_str *name, struct xy_str *value)
{
    if (!packed->len)
        return false;
    struct xy_str line = xy_str_cut(packed, '\n');
    *name = xy_str_cut(&line, ' ');
    *value = unescape(line);
    return true;
}

void
muc_unpack(struct xy_room *room, struct xy_str packed)
{
    struct xy_str name, value;
    while (muc_unpack_line(&packed, &name, &value))
        take_line(room, name, value);
}
