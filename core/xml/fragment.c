/* SPDX-License-Identifier: MIT */
/*
 * Single elements as text and back, for storing (messages, vCards, private XML). The text
 * stands for itself: what namespace it is in does not depend on where it is read again.
 */
#include "core/xml/engine.h"

struct one {
    struct xy_stanza *stanza;
    bool bad;
};

static void
take_one(void *argument, struct xy_stanza *stanza)
{
    struct one *one = argument;
    one->bad |= one->stanza != NULL;
    if (one->stanza)
        xy_stanza_drop(stanza);
    else
        one->stanza = stanza;
}

static void
one_ended(void *argument)
{
    ((struct one *)argument)->bad = true;
}

static void
one_failed(void *argument, const char *condition, const char *text)
{
    (void)condition;
    (void)text;
    one_ended(argument);
}

/* The one element, its addresses as they stand there; the fiber's. NULL when malformed. */
static struct xy_stanza *
parse_one(struct xy_str text)
{
    static const struct xyi_parser_events events = {
        .element = take_one, .end = one_ended, .failed = one_failed};
    struct one one = {NULL, false};
    struct xyi_parser *parser = xyi_parser_new(&events, &one);
    parser->in_stream = true;
    parser->content = XYI_CONTENT_CLIENT;
    if (text.len)
        xyi_parser_feed(parser, text.at, text.len);
    bool whole = !parser->engine && one.stanza && !one.bad;
    xyi_parser_free(parser);
    if (!whole) {
        xy_stanza_drop(one.stanza);
        return NULL;
    }
    one.stanza->received_ms = xy_now_ms();
    xyi_stanza_leave_to_fiber(one.stanza);
    return one.stanza;
}

struct xy_stanza *
xy_stanza_parse(struct xy_str text)
{
    struct xy_stanza *stanza = parse_one(text);
    return stanza && xyi_stanza_resolve(stanza) == XY_OK ? stanza : NULL;
}

struct xy_str
xy_node_xml(const struct xy_node *node)
{
    struct xy_stanza *around = xy_stanza_new(XY_NO_STR, XY_STR("x"));
    xy_node_add_copy(xy_stanza_top(around), node);
    struct xy_str text = xy_stanza_text(around), open = XY_STR("<x>"), close = XY_STR("</x>");
    xy_assert(xy_str_starts(text, open) && xy_str_ends(text, close));
    return xy_str_of(text.at + open.len, text.len - open.len - close.len);
}

struct xy_node *
xy_node_add_xml(struct xy_node *parent, struct xy_str text)
{
    const struct xy_stanza *parsed = parse_one(text);
    return parsed ? xy_node_add_copy(parent, xy_stanza_root(parsed)) : NULL;
}
