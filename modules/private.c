/* SPDX-License-Identifier: MIT */
/*
 * Private XML storage (XEP-0049): a client keeps elements on its account, one for each name and
 * namespace. Nobody else can read or write them.
 */
#define XY_STATE private_storage
#include <xylem/xylem.h>

struct private_storage {
    const xy_size size;
};

static const struct xy_statement find =
    XY_SQL("select xml from private_element where owner = ? and ns = ? and name = ?");
static const struct xy_statement save =
    XY_SQL("insert into private_element (owner, ns, name, xml) values (?, ?, ?, ?) "
           "on conflict (owner, ns, name) do update set xml = excluded.xml");
static const struct xy_statement measure = {
    .sql = "select ns, name, length(cast(xml as blob)) from private_element where owner = ?",
    .pgsql = "select ns, name, octet_length(xml) from private_element where owner = ?",
};
static const struct xy_statement drop = XY_SQL("delete from private_element where owner = ?");
static const struct xy_statement *const statements[] = {&find, &save, &measure, &drop};

/* The protocol's own namespaces mean nothing here. */
static bool
may_be_kept(const struct xy_node *element)
{
    struct xy_str ns = xy_node_ns(element);
    return ns.len && !xy_str_is(ns, XY_NS_PRIVATE) && !xy_str_is(ns, XY_NS_CLIENT) &&
           !xy_str_is(ns, XY_NS_SERVER);
}

/* Whether all of it may be kept; else *wrong is the error. */
static bool
check(const struct xy_node *query, xy_condition *wrong)
{
    *wrong = XY_BAD_REQUEST;
    if (!xy_node_first(query))
        return false;
    *wrong = XY_NOT_ACCEPTABLE;
    for (const struct xy_node *at = xy_node_first(query); at; at = xy_node_next(at))
        if (!may_be_kept(at))
            return false;
    return true;
}

static xy_status
add_kept(struct xy_node *answer, xy_owner owner, const struct xy_node *wanted)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find, &rows, XY_INT(owner), XY_TEXT(xy_node_ns(wanted)),
                                   XY_TEXT(xy_node_name(wanted)));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows) || !xy_node_add_xml(answer, xy_rows_text(rows, 0)))
        xy_node_add(answer, xy_node_ns(wanted), xy_node_name(wanted));
    return XY_OK;
}

static xy_status
get(XY_SELF, struct xy_iq *iq)
{
    const struct xy_node *query = xy_iq_payload(iq);
    xy_condition wrong;
    if (!check(query, &wrong))
        return xy_iq_error(iq, wrong, XY_NO_STR);
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *answer =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_PRIVATE), XY_STR("query"));
    for (const struct xy_node *at = xy_node_first(query); at; at = xy_node_next(at)) {
        xy_status status = add_kept(answer, xy_user_owner(xy_iq_user(iq)), at);
        if (status != XY_OK)
            return status;
    }
    return xy_iq_reply(iq, result);
}

static bool
replaces(const struct xy_node *query, struct xy_str ns, struct xy_str name)
{
    return xy_node_child(query, ns, name);
}

/* What the account would hold: what it has and is not replaced, and what comes. */
static xy_status
size_after(xy_owner owner, const struct xy_node *query, int64_t *size)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&measure, &rows, XY_INT(owner));
    *size = 0;
    while (status == XY_OK && xy_rows_next(rows))
        if (!replaces(query, xy_rows_text(rows, 0), xy_rows_text(rows, 1)))
            *size += xy_rows_int(rows, 2);
    for (const struct xy_node *at = xy_node_first(query); at; at = xy_node_next(at))
        *size += (int64_t)xy_node_xml(at).len;
    return status;
}

static xy_status
set(XY_SELF, struct xy_iq *iq)
{
    const struct xy_node *query = xy_iq_payload(iq);
    xy_owner owner = xy_user_owner(xy_iq_user(iq));
    xy_condition wrong;
    if (!check(query, &wrong))
        return xy_iq_error(iq, wrong, XY_NO_STR);
    int64_t size;
    xy_status status = size_after(owner, query, &size);
    if (status == XY_OK && self->size.bytes != XY_NONE && size > self->size.bytes)
        status = XY_FULL;
    if (status != XY_OK)
        return status;
    struct xy_txn *txn = xy_txn_begin();
    for (const struct xy_node *at = xy_node_first(query); at; at = xy_node_next(at))
        xy_txn_add(txn, &save, XY_INT(owner), XY_TEXT(xy_node_ns(at)),
                   XY_TEXT(xy_node_name(at)), XY_TEXT(xy_node_xml(at)));
    status = xy_txn_commit(txn);
    return status == XY_OK ? xy_iq_reply(iq, NULL) : status;
}

static void
forget(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    (void)bare;
    if (xy_sql_write(&drop, XY_INT(owner)) != XY_OK)
        xy_warn("private.not_dropped", "rows of a deleted account stay", XY_F_INT(owner));
}

static const struct xy_option options[] = {
    XY_OPTION(size, .initial = "1 MiB", .min = 1024, .max = 1024 * 1024 * 1024, .none = true,
              .doc = "What one account may keep in all."),
};
static const struct xy_hook hooks[] = {XY_ON(account_deleted, forget)};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_PRIVATE, "query", get, .where = XY_IQ_OWN),
    XY_IQ_ROUTE(XY_SET, XY_NS_PRIVATE, "query", set, .where = XY_IQ_OWN),
};
static const struct xy_migration schema[] = {
    {1,
     "create table private_element (owner bigint not null, ns text not null, "
     "name text not null, xml text not null, primary key (owner, ns, name))",
     NULL},
};

XY_MODULE(private, .about = "Keeps a client's own XML on the server (XEP-0049).", XY_STATE_SIZE,
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs),
          XY_TABLE(schema, schema), XY_TABLE(statements, statements));
