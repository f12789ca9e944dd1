/* SPDX-License-Identifier: MIT */
/*
 * The roster's tables. Every change bumps the account's version by one in the same transaction,
 * conditional on the version that was read: two changes at once cannot both succeed.
 */
#include "roster.h"

static const struct xy_statement load = XY_SQL(
    "select v.version, i.state, i.by_user, i.listed, i.name, i.groups, i.request, i.version"
    " from (select cast(? as bigint) as owner, cast(? as text) as contact) k"
    " left join roster_account v on v.owner = k.owner"
    " left join roster_item i on i.owner = k.owner and i.contact = k.contact");
static const struct xy_statement load_all = XY_SQL(
    "select contact, state, by_user, listed, name, groups, request, version from roster_item"
    " where owner = ? and version > ? order by version");
static const struct xy_statement version =
    XY_SQL("select version from roster_account where owner = ?");
static const struct xy_statement count_listed =
    XY_SQL("select count(*) from roster_item where owner = ? and listed = 1");
static const struct xy_statement first_version =
    XY_SQL("insert into roster_account (owner, jid, version) values (?, ?, 1)");
static const struct xy_statement next_version =
    XY_SQL("update roster_account set version = version + 1 where owner = ? and version = ?");
static const struct xy_statement save =
    XY_SQL("insert into roster_item (owner, contact, state, by_user, listed, name, groups, "
           "request, version)"
           " values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (owner, contact) do update set"
           " state = excluded.state, by_user = excluded.by_user, listed = excluded.listed,"
           " name = excluded.name, groups = excluded.groups, request = excluded.request,"
           " version = excluded.version");
static const struct xy_statement drop =
    XY_SQL("delete from roster_item where owner = ? and contact = ?");
static const struct xy_statement forget_items =
    XY_SQL("delete from roster_item where owner = ?");
static const struct xy_statement forget_account =
    XY_SQL("delete from roster_account where owner = ?");
static const struct xy_statement forget_notices =
    XY_SQL("delete from roster_notice where owner = ?");
static const struct xy_statement add_notice =
    XY_SQL("insert into roster_notice (owner, contact, kind, stanza) values (?, ?, ?, ?)"
           " on conflict (owner, contact, kind) do update set stanza = excluded.stanza");
static const struct xy_statement drop_opposite =
    XY_SQL("delete from roster_notice where owner = ? and contact = ? and kind = ?");
static const struct xy_statement notices = XY_SQL(
    "select contact, kind, stanza from roster_notice where owner = ? order by contact, kind");
/* Halves of local pairs that do not match: what one side has the other must mirror. */
static const struct xy_statement asymmetric =
    XY_SQL("select a.jid, i.contact, i.state, coalesce(j.state, 0)"
           " from roster_item i join roster_account a on a.owner = i.owner"
           " left join roster_account b on b.jid = i.contact"
           " left join roster_item j on j.owner = b.owner and j.contact = a.jid"
           " where (i.state & 7) <> 0 and i.contact like ?"
           " and ((i.state & 1) * 2 <> (coalesce(j.state, 0) & 2)"
           "  or (i.state & 2) <> (coalesce(j.state, 0) & 1) * 2"
           "  or (i.state & 4) * 2 <> (coalesce(j.state, 0) & 8))"
           " order by a.jid, i.contact");

const struct xy_statement *const roster_statements[ROSTER_STATEMENTS] = {
    &load,       &load_all,      &version,      &first_version,  &next_version,
    &save,       &drop,          &forget_items, &forget_account, &forget_notices,
    &add_notice, &drop_opposite, &notices,      &asymmetric,     &count_listed,
};

/* state: the bits of roster.h; the check forbids what RFC 6121 has no state for. */
const struct xy_migration roster_schema[ROSTER_MIGRATIONS] = {
    {.number = 1,
     .sql =
         "create table roster_account (owner bigint primary key, jid text not null unique,"
         " version bigint not null);"
         "create table roster_item (owner bigint not null, contact text not null,"
         " state smallint not null, by_user smallint not null, listed smallint not null,"
         " name text not null, groups bytea not null, request bytea, version bigint not null,"
         " primary key (owner, contact),"
         " check ((state & 5) <> 5 and (state & 10) <> 10 and (state & 18) <> 18"
         " and (state & 24) <> 24));"
         "create index roster_item_version on roster_item (owner, version);"
         "create index roster_item_contact on roster_item (contact);"
         "create table roster_notice (owner bigint not null, contact text not null,"
         " kind smallint not null, stanza bytea not null, primary key (owner, contact, kind))"},
};

static struct item
read_item(const struct xy_rows *rows, unsigned at)
{
    return (struct item){
        .state = (unsigned)xy_rows_int(rows, at),
        .by_user = xy_rows_int(rows, at + 1),
        .listed = (unsigned)xy_rows_int(rows, at + 2),
        .name = xy_rows_text(rows, at + 3),
        .groups = xy_rows_text(rows, at + 4),
        .request = xy_rows_text(rows, at + 5),
        .version = xy_rows_int(rows, at + 6),
    };
}

xy_status
roster_load(struct side *side)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&load, &rows, XY_INT(xy_user_owner(side->user)),
                                   XY_TEXT(xy_jid_text(side->contact)));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_BROKEN;
    side->account_version = xy_rows_int(rows, 0);
    side->before = side->item = read_item(rows, 1);
    return XY_OK;
}

xy_status
roster_load_all(struct xy_user *user, int64_t after_version, struct xy_rows **rows)
{
    return xy_sql_read(&load_all, rows, XY_INT(xy_user_owner(user)), XY_INT(after_version));
}

struct item
roster_row_item(const struct xy_rows *rows, const struct xy_jid **contact)
{
    *contact = xy_jid_parse(xy_rows_text(rows, 0));
    return read_item(rows, 1);
}

xy_status
roster_version(struct xy_user *user, int64_t *out)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&version, &rows, XY_INT(xy_user_owner(user)));
    *out = status == XY_OK && xy_rows_next(rows) ? xy_rows_int(rows, 0) : 0;
    return status;
}

xy_status
roster_has_room(XY_SELF, struct xy_user *user)
{
    struct xy_rows *rows;
    if (self->items == XY_NONE)
        return XY_OK;
    xy_status status = xy_sql_read(&count_listed, &rows, XY_INT(xy_user_owner(user)));
    if (status == XY_OK && xy_rows_next(rows) && xy_rows_int(rows, 0) >= self->items)
        return XY_FULL;
    return status;
}

bool
roster_side_changed(const struct side *side)
{
    const struct item *a = &side->before, *b = &side->item;
    return a->state != b->state || a->by_user != b->by_user || a->listed != b->listed ||
           !xy_str_equal(a->name, b->name) || !xy_str_equal(a->groups, b->groups) ||
           !xy_str_equal(a->request, b->request);
}

bool
roster_side_visible(const struct side *side)
{
    const struct item *a = &side->before, *b = &side->item;
    if (a->listed != LISTED && b->listed != LISTED)
        return false;
    return a->listed != b->listed || ((a->state ^ b->state) & ~(unsigned)IN) ||
           !xy_str_equal(a->name, b->name) || !xy_str_equal(a->groups, b->groups);
}

void
roster_save(struct xy_txn *txn, struct side *side)
{
    if (!roster_side_changed(side))
        return;
    xy_owner owner = xy_user_owner(side->user);
    struct xy_str contact = xy_jid_text(side->contact);
    struct item *item = &side->item;
    if (side->account_version == 0) {
        xy_txn_add(txn, &first_version, XY_INT(owner),
                   XY_TEXT(xy_jid_text(xy_user_jid(side->user))));
    } else {
        xy_txn_add(txn, &next_version, XY_INT(owner), XY_INT(side->account_version));
        xy_txn_expect(txn, 1);
    }
    item->version = ++side->account_version;
    if (item->listed == NEVER_LISTED && item->state == 0) {
        xy_txn_add(txn, &drop, XY_INT(owner), XY_TEXT(contact));
        return;
    }
    xy_txn_add(txn, &save, XY_INT(owner), XY_TEXT(contact), XY_INT(item->state),
               XY_INT(item->by_user), XY_INT(item->listed), XY_TEXT(item->name),
               XY_BYTES(item->groups), item->request.len ? XY_BYTES(item->request) : XY_NULL,
               XY_INT(item->version));
}

xy_status
roster_forget(xy_owner owner)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &forget_items, XY_INT(owner));
    xy_txn_add(txn, &forget_account, XY_INT(owner));
    xy_txn_add(txn, &forget_notices, XY_INT(owner));
    return xy_txn_commit(txn);
}

xy_status
roster_asymmetric(struct xy_str host, struct xy_rows **rows)
{
    return xy_sql_read(&asymmetric, rows, XY_TEXT(xy_temp_printf("%%@" XY_FMT, XY_ARG(host))));
}

xy_status
roster_notice_add(struct xy_user *user, const struct xy_stanza *presence,
                  enum xy_subscription_kind kind)
{
    static const enum xy_subscription_kind opposite[] = {
        [XY_SUBSCRIBE] = XY_UNSUBSCRIBE,
        [XY_UNSUBSCRIBE] = XY_SUBSCRIBE,
        [XY_SUBSCRIBED] = XY_UNSUBSCRIBED,
        [XY_UNSUBSCRIBED] = XY_SUBSCRIBED,
    };
    struct xy_str contact = xy_jid_text(xy_jid_bare(xy_stanza_from(presence)));
    struct xy_txn *txn = xy_txn_begin();
    xy_owner owner = xy_user_owner(user);
    xy_txn_add(txn, &drop_opposite, XY_INT(owner), XY_TEXT(contact), XY_INT(opposite[kind]));
    xy_txn_add(txn, &add_notice, XY_INT(owner), XY_TEXT(contact), XY_INT(kind),
               XY_BYTES(xy_stanza_text(presence)));
    return xy_txn_commit(txn);
}

xy_status
roster_notices(struct xy_user *user, struct xy_rows **rows)
{
    return xy_sql_read(&notices, rows, XY_INT(xy_user_owner(user)));
}

xy_status
roster_notices_clear(struct xy_user *user)
{
    return xy_sql_write(&forget_notices, XY_INT(xy_user_owner(user)));
}

struct xy_roster_item
roster_public_item(const struct item *item, const struct xy_jid *contact)
{
    size_t count = 0;
    for (size_t i = 0; i < item->groups.len; i++)
        count += item->groups.at[i] == '\0';
    struct xy_str *groups = xy_temp_alloc((count + 1) * sizeof(*groups));
    struct xy_str rest = item->groups;
    for (size_t i = 0; i < count; i++)
        groups[i] = xy_str_cut(&rest, '\0');
    return (struct xy_roster_item){
        .contact = contact,
        .subscription = (enum xy_subscription)(item->state & (TO | FROM)),
        .pending_out = item->state & OUT,
        .pending_in = item->state & IN,
        .approved = item->state & APPROVED,
        .listed = item->listed == LISTED,
        .name = item->name,
        .groups = groups,
        .group_count = count,
        .version = item->version,
    };
}
