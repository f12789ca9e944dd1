/* SPDX-License-Identifier: MIT */
/*
 * Stanzas inside the core, the restricted XML parser and the writer.
 */
#ifndef XYI_XML_H
#define XYI_XML_H

#include <xylem/jid.h>
#include <xylem/namespaces.h>
#include <xylem/stanza.h>
#include "core/base/base.h"

/* ---- JIDs ------------------------------------------------------------------------------------------- */
void xyi_jids_init(void);
void xyi_jids_end(void);
size_t xyi_jids_count(void); /* interned now: for leak tests */
/* Whether `text` may be a domain; prepared in xyi_temp(). Callable on any thread. */
XY_CHECK xy_status xyi_jid_prepare(struct xy_str text, struct xy_str *prepared);
/* The same for a whole JID. */
XY_CHECK xy_status xyi_jid_normalize(struct xy_str text, struct xy_str *prepared);

/* ---- stanzas ------------------------------------------------------------------------------------------ */
/* Fresh from the parser `from` and `to` are slices. The logic thread resolves them at the door:
 * XY_INVALID when one is malformed (then both count as absent). */
XY_CHECK xy_status xyi_stanza_resolve(struct xy_stanza *stanza);
void xyi_stanza_freeze(struct xy_stanza *stanza);
void xyi_stanza_set_received_ms(struct xy_stanza *stanza, int64_t ms);
/* Of the session it came from (xy_session_login()); 0: none. Nothing a client says sets it. */
void xyi_stanza_set_login(struct xy_stanza *stanza, int64_t login);
int64_t xyi_stanza_login(const struct xy_stanza *stanza);
/* Gives the caller's reference to the running fiber (xyi_arena_defer on xyi_temp()). */
void xyi_stanza_leave_to_fiber(const struct xy_stanza *stanza);
/* A frozen copy that takes no more memory than it needs and holds no other stanza: for what is
 * kept as long as a session. One reference, the caller's. */
const struct xy_stanza *xyi_stanza_compact(const struct xy_stanza *stanza);
size_t xyi_stanza_bytes(const struct xy_stanza *stanza); /* as it came from the wire */

/* ---- writer ------------------------------------------------------------------------------------------- */
/* Bytes of `stanza` for a stream of default namespace `ns`, appended by `write`. A frozen stanza
 * that came in unchanged copies its inner bytes. Any thread. `to` not NULL replaces the `to`
 * attribute (fan-out: one stanza, many headers). Elements of XY_NS_STREAM are written with the
 * prefix `stream:` that every stream header declares, because clients look for it. */
struct xyi_out; /* a growing byte buffer of the network layer or a test */
typedef void xyi_write_fn(struct xyi_out *out, const char *at, size_t len);
void xyi_stanza_write(const struct xy_stanza *stanza, struct xy_str ns, const struct xy_jid *to,
                      xyi_write_fn *write, struct xyi_out *out);

/* ---- parser: one per stream; about 100 bytes, and an expat parser of a pool only in the middle of an
 * element (streams of another root than <stream:stream> keep theirs) ------------------------------------- */
struct xyi_parser;
struct xyi_parser_limits { /* SIZE_MAX switches one off; a new parser has none */
    size_t stanza_bytes; /* of a top-level element, and of the header; counted while it arrives */
    size_t depth;        /* 1: no children */
    size_t attributes;   /* of an element, namespace declarations included */
    size_t children;     /* elements of an element */
};
struct xyi_stream_header {
    struct xy_str name_ns, default_ns; /* of <stream:stream>, and its xmlns */
    struct xy_str to, from, id, version, lang;
};
struct xyi_parser_events {
    void (*header)(void *argument, const struct xyi_stream_header *header); /* slices for the call */
    void (*element)(void *argument, struct xy_stanza *stanza);              /* owns the one reference; not the fiber's */
    void (*end)(void *argument);                                            /* </stream:stream> */
    /* The RFC 6120 4.9.3 condition: not-well-formed, restricted-xml, bad-format (no stream, or text
     * between elements), policy-violation (a limit), unsupported-encoding (also broken UTF-8),
     * bad-namespace-prefix, resource-constraint. Constant strings. Nothing follows. */
    void (*failed)(void *argument, const char *condition, const char *text);
};
struct xyi_parser *xyi_parser_new(const struct xyi_parser_events *events, void *argument);
void xyi_parser_limit(struct xyi_parser *parser, const struct xyi_parser_limits *limits);
/* Feeds bytes. Stops early when an event handler called xyi_parser_pause(); returns how many bytes
 * were consumed; feed the rest later. A handler may also restart (what follows in the same bytes is
 * the new stream) or free the parser. */
size_t xyi_parser_feed(struct xyi_parser *parser, const char *at, size_t len);
void xyi_parser_pause(struct xyi_parser *parser);
void xyi_parser_restart(struct xyi_parser *parser); /* expects a new stream header */
void xyi_parser_free(struct xyi_parser *parser);
/* The calling thread's, and its spare blocks of stanzas: before it ends. */
void xyi_parser_pool_drain(void);
size_t xyi_parser_pool_count(void); /* expat parsers of the thread, in use or spare: for tests */

#endif
