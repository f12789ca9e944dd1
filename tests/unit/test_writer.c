/* SPDX-License-Identifier: MIT */
/* The writer: whatever the tree, what is written reads back as the same tree on its stream. */
#include <pthread.h>

#include "core/xml/sink.h"
#include "core/xml/tree.h"
#include "xml_fixture.h"

/* ---- equality by the nodes, not by what is written ------------------------------------------
 */

static bool
same_attrs(const struct xy_node *a, const struct xy_node *b)
{
    size_t counts[2] = {0, 0};
    for (const struct xyi_attr *at = a->attrs; at; at = at->next) {
        const struct xyi_attr *other = b->attrs;
        while (other &&
               !(xy_str_equal(at->name, other->name) && xy_str_equal(at->ns, other->ns)))
            other = other->next;
        if (!other || !xy_str_equal(at->value, other->value))
            return false;
        counts[0]++;
    }
    for (const struct xyi_attr *at = b->attrs; at; at = at->next)
        counts[1]++;
    return counts[0] == counts[1];
}

static bool
same_tree(const struct xy_node *a, const struct xy_node *b)
{
    if (xyi_is_text(a) || xyi_is_text(b))
        return xyi_is_text(a) && xyi_is_text(b) && xy_str_equal(a->text, b->text);
    if (!xy_str_equal(a->name, b->name) || !xy_str_equal(a->ns, b->ns) || !same_attrs(a, b))
        return false;
    const struct xy_node *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next) {
        if (!same_tree(x, y))
            return false;
    }
    return !x && !y;
}

static bool
same_value(struct xy_str a, struct xy_str b)
{
    return !a.at == !b.at && xy_str_equal(a, b);
}

static bool
same_stanza(const struct xy_stanza *a, const struct xy_stanza *b)
{
    return a->kind == b->kind && a->from == b->from && a->to == b->to &&
           same_value(a->id, b->id) && same_value(a->type, b->type) &&
           same_value(a->lang, b->lang) && same_tree(&a->root, &b->root);
}

/* ---- random trees ---------------------------------------------------------------------------
 */

static struct xy_str
pick(uint64_t *state, const char *const *from, uint32_t count)
{
    return xy_str_from(from[random_below(state, count)]);
}

static struct xy_str
random_text(uint64_t *state)
{
    static const char *const pieces[] = {"a",
                                         "hello ",
                                         "&",
                                         "<",
                                         ">",
                                         "'",
                                         "\"",
                                         "]]>",
                                         "\r",
                                         "\n",
                                         "\t",
                                         "\r\n",
                                         "&amp;",
                                         " ",
                                         "\x7F",
                                         "\xC3\xBC",
                                         "\xE2\x82\xAC",
                                         "\xF0\x9F\x90\xB1",
                                         "\xEF\xBF\xBD",
                                         "<!--",
                                         "<![CDATA[",
                                         "&#65;"};
    struct xy_buffer text = {NULL, 0, 0};
    for (uint32_t i = random_below(state, 6); i-- > 0;)
        xy_buffer_add(&text, pick(state, pieces, sizeof(pieces) / sizeof(pieces[0])));
    return xy_buffer_str(&text);
}

static struct xy_str
random_ns(uint64_t *state)
{
    static const char *const names[] = {"urn:a",   "urn:b",      XY_NS_CLIENT, XY_NS_STREAM,
                                        "u&<'\">", XY_NS_SERVER, "urn:a"};
    if (random_below(state, 3) == 0)
        return XY_NO_STR;
    return pick(state, names, sizeof(names) / sizeof(names[0]));
}

static void
add_random_attrs(uint64_t *state, struct xy_node *node)
{
    static const char *const names[] = {"a",         "b-c", "_d.1", "xml:lang",
                                        "xml:space", "id",  "to"};
    for (uint32_t i = random_below(state, 4); i-- > 0 && node->parent;) {
        struct xy_str name = pick(state, names, sizeof(names) / sizeof(names[0]));
        struct xy_str value = random_text(state);
        xy_node_set(node, name.at, value.at ? value : XY_STR(""));
    }
    if (random_below(state, 5))
        return;
    /* Attributes of foreign namespaces come from the parser only. */
    struct xyi_attr **last = &node->attrs;
    while (*last)
        last = &(*last)->next;
    static const char *const foreign[] = {"urn:f", "urn:g&'", "urn:f", XY_NS_STREAM};
    for (int i = 0; i < 4; i++) {
        char name[] = {(char)('p' + i), '\0'};
        *last = xyi_attr_make(&node->stanza->block, xy_str_from(foreign[i]), xy_str_from(name),
                              XY_STR("v'"));
        last = &(*last)->next;
    }
}

static struct xy_stanza *
random_stanza(uint64_t *state)
{
    static const char *const roots[] = {"message", "presence", "iq", "other"};
    static const char *const names[] = {"body", "x", "query", "a.b", "_c"};
    struct xy_stanza *stanza = xy_stanza_new(
        random_below(state, 3) ? XY_NO_STR : random_ns(state), pick(state, roots, 4));
    struct xy_node *at = xy_stanza_top(stanza);
    if (random_below(state, 2))
        xy_stanza_set_to(stanza, xy_jid_parse(XY_STR("example.org/o'neil & \xC3\xBC")));
    if (random_below(state, 2))
        xy_stanza_set_from(stanza, xy_jid_parse(XY_STR("romeo@example.org/<&'\"> ")));
    if (random_below(state, 2))
        xy_stanza_set_id(stanza, random_text(state));
    if (random_below(state, 2))
        xy_node_set(at, "xml:lang", random_text(state));
    for (uint32_t i = random_below(state, 20); i-- > 0;) {
        switch (random_below(state, 4)) {
        case 0:
            xy_node_add_text(at, random_text(state));
            break;
        case 1:
            at = at->parent ? at->parent : at;
            break;
        default:
            at = xy_node_add(at, random_ns(state), pick(state, names, 5));
            add_random_attrs(state, at);
        }
        if (random_below(state, 15) == 0 && at->parent) /* no namespace at all */
            xyi_node_append(at, XY_STR(""), XY_STR("none"));
    }
    return stanza;
}

static struct xy_stanza *
read_on(struct xy_str header, struct xy_str bytes)
{
    struct stream *stream = stream_open();
    stream_feed(stream, header);
    stream_feed(stream, bytes);
    stream_close(stream);
    CHECK_EQ(stream->elements, 1);
    CHECK_EQ(xyi_stanza_resolve(stream->last), XY_OK);
    return stream->last;
}

#define STREAM_OF(ns) \
    XY_STR("<stream:stream xmlns='" ns "' xmlns:stream='http://etherx.jabber.org/streams'>")

TEST(random_trees_survive)
{
    logic_begin();
    uint64_t state = 0x2545F4914F6CDD1Du;
    size_t bytes = 0;
    for (int i = 0; i < 4000; i++) {
        struct xy_stanza *stanza = random_stanza(&state);
        struct xy_str text = xy_stanza_text(stanza);
        bytes += text.len;
        /* As stored, and on each kind of stream; where it comes back with its raw bytes. */
        struct xy_stanza *again = xy_stanza_parse(text);
        CHECK(again && same_stanza(stanza, again));
        CHECK(xy_str_equal(xy_stanza_text(again), text));
        again = read_on(STREAM_OF("jabber:client"), text);
        CHECK(same_stanza(stanza, again));
        again = read_on(STREAM_OF("urn:other"), written(stanza, XY_STR("urn:other")));
        CHECK(same_stanza(stanza, again));
        /* By the tree alone, and what the tree writes is a fixed point. */
        struct xy_str tree = tree_of(stanza);
        again = read_on(STREAM_OF("urn:other"), tree);
        CHECK(same_stanza(stanza, again));
        CHECK(xy_str_equal(tree_of(again), tree));
        fiber_end();
        logic_turn();
        fiber_begin();
    }
    CHECK(bytes > 1000000);
    logic_end();
}

/* Written twice and more, from a shared stanza, its edits and its copies: always the same. */
TEST(random_trees_by_every_way)
{
    logic_begin();
    uint64_t state = 77;
    for (int i = 0; i < 2000; i++) {
        struct xy_stanza *stanza = random_stanza(&state);
        struct xy_str text = xy_stanza_text(stanza), tree = tree_of(stanza);
        xyi_stanza_freeze(stanza);
        for (int again = 0; again < 3; again++)
            CHECK(xy_str_equal(xy_stanza_text(stanza), text));
        struct xy_stanza *edit = xy_stanza_edit(stanza);
        CHECK(same_stanza(stanza, edit) && xy_str_equal(xy_stanza_text(edit), text));
        xy_node_mutable(edit, xy_stanza_root(edit));
        CHECK(!edit->shares && same_stanza(stanza, edit));
        CHECK(xy_str_equal(xy_stanza_text(edit), text) && xy_str_equal(tree_of(edit), tree));
        struct xy_stanza *parsed = xy_stanza_parse(text),
                         *copy = xy_stanza_new(XY_NO_STR, XY_STR("iq"));
        xyi_stanza_freeze(parsed);
        edit = xy_stanza_edit(parsed);
        CHECK(xy_str_equal(xy_stanza_text(edit), text) && xy_str_equal(tree_of(edit), tree));
        xy_node_add_copy(xy_stanza_top(copy), xy_stanza_root(parsed));
        const struct xy_node *child = xy_node_first(xy_stanza_root(copy));
        CHECK(xy_str_equal(xy_node_attr(child, "id"), parsed->id));
        CHECK_EQ(child->children, stanza->root.children);
        const struct xy_node *a = child->first, *b = stanza->root.first;
        for (; a && b; a = a->next, b = b->next)
            CHECK(same_tree(a, b));
        CHECK(!a && !b);
        fiber_end();
        logic_turn();
        fiber_begin();
    }
    logic_end();
}

/* ---- single points --------------------------------------------------------------------------
 */

TEST(illegal_characters_are_replaced)
{
    logic_begin();
    static const struct {
        struct xy_str text;
        const char *becomes;
    } rows[] = {
        {XY_STR_INIT("a\0z"), "a\xEF\xBF\xBDz"},
        {XY_STR_INIT("\x01\x08\x0B\x0C\x1F"),
         "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {XY_STR_INIT("\xFF"), "\xEF\xBF\xBD"},
        {XY_STR_INIT("\xC3"), "\xEF\xBF\xBD"},
        {XY_STR_INIT("\xC3("), "\xEF\xBF\xBD("},
        {XY_STR_INIT("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {XY_STR_INIT("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {XY_STR_INIT("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {XY_STR_INIT("\xEF\xBF\xBE\xEF\xBF\xBF"), "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {XY_STR_INIT("\xF4\x90\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {XY_STR_INIT("\xF0\x80\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {XY_STR_INIT("\xF4\x8F\xBF\xBF\xEE\x80\x80\xC2\x80"),
         "\xF4\x8F\xBF\xBF\xEE\x80\x80\xC2\x80"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xy_stanza *stanza = xy_stanza_new(XY_NO_STR, XY_STR("message"));
        xy_node_add_text(xy_stanza_top(stanza), rows[i].text);
        xy_stanza_set_id(stanza, rows[i].text);
        struct xy_stanza *again = xy_stanza_parse(xy_stanza_text(stanza));
        CHECK(again);
        CHECK_STR(xy_node_text(xy_stanza_root(again)), rows[i].becomes);
        CHECK_STR(xy_stanza_id(again), rows[i].becomes);
    }
    logic_end();
}

TEST(utf8_decoding)
{
    uint32_t code;
    CHECK_EQ(xyi_utf8_next("a", 1, &code), 1);
    CHECK_EQ(xyi_utf8_next("\xC3\xBC", 2, &code), 2);
    CHECK_EQ(code, 0xFC);
    CHECK_EQ(xyi_utf8_next("\xF0\x9F\x90\xB1", 4, &code), 4);
    CHECK_EQ(code, 0x1F431);
    CHECK_EQ(xyi_utf8_next("\xF0\x9F\x90\xB1", 3, &code), 0);
    CHECK_EQ(xyi_utf8_next("\x80", 1, &code), 0);
}

TEST(to_of_each_recipient)
{
    logic_begin();
    const struct xy_stanza *stanza = xy_stanza_keep(xy_stanza_parse(
        XY_STR("<message from='room@muc/a' type='groupchat'><body>x</body></message>")));
    for (int i = 0; i < 4; i++) {
        struct xy_buffer out = {NULL, 0, 0};
        const struct xy_jid *to = xy_jid_parse(xy_temp_printf("user%d@example.org/'", i));
        xyi_stanza_write(stanza, XY_STR(XY_NS_CLIENT), to, append_bytes, (void *)&out);
        CHECK_STR(xy_buffer_str(&out),
                  xy_temp_printf("<message to='user%d@example.org/&apos;' from='room@muc/a' "
                                 "type='groupchat'><body>x</body></message>",
                                 i)
                      .at);
    }
    CHECK_STR(xy_stanza_text(stanza),
              "<message from='room@muc/a' type='groupchat'><body>x</body></message>");
    xy_stanza_drop(stanza);
    logic_end();
}

static struct xy_str
written_to(const struct xy_stanza *stanza, const char *to)
{
    struct xy_buffer out = {NULL, 0, 0};
    xyi_stanza_write(stanza, XY_STR(XY_NS_CLIENT), xy_jid_parse(xy_str_from(to)), append_bytes,
                     (void *)&out);
    return xy_buffer_str(&out);
}

/* What is kept for many recipients is one stanza's, not that of those it shares content with,
 * and is not mistaken for what other streams or its own `to` get. */
TEST(rest_of_each_header)
{
    logic_begin();
    const struct xy_stanza *stanza = xy_stanza_keep(
        xy_stanza_parse(XY_STR("<message to='own@b' from='room@muc/a&apos;' id='&lt;' type='x' "
                               "xml:lang='de' k='v'><body>&amp;</body></message>")));
    struct xy_stanza *edit = xy_stanza_edit(stanza);
    xy_stanza_set_id(edit, XY_STR("other"));
    for (int i = 0; i < 4; i++) {
        CHECK_STR(written_to(stanza, "a@b"),
                  "<message to='a@b' from='room@muc/a&apos;' id='&lt;' type='x' xml:lang='de' "
                  "k='v'><body>&amp;</body></message>");
        CHECK_STR(written_to(edit, "c@d"),
                  "<message to='c@d' from='room@muc/a&apos;' id='other' type='x' xml:lang='de' "
                  "k='v'><body>&amp;</body></message>");
        if (i == 1)
            xyi_stanza_freeze(edit);
        CHECK_STR(xy_stanza_text(stanza),
                  "<message to='own@b' from='room@muc/a&apos;' id='&lt;' type='x' "
                  "xml:lang='de' k='v'><body>&amp;</body></message>");
    }
    CHECK(stanza->rest && edit->rest && !stanza->inner);
    const struct xy_stanza *empty =
        xy_stanza_keep(xy_stanza_new(XY_NO_STR, XY_STR("presence")));
    for (int i = 0; i < 3; i++)
        CHECK_STR(written_to(empty, "a@b/c"), "<presence to='a@b/c'/>");
    xy_stanza_drop(empty);
    xy_stanza_drop(stanza);
    logic_end();
}

TEST(stream_prefix)
{
    logic_begin();
    struct xy_stanza *features = xy_stanza_new(XY_STR(XY_NS_STREAM), XY_STR("features"));
    struct xy_node *top = xy_stanza_top(features);
    xy_node_add(xy_node_add(top, XY_STR(XY_NS_TLS), XY_STR("starttls")), XY_NO_STR,
                XY_STR("required"));
    xy_node_add(xy_node_add(top, XY_NO_STR, XY_STR("inner")), XY_STR(XY_NS_CLIENT),
                XY_STR("x"));
    static const char expected[] =
        "<stream:features><starttls "
        "xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
        "<stream:inner><x/></stream:inner></stream:features>";
    for (int i = 0; i < 3; i++)
        CHECK_STR(xy_stanza_text(features), expected);
    CHECK(same_stanza(features, xy_stanza_parse(xy_stanza_text(features))));
    CHECK_STR(written(features, XY_STR(XY_NS_SERVER)), expected);
    CHECK_STR(tree_of(features),
              "<features xmlns='http://etherx.jabber.org/streams'><starttls "
              "xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
              "<inner><x xmlns='jabber:client'/></inner></features>");
    logic_end();
}

/* ---- raw bytes ------------------------------------------------------------------------------
 */

static struct xy_stanza *
from_wire(const char *header, const char *text)
{
    struct stream *stream = stream_open();
    stream_feed(stream, xy_str_from(header));
    stream_feed(stream, xy_str_from(text));
    stream_close(stream);
    CHECK_EQ(stream->elements, 1);
    return stream->last;
}

TEST(raw_bytes_are_copied)
{
    logic_begin();
    const char *client = "<stream:stream xmlns='jabber:client' "
                         "xmlns:stream='http://etherx.jabber.org/streams'>";
    /* Spelt in a way the writer never would. */
    struct xy_stanza *stanza = from_wire(
        client, "<message  id=\"1\" ><body a = \"1\" >&#65;<![CDATA[<]]></body >\n</message>");
    CHECK_EQ(stanza->raw_on, XYI_CONTENT_CLIENT);
    CHECK_STR(xy_stanza_text(stanza),
              "<message id='1'><body a = \"1\" >&#65;<![CDATA[<]]></body >\n</message>");
    CHECK_STR(written(stanza, XY_STR(XY_NS_SERVER)),
              "<message id='1'><body a='1'>A&lt;</body>\n</message>");
    xy_stanza_set_id(stanza, XY_STR("2")); /* the header may change */
    xy_node_set(xy_stanza_top(stanza), "x", XY_STR("3"));
    xyi_stanza_freeze(stanza);
    struct xy_stanza *edit = xy_stanza_edit(stanza);
    xy_stanza_set_id(edit, XY_STR("4"));
    CHECK_STR(xy_stanza_text(edit),
              "<message id='4' x='3'><body a = \"1\" >&#65;<![CDATA[<]]></body >\n</message>");
    xy_node_add(xy_stanza_top(edit), XY_NO_STR, XY_STR("c")); /* the content may not */
    CHECK_STR(xy_stanza_text(edit),
              "<message id='4' x='3'><body a='1'>A&lt;</body>\n<c/></message>");
    CHECK_STR(xy_stanza_text(stanza),
              "<message id='2' x='3'><body a = \"1\" >&#65;<![CDATA[<]]></body >\n</message>");
    logic_end();
}

TEST(raw_bytes_only_where_they_mean_the_same)
{
    logic_begin();
    static const char client[] = "<stream:stream xmlns='jabber:client' "
                                 "xmlns:stream='http://etherx.jabber.org/streams'>";
    static const char more[] = "<stream:stream xmlns='jabber:client' xmlns:p='u' "
                               "xmlns:stream='http://etherx.jabber.org/streams'>";
    static const char other[] = "<stream:stream xmlns='v' "
                                "xmlns:stream='http://etherx.jabber.org/streams'>";
    static const struct {
        const char *header, *text;
        bool raw;
    } rows[] = {
        {client, "<message><b/></message>", true},
        {client, "<message xmlns='jabber:client'><b/></message>", true},
        {client, "<auth xmlns='u'><b/></auth>", true},
        {client, "<message><q:b xmlns:q='u'><q:c/></q:b></message>", true},
        {client, "<message><b xml:lang='en'/></message>", true},
        {client, "<message xmlns:q='u'><q:b/></message>", false},
        {client, "<q:message xmlns:q='jabber:client'><b/></q:message>", false},
        {client, "<message><stream:b/></message>", false},
        {client, "<message><b stream:c=''/></message>", false},
        {client, "<stream:error><b xmlns='u'/></stream:error>", false},
        {client, "<message/>", false},
        {client, "<message></message>", false},
        {more, "<message><b/></message>", true},
        {more, "<message><p:b/></message>", false},
        {more, "<message><c p:b=''/></message>", false},
        {other, "<message><b/></message>", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct xy_stanza *stanza = from_wire(rows[i].header, rows[i].text);
        CHECK_EQ(stanza->raw_on != XYI_CONTENT_OTHER, rows[i].raw);
        const struct xy_stanza *again = xy_stanza_parse(xy_stanza_text(stanza));
        CHECK(again && same_stanza(stanza, again));
    }
    /* In two pieces it is written from the tree. */
    struct stream *stream = stream_open();
    stream_feed(stream, xy_str_from(client));
    stream_feed(stream, XY_STR("<message><b>x"));
    stream_feed(stream, XY_STR("</b></message>"));
    CHECK_EQ(stream->last->raw_on, XYI_CONTENT_OTHER);
    CHECK_STR(xy_stanza_text(stream->last), "<message><b>x</b></message>");
    stream_close(stream);
    logic_end();
}

/* ---- the content kept from an earlier writing
 * ------------------------------------------------ */

TEST(content_is_kept_when_written_again)
{
    logic_begin();
    struct xy_stanza *stanza = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_node_add(xy_stanza_top(stanza), XY_STR("u"), XY_STR("x"));
    for (int i = 0; i < 3; i++)
        xy_stanza_text(stanza);
    CHECK(!atomic_load(&stanza->inner)); /* it may still change */
    xyi_stanza_freeze(stanza);
    xy_stanza_text(stanza);
    CHECK(!atomic_load(&stanza->inner));
    struct xy_stanza *edit = xy_stanza_edit(stanza);
    xy_stanza_set_id(edit, XY_STR("1"));
    CHECK_STR(xy_stanza_text(edit), "<message id='1'><x xmlns='u'/></message>");
    struct xyi_inner *inner = atomic_load(&stanza->inner); /* the edit shares it */
    CHECK(inner);
    CHECK_STR(xy_str_of(inner->bytes, inner->len), "<x xmlns='u'/>");
    CHECK_STR(written(stanza, XY_STR(XY_NS_SERVER)), "<message><x xmlns='u'/></message>");
    CHECK_STR(tree_of(stanza), "<message xmlns='jabber:client'><x xmlns='u'/></message>");
    CHECK(atomic_load(&stanza->inner) == inner);
    logic_end();
}

enum { THREADS = 4 };
static struct {
    const struct xy_stanza *stanza;
    const struct xy_jid *to;
    struct xy_str addressed; /* as written for `to` */
    pthread_barrier_t barrier;
} shared;

static void *
write_shared(void *argument)
{
    struct xyi_arena *arena = xyi_arena_new(4096);
    xyi_temp_set(arena);
    pthread_barrier_wait(&shared.barrier);
    for (int i = 0; i < 50; i++)
        CHECK(xy_str_equal(xy_stanza_text(shared.stanza), *(struct xy_str *)argument));
    for (int i = 0; i < 50; i++) {
        struct xy_buffer out = {NULL, 0, 0};
        xyi_stanza_write(shared.stanza, XY_STR(XY_NS_CLIENT), shared.to, append_bytes,
                         (void *)&out);
        CHECK(xy_str_equal(xy_buffer_str(&out), shared.addressed));
    }
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
    return NULL;
}

TEST(written_by_many_threads_at_once)
{
    logic_begin();
    uint64_t state = 5;
    for (int round = 0; round < 50; round++) {
        pthread_t threads[THREADS];
        struct xy_stanza *stanza = random_stanza(&state);
        xy_node_add_text(xy_stanza_top(stanza), XY_STR("x"));
        struct xy_str expected = xy_stanza_text(stanza);
        shared.stanza = xy_stanza_keep(stanza);
        struct xy_stanza *edit = xy_stanza_edit(stanza);
        shared.to = xy_jid_parse(XY_STR("romeo@example.org/a&b"));
        xy_stanza_set_to(edit, shared.to);
        shared.addressed = xy_stanza_text(edit);
        pthread_barrier_init(&shared.barrier, NULL, THREADS);
        for (int i = 0; i < THREADS; i++)
            CHECK_EQ(pthread_create(&threads[i], NULL, write_shared, &expected), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        pthread_barrier_destroy(&shared.barrier);
        xy_stanza_drop(shared.stanza);
    }
    logic_end();
}

/* ---- sizes
 * ----------------------------------------------------------------------------------- */

/* Pieces around the size of the writer's buffer. */
TEST(any_length)
{
    logic_begin();
    char *text = xy_temp_alloc(5000);
    memset(text, 'x', 5000);
    for (size_t len = 900; len < 2200; len += 1 + len % 7) {
        struct xy_stanza *stanza = xy_stanza_new(XY_NO_STR, XY_STR("message"));
        xy_stanza_set_id(stanza, xy_str_of(text, len / 2));
        xy_node_add_text(xy_stanza_top(stanza), xy_str_of(text, len));
        xy_node_add_text(xy_stanza_top(stanza), XY_STR("&"));
        CHECK_EQ(xy_stanza_text(stanza).len,
                 strlen("<message id=''>&amp;</message>") + len + len / 2);
        CHECK(same_stanza(stanza, xy_stanza_parse(xy_stanza_text(stanza))));
    }
    logic_end();
}

END_TESTS
