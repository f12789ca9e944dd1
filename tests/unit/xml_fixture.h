/* SPDX-License-Identifier: MIT */
/*
 * For tests of core/xml: a thread that looks like the logic thread (JID table, inbox, one
 * fiber's arena), and a stream that writes down what it is told.
 */
#ifndef XY_XML_FIXTURE_H
#define XY_XML_FIXTURE_H

#include "core/xml/xml.h"
#include "harness.h"

static uint64_t fixture_epoch;

/* What a fiber begins and ends with. */
static inline void
fiber_begin(void)
{
    xyi_temp_set(xyi_arena_new(4096));
    fixture_epoch = xyi_epoch_enter();
}
static inline void
fiber_end(void)
{
    struct xyi_arena *arena = xyi_temp();
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
    xyi_epoch_leave(fixture_epoch);
}
static inline void
logic_turn(void)
{
    xyi_inbox_open_all(&xyi_logic_inbox);
    xyi_epoch_sweep();
}
static inline void
logic_begin(void)
{
    xyi_inbox_init(&xyi_logic_inbox);
    xyi_jids_init();
    fiber_begin();
}
/* Fails when a stanza or JID is still held. */
static inline void
logic_end(void)
{
    fiber_end();
    for (int i = 0; i < 8; i++)
        logic_turn();
    CHECK_EQ(xyi_jids_count(), 0);
    xyi_jids_end();
    xyi_epoch_end();
    xyi_parser_pool_drain();
    CHECK_EQ(xyi_parser_pool_count(), 0);
    xyi_inbox_close(&xyi_logic_inbox);
}

/* xorshift: the same sequence in every run. */
static inline uint32_t
random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}
static inline uint32_t
random_below(uint64_t *state, uint32_t limit)
{
    return random_next(state) % limit;
}

static inline void
append_bytes(struct xyi_out *out, const char *at, size_t len)
{
    xy_buffer_add((void *)out, xy_str_of(at, len));
}
/* As written for a stream of default namespace `ns`; absent: for no stream, which always walks
 * the tree and names every namespace. */
static inline struct xy_str
written(const struct xy_stanza *stanza, struct xy_str ns)
{
    struct xy_buffer buffer = {NULL, 0, 0};
    xyi_stanza_write(stanza, ns, NULL, append_bytes, (void *)&buffer);
    return xy_buffer_str(&buffer);
}
static inline struct xy_str
tree_of(const struct xy_stanza *stanza)
{
    return written(stanza, XY_NO_STR);
}

/* ---- a stream and its record: "H(…)" for a header, "E<…>" for an element, ")" for the end,
 * "!…" for a failure ------------------------------------------------------------------------
 */
struct stream {
    struct xyi_parser *parser;
    struct xy_buffer record;
    bool pause;         /* after every event */
    bool restart, free; /* in the next element */
    unsigned elements;
    struct xy_stanza *last; /* the fiber's */
};
static inline void
stream_note(struct stream *stream)
{
    if (stream->pause)
        xyi_parser_pause(stream->parser);
}
static inline void
stream_header(void *argument, const struct xyi_stream_header *header)
{
    struct stream *stream = argument;
    xy_buffer_printf(&stream->record,
                     "H(" XY_FMT "|" XY_FMT "|to " XY_FMT "|from " XY_FMT "|id " XY_FMT
                     "|version " XY_FMT "|lang " XY_FMT ")",
                     XY_ARG(header->name_ns), XY_ARG(header->default_ns), XY_ARG(header->to),
                     XY_ARG(header->from), XY_ARG(header->id), XY_ARG(header->version),
                     XY_ARG(header->lang));
    stream_note(stream);
}
static inline void
stream_element(void *argument, struct xy_stanza *stanza)
{
    struct stream *stream = argument;
    stream->elements++;
    xyi_stanza_leave_to_fiber(stanza);
    stream->last = stanza;
    xy_buffer_add(&stream->record, XY_STR("E"));
    xy_buffer_add(&stream->record, tree_of(stanza));
    stream_note(stream);
    if (stream->restart)
        xyi_parser_restart(stream->parser);
    stream->restart = false;
    if (stream->free)
        xyi_parser_free(stream->parser);
}
static inline void
stream_end(void *argument)
{
    struct stream *stream = argument;
    xy_buffer_add(&stream->record, XY_STR(")"));
}
static inline void
stream_failed(void *argument, const char *condition, const char *text)
{
    struct stream *stream = argument;
    CHECK(text != NULL);
    xy_buffer_printf(&stream->record, "!%s", condition);
}
static const struct xyi_parser_events stream_events = {stream_header, stream_element,
                                                       stream_end, stream_failed};
static inline struct stream *
stream_open(void)
{
    struct stream *stream = xy_temp_alloc(sizeof(*stream));
    stream->parser = xyi_parser_new(&stream_events, stream);
    return stream;
}
static inline void
stream_feed(struct stream *stream, struct xy_str bytes)
{
    CHECK_EQ(xyi_parser_feed(stream->parser, bytes.at, bytes.len), bytes.len);
}
static inline void
stream_close(struct stream *stream)
{
    xyi_parser_free(stream->parser);
}

#define HEADER                                                            \
    "<?xml version='1.0'?><stream:stream to='example.org' version='1.0' " \
    "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
#define HEADER_RECORD                                                                    \
    "H(http://etherx.jabber.org/streams|jabber:client|to example.org|from |id |version " \
    "1.0|lang )"

#endif
