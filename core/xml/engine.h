/* SPDX-License-Identifier: MIT */
/*
 * The parser's parts. A stream (xyi_parser) is small and lives as long as its connection; an
 * engine is an expat parser with what it needs in the middle of an element, and is borrowed
 * from the thread's pool for as long as that takes. Expat knows nothing of namespaces: they are
 * the stream's, so any engine that stands behind <stream:stream> serves any stream of that
 * root.
 */
#ifndef XYI_ENGINE_H
#define XYI_ENGINE_H

#include <expat.h>

#include "core/xml/tree.h"

/* ---- namespaces in scope -------------------------------------------------------------------
 */
struct xyi_binding {
    struct xyi_binding *next; /* further out */
    struct xy_str prefix, ns; /* prefix empty: the default namespace */
    unsigned depth;           /* of the element that declares it */
};
/* NULL, or the stream error that declaring `prefix` (absent: the default) as `ns` deserves. */
const char *xyi_binding_check(struct xy_str prefix, struct xy_str ns);
/* NULL when not found. */
const struct xyi_binding *xyi_binding_find(const struct xyi_binding *first,
                                           struct xy_str prefix);
/* Cuts a name at its colon; prefix empty when there is none. False when either part is missing
 * or there are two colons. */
bool xyi_qname_cut(const char *name, struct xy_str *prefix, struct xy_str *local);
/* Whether an attribute name declares a namespace, and for which prefix (absent: the default). */
bool xyi_is_declaration(const char *name, struct xy_str *prefix);

/* ---- stream --------------------------------------------------------------------------------
 */
/* A header that is not the usual one (<stream:stream>, the default a content namespace, the
 * prefix `stream` and no other). */
struct xyi_unusual {
    struct xyi_arena *arena; /* of all this */
    struct xy_str start;     /* "<name>": brings a fresh engine to where this stream is */
    struct xyi_binding *bindings;
};

struct xyi_parser {
    const struct xyi_parser_events *events;
    void *argument;
    struct xyi_parser_limits limits;
    struct xyi_engine *engine;   /* NULL between elements */
    struct xyi_unusual *unusual; /* NULL: the header was the usual one */
    enum xyi_content content;
    bool in_stream; /* the header has been seen */
    bool over;      /* ended or failed: swallows what comes */
    bool paused, restarted, freed;
    bool feeding;
};

/* ---- engine --------------------------------------------------------------------------------
 */
struct xyi_engine {
    XML_Parser expat;
    struct xyi_parser *parser; /* NULL in the pool */
    struct xyi_engine *next;   /* in the pool */
    unsigned depth;            /* open elements, the stream's included */
    unsigned elements;         /* top-level elements so far */
    struct xy_stanza *stanza;  /* being built */
    struct xy_node *node;
    struct xyi_attr **last_attr;  /* where the node's next one goes */
    struct xyi_binding *bindings; /* of the stanza, in its block */
    unsigned binding_count;
    bool plain;   /* its content means the same without the tags around */
    bool stopped; /* on request; at offset `position` */
    bool ended;
    const char *condition, *text; /* it failed */
    /* Offsets count all bytes this expat parser was given; the piece it has now starts at
     * `piece_at`. */
    uint64_t fed, piece_at, position;
    uint64_t element_at, content_at; /* of the element being read */
    uint64_t unread_at;              /* expat waits for the rest of what begins here */
    uint64_t longest;                /* element so far */
    const char *piece;
    struct xyi_held {
        char *bytes;
        size_t len, room;
        char quote; /* the scan stands inside a quoted value */
        bool tag, active;
    } held;
};

/* Gives `len` bytes to expat; returns how many of them count as consumed (fewer when stopped).
 * Looks at engine->condition, ->ended and ->stopped are the caller's. */
size_t xyi_engine_feed(struct xyi_engine *engine, const char *at, size_t len);
/* Between two elements, with nothing half read. */
bool xyi_engine_is_idle(const struct xyi_engine *engine);
void xyi_engine_fail(struct xyi_engine *engine, const char *condition, const char *text);
void xyi_engine_stop(struct xyi_engine *engine);
struct xyi_engine *xyi_engine_new(void);
void xyi_engine_free(struct xyi_engine *engine);

/* For the element just opened: takes in its declarations, returns whether a prefix was among
 * them; its namespaces (absent when it failed); its end. */
bool xyi_ns_declare(struct xyi_engine *engine, const char **attrs);
struct xy_str xyi_ns_of(struct xyi_engine *engine, struct xy_str prefix);
void xyi_ns_leave(struct xyi_engine *engine);

/* The handlers, which build the tree. */
void xyi_engine_set_handlers(struct xyi_engine *engine);
/* Makes the header event; for the start tag of the stream. */
void xyi_header_read(struct xyi_engine *engine, const char *name, const char **attrs);
void xyi_unusual_free(struct xyi_unusual *unusual);

/* Bytes that expat could do nothing with yet are not offered to it again with each new one, for
 * that would cost the square of a start tag's length. True: `at` was put aside. */
bool xyi_held_back(struct xyi_engine *engine, const char *at, size_t len);
/* After expat has left the last `size` bytes, at `at`, unread. */
void xyi_hold_from(struct xyi_engine *engine, const char *at, size_t size);

/* ---- pool ----------------------------------------------------------------------------------
 */
/* An engine that stands behind the stream's start tag. */
struct xyi_engine *xyi_pool_take(const struct xyi_unusual *unusual);
void xyi_pool_give(struct xyi_engine *engine); /* idle, usual stream */
bool xyi_engine_is_worn(const struct xyi_engine *engine);

#endif
