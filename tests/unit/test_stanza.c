/* SPDX-License-Identifier: MIT */
/* Stanzas: reading, building, freezing, editing, replies and errors, two threads. */
#include <pthread.h>

#include "core/xml/tree.h"
#include "xml_fixture.h"

static struct xy_stanza *
parsed(const char *text)
{
    struct xy_stanza *stanza = xy_stanza_parse(xy_str_from(text));
    CHECK(stanza);
    return stanza;
}

static const struct xy_stanza *
frozen(const char *text)
{
    struct xy_stanza *stanza = parsed(text);
    xyi_stanza_freeze(stanza);
    return stanza;
}

/* As written and as the tree says: the two ways must agree. */
static void
check_text(const struct xy_stanza *stanza, const char *expected)
{
    CHECK_STR(xy_stanza_text(stanza), expected);
    struct xy_stanza *again = xy_stanza_parse(xy_stanza_text(stanza));
    CHECK(again);
    CHECK(xy_str_equal(tree_of(again), tree_of(stanza)));
}

TEST(reading)
{
    logic_begin();
    const struct xy_stanza *stanza =
        parsed("<message to='Romeo@Example.org/x' from='juliet@example.org' id='7' type='chat' "
               "xml:lang='en' extra='1'>a<body xml:lang='de' n='1'>hi</body>b"
               "<x xmlns='u'><y/><z xmlns='v'/></x><body>ho</body></message>");
    CHECK_EQ(xy_stanza_kind(stanza), XY_MESSAGE);
    CHECK_STR(xy_stanza_id(stanza), "7");
    CHECK_STR(xy_stanza_type(stanza), "chat");
    CHECK_STR(xy_stanza_lang(stanza), "en");
    CHECK_STR(xy_jid_text(xy_stanza_to(stanza)), "romeo@example.org/x");
    CHECK_STR(xy_jid_text(xy_stanza_from(stanza)), "juliet@example.org");
    CHECK(!xy_stanza_is_error(stanza));
    const struct xy_node *root = xy_stanza_root(stanza);
    CHECK_STR(xy_node_name(root), "message");
    CHECK_STR(xy_node_ns(root), "jabber:client");
    CHECK_STR(xy_node_attr(root, "to"), "romeo@example.org/x");
    CHECK_STR(xy_node_attr(root, "id"), "7");
    CHECK_STR(xy_node_attr(root, "xml:lang"), "en");
    CHECK_STR(xy_node_attr(root, "extra"), "1");
    CHECK(!xy_node_attr(root, "lang").at && !xy_node_attr(root, "none").at);
    CHECK_STR(xy_node_text(root), "ab");
    const struct xy_node *body = xy_node_first(root), *x = xy_node_next(body);
    CHECK_STR(xy_node_text(body), "hi");
    CHECK_STR(xy_node_attr(body, "xml:lang"), "de");
    CHECK(xy_node_is(x, XY_STR("u"), XY_STR("x")) && !xy_node_is(x, XY_STR("v"), XY_STR("x")));
    CHECK(xy_node_is(x, XY_NO_STR, XY_STR("x")) && xy_node_is(x, XY_STR("u"), XY_NO_STR));
    CHECK(xy_stanza_child(stanza, XY_STR("u"), XY_NO_STR) == x);
    CHECK(xy_stanza_child(stanza, XY_NO_STR, XY_NO_STR) == body);
    CHECK(xy_node_child(x, XY_STR("v"), XY_STR("z")) == xy_node_next(xy_node_first(x)));
    CHECK(!xy_node_child(x, XY_STR("u"), XY_STR("z")));
    CHECK_STR(xy_node_ns(xy_node_first(x)), "u");
    CHECK_STR(xy_node_text(xy_node_next(x)), "ho");
    CHECK(!xy_node_next(xy_node_next(x)));
    logic_end();
}

TEST(absent_answers_pass_on)
{
    logic_begin();
    const struct xy_node *none = xy_stanza_child(NULL, XY_NO_STR, XY_NO_STR);
    CHECK(!none && !xy_stanza_root(NULL) && !xy_stanza_keep(NULL));
    CHECK(!xy_node_first(none) && !xy_node_next(none));
    CHECK(!xy_node_child(none, XY_NO_STR, XY_NO_STR));
    CHECK(!xy_node_name(none).at && !xy_node_ns(none).at && !xy_node_text(none).at);
    CHECK(!xy_node_attr(none, "a").at && !xy_node_is(none, XY_NO_STR, XY_NO_STR));
    xy_stanza_drop(NULL);
    const struct xy_stanza *stanza = parsed("<presence/>");
    CHECK(!xy_stanza_id(stanza).at && !xy_stanza_type(stanza).at && !xy_stanza_lang(stanza).at);
    CHECK(!xy_stanza_from(stanza) && !xy_stanza_to(stanza));
    CHECK(!xy_node_text(xy_stanza_root(stanza)).at);
    logic_end();
}

TEST(payload_is_the_one_child)
{
    logic_begin();
    const struct xy_stanza *one = parsed("<iq type='get'> <ping xmlns='urn:xmpp:ping'/> </iq>");
    CHECK(xy_node_is(xy_stanza_payload(one), XY_STR(XY_NS_PING), XY_STR("ping")));
    CHECK(!xy_stanza_payload(parsed("<iq type='get'>x</iq>")));
    CHECK(!xy_stanza_payload(parsed("<iq type='get'><a/><b/></iq>")));
    logic_end();
}

TEST(building)
{
    logic_begin();
    xyi_clock_freeze(1700000000123);
    char name[] = "body", ns[] = "urn:x", text[] = "a<b";
    struct xy_stanza *stanza = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    struct xy_node *top = xy_stanza_top(stanza);
    xy_stanza_set_to(stanza, xy_jid_parse(XY_STR("romeo@example.org")));
    xy_stanza_set_from(stanza, xy_jid_parse(XY_STR("juliet@example.org")));
    xy_stanza_set_from(stanza, xy_jid_parse(XY_STR("nurse@example.org")));
    xy_stanza_set_id(stanza, XY_STR("1"));
    xy_stanza_set_type(stanza, XY_STR("chat"));
    struct xy_node *body = xy_node_add(top, XY_NO_STR, xy_str_from(name));
    xy_node_add_text(body, xy_str_from(text));
    xy_node_add_text(body, XY_STR("c"));
    xy_node_add_text(body, XY_NO_STR);
    struct xy_node *x = xy_node_add(top, xy_str_from(ns), XY_STR("x"));
    xy_node_add(x, XY_NO_STR, XY_STR("y"));
    xy_node_add(x, XY_STR("jabber:client"), XY_STR("message"));
    xy_node_set(x, "a", XY_STR("1"));
    xy_node_set(x, "b", XY_STR("2"));
    xy_node_set(x, "a", XY_STR("'\"&<>"));
    xy_node_set(x, "b", XY_NO_STR);
    xy_node_set(x, "none", XY_NO_STR);
    xy_node_set(x, "empty", XY_STR(""));
    xy_node_set(x, "xml:lang", XY_STR("en"));
    memset(name, '#', 4); /* all was copied */
    memset(ns, '#', 5);
    memset(text, '#', 3);
    check_text(stanza,
               "<message to='romeo@example.org' from='nurse@example.org' id='1' type='chat'>"
               "<body>a&lt;bc</body><x xmlns='urn:x' a='&apos;&quot;&amp;&lt;&gt;' "
               "empty='' xml:lang='en'><y/><message xmlns='jabber:client'/></x></message>");
    CHECK_STR(xy_node_attr(x, "xml:lang"), "en");
    xy_stanza_set_from(stanza, NULL);
    xy_stanza_set_type(stanza, XY_NO_STR);
    xy_node_set(top, "id", XY_NO_STR);
    xy_node_set(top, "to", XY_STR("Juliet@Example.org"));
    xy_node_set(top, "xml:lang", XY_STR("fr"));
    xy_node_set(top, "more", XY_STR("m"));
    CHECK(xy_stanza_to(stanza) == xy_jid_parse(XY_STR("juliet@example.org")));
    xy_node_remove(top, x);
    check_text(stanza, "<message to='juliet@example.org' xml:lang='fr' more='m'>"
                       "<body>a&lt;bc</body></message>");
    xy_node_set(top, "to", XY_STR("@@"));
    CHECK(!xy_stanza_to(stanza));
    xy_node_clear(top);
    check_text(stanza, "<message xml:lang='fr' more='m'/>");
    CHECK_EQ(xy_stanza_received_ms(stanza), 1700000000123);
    logic_end();
}

TEST(texts_join)
{
    logic_begin();
    struct xy_stanza *stanza = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    struct xy_node *top = xy_stanza_top(stanza);
    struct xy_buffer expected = {NULL, 0, 0};
    for (int i = 0; i < 5000; i++) {
        struct xy_str piece = xy_temp_printf("%d,", i);
        xy_node_add_text(top, piece);
        xy_buffer_add(&expected, piece);
        if (i % 100 == 0) /* something else in between */
            xy_node_set(top, "n", piece);
    }
    CHECK(xy_str_equal(xy_node_text(top), xy_buffer_str(&expected)));
    CHECK(!top->first->next);
    xy_node_add(top, XY_NO_STR, XY_STR("br"));
    xy_node_add_text(top, XY_STR("end"));
    xy_buffer_add(&expected, XY_STR("end"));
    CHECK(xy_str_equal(xy_node_text(top), xy_buffer_str(&expected)));
    logic_end();
}

TEST(removing_while_walking)
{
    logic_begin();
    struct xy_stanza *stanza = parsed("<message><a/>x<b/><a/>y<a/><c/><a/></message>");
    struct xy_node *top = xy_stanza_top(stanza);
    for (const struct xy_node *at = xy_node_first(top), *next; at; at = next) {
        next = xy_node_next(at);
        if (xy_node_is(at, XY_NO_STR, XY_STR("a")))
            xy_node_remove(top, at);
    }
    check_text(stanza, "<message>x<b/>y<c/></message>");
    CHECK_EQ(top->children, 2);
    xy_node_add(top, XY_NO_STR, XY_STR("d"));
    check_text(stanza, "<message>x<b/>y<c/><d/></message>");
    logic_end();
}

TEST(unfrozen_is_edited_in_place)
{
    logic_begin();
    struct xy_stanza *stanza = parsed("<message><a/></message>");
    CHECK(xy_stanza_edit(stanza) == stanza);
    xy_stanza_keep(stanza);
    CHECK(xy_stanza_edit(stanza) != stanza);
    xy_stanza_drop(stanza);
    CHECK(xy_stanza_edit(stanza) != stanza); /* frozen stays frozen */
    logic_end();
}

TEST(edit_of_the_header)
{
    logic_begin();
    static const char text[] =
        "<message to='a@b' id='1' x='y'><body>hi</body><c xmlns='u'/></message>";
    const struct xy_stanza *stanza = frozen(text);
    struct xy_stanza *edit = xy_stanza_edit(stanza);
    CHECK_EQ(xy_stanza_kind(edit), XY_MESSAGE);
    CHECK(xy_node_first(xy_stanza_root(edit)) == xy_node_first(xy_stanza_root(stanza)));
    check_text(edit, text);
    xy_stanza_set_to(edit, xy_jid_parse(XY_STR("c@d")));
    xy_stanza_set_from(edit, xy_jid_parse(XY_STR("e@f/g")));
    xy_stanza_set_id(edit, XY_STR("2"));
    xy_node_set(xy_stanza_top(edit), "x", XY_STR("z"));
    check_text(edit, "<message to='c@d' from='e@f/g' id='2' x='z'>"
                     "<body>hi</body><c xmlns='u'/></message>");
    CHECK(xy_node_first(xy_stanza_root(edit)) == xy_node_first(xy_stanza_root(stanza)));
    CHECK(edit->shares);
    check_text(stanza, text);
    logic_end();
}

TEST(edit_of_the_content)
{
    logic_begin();
    static const char text[] =
        "<message id='1'><body a='1'>hi<b/>ho</body><c xmlns='u'/></message>";
    const struct xy_stanza *stanza = frozen(text);
    const struct xy_node *body = xy_stanza_child(stanza, XY_NO_STR, XY_STR("body"));
    const struct xy_node *c = xy_stanza_child(stanza, XY_STR("u"), XY_NO_STR);
    struct xy_stanza *edit = xy_stanza_edit(stanza);
    struct xy_node *mine = xy_node_mutable(edit, body);
    CHECK(mine != body && xy_node_mutable(edit, mine) == mine &&
          xy_node_mutable(edit, body) == mine);
    xy_node_set(mine, "a", XY_STR("2"));
    xy_node_add_text(mine, XY_STR("!"));
    xy_node_add(xy_node_mutable(edit, xy_node_first(body)), XY_NO_STR, XY_STR("deep"));
    check_text(
        edit, "<message id='1'><body a='2'>hi<b><deep/></b>ho!</body><c xmlns='u'/></message>");
    xy_node_remove(xy_stanza_top(edit), c); /* found in the base */
    xy_node_remove(xy_stanza_top(edit), c); /* is gone already */
    xy_node_add(xy_stanza_top(edit), XY_STR("v"), XY_STR("d"));
    check_text(
        edit, "<message id='1'><body a='2'>hi<b><deep/></b>ho!</body><d xmlns='v'/></message>");
    check_text(stanza, text);
    logic_end();
}

TEST(edit_of_an_edit)
{
    logic_begin();
    const struct xy_stanza *first = frozen("<message id='1'><a/><b/><c/></message>");
    const struct xy_node *a = xy_node_first(xy_stanza_root(first)), *b = xy_node_next(a);
    struct xy_stanza *second = xy_stanza_edit(first);
    struct xy_node *d = xy_node_add(xy_stanza_top(second), XY_NO_STR, XY_STR("d"));
    const struct xy_node *second_a = xy_node_first(xy_stanza_root(second));
    xyi_stanza_freeze(second);
    struct xy_stanza *third = xy_stanza_edit(second);
    xy_stanza_set_id(third, XY_STR("3"));
    xyi_stanza_freeze(third);
    struct xy_stanza *fourth = xy_stanza_edit(third);
    xy_node_remove(xy_stanza_top(fourth), b);
    xy_node_add_text(xy_node_mutable(fourth, a), XY_STR("x"));
    xy_node_add_text(xy_node_mutable(fourth, second_a), XY_STR("y"));
    xy_node_add_text(xy_node_mutable(fourth, d), XY_STR("z"));
    CHECK(xy_node_mutable(fourth, xy_stanza_root(first)) == xy_stanza_top(fourth));
    check_text(first, "<message id='1'><a/><b/><c/></message>");
    check_text(second, "<message id='1'><a/><b/><c/><d/></message>");
    check_text(third, "<message id='3'><a/><b/><c/><d/></message>");
    check_text(fourth, "<message id='3'><a>xy</a><c/><d>z</d></message>");
    logic_end();
}

/* An edit keeps what it was made from alive. */
TEST(edit_outlives_its_base)
{
    logic_begin();
    struct xy_str long_text = xy_temp_printf("%05000d", 1);
    struct xy_str text = xy_temp_printf("<message to='a@b/c'><body>" XY_FMT "</body></message>",
                                        XY_ARG(long_text));
    struct xy_str expected = xyi_str_copy(text);
    const struct xy_stanza *stanza = frozen(text.at);
    struct xy_stanza *header = xy_stanza_edit(stanza), *content = xy_stanza_edit(stanza);
    xy_node_mutable(content, xy_stanza_root(content));
    const struct xy_stanza *again = xy_stanza_keep(xy_stanza_edit(xy_stanza_keep(content)));
    xy_stanza_drop(content);
    xy_stanza_keep(header);
    fiber_end();
    logic_turn();
    fiber_begin();
    CHECK(xy_str_equal(xy_stanza_text(header), expected));
    CHECK(xy_str_equal(xy_stanza_text(again), expected));
    xy_stanza_drop(header);
    xy_stanza_drop(again);
    xyi_free(expected.at);
    logic_end();
}

TEST(compact_copies)
{
    logic_begin();
    const struct xy_stanza *original =
        frozen("<presence from='romeo@example.org/x' id='1' xml:lang='en' e='1'><show>away"
               "</show><c xmlns='caps' v='1'><d a='&lt;'/>t</c></presence>");
    struct xy_stanza *edit = xy_stanza_edit(original);
    xy_node_add_text(xy_node_add(xy_stanza_top(edit), XY_STR("urn:p"), XY_STR("p")),
                     XY_STR("p"));
    xy_stanza_set_to(edit, xy_jid_parse(XY_STR("juliet@example.org")));
    const struct xy_stanza *copies[] = {xyi_stanza_compact(original), xyi_stanza_compact(edit)};
    CHECK_STR(xy_stanza_text(copies[0]), "<presence from='romeo@example.org/x' id='1' "
                                         "xml:lang='en' e='1'><show>away</show><c "
                                         "xmlns='caps' v='1'><d a='&lt;'/>t</c></presence>");
    CHECK(xy_str_equal(tree_of(copies[1]), tree_of(edit)));
    for (int i = 0; i < 2; i++) {
        CHECK(copies[i]->frozen && !copies[i]->base &&
              xy_stanza_kind(copies[i]) == XY_PRESENCE);
    }
    const struct xy_stanza *small = xyi_stanza_compact(frozen("<presence/>"));
    CHECK(small->block.at == small->block.end);
    xy_stanza_drop(small);
    fiber_end(); /* the copies outlive what they were made from */
    fiber_begin();
    CHECK_STR(xy_jid_text(xy_stanza_from(copies[0])), "romeo@example.org/x");
    CHECK_STR(xy_stanza_id(copies[1]), "1");
    CHECK_STR(xy_jid_text(xy_stanza_to(copies[1])), "juliet@example.org");
    xy_stanza_drop(copies[0]);
    xy_stanza_drop(copies[1]);
    logic_end();
}

TEST(copying_between_stanzas)
{
    logic_begin();
    const struct xy_stanza *inner = frozen(
        "<message to='a@b' from='c@d' id='1' type='chat' xml:lang='en' z='0'><body>x</body>"
        "<f xmlns='u' a='1'>t<g/>u</f></message>");
    struct xy_stanza *outer = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    struct xy_node *wrap =
        xy_node_add(xy_stanza_top(outer), XY_STR("urn:xmpp:forward:0"), XY_STR("forwarded"));
    struct xy_node *copy = xy_node_add_copy(wrap, xy_stanza_root(inner));
    static const char once[] =
        "<message><forwarded xmlns='urn:xmpp:forward:0'>"
        "<message xmlns='jabber:client' z='0' id='1' type='chat' from='c@d' to='a@b' "
        "xml:lang='en'><body>x</body><f xmlns='u' "
        "a='1'>t<g/>u</f></message></forwarded></message>";
    check_text(outer, once);
    CHECK_STR(xy_node_attr(copy, "to"), "a@b");
    xy_node_add_copy(xy_stanza_top(outer), xy_node_child(copy, XY_STR("u"), XY_NO_STR));
    CHECK_STR(xy_node_text(xy_stanza_child(outer, XY_STR("u"), XY_NO_STR)), "tu");
    /* Of what it is put into. */
    struct xy_stanza *self = parsed("<message id='1'><a/><b/></message>");
    xy_node_add_copy(xy_node_mutable(self, xy_node_first(xy_stanza_root(self))),
                     xy_stanza_root(self));
    check_text(self, "<message id='1'><a><message id='1'><a/><b/></message></a><b/></message>");
    logic_end();
}

TEST(stored_stanzas)
{
    logic_begin();
    const struct xy_stanza *stanza = parsed(" <message to='A@B'><body>x</body></message>\n");
    CHECK_STR(xy_jid_text(xy_stanza_to(stanza)), "a@b");
    check_text(parsed("<stream:features><a xmlns='u'/></stream:features>"),
               "<stream:features><a xmlns='u'/></stream:features>");
    static const char *const bad[] = {"",
                                      " ",
                                      "<message>",
                                      "<message/><message/>",
                                      "<message/>x",
                                      "x<message/>",
                                      "<message",
                                      "</stream:stream>",
                                      "<message/></stream:stream>",
                                      "<message to='@'/>",
                                      "<a:b/>",
                                      "<!-- -->",
                                      "<message from='a@b c'/>",
                                      "<message>\xFF</message>",
                                      "<?xml version='1.0'?><message/>"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!xy_stanza_parse(xy_str_from(bad[i])));
    CHECK(!xy_stanza_parse(XY_NO_STR));
    CHECK(xyi_parser_pool_count() <= 1);
    logic_end();
}

TEST(resolving)
{
    logic_begin();
    struct stream *stream = stream_open();
    stream_feed(stream, XY_STR(HEADER "<message to='A@B' from='C@D/E'/>"));
    CHECK(!xy_stanza_to(stream->last));
    CHECK_STR(xy_node_attr(xy_stanza_root(stream->last), "to"), "A@B");
    CHECK_EQ(xyi_stanza_resolve(stream->last), XY_OK);
    CHECK(xy_stanza_to(stream->last) == xy_jid_parse(XY_STR("a@b")));
    CHECK(xy_stanza_from(stream->last) == xy_jid_parse(XY_STR("c@d/E")));
    check_text(stream->last, "<message to='a@b' from='c@d/E'/>");
    stream_feed(stream, XY_STR("<message to='a@b' from='@'/>"));
    CHECK_EQ(xyi_stanza_resolve(stream->last), XY_INVALID);
    check_text(stream->last, "<message/>");
    stream_feed(stream, XY_STR("<message to=''/>"));
    CHECK_EQ(xyi_stanza_resolve(stream->last), XY_INVALID);
    stream_feed(stream, XY_STR("<message/>"));
    CHECK_EQ(xyi_stanza_resolve(stream->last), XY_OK);
    stream_close(stream);
    logic_end();
}

/* ---- answers -------------------------------------------------------------------------------
 */

TEST(replies)
{
    logic_begin();
    const struct xy_stanza *iq = frozen("<iq to='example.org' from='a@b/c' id='1' type='get' "
                                        "xml:lang='en'><q xmlns='u'/></iq>");
    check_text(xy_stanza_reply(iq, XY_STR("result")),
               "<iq to='a@b/c' from='example.org' id='1' type='result'/>");
    check_text(xy_stanza_reply(frozen("<message/>"), XY_NO_STR), "<message/>");
    logic_end();
}

TEST(errors)
{
    logic_begin();
    const struct xy_stanza *iq =
        frozen("<iq to='b' from='a@b/c' id='1' type='set'><q xmlns='u'/></iq>");
    struct xy_stanza *error = xy_stanza_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
    CHECK(xy_stanza_is_error(error));
    check_text(error, "<iq to='a@b/c' from='b' id='1' type='error'><error type='cancel'>"
                      "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                      "</error></iq>");
    error = xy_stanza_error(iq, XY_NOT_ACCEPTABLE, XY_STR("1 < 2"));
    xy_stanza_error_add(error, XY_STR(XY_NS_BLOCKING_ERRORS), XY_STR("blocked"));
    check_text(error, "<iq to='a@b/c' from='b' id='1' type='error'><error type='modify'>"
                      "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                      "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>1 &lt; 2"
                      "</text><blocked xmlns='urn:xmpp:blocking:errors'/></error></iq>");
    logic_end();
}

TEST(what_must_not_be_answered)
{
    logic_begin();
    static const struct {
        const char *text;
        bool answered;
    } rows[] = {
        {"<message/>", true},
        {"<message type='chat'/>", true},
        {"<message type='error'/>", false},
        {"<iq type='get' id='1'/>", true},
        {"<iq type='set' id='1'/>", true},
        {"<iq type='result' id='1'/>", false},
        {"<iq type='error' id='1'/>", false},
        {"<iq id='1'/>", true},
        {"<iq type='what' id='1'/>", true},
        {"<presence/>", true},
        {"<presence type='unavailable'/>", false},
        {"<presence type='subscribe'/>", true},
        {"<presence type='subscribed'/>", true},
        {"<presence type='unsubscribe'/>", true},
        {"<presence type='unsubscribed'/>", true},
        {"<presence type='probe'/>", false},
        {"<presence type='error'/>", false},
        {"<auth xmlns='u'/>", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(xy_stanza_error(frozen(rows[i].text), XY_BAD_REQUEST, XY_NO_STR) != NULL,
                 rows[i].answered);
    logic_end();
}

TEST(conditions)
{
    static const char *const types[] = {"auth", "cancel", "continue", "modify", "wait"};
    for (xy_condition condition = 0; condition < XY_CONDITIONS; condition++) {
        bool known = false;
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
            known |= strcmp(xy_condition_type(condition), types[i]) == 0;
        CHECK(known && strlen(xy_condition_name(condition)) > 3);
    }
    CHECK(strcmp(xy_condition_name(XY_UNEXPECTED_REQUEST), "unexpected-request") == 0);
    CHECK(strcmp(xy_condition_type(XY_JID_MALFORMED), "modify") == 0);
    CHECK_EQ(xy_status_condition(XY_ABSENT), XY_ITEM_NOT_FOUND);
    CHECK_EQ(xy_status_condition(XY_DENIED), XY_FORBIDDEN);
    CHECK_EQ(xy_status_condition(XY_BROKEN), XY_INTERNAL_SERVER_ERROR);
    CHECK_EQ(xy_status_condition(XY_FULL), XY_RESOURCE_CONSTRAINT);
    CHECK_EQ(xy_status_condition(XY_UNSUPPORTED), XY_FEATURE_NOT_IMPLEMENTED);
}

TEST(delay_stamps)
{
    logic_begin();
    const struct xy_stanza *stanza = frozen("<message><body>x</body></message>");
    struct xy_stanza *edit = xy_stanza_edit(stanza);
    xy_stanza_add_delay(edit, xy_jid_parse(XY_STR("example.org")), 1031656888000);
    check_text(edit, "<message><body>x</body><delay xmlns='urn:xmpp:delay' from='example.org' "
                     "stamp='2002-09-10T11:21:28.000Z'/></message>");
    xy_stanza_add_delay(edit, NULL, 0);
    CHECK(
        strstr(xy_stanza_text(edit).at, "<delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:"));
    logic_end();
}

/* ---- two threads ---------------------------------------------------------------------------
 */

enum { HANDED = 5000, RING = 64, WRITERS = 2 };
static struct handover {
    _Atomic(const struct xy_stanza *) slot[RING];
    size_t bytes;
} handovers[WRITERS];

static void
count_bytes(struct xyi_out *out, const char *at, size_t len)
{
    (void)at;
    *(size_t *)(void *)out += len;
}

/* As an I/O thread does it: writes what it is given, twice, and drops it. */
static void *
write_and_drop(void *argument)
{
    struct handover *handover = argument;
    for (int i = 0; i < HANDED; i++) {
        const struct xy_stanza *stanza;
        while (!(stanza = atomic_exchange(&handover->slot[i % RING], NULL)))
            sched_yield();
        for (int again = 0; again < 2; again++)
            xyi_stanza_write(stanza, XY_STR(XY_NS_CLIENT), NULL, count_bytes,
                             (void *)&handover->bytes);
        xy_stanza_drop(stanza);
    }
    xyi_parser_pool_drain();
    return NULL;
}

static const struct xy_stanza *
made_for_handover(int number)
{
    struct xy_str to = xy_temp_printf("user%d@example.org/r", number % 11);
    if (number % 3 == 0)
        return xy_stanza_parse(xy_temp_printf("<message to='" XY_FMT "'><body>parsed</body>"
                                              "</message>",
                                              XY_ARG(to)));
    struct xy_stanza *stanza = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_node_add_text(xy_node_add(xy_stanza_top(stanza), XY_NO_STR, XY_STR("body")),
                     XY_STR("built"));
    if (number % 3 == 1) {
        xyi_stanza_freeze(stanza);
        stanza = xy_stanza_edit(stanza);
    }
    xy_stanza_set_to(stanza, xy_jid_parse(to));
    return stanza;
}

TEST(written_and_dropped_on_other_threads)
{
    logic_begin();
    pthread_t threads[WRITERS];
    size_t expected = 0;
    for (int i = 0; i < WRITERS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, write_and_drop, &handovers[i]), 0);
    for (int i = 0; i < HANDED; i++) {
        const struct xy_stanza *stanza = made_for_handover(i);
        expected += 2 * xy_stanza_text(stanza).len;
        for (int to = 0; to < WRITERS; to++) {
            while (atomic_load(&handovers[to].slot[i % RING]))
                sched_yield();
            atomic_store(&handovers[to].slot[i % RING], xy_stanza_keep(stanza));
        }
        fiber_end();
        if (i % 5 == 0)
            logic_turn();
        fiber_begin();
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(handovers[i].bytes, expected);
    }
    logic_end();
}

END_TESTS
