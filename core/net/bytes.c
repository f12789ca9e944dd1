/* SPDX-License-Identifier: MIT */
/*
 * Bytes that wait: what a socket does not take and what a parser may not see yet. Invariant: an
 * empty one holds no memory once it has been eaten.
 */
#include "core/net/parts.h"

enum { LEAST = 512 };

static void
grow(struct xyi_out *out, size_t more)
{
    size_t left = xyi_out_left(out);
    if (out->from) {
        memmove(out->at, out->at + out->from, left);
        out->from = 0;
        out->len = left;
    }
    if (left + more <= out->size)
        return;
    size_t size = out->size ? out->size : LEAST;
    while (size < left + more)
        size *= 2;
    out->at = xyi_resize(out->at, size);
    out->size = size;
}

void
xyi_out_add(struct xyi_out *out, const char *at, size_t len)
{
    if (out->size - out->len < len)
        grow(out, len);
    if (len)
        memcpy(out->at + out->len, at, len);
    out->len += len;
}

void
xyi_out_eat(struct xyi_out *out, size_t len)
{
    out->from += len;
    if (out->from == out->len)
        xyi_out_free(out);
}

void
xyi_out_free(struct xyi_out *out)
{
    xyi_free(out->at);
    *out = (struct xyi_out){0};
}
