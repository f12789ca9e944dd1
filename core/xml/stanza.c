/* SPDX-License-Identifier: MIT */
/*
 * The life of a stanza and its header: made, frozen, shared, edited, dropped. Invariants: only
 * the holder of the one reference to an unfrozen stanza may change it; an edit holds the stanza
 * it was made from for as long as slices of it are in use. Dropping works on any thread.
 */
#include "core/xml/tree.h"

#define STANZA_OF(stanza) \
    ((struct xy_stanza *)(uintptr_t)(stanza)) /* for the reference count */

enum xyi_content
xyi_content_of(struct xy_str ns)
{
    if (xy_str_is(ns, XY_NS_CLIENT))
        return XYI_CONTENT_CLIENT;
    if (xy_str_is(ns, XY_NS_SERVER))
        return XYI_CONTENT_SERVER;
    return xy_str_is(ns, XY_NS_COMPONENT) ? XYI_CONTENT_COMPONENT : XYI_CONTENT_OTHER;
}

enum xy_kind
xyi_kind_of(struct xy_str ns, struct xy_str name)
{
    if (!xy_str_is(ns, XY_NS_CLIENT))
        return XY_NONZA;
    if (xy_str_is(name, "message"))
        return XY_MESSAGE;
    if (xy_str_is(name, "presence"))
        return XY_PRESENCE;
    return xy_str_is(name, "iq") ? XY_IQ : XY_NONZA;
}

struct xy_stanza *
xyi_stanza_make_in(struct xyi_block block, struct xy_str ns, struct xy_str name)
{
    struct xy_stanza *stanza = xyi_block_take(&block, sizeof(*stanza));
    *stanza = (struct xy_stanza){
        .kind = xyi_kind_of(ns, name),
        .root = {.stanza = stanza, .name = name, .ns = ns},
    };
    stanza->block = block;
    atomic_init(&stanza->references, 1);
    return stanza;
}

struct xy_stanza *
xyi_stanza_make(struct xy_str ns, struct xy_str name)
{
    struct xyi_block block;
    xyi_block_open(&block);
    return xyi_stanza_make_in(block, ns, name);
}

static void
drop_in_fiber(void *stanza)
{
    xy_stanza_drop(stanza);
}

void
xyi_stanza_leave_to_fiber(const struct xy_stanza *stanza)
{
    xy_assert(xyi_temp() != NULL);
    xyi_arena_defer(xyi_temp(), drop_in_fiber, STANZA_OF(stanza));
}

/* ---- references ---------------------------------------------------------------------------
 */

void
xyi_stanza_freeze(struct xy_stanza *stanza)
{
    if (!stanza
             ->frozen) /* a frozen one may be in use elsewhere: not even the same byte again */
        stanza->frozen = true;
}

const struct xy_stanza *
xy_stanza_keep(const struct xy_stanza *kept)
{
    struct xy_stanza *stanza = STANZA_OF(kept);
    if (!stanza)
        return NULL;
    xyi_stanza_freeze(stanza);
    atomic_fetch_add_explicit(&stanza->references, 1, memory_order_relaxed);
    return stanza;
}

void
xy_stanza_drop(const struct xy_stanza *dropped)
{
    struct xy_stanza *stanza = STANZA_OF(dropped);
    while (stanza &&
           atomic_fetch_sub_explicit(&stanza->references, 1, memory_order_acq_rel) == 1) {
        struct xy_stanza *base = STANZA_OF(stanza->base);
        struct xyi_block block = stanza->block;
        xy_jid_drop(stanza->from);
        xy_jid_drop(stanza->to);
        xyi_free(atomic_load_explicit(&stanza->inner, memory_order_relaxed));
        xyi_free(atomic_load_explicit(&stanza->rest, memory_order_relaxed));
        xyi_block_close(&block);
        stanza = base;
    }
}

/* ---- editing ------------------------------------------------------------------------------
 */

const struct xy_stanza *
xyi_stanza_holder(const struct xy_stanza *stanza)
{
    return stanza->shares ? stanza->base : stanza;
}

struct xy_stanza *
xy_stanza_edit(const struct xy_stanza *original)
{
    struct xy_stanza *stanza = STANZA_OF(original);
    if (!stanza->frozen)
        return stanza;
    const struct xy_stanza *holder = xyi_stanza_holder(original);
    struct xy_stanza *edit = xyi_stanza_make(holder->root.ns, holder->root.name);
    edit->base = xy_stanza_keep(holder);
    edit->shares = true;
    edit->root.first = holder->root.first;
    edit->root.last = holder->root.last;
    edit->root.children = holder->root.children;
    xyi_copy_attrs(&edit->root, &original->root, false);
    edit->id = xyi_block_str(&edit->block, original->id);
    edit->type = xyi_block_str(&edit->block, original->type);
    edit->lang = xyi_block_str(&edit->block, original->lang);
    edit->from = xy_jid_keep(original->from);
    edit->to = xy_jid_keep(original->to);
    edit->from_text =
        original->from ? original->from_text : xyi_block_str(&edit->block, original->from_text);
    edit->to_text =
        original->to ? original->to_text : xyi_block_str(&edit->block, original->to_text);
    edit->received_ms = original->received_ms;
    edit->login = original->login;
    edit->bytes = original->bytes;
    xyi_stanza_leave_to_fiber(edit);
    return edit;
}

void
xyi_stanza_own(struct xy_stanza *stanza)
{
    stanza->raw_on = XYI_CONTENT_OTHER;
    if (!stanza->shares)
        return;
    stanza->shares = false;
    stanza->root.first = stanza->root.last = NULL;
    stanza->root.children = 0;
    xyi_copy_items(&stanza->root, &stanza->base->root, true);
}

/* ---- header -------------------------------------------------------------------------------
 */

struct xy_str *
xyi_root_slot(struct xy_stanza *stanza, struct xy_str name)
{
    if (xy_str_is(name, "id"))
        return &stanza->id;
    if (xy_str_is(name, "type"))
        return &stanza->type;
    if (xy_str_is(name, "from"))
        return &stanza->from_text;
    if (xy_str_is(name, "to"))
        return &stanza->to_text;
    return xy_str_is(name, "xml:lang") ? &stanza->lang : NULL;
}

static void
replace_jid(const struct xy_jid **held, struct xy_str *text, const struct xy_jid *jid)
{
    xy_jid_keep(jid);
    xy_jid_drop(*held);
    *held = jid;
    *text = xy_jid_text(jid);
}

void
xy_stanza_set_from(struct xy_stanza *stanza, const struct xy_jid *from)
{
    xy_assert(!stanza->frozen);
    replace_jid(&stanza->from, &stanza->from_text, from);
}

void
xy_stanza_set_to(struct xy_stanza *stanza, const struct xy_jid *to)
{
    xy_assert(!stanza->frozen);
    replace_jid(&stanza->to, &stanza->to_text, to);
}

void
xy_stanza_set_id(struct xy_stanza *stanza, struct xy_str id)
{
    xy_assert(!stanza->frozen);
    stanza->id = xyi_block_str(&stanza->block, id);
}

void
xy_stanza_set_type(struct xy_stanza *stanza, struct xy_str type)
{
    xy_assert(!stanza->frozen);
    stanza->type = xyi_block_str(&stanza->block, type);
}

xy_status
xyi_stanza_resolve(struct xy_stanza *stanza)
{
    struct xy_str from = stanza->from_text, to = stanza->to_text;
    const struct xy_jid *from_jid = from.at ? xy_jid_parse(from) : NULL;
    const struct xy_jid *to_jid = to.at ? xy_jid_parse(to) : NULL;
    bool good = (!from.at || from_jid) && (!to.at || to_jid);
    xy_stanza_set_from(stanza, good ? from_jid : NULL);
    xy_stanza_set_to(stanza, good ? to_jid : NULL);
    return good ? XY_OK : XY_INVALID;
}

void
xyi_stanza_set_received_ms(struct xy_stanza *stanza, int64_t ms)
{
    xy_assert(!stanza->frozen);
    stanza->received_ms = ms;
}

void
xyi_stanza_set_login(struct xy_stanza *stanza, int64_t login)
{
    xy_assert(!stanza->frozen);
    stanza->login = login;
}

int64_t
xyi_stanza_login(const struct xy_stanza *stanza)
{
    return stanza->login;
}

void
xy_stanza_set_cause(struct xy_stanza *stanza, const struct xy_stanza *cause)
{
    xyi_stanza_set_login(stanza, cause->login);
}

/* ---- reading ------------------------------------------------------------------------------
 */

enum xy_kind
xy_stanza_kind(const struct xy_stanza *stanza)
{
    return stanza->kind;
}

const struct xy_node *
xy_stanza_root(const struct xy_stanza *stanza)
{
    return stanza ? &stanza->root : NULL;
}

struct xy_node *
xy_stanza_top(struct xy_stanza *stanza)
{
    xy_assert(!stanza->frozen);
    return &stanza->root;
}

struct xy_str
xy_stanza_id(const struct xy_stanza *stanza)
{
    return stanza->id;
}

struct xy_str
xy_stanza_type(const struct xy_stanza *stanza)
{
    return stanza->type;
}

struct xy_str
xy_stanza_lang(const struct xy_stanza *stanza)
{
    return stanza->lang;
}

const struct xy_jid *
xy_stanza_from(const struct xy_stanza *stanza)
{
    return stanza->from;
}

const struct xy_jid *
xy_stanza_to(const struct xy_stanza *stanza)
{
    return stanza->to;
}

bool
xy_stanza_is_error(const struct xy_stanza *stanza)
{
    return xy_str_is(stanza->type, "error");
}

int64_t
xy_stanza_received_ms(const struct xy_stanza *stanza)
{
    return stanza->received_ms;
}

size_t
xyi_stanza_bytes(const struct xy_stanza *stanza)
{
    return stanza->bytes;
}
