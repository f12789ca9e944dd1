/* SPDX-License-Identifier: MIT */
/*
 * A log line as text for people or JSON (RFC 8259) for machines. Values come from strangers.
 * Invariants: one line stays one line and carries no control character and no invalid UTF-8;
 * JSON stays JSON however long the values are, because what does not fit is left out as a
 * whole.
 */
#include "core/base/log_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { VALUE_MAX = 1024, TAIL = 24 /* ,"cut":true}\n */ };

static const char *const level_names[] = {"debug", "info", "notice", "warn", "error"};

static void
add(struct xyi_log_line *line, struct xy_str s)
{
    if (line->cut || s.len > XYI_LOG_LINE - TAIL - line->len) {
        line->cut = true;
        return;
    }
    if (s.len)
        memcpy(line->text + line->len, s.at, s.len);
    line->len += s.len;
}

static void XY_PRINTF(2, 3) addf(struct xyi_log_line *line, const char *format, ...)
{
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    add(line, xy_str_of(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1));
}

/* The bytes of the UTF-8 sequence at the front (RFC 3629), 0 if it is none. */
static size_t
sequence(struct xy_str s)
{
    const unsigned char *at = (const unsigned char *)s.at;
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] > 0xf4 || len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool bad = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
               (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f);
    return bad ? 0 : len;
}

static bool
is_control(struct xy_str s, size_t len) /* C0, DEL, C1 and the line separators of Unicode */
{
    const unsigned char *at = (const unsigned char *)s.at;
    return (len == 1 && (at[0] < 0x20 || at[0] == 0x7f)) ||
           (len == 2 && at[0] == 0xc2 && at[1] < 0xa0) ||
           (len == 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9));
}

static void
add_escape(struct xyi_log_line *line, enum xyi_log_format format, struct xy_str s, size_t len)
{
    const unsigned char *at = (const unsigned char *)s.at;
    if (format == XYI_LOG_TEXT) {
        for (size_t i = 0; i < (len ? len : 1); i++)
            addf(line, "\\x%02x", at[i]);
    } else if (len == 0) {
        add(line, XY_STR("\\ufffd"));
    } else if (len == 3) {
        addf(line, "\\u20%02x", at[2] & 0x3f);
    } else {
        addf(line, "\\u%04x", len == 2 ? (unsigned)(at[1] & 0x3f) | 0x80 : at[0]);
    }
}

/* What both formats write between quotes. */
static void
add_escaped(struct xyi_log_line *line, enum xyi_log_format format, struct xy_str s)
{
    bool whole = s.len <= VALUE_MAX;
    s.len = whole ? s.len : VALUE_MAX;
    while (s.len) {
        size_t len = sequence(s);
        if (*s.at == '"' || *s.at == '\\')
            addf(line, "\\%c", *s.at);
        else if (len == 0 || is_control(s, len))
            add_escape(line, format, s, len);
        else
            add(line, xy_str_of(s.at, len));
        s = xy_str_of(s.at + (len ? len : 1), s.len - (len ? len : 1));
    }
    if (!whole)
        add(line, XY_STR("…"));
}

static bool
is_plain(struct xy_str s) /* needs no quotes in text */
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return s.len > 0;
}

static void
add_quoted(struct xyi_log_line *line, enum xyi_log_format format, struct xy_str s)
{
    add(line, XY_STR("\""));
    add_escaped(line, format, s);
    add(line, XY_STR("\""));
}

static void
add_value(struct xyi_log_line *line, enum xyi_log_format format, const struct xy_field *field)
{
    if (field->type == XY_FIELD_INT)
        addf(line, "%" PRId64, field->integer);
    else if (field->type == XY_FIELD_BOOL)
        add(line, field->integer ? XY_STR("true") : XY_STR("false"));
    else if (format == XYI_LOG_TEXT && is_plain(field->text) && field->text.len <= VALUE_MAX)
        add(line, field->text);
    else
        add_quoted(line, format, field->text);
}

/* All of the field or nothing of it. */
static void
add_field(struct xyi_log_line *line, enum xyi_log_format format, const struct xy_field *field)
{
    size_t before = line->len;
    bool cut = line->cut;
    line->cut = false;
    if (format == XYI_LOG_JSON) {
        add(line, XY_STR(","));
        add_quoted(line, format, xy_str_from(field->name));
        add(line, XY_STR(":"));
    } else {
        add(line, XY_STR(" "));
        add(line, xy_str_from(field->name));
        add(line, XY_STR("="));
    }
    add_value(line, format, field);
    if (line->cut)
        line->len = before;
    line->cut = line->cut || cut;
}

static void
add_text_field(struct xyi_log_line *line, enum xyi_log_format format, const char *name,
               struct xy_str text)
{
    struct xy_field field = XY_F_STR_AS(name, text);
    if (text.len)
        add_field(line, format, &field);
}

static void
add_head(struct xyi_log_line *line, enum xyi_log_format format,
         const struct xyi_log_entry *entry)
{
    char now[XYI_TIME_SIZE];
    xyi_time_write(xy_now_ms(), now);
    if (format == XYI_LOG_TEXT) {
        addf(line, "%s %-6s ", now, level_names[entry->level]);
        add(line, xy_str_from(entry->event));
        add(line, XY_STR(" "));
        add_escaped(line, format, xy_str_from(entry->words));
        return;
    }
    addf(line, "{\"time\":\"%s\",\"level\":\"%s\"", now, level_names[entry->level]);
    add_text_field(line, format, "event", xy_str_from(entry->event));
    add_text_field(line, format, "message", xy_str_from(entry->words));
}

void
xyi_log_compose(struct xyi_log_line *line, enum xyi_log_format format,
                const struct xyi_log_entry *entry)
{
    line->len = 0;
    line->cut = false;
    add_head(line, format, entry);
    struct xy_str module = xyi_log_scope.module;
    if (!module.len && xyi_log_module)
        module = xyi_log_module();
    add_text_field(line, format, "module", module);
    add_text_field(line, format, "host", xyi_log_scope.host);
    add_text_field(line, format, "stream", xyi_log_scope.stream);
    for (size_t i = 0; i < entry->count; i++)
        add_field(line, format, &entry->fields[i]);
    const char *tail = line->cut ? " cut=true\n" : "\n"; /* add() keeps this much room */
    if (format == XYI_LOG_JSON)
        tail = line->cut ? ",\"cut\":true}\n" : "}\n";
    memcpy(line->text + line->len, tail, strlen(tail));
    line->len += strlen(tail);
}
