/* SPDX-License-Identifier: MIT */
/*
 * What a stanza is made of, for the files of this layer. A stanza and its tree live in one
 * chain of chunks (block). Invariants: a node belongs to one stanza for life; a frozen stanza's
 * tree never changes; all slices in a tree point into its own block, into that of `base`
 * (held), into a JID it holds, or at constants of the core.
 */
#ifndef XYI_TREE_H
#define XYI_TREE_H

#include "core/xml/xml.h"

/* ---- block: where one stanza's memory comes from -------------------------------------------
 */
struct xyi_chunk;
struct xyi_block {
    char *at, *end; /* the room left in the newest chunk */
    struct xyi_chunk *chunks;
    size_t next_size;
};
void xyi_block_open(struct xyi_block *block);
void xyi_block_open_for(struct xyi_block *block,
                        size_t size); /* one chunk, grows all the same */
size_t xyi_block_used(const struct xyi_block *block);
void xyi_block_close(struct xyi_block *block);
void *xyi_block_take(struct xyi_block *block, size_t size); /* 8-aligned, not zeroed */
struct xy_str xyi_block_str(struct xyi_block *block, struct xy_str s); /* absent stays absent */
/* `s` with `more` behind it; grows in place when `s` was the last thing taken. */
struct xy_str xyi_block_extend(struct xyi_block *block, struct xy_str s, struct xy_str more);
void xyi_block_cache_drain(void); /* of the calling thread */

/* ---- tree
 * ------------------------------------------------------------------------------------ */
struct xyi_attr {
    struct xyi_attr *next;
    struct xy_str name, ns, value; /* ns absent: none */
};

/* An item of an element's content: an element, or text when `name` is absent. */
struct xy_node {
    struct xy_node *next, *parent; /* parent NULL: a root */
    struct xy_node *first, *last;
    struct xy_stanza *stanza;
    struct xyi_attr *attrs; /* a root's id, type, from, to and xml:lang are in the stanza */
    struct xy_str name;
    union {
        struct xy_str ns;
        struct xy_str text;
    };
    const struct xy_node *origin; /* the node of a base it was copied from */
    size_t children;
};

/* The namespaces that are the default on a stream of some kind. Inside, all are jabber:client.
 */
enum xyi_content {
    XYI_CONTENT_OTHER,
    XYI_CONTENT_CLIENT,
    XYI_CONTENT_SERVER,
    XYI_CONTENT_COMPONENT
};
enum xyi_content xyi_content_of(struct xy_str ns);
enum xy_kind xyi_kind_of(struct xy_str ns, struct xy_str name);

struct xyi_inner { /* serialised: content of a root, or all behind its `to` */
    size_t len;
    char bytes[];
};

struct xy_stanza {
    atomic_uint references;
    bool frozen;
    bool shares; /* content is the base's, as long as nobody asks to change it */
    enum xy_kind kind;
    enum xyi_content raw_on; /* kind of stream `raw` came from; OTHER: there is none */
    struct xyi_block block;
    const struct xy_stanza *base; /* held; this one's slices point into it */
    struct xy_node root;
    const struct xy_jid *from, *to;                   /* held */
    struct xy_str id, type, lang, from_text, to_text; /* the root's attributes */
    struct xy_str raw;                                /* content as it came from the wire */
    _Atomic(struct xyi_inner *) inner;                /* content as it was last written */
    _Atomic(struct xyi_inner *) rest;                 /* behind `to`, for clients */
    atomic_uint writes;
    atomic_bool addressed; /* was written with a recipient's `to` */
    int64_t received_ms;
    int64_t login; /* the session it came from; 0: none */
    size_t bytes;
};

/* One reference, the caller's. Name and ns are not copied. */
struct xy_stanza *xyi_stanza_make(struct xy_str ns, struct xy_str name);
/* The same inside an open block, which it takes over. */
struct xy_stanza *xyi_stanza_make_in(struct xyi_block block, struct xy_str ns,
                                     struct xy_str name);
/* An item below `parent`, and its place behind the others. Nothing is copied or checked. */
struct xy_node *xyi_item_make(struct xy_node *parent, struct xy_str name);
void xyi_item_link(struct xy_node *item);
/* A child element; name and ns are not copied and not checked. */
struct xy_node *xyi_node_append(struct xy_node *parent, struct xy_str ns, struct xy_str name);
void xyi_node_append_text(struct xy_node *parent, struct xy_str text); /* copied */
/* Name and value are copied, ns is not. */
struct xyi_attr *xyi_attr_make(struct xyi_block *block, struct xy_str ns, struct xy_str name,
                               struct xy_str value);
/* With share_text the slices stay where they are. */
void xyi_copy_attrs(struct xy_node *to, const struct xy_node *from, bool share_text);
/* The stanza itself, or the base whose content it shares. */
const struct xy_stanza *xyi_stanza_holder(const struct xy_stanza *stanza);
/* Makes the content the stanza's own. */
void xyi_stanza_own(struct xy_stanza *stanza);
/* Copies the items below `from` behind those of `to`. With share_text names, values and texts
 * stay where they are, and the copies know their origin. */
void xyi_copy_items(struct xy_node *to, const struct xy_node *from, bool share_text);

static inline bool
xyi_is_text(const struct xy_node *node)
{
    return node->name.at == NULL;
}

/* The slot of a root's own attribute, or NULL: id, type, from, to and (as "xml:lang") lang. */
struct xy_str *xyi_root_slot(struct xy_stanza *stanza, struct xy_str name);

#endif
