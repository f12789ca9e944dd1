/* SPDX-License-Identifier: MIT */
/*
 * Stream bytes. The first byte says how the rest is cut. Whatever comes: no event depends on
 * the cuts or on pauses; every element that comes out is written so that it reads back the
 * same; and small limits hold.
 */
#include <expat.h>

#define HARNESS_ABORTS
#include "../unit/xml_fixture.h"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* Longer unfinished tags are looked at when they are whole, so their faults may show later. */
enum { SHORT = 500 };

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    xyi_inbox_init(&xyi_logic_inbox);
    xyi_jids_init();
    return 0;
}

static void
must_read_back(const struct xy_stanza *stanza)
{
    static const char header[] = "<stream:stream xmlns='urn:other' "
                                 "xmlns:stream='http://etherx.jabber.org/streams'>";
    struct stream *stream = stream_open();
    stream_feed(stream, xy_str_from(header));
    stream_feed(stream, written(stanza, XY_STR("urn:other")));
    stream_close(stream);
    CHECK_EQ(stream->elements, 1);
    CHECK_STR(tree_of(stream->last), tree_of(stanza).at);
}

/* By a parser that knows namespaces itself: nothing may be sent that a client would hang up on.
 */
static void
must_be_well_formed(struct xy_str text)
{
    XML_Parser expat = XML_ParserCreateNS("UTF-8", '\xFF');
    CHECK_EQ(XML_Parse(expat, HEADER, (int)strlen(HEADER), 0), XML_STATUS_OK);
    CHECK_EQ(XML_Parse(expat, text.at, (int)text.len, 0), XML_STATUS_OK);
    CHECK_EQ(XML_Parse(expat, "</stream:stream>", 16, 1), XML_STATUS_OK);
    XML_ParserFree(expat);
}

static void
check_stanza(struct xy_stanza *stanza)
{
    must_read_back(stanza);
    if (xyi_stanza_resolve(stanza) != XY_OK)
        must_read_back(stanza);
    struct xy_str text = xy_stanza_text(stanza),
                  tree = tree_of(stanza); /* perhaps its raw bytes */
    struct xy_stanza *again = xy_stanza_parse(text);
    CHECK(again && xy_str_equal(tree_of(again), tree));
    must_be_well_formed(text);
    must_be_well_formed(tree);
    xyi_stanza_freeze(stanza);
    struct xy_stanza *edit = xy_stanza_edit(stanza);
    CHECK(xy_str_equal(xy_stanza_text(edit), text));
    xy_node_mutable(edit, xy_stanza_root(edit)); /* from the tree */
    again = xy_stanza_parse(xy_stanza_text(edit));
    CHECK(again && xy_str_equal(tree_of(again), tree));
}

static void
checked_element(void *argument, struct xy_stanza *stanza)
{
    stream_element(argument, stanza);
    check_stanza(stanza);
}

static struct xy_str
run(struct xy_str bytes, uint32_t most, uint64_t seed, bool pause,
    const struct xyi_parser_limits *limits)
{
    static const struct xyi_parser_events events = {stream_header, checked_element, stream_end,
                                                    stream_failed};
    struct stream *stream = stream_open();
    xyi_parser_free(stream->parser);
    stream->parser = xyi_parser_new(&events, stream);
    stream->pause = pause;
    if (limits)
        xyi_parser_limit(stream->parser, limits);
    for (size_t at = 0; at < bytes.len;) {
        size_t len = most ? 1 + random_below(&seed, most) : bytes.len;
        len = len < bytes.len - at ? len : bytes.len - at;
        size_t took = xyi_parser_feed(stream->parser, bytes.at + at, len);
        CHECK(took > 0 && took <= len && (pause || took == len));
        at += took;
    }
    stream_close(stream);
    return xy_buffer_str(&stream->record);
}

/* Which of these faults it is may depend on how much of a broken token is there. */
static struct xy_str
comparable(struct xy_str record)
{
    static const struct xy_str alike[] = {XY_STR_INIT("!unsupported-encoding"),
                                          XY_STR_INIT("!bad-format")};
    for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
        if (xy_str_ends(record, alike[i]))
            return xy_temp_printf(XY_FMT "!not-well-formed", (int)(record.len - alike[i].len),
                                  record.at);
    }
    return record;
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static const struct xyi_parser_limits small = {60, 3, 3, 3};
    if (size < 2)
        return 0;
    fiber_begin();
    uint64_t seed = input[0] * 2654435761u + 1;
    struct xy_str bytes = xy_str_of((const char *)input + 1, size - 1);
    if (input[0] & 1) { /* straight to the elements */
        struct xy_buffer opened = {NULL, 0, 0};
        xy_buffer_add(&opened, XY_STR(HEADER));
        xy_buffer_add(&opened, bytes);
        bytes = xy_buffer_str(&opened);
    }
    struct xy_str whole = run(bytes, 0, seed, false, NULL);
    struct xy_str in_bytes = run(bytes, 1, seed, true, NULL);
    struct xy_str in_pieces = run(bytes, 1 + input[0] / 2, seed, input[0] & 2, NULL);
    if (bytes.len <= SHORT) {
        CHECK_STR(comparable(in_bytes), comparable(whole).at);
        CHECK_STR(comparable(in_pieces), comparable(whole).at);
    }
    run(bytes, 1 + input[0] / 2, seed, false, &small);
    fiber_end();
    logic_turn();
    return 0;
}
