/* SPDX-License-Identifier: MIT */
/*
 * The pool of expat parsers, one per thread. Invariants: an engine in the pool stands behind
 * <stream:stream>, between two elements, with nothing half read, and has never failed; one that
 * has seen much is retired, because expat keeps every new name a client makes up.
 */
#include "core/xml/engine.h"

enum {
    MOST_IDLE = 8,
    WORN_BYTES = 1024 * 1024,
    WORN_ELEMENTS = 1000,
    LONG_ELEMENT = 64 * 1024
};

static _Thread_local struct {
    struct xyi_engine *first;
    size_t idle, live;
} pool __attribute__((tls_model("initial-exec")));

struct xyi_engine *
xyi_engine_new(void)
{
    struct xyi_engine *engine = xyi_alloc(sizeof(*engine));
    engine->expat = XML_ParserCreate("UTF-8");
    xy_assert(engine->expat); /* out of memory */
    /* It would wait for more bytes behind a finished tag; held.c does better. */
    XML_SetReparseDeferralEnabled(engine->expat, XML_FALSE);
    XML_SetUserData(engine->expat, engine);
    pool.live++;
    return engine;
}

void
xyi_engine_free(struct xyi_engine *engine)
{
    if (!engine)
        return;
    xy_stanza_drop(engine->stanza);
    XML_ParserFree(engine->expat);
    xyi_free(engine->held.bytes);
    xyi_free(engine);
    pool.live--;
}

struct xyi_engine *
xyi_pool_take(const struct xyi_unusual *unusual)
{
    struct xyi_engine *engine = unusual ? NULL : pool.first;
    if (engine) {
        pool.first = engine->next;
        pool.idle--;
        return engine;
    }
    struct xy_str start = unusual ? unusual->start : XY_STR("<stream:stream>");
    engine = xyi_engine_new();
    enum XML_Status status = XML_Parse(engine->expat, start.at, (int)start.len, 0);
    xy_assert(status == XML_STATUS_OK);
    engine->fed = start.len;
    engine->depth = 1;
    xyi_engine_set_handlers(engine);
    return engine;
}

bool
xyi_engine_is_worn(const struct xyi_engine *engine)
{
    return engine->fed > WORN_BYTES || engine->elements > WORN_ELEMENTS ||
           engine->longest > LONG_ELEMENT;
}

void
xyi_pool_give(struct xyi_engine *engine)
{
    if (pool.idle >= MOST_IDLE || xyi_engine_is_worn(engine)) {
        xyi_engine_free(engine);
        return;
    }
    engine->parser = NULL;
    engine->next = pool.first;
    pool.first = engine;
    pool.idle++;
}

size_t
xyi_parser_pool_count(void)
{
    return pool.live;
}

void
xyi_parser_pool_drain(void)
{
    for (struct xyi_engine *engine = pool.first, *next; engine; engine = next) {
        next = engine->next;
        xyi_engine_free(engine);
    }
    pool.first = NULL;
    pool.idle = 0;
    xyi_block_cache_drain();
}
