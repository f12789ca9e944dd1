/* SPDX-License-Identifier: MIT */
/*
 * Option values as text, as an operator would write them, and the comparison of two filled
 * structs by that text. A secret is shown as (set) and compared by what it is.
 */
#include "core/conf/conf_internal.h"

static bool
is_plain(struct xy_str text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@+- ";
    static const char *const words[] = {"null", "~", "---", "..."};
    if (text.len == 0 || strchr("-+. @", text.at[0]) || text.at[text.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!text.at[i] || !strchr(allowed, text.at[i]))
            return false;
    for (size_t i = 0; i < 4; i++)
        if (xy_str_equal(text, xy_str_from(words[i])))
            return false;
    return true;
}

/* The character at `at` of UTF-8 the YAML reader let in; its length in *len. */
static unsigned
decode(struct xy_str text, size_t at, size_t *len)
{
    unsigned char lead = (unsigned char)text.at[at];
    *len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    unsigned letter = lead < 0x80 ? lead : lead & (0x7fu >> *len);
    if (*len > text.len - at)
        *len = text.len - at;
    for (size_t i = 1; i < *len; i++)
        letter = letter << 6 | ((unsigned char)text.at[at + i] & 0x3f);
    return letter;
}

/* What YAML takes only as an escape: controls, line separators, the byte order mark. */
static bool
needs_escape(unsigned letter)
{
    return letter < 0x20 || (letter >= 0x7f && letter < 0xa0) || letter == 0x2028 ||
           letter == 0x2029 || letter == 0xfeff || letter == 0xfffe || letter == 0xffff;
}

void
xyi_yaml_write(struct xy_buffer *to, struct xy_str text)
{
    if (is_plain(text)) {
        xy_buffer_add(to, text);
        return;
    }
    xy_buffer_add(to, XY_STR("\""));
    for (size_t i = 0, len; i < text.len; i += len) {
        unsigned letter = decode(text, i, &len);
        if (letter == '"' || letter == '\\')
            xy_buffer_printf(to, "\\%c", (char)letter);
        else if (needs_escape(letter))
            xy_buffer_printf(to, "\\u%04x", letter);
        else
            xy_buffer_add(to, xy_str_of(text.at + i, len));
    }
    xy_buffer_add(to, XY_STR("\""));
}

static struct xy_str
quoted(struct xy_str text)
{
    struct xy_buffer buffer = {0};
    xyi_yaml_write(&buffer, text);
    return xy_buffer_str(&buffer);
}

static struct xy_str
list_text(xy_list list)
{
    struct xy_buffer buffer = {0};
    xy_buffer_add(&buffer, XY_STR("["));
    for (size_t i = 0; i < list.count; i++) {
        xy_buffer_add(&buffer, i ? XY_STR(", ") : XY_STR(""));
        xyi_yaml_write(&buffer, list.at[i]);
    }
    xy_buffer_add(&buffer, XY_STR("]"));
    return xy_buffer_str(&buffer);
}

static struct xy_str
number_text(const struct xy_option *row, int64_t value)
{
    if (row->none && value == XY_NONE)
        return XY_STR("none");
    if (row->type == XY_OPTION_DURATION)
        return xy_duration_text(value);
    if (row->type == XY_OPTION_SIZE)
        return xyi_size_text(value);
    return xy_temp_printf("%lld", (long long)value);
}

struct xy_str
xyi_option_text(const struct xy_option *row, const void *from)
{
    const void *field = (const char *)from + row->offset;
    const xy_rate *rate = field;
    switch (row->type) {
    case XY_OPTION_BOOL:
        return *(const bool *)field ? XY_STR("on") : XY_STR("off");
    case XY_OPTION_INT:
    case XY_OPTION_DURATION:
    case XY_OPTION_SIZE:
        return number_text(row, *(const int64_t *)field);
    case XY_OPTION_RATE:
        return rate->per_second_milli == XY_NONE ? XY_STR("none") : xyi_rate_text(*rate);
    case XY_OPTION_CHOICE:
        return xyi_choice_name(row->choices, ((const xy_choice *)field)->index);
    case XY_OPTION_SECRET:
        return ((const xy_secret *)field)->text.len ? XY_STR("(set)") : XY_STR("\"\"");
    case XY_OPTION_TEXT:
    case XY_OPTION_PATH:
        return quoted(*(const struct xy_str *)field);
    case XY_OPTION_LIST:
        return list_text(*(const xy_list *)field);
    case XY_OPTION_JID:
        return quoted(*(const struct xy_jid *const *)field
                          ? xy_jid_text(*(const struct xy_jid *const *)field)
                          : XY_NO_STR);
    case XY_OPTION_GROUP:
        break;
    }
    return XY_NO_STR;
}

static bool
row_differs(const struct xy_option *row, const void *a, const void *b)
{
    if (row->type == XY_OPTION_SECRET) {
        const xy_secret *one = (const void *)((const char *)a + row->offset);
        const xy_secret *other = (const void *)((const char *)b + row->offset);
        return !xy_str_equal(one->text, other->text);
    }
    return !xy_str_equal(xyi_option_text(row, a), xyi_option_text(row, b));
}

static int
strength(enum xy_effect effect)
{
    static const int by_effect[] = {
        [XY_LIVE] = 0, [XY_RECONNECT] = 1, [XY_REPLACE] = 2, [XY_RESTART] = 3};
    return by_effect[effect];
}

bool
xyi_options_differ(struct xyi_option_table table, const void *a, const void *b,
                   enum xy_effect *effect)
{
    bool differ = false;
    *effect = XY_LIVE;
    for (size_t i = 0; i < table.count; i++) {
        if (!row_differs(&table.rows[i], a, b))
            continue;
        differ = true;
        if (strength(table.rows[i].effect) > strength(*effect))
            *effect = table.rows[i].effect;
    }
    return differ;
}

void
xyi_options_release(struct xyi_option_table table, void *from)
{
    for (size_t i = 0; i < table.count; i++) {
        if (table.rows[i].type != XY_OPTION_JID)
            continue;
        const struct xy_jid **field = (void *)((char *)from + table.rows[i].offset);
        xy_jid_drop(*field);
        *field = NULL;
    }
}
