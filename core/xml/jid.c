/* SPDX-License-Identifier: MIT */
/*
 * JIDs as modules know them (RFC 6122 section 2): text in, the one object for it out. An
 * address seen before costs one hash and one comparison; only a new one is prepared.
 */
#include "core/xml/jid_table.h"

/* No fiber boundary lies between finding a JID here and handing it out or keeping it. */
static struct xy_jid *
find_or_insert(struct xy_str text, size_t room, bool *fresh)
{
    uint64_t hash = xyi_hash(text);
    struct xy_jid *jid = xyi_jid_find(text, hash);
    *fresh = !jid;
    return jid ? jid : xyi_jid_insert(text, hash, room);
}

static struct xy_jid *
intern_host(const struct xyi_jid_text *made)
{
    bool fresh;
    return find_or_insert(xy_str_of(made->text + made->domain_at, made->domain_len), 0, &fresh);
}

static struct xy_jid *
intern_bare(const struct xyi_jid_text *made)
{
    if (made->domain_at == 0)
        return intern_host(made);
    bool fresh;
    size_t len = made->domain_at + made->domain_len, local_len = made->domain_at - 1;
    struct xy_jid *jid = find_or_insert(xy_str_of(made->text, len), local_len + 1, &fresh);
    if (fresh) {
        char *local = jid->text + len + 1;
        memcpy(local, made->text, local_len);
        jid->local = local;
        jid->local_len = (uint32_t)local_len;
        jid->host = intern_host(made);
        xy_jid_keep(jid->host);
    }
    return jid;
}

static struct xy_jid *
intern(const struct xyi_jid_text *made)
{
    if (made->resource_at == 0)
        return intern_bare(made);
    bool fresh;
    struct xy_jid *jid = find_or_insert(xy_str_of(made->text, made->len), 0, &fresh);
    if (fresh) {
        jid->bare = intern_bare(made);
        xy_jid_keep(jid->bare);
        jid->host = jid->bare->host;
        jid->local = jid->bare->local;
        jid->local_len = jid->bare->local_len;
        jid->resource_len = (uint32_t)(made->len - made->resource_at);
    }
    return jid;
}

static const struct xy_jid *
lend(struct xy_jid *jid)
{
    jid->borrowed = true;
    return jid;
}

const struct xy_jid *
xy_jid_parse(struct xy_str text)
{
    struct xyi_jid_raw raw;
    struct xyi_jid_text made;
    xy_assert(xyi_jids_are_here());
    if (text.len == 0 || text.len > XYI_JID_MOST)
        return NULL;
    uint64_t hash = xyi_hash(text);
    struct xy_jid *jid = xyi_jid_find(text, hash);
    if (!jid)
        jid = xyi_jid_find_alias(text, hash);
    if (jid)
        return lend(jid);
    if (!xyi_jid_cut(text, &raw) || !xyi_jid_compose(&raw, &made))
        return NULL;
    jid = intern(&made);
    if (!xy_str_equal(text, xy_str_of(made.text, made.len)))
        xyi_jid_add_alias(jid, text, hash);
    return lend(jid);
}

const struct xy_jid *
xy_jid_make(struct xy_str local, struct xy_str domain, struct xy_str resource)
{
    struct xyi_jid_text made;
    xy_assert(xyi_jids_are_here());
    if (!xyi_jid_compose(&(struct xyi_jid_raw){local, domain, resource}, &made))
        return NULL;
    return lend(intern(&made));
}

/* ---- reading ------------------------------------------------------------------------------
 */

struct xy_str
xy_jid_text(const struct xy_jid *jid)
{
    return jid ? xy_str_of(jid->text, jid->len) : XY_NO_STR;
}

struct xy_str
xy_jid_local(const struct xy_jid *jid)
{
    return jid ? xy_str_of(jid->local, jid->local_len) : XY_NO_STR;
}

struct xy_str
xy_jid_domain(const struct xy_jid *jid)
{
    return jid ? xy_str_of(jid->host->text, jid->host->len) : XY_NO_STR;
}

struct xy_str
xy_jid_resource(const struct xy_jid *jid)
{
    if (!jid || jid->resource_len == 0)
        return XY_NO_STR;
    return xy_str_of(jid->text + jid->len - jid->resource_len, jid->resource_len);
}

const struct xy_jid *
xy_jid_bare(const struct xy_jid *jid)
{
    return jid ? jid->bare : NULL;
}

bool
xy_jid_is_bare(const struct xy_jid *jid)
{
    return jid && jid->bare == jid;
}

const struct xy_jid *
xy_jid_host(const struct xy_jid *jid)
{
    return jid ? jid->host : NULL;
}
