/* SPDX-License-Identifier: MIT */
/*
 * Gathering and escaping what is written. Invariant: whatever the tree holds, what leaves is
 * well-formed UTF-8 XML 1.0 that an XML processor reads back as the same text (line ends and
 * tabs go as character references where they would be normalised).
 */
#include "core/xml/sink.h"

void
xyi_sink_flush(struct xyi_sink *sink)
{
    if (sink->used)
        sink->write(sink->out, sink->bytes, sink->used);
    sink->used = 0;
}

void
xyi_sink_put_long(struct xyi_sink *sink, const char *at, size_t len)
{
    xyi_sink_flush(sink);
    if (len < sizeof(sink->bytes)) {
        memcpy(sink->bytes, at, len);
        sink->used = len;
    } else {
        sink->write(sink->out, at, len);
    }
}

size_t
xyi_utf8_next(const char *at, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)at[0];
    size_t size = lead < 0x80   ? 1
                  : lead < 0xC2 ? 0
                  : lead < 0xE0 ? 2
                  : lead < 0xF0 ? 3
                  : lead < 0xF5 ? 4
                                : 0;
    if (size == 0 || size > len)
        return 0;
    uint32_t value = size == 1 ? lead : lead & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if (((unsigned char)at[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | ((unsigned char)at[i] & 0x3F);
    }
    *code = value;
    return value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)
               ? 0
               : size;
}

bool
xy_str_is_utf8(struct xy_str s)
{
    uint32_t code;
    for (size_t size; s.len; s = xy_str_of(s.at + size, s.len - size))
        if ((size = xyi_utf8_next(s.at, s.len, &code)) == 0)
            return false;
    return true;
}

/* Where a byte cannot stand as it is, by place. */
static const unsigned char special[256] = {
    [0x00 ... 0x08] = 3,
    ['\t'] = XYI_IN_ATTRIBUTE,
    ['\n'] = XYI_IN_ATTRIBUTE,
    [0x0B ... 0x1F] = 3,
    ['\''] = XYI_IN_ATTRIBUTE,
    ['"'] = XYI_IN_ATTRIBUTE,
    ['&'] = 3,
    ['<'] = 3,
    ['>'] = 3,
    [0x80 ... 0xFF] = 3,
};

static struct xy_str
escaped(char c)
{
    switch (c) {
    case '&':
        return XY_STR("&amp;");
    case '<':
        return XY_STR("&lt;");
    case '>':
        return XY_STR("&gt;");
    case '\'':
        return XY_STR("&apos;");
    case '"':
        return XY_STR("&quot;");
    case '\t':
        return XY_STR("&#9;");
    case '\n':
        return XY_STR("&#10;");
    case '\r':
        return XY_STR("&#13;");
    default:
        return XY_STR("\xEF\xBF\xBD");
    }
}

void
xyi_sink_escape(struct xyi_sink *sink, struct xy_str s, enum xyi_place place)
{
    const char *at = s.at, *end = s.at + s.len, *run = at;
    while (at < end) {
        unsigned char c = (unsigned char)*at;
        uint32_t code = 0;
        size_t size = 1;
        if (!(special[c] & place)) {
            at++;
            continue;
        }
        if (c >= 0x80) {
            size = xyi_utf8_next(at, (size_t)(end - at), &code);
            if (size && (code & ~1u) != 0xFFFE) {
                at += size;
                continue;
            }
            size = size ? size : 1;
        }
        xyi_sink_put(sink, run, (size_t)(at - run));
        xyi_sink_put_str(sink, escaped(*at));
        at += size;
        run = at;
    }
    xyi_sink_put(sink, run, (size_t)(at - run));
}
