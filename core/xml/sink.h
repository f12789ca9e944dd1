/* SPDX-License-Identifier: MIT */
/* Bytes on their way out, gathered so that a small stanza is one call of the writer's function.
 */
#ifndef XYI_SINK_H
#define XYI_SINK_H

#include "core/xml/xml.h"

struct xyi_sink {
    xyi_write_fn *write;
    struct xyi_out *out;
    size_t used;
    char bytes[1024];
};
void xyi_sink_flush(struct xyi_sink *sink);
void xyi_sink_put_long(struct xyi_sink *sink, const char *at, size_t len);

static inline void
xyi_sink_put(struct xyi_sink *sink, const char *at, size_t len)
{
    if (len > sizeof(sink->bytes) - sink->used) {
        xyi_sink_put_long(sink, at, len);
        return;
    }
    if (len)
        memcpy(sink->bytes + sink->used, at, len);
    sink->used += len;
}

static inline void
xyi_sink_put_str(struct xyi_sink *sink, struct xy_str s)
{
    xyi_sink_put(sink, s.at, s.len);
}
#define XYI_SINK_LITERAL(sink, literal) xyi_sink_put((sink), "" literal, sizeof(literal) - 1)

/* Character data, or the inside of a single-quoted attribute value. A byte that is no part of a
 * character XML 1.0 allows becomes U+FFFD. */
enum xyi_place { XYI_IN_TEXT = 1, XYI_IN_ATTRIBUTE = 2 };
void xyi_sink_escape(struct xyi_sink *sink, struct xy_str s, enum xyi_place place);

/* Bytes of the UTF-8 sequence at `at` and its code point; 0 when it is none. */
size_t xyi_utf8_next(const char *at, size_t len, uint32_t *code);

#endif
