/* SPDX-License-Identifier: MIT */
/* The stream parser: what it accepts and refuses, in pieces of any size, and what it costs. */
#include "core/xml/engine.h"
#include "xml_fixture.h"

#define OPEN \
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
#define OPEN_RECORD \
    "H(http://etherx.jabber.org/streams|jabber:client|to |from |id |version |lang )"
#define MESSAGE_RECORD(inner) "E<message xmlns='jabber:client'>" inner "</message>"

/* The record of a stream fed in pieces of random size up to `most` (0: all at once). */
static struct xy_str
record_of(struct xy_str bytes, uint32_t most, uint64_t *state)
{
    struct stream *stream = stream_open();
    for (size_t at = 0, len; at < bytes.len; at += len) {
        len = most ? 1 + random_below(state, most) : bytes.len;
        len = len < bytes.len - at ? len : bytes.len - at;
        stream_feed(stream, xy_str_of(bytes.at + at, len));
    }
    stream_close(stream);
    return xy_buffer_str(&stream->record);
}

/* The same whole, byte by byte and in random pieces. */
static void
check_bytes(struct xy_str bytes, const char *expected)
{
    uint64_t state = 88172645463325252u;
    CHECK_STR(record_of(bytes, 0, &state), expected);
    CHECK_STR(record_of(bytes, 1, &state), expected);
    for (int i = 0; i < 20; i++)
        CHECK_STR(record_of(bytes, 40, &state), expected);
}

static void
check_record(const char *text, const char *expected)
{
    check_bytes(xy_str_from(text), expected);
}

/* In a stream that stands open. */
static void
check_inside(const char *text, const char *expected)
{
    struct xy_str bytes = xy_temp_printf(OPEN "%s", text);
    struct xy_str record = xy_temp_printf(OPEN_RECORD "%s", expected);
    check_bytes(bytes, record.at);
}

TEST(a_stream)
{
    logic_begin();
    check_record(HEADER "<message to='romeo@example.org' from='a@b/c' id='1' type='chat' "
                        "xml:lang='en' x='y'><body>hi</body></message>"
                        " \r\n\t<presence/><iq type='get' id=''><query xmlns='q'/></iq>"
                        "</stream:stream>",
                 HEADER_RECORD
                 "E<message xmlns='jabber:client' to='romeo@example.org' from='a@b/c' id='1' "
                 "type='chat' xml:lang='en' x='y'><body>hi</body></message>"
                 "E<presence xmlns='jabber:client'/>"
                 "E<iq xmlns='jabber:client' id='' type='get'><query xmlns='q'/></iq>)");
    logic_end();
}

TEST(nothing_follows_the_end)
{
    logic_begin();
    check_inside("<presence/></stream:stream><presence/>&<<",
                 "E<presence xmlns='jabber:client'/>)");
    check_inside("<presence/></wrong>&<</stream:stream>",
                 "E<presence xmlns='jabber:client'/>!not-well-formed");
    logic_end();
}

TEST(headers)
{
    logic_begin();
    check_record("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8' standalone='yes'?>" OPEN,
                 OPEN_RECORD);
    check_record(" \n\t<?xml version='1.0'?>\n" OPEN " ", OPEN_RECORD);
    check_record("<stream:stream xmlns:stream='http://etherx.jabber.org/streams' id='i' "
                 "from='f' xml:lang='de' xmlns='jabber:server' version='1.0'>",
                 "H(http://etherx.jabber.org/streams|jabber:server|to |from f|id i|version "
                 "1.0|lang de)");
    check_record("<stream xmlns='http://etherx.jabber.org/streams'>",
                 "H(http://etherx.jabber.org/streams|http://etherx.jabber.org/streams|to |from "
                 "|id |version |lang )");
    check_record("<s:stream xmlns:s='u'></s:stream>", "H(u||to |from |id |version |lang ))");
    check_record("<stream/>", "H(||to |from |id |version |lang ))");
    check_record("<stream:stream>", "!bad-namespace-prefix");
    check_record("<x:stream xmlns:stream='u'>", "!bad-namespace-prefix");
    check_record("<stream a:b=''>", "!bad-namespace-prefix");
    check_record("<html>", "!bad-format");
    check_record("GET / HTTP/1.1\r\n\r\n", "!not-well-formed");
    check_record("<stream a=''  a=''>", "!not-well-formed");
    check_record("<a:b:stream xmlns:a='u'>", "!not-well-formed");
    check_record("<stream xmlns:='u'>", "!not-well-formed");
    check_record("<stream xmlns:a=''>", "!not-well-formed");
    check_record("<stream xmlns:-a='u'>", "!not-well-formed");
    check_record("<a:-stream xmlns:a='u'>", "!not-well-formed");
    check_record("<stream xmlns:xml='u'>", "!not-well-formed");
    check_record("<stream xmlns:xmlns='u'>", "!not-well-formed");
    logic_end();
}

TEST(encodings)
{
    logic_begin();
    check_record("<?xml version='1.0' encoding='ISO-8859-1'?>" OPEN, "!unsupported-encoding");
    check_record("<?xml version='1.0' encoding='UTF-16'?>" OPEN, "!unsupported-encoding");
    check_bytes(XY_STR("\xFE\xFF\0<\0s"), "!unsupported-encoding");
    check_bytes(XY_STR("\xFF\xFE<\0s\0"), "!unsupported-encoding");
    check_bytes(XY_STR("<\0s\0t\0"), "!unsupported-encoding");
    check_bytes(XY_STR("\0<\0s"), "!unsupported-encoding");
    check_inside("<a>\xFF</a>", "!unsupported-encoding");
    check_inside("<a>\xC3\x28</a>", "!unsupported-encoding");
    check_inside("<a>\xC0\x80</a>", "!unsupported-encoding");
    check_inside("<a>\xED\xA0\x80</a>", "!unsupported-encoding");
    check_inside("<a>\xF4\x90\x80\x80</a>", "!unsupported-encoding");
    check_inside("<a b='\xE2\x28\xA1'/>", "!unsupported-encoding");
    check_inside("<a>\xEF\xBF\xBF</a>",
                 "!not-well-formed"); /* UTF-8, but no character of XML */
    check_inside("<a>\x01</a>", "!not-well-formed");
    check_inside("<message>\xC3\xBC\xE2\x82\xAC\xF0\x9F\x90\xB1</message>",
                 MESSAGE_RECORD("\xC3\xBC\xE2\x82\xAC\xF0\x9F\x90\xB1"));
    check_bytes(XY_STR(OPEN "<a>\0</a>"), OPEN_RECORD "!not-well-formed");
    logic_end();
}

TEST(restricted_xml)
{
    logic_begin();
    check_record("<!DOCTYPE a>" OPEN, "!restricted-xml");
    check_record("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
                 "!restricted-xml");
    check_record("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "!restricted-xml");
    check_record("<!-- a -->" OPEN, "!restricted-xml");
    check_record("<?a b?>" OPEN, "!restricted-xml");
    check_inside("<!-- a -->", "!restricted-xml");
    check_inside("<a><!-- a --></a>", "!restricted-xml");
    check_inside("<a><?b c?></a>", "!restricted-xml");
    check_inside("<a>&b;</a>", "!restricted-xml");
    check_inside("<a b='&c;'/>", "!restricted-xml");
    check_inside("<message>&lt;&gt;&amp;&apos;&quot;&#65;&#x42;<![CDATA[&c;]]></message>",
                 MESSAGE_RECORD("&lt;&gt;&amp;'\"AB&amp;c;"));
    logic_end();
}

TEST(not_well_formed)
{
    logic_begin();
    static const char *const bad[] = {
        "<a></b>",
        "<a b='1' b='2'/>",
        "<a b=1/>",
        "<a <b/>",
        "<a>]]></a>",
        "</a>",
        "<1/>",
        "<a b='<'/>",
        "<a>&#0;</a>",
        "<a>&#xFFFE;</a>",
        "<a>& </a>",
        "<a/",
        "<?xml version='1.0'?>",
        "<:a/>",
        "<a:/>",
        "<a:b:c xmlns:a='u'/>",
        "<a xmlns:='u'/>",
        "<a xmlns:b:c='u'/>",
        "<a :b=''/>",
        "<a b:=''/>",
        "<a xmlns:b=''/>",
        "<a xmlns:xml='u'/>",
        "<a xmlns:xmlns='u'/>",
        "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns:b='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:b='u' xmlns:c='u' b:d='' c:d=''/>",
        "<a:-b xmlns:a='u'/>",
        "<a:1b xmlns:a='u'/>",
        "<a:.b xmlns:a='u'/>",
        "<a:\xC2\xB7 xmlns:a='u'/>",
        "<a xmlns:a='u' a:-b=''/>",
        "<a xmlns:-b='u'/>",
        "<a xmlns:\xC2\xB7='u'/>",
        "<a xmlns:1='u'/>",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_inside(bad[i], strcmp(bad[i], "<a/") == 0 ? "" : "!not-well-formed");
    check_inside("<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
                 "E<a xmlns='jabber:client'/>");
    logic_end();
}

TEST(text_between_elements)
{
    logic_begin();
    check_inside("<presence/>x<presence/>", "E<presence xmlns='jabber:client'/>!bad-format");
    check_inside("&#32;", "");
    check_inside("x", "!bad-format");
    check_inside("<![CDATA[ x ]]>", "!bad-format");
    logic_end();
}

TEST(namespaces)
{
    logic_begin();
    check_inside("<a:b/>", "!bad-namespace-prefix");
    check_inside("<b a:c=''/>", "!bad-namespace-prefix");
    check_inside("<b><c xmlns:a='u'/><a:d/></b>", "!bad-namespace-prefix");
    check_inside("<b><xmlns:d/></b>", "!bad-namespace-prefix");
    check_inside("<x:message xmlns:x='jabber:client'><x:body/><body/></x:message>",
                 MESSAGE_RECORD("<body/><body/>"));
    check_inside("<message><a xmlns='u'><b/><c xmlns=''><d/></c></a><e/></message>",
                 MESSAGE_RECORD("<a xmlns='u'><b/><c xmlns=''><d/></c></a><e/>"));
    check_inside("<message xmlns:x='u'><x:a xmlns:x='v' x:b='1' c='2'/><x:a/></message>",
                 MESSAGE_RECORD("<a xmlns='v' xmlns:ns1='v' ns1:b='1' c='2'/><a xmlns='u'/>"));
    check_inside("<message><a xml:lang='en' xml:space='preserve'/></message>",
                 MESSAGE_RECORD("<a xml:lang='en' xml:space='preserve'/>"));
    check_inside("<message><xml:a><b/></xml:a></message>",
                 MESSAGE_RECORD("<xml:a><b/></xml:a>"));
    check_inside("<stream:error><a xmlns='b'/></stream:error>",
                 "E<error xmlns='http://etherx.jabber.org/streams'><a xmlns='b'/></error>");
    check_record(
        "<q:stream xmlns:q='u' xmlns:r='v' xmlns='jabber:client'><r:a q:b='1'/></q:stream>",
        "H(u|jabber:client|to |from |id |version |lang )"
        "E<a xmlns='v' xmlns:ns1='u' ns1:b='1'/>)");
    check_record("<q:stream xmlns:q='u' xmlns='v'><a/><q:b/></q:stream>",
                 "H(u|v|to |from |id |version |lang )E<a xmlns='v'/>E<b xmlns='u'/>)");
    logic_end();
}

/* On a stream between servers content is jabber:server; inside it is one with jabber:client. */
TEST(content_namespaces)
{
    logic_begin();
    struct stream *stream = stream_open();
    stream_feed(stream, XY_STR("<stream:stream xmlns='jabber:server' "
                               "xmlns:stream='http://etherx.jabber.org/streams'>"
                               "<message xmlns='jabber:server'><body>x</body><f xmlns='urn:f'>"
                               "<message xmlns='jabber:client'/></f></message>"));
    const struct xy_stanza *stanza = stream->last;
    CHECK(stanza && xy_stanza_kind(stanza) == XY_MESSAGE);
    CHECK_STR(xy_node_ns(xy_stanza_child(stanza, XY_NO_STR, XY_STR("body"))), "jabber:client");
    CHECK_STR(xy_stanza_text(stanza), "<message><body>x</body><f xmlns='urn:f'>"
                                      "<message xmlns='jabber:client'/></f></message>");
    CHECK_STR(written(stanza, XY_STR("jabber:server")),
              "<message><body>x</body><f xmlns='urn:f'>"
              "<message xmlns='jabber:client'/></f></message>");
    stream_close(stream);
    stream = stream_open();
    stream_feed(stream, XY_STR(OPEN "<message xmlns='jabber:server'/>"));
    CHECK_EQ(xy_stanza_kind(stream->last), XY_NONZA);
    CHECK_STR(xy_stanza_text(stream->last), "<message xmlns='jabber:server'/>");
    stream_close(stream);
    logic_end();
}

TEST(kinds)
{
    logic_begin();
    static const struct {
        const char *text;
        enum xy_kind kind;
    } rows[] = {{"<message/>", XY_MESSAGE},
                {"<presence/>", XY_PRESENCE},
                {"<iq/>", XY_IQ},
                {"<other/>", XY_NONZA},
                {"<message xmlns='u'/>", XY_NONZA},
                {"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>AA==</auth>", XY_NONZA}};
    struct stream *stream = stream_open();
    stream_feed(stream, XY_STR(OPEN));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        stream_feed(stream, xy_str_from(rows[i].text));
        CHECK_EQ(xy_stanza_kind(stream->last), rows[i].kind);
        CHECK_EQ(xyi_stanza_bytes(stream->last), strlen(rows[i].text));
    }
    stream_close(stream);
    logic_end();
}

/* ---- pausing, restarting, freeing ----------------------------------------------------------
 */

#define PIPELINED            \
    HEADER "<a xmlns='u'/> " \
           "<message><body>x</body></message><presence/>\n<iq></iq></stream:stream>"

/* Pausing after every event: each feed stops right behind one. */
TEST(pause_stops_behind_each_event)
{
    logic_begin();
    struct xy_str bytes = XY_STR(PIPELINED);
    static const char *const ends[] = {"streams'>", "'u'/>", "</message>", "<presence/>",
                                       "</iq>"};
    struct stream *stream = stream_open();
    stream->pause = true;
    size_t at = 0;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const char *end = strstr(bytes.at + at, ends[i]) + strlen(ends[i]);
        at += xyi_parser_feed(stream->parser, bytes.at + at, bytes.len - at);
        CHECK_EQ(at, end - bytes.at);
    }
    CHECK_EQ(xyi_parser_feed(stream->parser, bytes.at + at, bytes.len - at), bytes.len - at);
    uint64_t state = 1;
    CHECK(xy_str_equal(xy_buffer_str(&stream->record), record_of(bytes, 0, &state)));
    stream_close(stream);
    logic_end();
}

TEST(pause_with_a_piece_ending_at_each_byte)
{
    logic_begin();
    struct xy_str bytes = XY_STR(PIPELINED);
    uint64_t state = 1;
    struct xy_str expected = record_of(bytes, 0, &state);
    for (size_t cut = 1; cut < bytes.len; cut++) {
        struct stream *stream = stream_open();
        stream->pause = true;
        size_t at = 0, turns = 0;
        while (at < bytes.len && turns++ < 20) {
            size_t end = at < cut ? cut : bytes.len;
            size_t took = xyi_parser_feed(stream->parser, bytes.at + at, end - at);
            CHECK(took > 0 && took <= end - at);
            at += took;
        }
        CHECK_EQ(at, bytes.len);
        CHECK(xy_str_equal(xy_buffer_str(&stream->record), expected));
        stream_close(stream);
    }
    logic_end();
}

/* What a paused stream was not fed yet can belong to another layer (TLS), or be thrown away. */
TEST(restart_while_paused)
{
    logic_begin();
    struct stream *stream = stream_open();
    stream->pause = true;
    struct xy_str bytes = XY_STR(HEADER "<starttls xmlns='u'/>garbage");
    size_t at = xyi_parser_feed(stream->parser, bytes.at, bytes.len);
    at += xyi_parser_feed(stream->parser, bytes.at + at, bytes.len - at);
    CHECK_EQ(at, bytes.len - strlen("garbage"));
    xyi_parser_restart(stream->parser);
    stream_feed(stream, XY_STR(HEADER));
    stream_feed(stream, XY_STR("<presence/>"));
    CHECK_STR(xy_buffer_str(&stream->record), HEADER_RECORD
              "E<starttls xmlns='u'/>" HEADER_RECORD "E<presence xmlns='jabber:client'/>");
    stream_close(stream);
    logic_end();
}

TEST(restart_in_the_event)
{
    logic_begin();
    struct xy_str bytes = XY_STR("<b/>" HEADER "<c/></stream:stream>");
    for (int byte_wise = 0; byte_wise < 2; byte_wise++) {
        struct stream *stream = stream_open();
        stream_feed(stream, XY_STR(OPEN "<a/>"));
        stream->restart = true;
        for (size_t at = 0; at < (byte_wise ? bytes.len : 1); at++)
            stream_feed(stream, byte_wise ? xy_str_of(bytes.at + at, 1) : bytes);
        CHECK_STR(xy_buffer_str(&stream->record), OPEN_RECORD
                  "E<a xmlns='jabber:client'/>E<b xmlns='jabber:client'/>" HEADER_RECORD
                  "E<c xmlns='jabber:client'/>)");
        stream_close(stream);
    }
    logic_end();
}

TEST(restart_in_the_middle_of_an_element)
{
    logic_begin();
    struct stream *stream = stream_open();
    stream_feed(stream, XY_STR("<q:stream xmlns:q='u'><a><b"));
    xyi_parser_restart(stream->parser);
    stream_feed(stream, XY_STR(OPEN "<a/>"));
    CHECK_STR(xy_buffer_str(&stream->record),
              "H(u||to |from |id |version |lang )" OPEN_RECORD "E<a xmlns='jabber:client'/>");
    stream_close(stream);
    logic_end();
}

TEST(restart_after_a_failure)
{
    logic_begin();
    struct stream *stream = stream_open();
    stream_feed(stream, XY_STR(OPEN "<<"));
    stream_feed(stream, XY_STR("<presence/>"));
    xyi_parser_restart(stream->parser);
    stream_feed(stream, XY_STR(OPEN "<a/>"));
    CHECK_STR(xy_buffer_str(&stream->record),
              OPEN_RECORD "!not-well-formed" OPEN_RECORD "E<a xmlns='jabber:client'/>");
    stream_close(stream);
    logic_end();
}

TEST(free_in_the_event)
{
    logic_begin();
    struct stream *stream = stream_open();
    stream->free = true;
    struct xy_str bytes = XY_STR(OPEN "<a/><b/>&");
    CHECK_EQ(xyi_parser_feed(stream->parser, bytes.at, bytes.len), bytes.len - strlen("<b/>&"));
    CHECK_STR(xy_buffer_str(&stream->record), OPEN_RECORD "E<a xmlns='jabber:client'/>");
    logic_end();
}

/* ---- limits --------------------------------------------------------------------------------
 */

static struct xy_str
limited(struct xyi_parser_limits limits, const char *text, size_t piece)
{
    struct stream *stream = stream_open();
    struct xy_str bytes = xy_str_from(text);
    stream_feed(stream, XY_STR(OPEN));
    stream->record.len = 0;
    xyi_parser_limit(stream->parser, &limits);
    for (size_t at = 0; at < bytes.len; at += piece) {
        size_t left = bytes.len - at;
        stream_feed(stream, xy_str_of(bytes.at + at, left < piece ? left : piece));
    }
    stream_close(stream);
    return xy_buffer_str(&stream->record);
}

static void
check_limit(struct xyi_parser_limits limits, const char *fits, const char *over)
{
    static const size_t pieces[] = {1, 7, 4096};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct xy_str good = limited(limits, fits, pieces[i]);
        CHECK(good.len && good.at[0] == 'E' && !memchr(good.at, '!', good.len));
        CHECK_STR(limited(limits, over, pieces[i]), "!policy-violation");
    }
}

static const struct xyi_parser_limits unlimited = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};

TEST(limit_of_bytes)
{
    logic_begin();
    struct xyi_parser_limits limits = unlimited;
    limits.stanza_bytes = 21;
    check_limit(limits, "<message>12</message>", "<message>123</message>");
    check_limit(limits, "<a b='123456789012'/>", "<a b='1234567890123'/>");
    check_limit(limits, "<message>12</message><message>12</message>  <presence/>      ",
                "<a1234567890123456789012");
    /* Cut while it arrives: the end never comes. */
    CHECK_STR(limited(limits, "<message>1234567890123", 1), "!policy-violation");
    CHECK_STR(limited(limits, "<message>123456789012", 1), "");
    CHECK_STR(limited(limits, "<message a='123456789", 1), "");
    CHECK_STR(limited(limits, "<message a='1234567890", 1), "!policy-violation");
    CHECK_STR(limited(limits, "<message>&#00000000000", 1), "!policy-violation");
    CHECK_STR(limited(limits, "                                          ", 1), "");
    logic_end();
}

TEST(limit_of_bytes_of_the_header)
{
    logic_begin();
    size_t len = strlen(OPEN);
    for (size_t limit = len - 1; limit <= len; limit++) {
        for (size_t piece = 1; piece <= len; piece += len - 1) {
            struct xyi_parser_limits limits = unlimited;
            limits.stanza_bytes = limit;
            struct stream *stream = stream_open();
            xyi_parser_limit(stream->parser, &limits);
            for (size_t at = 0; at < len; at += piece)
                stream_feed(stream, xy_str_of(&OPEN[at], piece));
            CHECK_STR(xy_buffer_str(&stream->record),
                      limit < len ? "!policy-violation" : OPEN_RECORD);
            stream_close(stream);
        }
    }
    logic_end();
}

TEST(limit_of_depth)
{
    logic_begin();
    struct xyi_parser_limits limits = unlimited;
    limits.depth = 3;
    check_limit(limits, "<a><b><c/><c/></b></a><a/>", "<a><b><c><d/></c></b></a>");
    limits.depth = 1;
    check_limit(limits, "<a/>", "<a><b/></a>");
    logic_end();
}

TEST(limit_of_attributes)
{
    logic_begin();
    struct xyi_parser_limits limits = unlimited;
    limits.attributes = 2;
    check_limit(limits, "<a b='' c=''><d xmlns='u' b=''/></a>", "<a b='' c='' d=''/>");
    check_limit(limits, "<a/>", "<a xmlns='u' b='' c=''/>");
    struct stream *stream = stream_open();
    xyi_parser_limit(stream->parser, &limits);
    stream_feed(stream, XY_STR(HEADER));
    CHECK_STR(xy_buffer_str(&stream->record), "!policy-violation");
    stream_close(stream);
    logic_end();
}

TEST(limit_of_children)
{
    logic_begin();
    struct xyi_parser_limits limits = unlimited;
    limits.children = 2;
    check_limit(limits, "<a><b><c/>x<c/></b>y<b/></a>", "<a><b/><b/><b/></a>");
    check_limit(limits, "<a/><a/><a/><a/>", "<a><b><c/><c/><c/></b></a>");
    logic_end();
}

TEST(limit_of_prefixes_in_scope)
{
    logic_begin();
    for (int count = 128; count <= 129; count++) {
        struct xy_buffer text = {NULL, 0, 0};
        xy_buffer_add(&text, XY_STR("<a"));
        for (int i = 0; i < count; i++)
            xy_buffer_printf(&text, " xmlns:p%d='u'", i);
        xy_buffer_add(&text, XY_STR("/>"));
        CHECK_STR(limited(unlimited, text.text, text.len),
                  count == 128 ? "E<a xmlns='jabber:client'/>" : "!policy-violation");
    }
    logic_end();
}

/* ---- long and deep -------------------------------------------------------------------------
 */

/* A long tag byte by byte: linear work (the square of this would take minutes). */
TEST(long_tags_trickle_in)
{
    logic_begin();
    enum { LONG = 400 * 1000 };
    char *text = xy_temp_alloc(LONG + 64);
    static const char *const shapes[] = {"<a b='%'/>", "<a b=\">%\"/>", "<a b='\"%' c=\"'%\"/>",
                                         "<a>%</a>",   "<a%>x</a%>",    "<a>&#%65;</a>"};
    static const char fill[] = {'x', '>', 'y', 'z', ' ', '0'};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        size_t len = 0;
        for (const char *at = shapes[i]; *at; at++) {
            size_t count = *at == '%' ? LONG / 2 : 1;
            memset(text + len, *at == '%' ? fill[i] : *at, count);
            len += count;
        }
        struct stream *stream = stream_open();
        stream_feed(stream, XY_STR(OPEN));
        for (size_t at = 0; at < len; at++)
            stream_feed(stream, xy_str_of(text + at, 1));
        CHECK_EQ(stream->elements, 1);
        CHECK_EQ(xyi_stanza_bytes(stream->last), len);
        stream_feed(stream, XY_STR("<presence/>"));
        CHECK_EQ(stream->elements, 2);
        stream_close(stream);
    }
    logic_end();
}

TEST(long_tags_in_random_pieces)
{
    logic_begin();
    uint64_t state = 4711;
    struct xy_buffer text = {NULL, 0, 0};
    xy_buffer_add(&text, XY_STR(OPEN));
    for (int i = 0; i < 40; i++) {
        int count = (int)random_below(&state, 2000);
        xy_buffer_printf(&text, "<m a='%0*d\">' b=\"%0*d'>\">&#%0*d;</m%*s>", count, 1,
                         (int)random_below(&state, 1500), 2, (int)random_below(&state, 1500),
                         65, (int)random_below(&state, 900), "");
    }
    struct xy_str bytes = xy_buffer_str(&text), expected = record_of(bytes, 0, &state);
    CHECK(!memchr(expected.at, '!', expected.len));
    for (uint32_t most = 1; most < 5000; most = most * 3 + 1)
        CHECK(xy_str_equal(record_of(bytes, most, &state), expected));
    logic_end();
}

TEST(long_markup_that_is_no_element)
{
    logic_begin();
    struct xy_str comment = xy_temp_printf("<!--%01000d", 1);
    CHECK_STR(limited(unlimited, comment.at, 1), "!restricted-xml");
    logic_end();
}

TEST(deep_trees_need_no_stack)
{
    logic_begin();
    enum { DEEP = 100 * 1000 };
    struct xy_buffer text = {NULL, 0, 0};
    for (int i = 0; i < DEEP; i++)
        xy_buffer_add(&text, XY_STR("<a>"));
    for (int i = 0; i < DEEP; i++)
        xy_buffer_add(&text, XY_STR("</a>"));
    struct xy_stanza *stanza = xy_stanza_parse(xy_buffer_str(&text));
    CHECK(stanza);
    CHECK_EQ(tree_of(stanza).len,
             text.len + strlen(" xmlns='jabber:client'") - strlen("></a") + 1);
    xyi_stanza_freeze(stanza);
    struct xy_stanza *edit = xy_stanza_edit(stanza);
    xy_node_add(xy_stanza_top(edit), XY_NO_STR, XY_STR("b"));
    CHECK_EQ(tree_of(edit).len, tree_of(stanza).len + 4);
    logic_end();
}

/* ---- the pool ------------------------------------------------------------------------------
 */

TEST(idle_streams_hold_no_parser)
{
    logic_begin();
    enum { STREAMS = 3000 };
    CHECK(sizeof(struct xyi_parser) < 128);
    struct stream **streams = xy_temp_alloc(STREAMS * sizeof(*streams));
    for (int i = 0; i < STREAMS; i++) {
        streams[i] = stream_open();
        stream_feed(streams[i], XY_STR(HEADER));
        CHECK(!streams[i]->parser->engine);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < STREAMS; i++) {
            stream_feed(streams[i],
                        XY_STR("<message><body>x</body></message>\r\n <presence/>"));
            stream_feed(streams[i], XY_STR(" "));
            CHECK(!streams[i]->parser->engine);
            CHECK_EQ(streams[i]->elements, 2 * round + 2);
        }
        CHECK(xyi_parser_pool_count() <= 8);
    }
    /* Half an element each: now each needs one; and then they go. */
    for (int i = 0; i < 50; i++)
        stream_feed(streams[i], XY_STR("<message><bo"));
    CHECK(xyi_parser_pool_count() >= 50);
    for (int i = 0; i < 50; i++) {
        stream_feed(streams[i], xy_temp_printf("dy a%d=''/></message>", i));
        CHECK_STR(
            tree_of(streams[i]->last),
            xy_temp_printf("<message xmlns='jabber:client'><body a%d=''/></message>", i).at);
    }
    CHECK(xyi_parser_pool_count() <= 8);
    for (int i = 0; i < STREAMS; i++)
        stream_close(streams[i]);
    logic_end();
}

TEST(parsers_wear_out)
{
    logic_begin();
    struct stream *stream = stream_open();
    unsigned retired = 0;
    stream_feed(stream, XY_STR(HEADER));
    for (int i = 0; i < 5000; i++) {
        stream_feed(stream, XY_STR("<presence/>"));
        retired += xyi_parser_pool_count() == 0;
        CHECK(xyi_parser_pool_count() <= 1);
    }
    CHECK_EQ(retired, 4);
    struct xy_str big = xy_temp_printf("<message>%0100000d</message>", 1);
    stream_feed(stream, big);
    CHECK_EQ(xyi_parser_pool_count(), 0);
    stream_close(stream);
    logic_end();
}

TEST(failed_parsers_do_not_come_back)
{
    logic_begin();
    static const char *const bad[] = {"<a></b>", "x",        "<a:b/>",
                                      "&c;",     "<!-- -->", "</stream:stream>"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct stream *stream = stream_open();
        stream_feed(stream, XY_STR(HEADER));
        CHECK_EQ(xyi_parser_pool_count(), 1);
        stream_feed(stream, xy_str_from(bad[i]));
        CHECK_EQ(xyi_parser_pool_count(), 0);
        stream_close(stream);
    }
    struct stream *stream = stream_open(); /* freed half way */
    stream_feed(stream, XY_STR(HEADER "<message"));
    CHECK_EQ(xyi_parser_pool_count(), 1);
    stream_close(stream);
    CHECK_EQ(xyi_parser_pool_count(), 0);
    logic_end();
}

/* A stream of another root keeps its own, which is not lent to others. */
TEST(unusual_streams_keep_their_parser)
{
    logic_begin();
    struct stream *unusual = stream_open(), *usual = stream_open();
    stream_feed(unusual, XY_STR("<q:stream xmlns:q='http://etherx.jabber.org/streams' "
                                "xmlns='jabber:client' xmlns:z='u'>"));
    stream_feed(usual, XY_STR(HEADER));
    CHECK_EQ(xyi_parser_pool_count(), 2);
    stream_feed(unusual, XY_STR("<z:a/>"));
    stream_feed(usual, XY_STR("<z:a/>"));
    CHECK_STR(xy_buffer_str(&usual->record), HEADER_RECORD "!bad-namespace-prefix");
    for (int i = 0; i < 3000; i++) /* its worn ones are replaced behind the same root */
        stream_feed(unusual, XY_STR("<z:a/>"));
    CHECK_EQ(unusual->elements, 3001);
    CHECK_STR(tree_of(unusual->last), "<a xmlns='u'/>");
    unusual->record.len = 0;
    unusual->pause = true;
    CHECK_EQ(xyi_parser_feed(unusual->parser, "<z:a/></q:stream>", 17), 6);
    CHECK_EQ(xyi_parser_feed(unusual->parser, "</q:stream>", 11), 11);
    CHECK_STR(xy_buffer_str(&unusual->record), "E<a xmlns='u'/>)");
    stream_close(unusual);
    stream_close(usual);
    logic_end();
}

END_TESTS
