/* SPDX-License-Identifier: MIT */
/*
 * A stream's bytes to its events. Invariants: between two elements a usual stream holds no
 * engine; an event handler may pause, restart or free the parser, and it takes effect when
 * expat has returned; after the end or a failure nothing follows.
 */
#include "core/xml/engine.h"

struct xyi_parser *
xyi_parser_new(const struct xyi_parser_events *events, void *argument)
{
    struct xyi_parser *parser = xyi_alloc(sizeof(*parser));
    parser->events = events;
    parser->argument = argument;
    parser->limits = (struct xyi_parser_limits){SIZE_MAX, SIZE_MAX - 1, SIZE_MAX, SIZE_MAX};
    return parser;
}

void
xyi_parser_limit(struct xyi_parser *parser, const struct xyi_parser_limits *limits)
{
    parser->limits = *limits;
    if (parser->limits.depth == SIZE_MAX)
        parser->limits.depth--; /* room to add the stream's own level */
}

void
xyi_parser_pause(struct xyi_parser *parser)
{
    parser->paused = true;
}

static void
forget_engine(struct xyi_parser *parser)
{
    xyi_engine_free(parser->engine);
    parser->engine = NULL;
}

static void
forget_stream(struct xyi_parser *parser)
{
    forget_engine(parser);
    xyi_unusual_free(parser->unusual);
    parser->unusual = NULL;
    parser->in_stream = parser->over = parser->restarted = false;
}

void
xyi_parser_restart(struct xyi_parser *parser)
{
    if (parser->feeding)
        parser->restarted = true;
    else
        forget_stream(parser);
}

void
xyi_parser_free(struct xyi_parser *parser)
{
    if (!parser)
        return;
    parser->freed = true;
    if (parser->feeding)
        return;
    forget_stream(parser);
    xyi_free(parser);
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A stream begins with '<' or a byte order mark; what expat would take for UTF-16 by its first
 * two bytes is refused. */
static void
check_beginning(struct xyi_engine *engine, const char *at, size_t len)
{
    unsigned char first = (unsigned char)at[0];
    if (engine->fed > 1 || (engine->fed == 1 && first != 0))
        return;
    bool plain = first == '<' || first == 0xEF;
    if (first == 0 || first == 0xFE || first == 0xFF || (plain && len > 1 && at[1] == '\0'))
        xyi_engine_fail(engine, "unsupported-encoding", "encoding other than UTF-8");
    else if (!plain)
        xyi_engine_fail(engine, "not-well-formed", "no XML");
}

static void
take_engine(struct xyi_parser *parser)
{
    if (parser->in_stream) {
        parser->engine = xyi_pool_take(parser->unusual);
    } else {
        parser->engine = xyi_engine_new();
        xyi_engine_set_handlers(parser->engine);
    }
    parser->engine->parser = parser;
}

/* What came of the bytes, now that expat has returned. */
static void
settle(struct xyi_parser *parser)
{
    struct xyi_engine *engine = parser->engine;
    if (engine->condition) {
        const char *condition = engine->condition, *text = engine->text;
        forget_engine(parser);
        parser->over = true;
        if (!parser->freed)
            parser->events->failed(parser->argument, condition, text);
    } else if (engine->ended) {
        forget_engine(parser);
        parser->over = true;
        if (!parser->freed && !parser->restarted)
            parser->events->end(parser->argument);
    } else if (engine->stopped) {
        forget_engine(parser);
    } else if (xyi_engine_is_idle(engine)) {
        if (!parser->unusual) {
            xyi_pool_give(engine);
            parser->engine = NULL;
        } else if (xyi_engine_is_worn(engine)) {
            forget_engine(parser);
        }
    }
    if (parser->restarted)
        forget_stream(parser);
}

static size_t
advance(struct xyi_parser *parser, const char *at, size_t len)
{
    size_t spaces = 0;
    while (!parser->engine && spaces < len && is_space(at[spaces]))
        spaces++; /* keepalive */
    if (spaces == len)
        return len;
    at += spaces;
    len -= spaces;
    if (!parser->engine)
        take_engine(parser);
    struct xyi_engine *engine = parser->engine;
    size_t used = len;
    if (!parser->in_stream)
        check_beginning(engine, at, len);
    if (!engine->condition)
        used = xyi_engine_feed(engine, at, len);
    settle(parser);
    return spaces + used;
}

size_t
xyi_parser_feed(struct xyi_parser *parser, const char *at, size_t len)
{
    size_t used = 0;
    xy_assert(!parser->feeding);
    parser->paused = false;
    parser->feeding = true;
    while (used < len && !parser->paused && !parser->over && !parser->freed)
        used += advance(parser, at + used, len - used);
    parser->feeding = false;
    bool over = parser->over;
    if (parser->freed)
        xyi_parser_free(parser);
    return over ? len : used;
}
