/* SPDX-License-Identifier: MIT */
/* Single elements as text and back: what is stored of a client's XML comes out the same. */
#include "tests/unit/harness.h"

#include "core/xml/xml.h"

static void
begin(void)
{
    xyi_temp_set(xyi_arena_new(4096));
    xyi_jids_init();
}

static void
end(void)
{
    xyi_arena_free(xyi_temp());
    xyi_temp_set(NULL);
    xyi_jids_end();
}

/* The text of the only child of a query, and what it is after being added to another stanza. */
static void
round_trip(const char *element, const char *expected)
{
    struct xy_str text =
        xy_temp_printf("<iq type='set' id='1'><query xmlns='urn:q'>%s</query></iq>", element);
    struct xy_stanza *iq = xy_stanza_parse(text);
    CHECK(iq);
    struct xy_str xml = xy_node_xml(xy_node_first(xy_stanza_payload(iq)));
    CHECK_STR(xml, expected);
    struct xy_stanza *other = xy_stanza_new(XY_NO_STR, XY_STR("iq"));
    struct xy_node *query =
        xy_node_add(xy_stanza_top(other), XY_STR("urn:other"), XY_STR("query"));
    CHECK(xy_node_add_xml(query, xml));
    CHECK_STR(xy_node_xml(xy_node_first(query)), expected);
}

TEST(an_element_stands_for_itself)
{
    begin();
    round_trip("<a/>", "<a xmlns='urn:q'/>");
    round_trip("<a xmlns='urn:a' b='1'>x &amp; y<c/>z</a>",
               "<a xmlns='urn:a' b='1'>x &amp; y<c/>z</a>");
    round_trip("<p:a xmlns:p='urn:a'><b xmlns='urn:b'/></p:a>",
               "<a xmlns='urn:a'><b xmlns='urn:b'/></a>");
    round_trip("<body xmlns='jabber:client'>b</body>", "<body>b</body>");
    end();
}

TEST(attributes_that_stanzas_treat_apart_are_kept)
{
    begin();
    round_trip("<a xmlns='urn:a' id='1' type='t' from='y' to='x' xml:lang='en'/>",
               "<a xmlns='urn:a' id='1' type='t' from='y' to='x' xml:lang='en'/>");
    end();
}

/* `to` and `from` of such an element need not be addresses, and stay as they are written. */
TEST(attributes_that_are_no_addresses_are_kept)
{
    begin();
    round_trip("<a xmlns='urn:a' from='@@' to='Not a JID'/>",
               "<a xmlns='urn:a' from='@@' to='Not a JID'/>");
    round_trip("<a xmlns='urn:a' to='Romeo@Example.ORG'/>",
               "<a xmlns='urn:a' to='Romeo@Example.ORG'/>");
    end();
}

TEST(what_is_no_element_is_refused)
{
    begin();
    struct xy_stanza *iq = xy_stanza_new(XY_NO_STR, XY_STR("iq"));
    const char *const wrong[] = {"",         "text",     "<a>",         "<a/><b/>",
                                 "</x><a/>", "<a b=1/>", "<!--c--><a/>"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(!xy_node_add_xml(xy_stanza_top(iq), xy_str_from(wrong[i])));
    CHECK(!xy_node_first(xy_stanza_root(iq)));
    end();
}

END_TESTS
