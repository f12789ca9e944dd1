/* SPDX-License-Identifier: MIT */
/*
 * Entity capabilities of the server (XEP-0115): a hash over its disco#info in the stream
 * features tells a client that it knows the answer already.
 */
#include <stdlib.h>

#include "modules/disco/disco.h"

/* Hooks may answer differently after a reload, and nobody tells us. */
enum { FRESH_MS = 60 * 1000 };

struct strings {
    struct xy_str *at;
    size_t count, room;
};

static void
push(struct strings *list, struct xy_str s)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        struct xy_str *at = xy_temp_alloc(room * sizeof(*at));
        if (list->count)
            memcpy(at, list->at, list->count * sizeof(*at));
        list->at = at;
        list->room = room;
    }
    list->at[list->count++] = s;
}

static int
compare(const void *a, const void *b)
{
    return xy_str_compare(*(const struct xy_str *)a, *(const struct xy_str *)b);
}

static void
add_sorted(struct xy_buffer *out, struct strings *list)
{
    if (list->count)
        qsort(list->at, list->count, sizeof(*list->at), compare);
    for (size_t i = 0; i < list->count; i++)
        xy_buffer_add(out, list->at[i]);
}

static void
push_text(struct strings *list, struct xy_str text)
{
    push(list, xy_temp_printf(XY_FMT "<", XY_ARG(text)));
}

static void
add_identities(struct xy_buffer *out, const struct xy_node *query)
{
    struct strings list = {0};
    for (const struct xy_node *at = xy_node_first(query); at; at = xy_node_next(at))
        if (xy_str_is(xy_node_name(at), "identity"))
            push(&list, xy_temp_printf(XY_FMT "/" XY_FMT "/" XY_FMT "/" XY_FMT "<",
                                       XY_ARG(xy_node_attr(at, "category")),
                                       XY_ARG(xy_node_attr(at, "type")),
                                       XY_ARG(xy_node_attr(at, "xml:lang")),
                                       XY_ARG(xy_node_attr(at, "name"))));
    add_sorted(out, &list);
}

static void
add_features(struct xy_buffer *out, const struct xy_node *query)
{
    struct strings list = {0};
    for (const struct xy_node *at = xy_node_first(query); at; at = xy_node_next(at))
        if (xy_str_is(xy_node_name(at), "feature"))
            push_text(&list, xy_node_attr(at, "var"));
    add_sorted(out, &list);
}

/* "var<value<value<" with the values sorted. */
static struct xy_str
field_text(const struct xy_node *field)
{
    struct strings values = {0};
    for (const struct xy_node *at = xy_node_first(field); at; at = xy_node_next(at))
        if (xy_str_is(xy_node_name(at), "value"))
            push_text(&values, xy_node_text(at));
    struct xy_buffer out = {0};
    xy_buffer_printf(&out, XY_FMT "<", XY_ARG(xy_node_attr(field, "var")));
    add_sorted(&out, &values);
    return xy_buffer_str(&out);
}

static struct xy_str
form_text(const struct xy_node *form)
{
    struct strings fields = {0};
    struct xy_buffer out = {0};
    for (const struct xy_node *at = xy_node_first(form); at; at = xy_node_next(at)) {
        if (!xy_str_is(xy_node_attr(at, "var"), "FORM_TYPE"))
            push(&fields, field_text(at));
        else if (xy_node_first(at))
            xy_buffer_printf(&out, XY_FMT "<", XY_ARG(xy_node_text(xy_node_first(at))));
    }
    add_sorted(&out, &fields);
    return xy_buffer_str(&out);
}

struct xy_str
caps_hash(const struct xy_node *query)
{
    struct xy_buffer out = {0};
    struct strings forms = {0};
    add_identities(&out, query);
    add_features(&out, query);
    for (const struct xy_node *at = xy_node_first(query); at; at = xy_node_next(at))
        if (xy_node_is(at, XY_STR(XY_NS_DATA), XY_STR("x")))
            push(&forms, form_text(at));
    add_sorted(&out, &forms);
    unsigned char digest[XY_HASH_MAX];
    xy_hash_digest(XY_SHA1, xy_buffer_str(&out), digest);
    return xy_temp_base64(xy_str_of((const char *)digest, xy_hash_size(XY_SHA1)));
}

struct xy_str
caps_ver(struct disco *self, struct xy_host *host)
{
    uint64_t print = disco_print(self, host);
    if (self->caps.print != print || self->caps.until_ms <= xy_monotonic_ms()) {
        struct xy_stanza *scratch = xy_stanza_new(XY_STR(XY_NS_DISCO_INFO), XY_STR("query"));
        disco_fill(self, host, NULL, xy_host_jid(host), xy_stanza_top(scratch));
        struct xy_str ver = caps_hash(xy_stanza_root(scratch));
        xy_assert(ver.len < sizeof(self->caps.ver));
        memcpy(self->caps.ver, ver.at, ver.len);
        self->caps.ver[ver.len] = '\0';
        self->caps.print = print;
        self->caps.until_ms = xy_monotonic_ms() + FRESH_MS;
    }
    return xy_str_from(self->caps.ver);
}
