/* SPDX-License-Identifier: MIT */
/*
 * Feeding expat and judging what came of it: how far it got, whether a limit was passed, which
 * stream error (RFC 6120 4.9.3) a failure is.
 */
#include "core/xml/engine.h"
#include "core/xml/sink.h"

enum { LONGEST_PIECE = 1 << 20 };

void
xyi_engine_stop(struct xyi_engine *engine)
{
    engine->stopped = true;
    XML_StopParser(engine->expat, XML_FALSE);
}

void
xyi_engine_fail(struct xyi_engine *engine, const char *condition, const char *text)
{
    if (engine->condition)
        return;
    engine->condition = condition;
    engine->text = text;
    XML_StopParser(engine->expat, XML_FALSE);
}

bool
xyi_engine_is_idle(const struct xyi_engine *engine)
{
    return engine->depth == 1 && engine->held.len == 0 &&
           XML_GetCurrentByteIndex(engine->expat) == (XML_Index)engine->fed;
}

/* The bytes at the place of the last event that expat still has, from there to the end. */
static struct xy_str
unread(const struct xyi_engine *engine)
{
    int offset = 0, size = 0;
    const char *bytes = XML_GetInputContext(engine->expat, &offset, &size);
    return bytes && offset < size ? xy_str_of(bytes + offset, (size_t)(size - offset))
                                  : XY_NO_STR;
}

/* RFC 6120 4.9.3.22: a violation of UTF-8 counts as an unsupported encoding. A sequence that
 * has only begun to arrive is none yet. */
static bool
is_no_utf8(const struct xyi_engine *engine)
{
    uint32_t code;
    struct xy_str rest = unread(engine);
    if (!rest.len || xyi_utf8_next(rest.at, rest.len, &code))
        return false;
    unsigned char lead = (unsigned char)rest.at[0];
    size_t size = lead < 0xC2 || lead > 0xF4 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    for (size_t i = 1; i < rest.len && i < size; i++) {
        if (((unsigned char)rest.at[i] & 0xC0) != 0x80)
            return true;
    }
    return rest.len >= size;
}

static void
judge(struct xyi_engine *engine)
{
    enum XML_Error error = XML_GetErrorCode(engine->expat);
    const char *condition = "not-well-formed";
    switch ((int)error) {
    case XML_ERROR_UNDEFINED_ENTITY:
        condition = "restricted-xml";
        break;
    case XML_ERROR_INVALID_TOKEN:
    case XML_ERROR_PARTIAL_CHAR:
        if (is_no_utf8(engine))
            condition = "unsupported-encoding";
        break;
    case XML_ERROR_UNKNOWN_ENCODING:
    case XML_ERROR_INCORRECT_ENCODING:
        condition = "unsupported-encoding";
        break;
    case XML_ERROR_NO_MEMORY:
        condition = "resource-constraint";
        break;
    default:
        break;
    }
    xyi_engine_fail(engine, condition, XML_ErrorString(error));
}

/* An element that is still arriving counts with all its bytes so far. */
static void
check_size(struct xyi_engine *engine)
{
    uint64_t start = engine->depth == 1 ? engine->unread_at : engine->element_at;
    if (engine->fed + engine->held.len - start > engine->parser->limits.stanza_bytes)
        xyi_engine_fail(engine, "policy-violation", "too many bytes in one element");
}

static void
parse(struct xyi_engine *engine, const char *at, size_t len)
{
    engine->piece = at;
    engine->piece_at = engine->fed;
    engine->fed += len;
    enum XML_Status status = XML_Parse(engine->expat, at, (int)len, 0);
    if (engine->condition || engine->stopped || engine->ended)
        return;
    if (status != XML_STATUS_OK) {
        judge(engine);
        return;
    }
    XML_Index index = XML_GetCurrentByteIndex(engine->expat);
    struct xy_str rest = unread(engine);
    engine->unread_at = index < 0 ? engine->fed : (uint64_t)index;
    check_size(engine);
    if (rest.len && !engine->condition)
        xyi_hold_from(engine, rest.at, rest.len);
}

static void
parse_held(struct xyi_engine *engine)
{
    struct xyi_held held = engine->held;
    engine->held = (struct xyi_held){0};
    if (held.len)
        parse(engine, held.bytes, held.len);
    xyi_free(held.bytes);
    engine->held.active = false;
}

size_t
xyi_engine_feed(struct xyi_engine *engine, const char *at, size_t len)
{
    if (len > LONGEST_PIECE)
        len = LONGEST_PIECE;
    if (xyi_held_back(engine, at, len)) {
        check_size(engine);
        return len;
    }
    parse_held(engine);
    if (!engine->condition)
        parse(engine, at, len);
    return engine->stopped ? (size_t)(engine->position - engine->piece_at) : len;
}
