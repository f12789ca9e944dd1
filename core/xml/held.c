/* SPDX-License-Identifier: MIT */
/*
 * Long tags that trickle in. Expat scans an unfinished tag from its start each time bytes are
 * added, so a client that sends a long attribute byte by byte would cost the square of its
 * length (expat's own remedy delays finished tags, and is off). Invariant: once an unfinished
 * tag is long, expat sees it again only when it is complete, so the work is linear; what is
 * held back cannot contain an end of the tag, so no event comes late.
 */
#include "core/xml/engine.h"

enum { SHORT = 512 }; /* scanned again without a thought */

/* Whether the unfinished markup may be complete with these bytes. */
static bool
may_complete(struct xyi_held *held, const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = at[i];
        if (!held->tag) { /* a reference goes on with letters and digits only */
            bool goes_on = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
            if (!goes_on)
                return true;
        } else if (held->quote) {
            held->quote = c == held->quote ? '\0' : held->quote;
        } else if (c == '"' || c == '\'') {
            held->quote = c;
        } else if (c == '>') {
            return true;
        }
    }
    return false;
}

bool
xyi_held_back(struct xyi_engine *engine, const char *at, size_t len)
{
    struct xyi_held *held = &engine->held;
    if (!held->active)
        return false;
    if (may_complete(held, at, len)) {
        held->active = false;
        return false;
    }
    if (held->len + len > held->room) {
        held->room = 2 * (held->len + len);
        held->bytes = xyi_resize(held->bytes, held->room);
    }
    memcpy(held->bytes + held->len, at, len);
    held->len += len;
    return true;
}

void
xyi_hold_from(struct xyi_engine *engine, const char *at, size_t size)
{
    struct xyi_held *held = &engine->held;
    if (size < SHORT || (at[0] != '<' && at[0] != '&'))
        return;
    held->tag = at[0] == '<';
    held->quote = '\0';
    if (held->tag && (at[1] == '!' || at[1] == '?')) {
        xyi_engine_fail(engine, "restricted-xml", "long markup that is no element");
        return;
    }
    size_t scanned = !held->tag && at[1] == '#' ? 2 : 1;
    held->active = !may_complete(held, at + scanned, size - scanned);
}
