/* SPDX-License-Identifier: MIT */
/*
 * How long a message is kept (requirements S1-14, N22). The closest rule counts: for the two it
 * is between; for either of them, the longer; for its domain; the options. At each, one for its
 * class comes before one for all.
 */
#include "modules/retention/retention.h"

const struct xy_migration retention_schema[1] = {
    {1,
     "create table retention_rule (subject text not null, peer text not null,"
     " class smallint not null, keep_for bigint not null, primary key (subject, peer, class));"
     "create table retention_erasure (jid text primary key, owner bigint not null,"
     " operation text not null, actor text not null, words text not null, minimal smallint not "
     "null,"
     " after bigint not null, before bigint not null, forgotten bigint not null,"
     " held bigint not null, done smallint not null)",
     NULL},
};

static const struct xy_statement read_all =
    XY_SQL("select subject, peer, class, keep_for from retention_rule"
           " order by subject, peer, class");
static const struct xy_statement save =
    XY_SQL("insert into retention_rule (subject, peer, class, keep_for) values (?, ?, ?, ?)"
           " on conflict (subject, peer, class) do update set keep_for = excluded.keep_for");
static const struct xy_statement drop =
    XY_SQL("delete from retention_rule where subject = ? and peer = ? and class = ?");
const struct xy_statement *const retention_statements[] = {
    &read_all,
    &save,
    &drop,
    &retention_erasure_add,
    &retention_erasure_read,
    &retention_erasure_step,
    &retention_erasure_end,
    &retention_erasure_again,
};

static const char *const class_names[CLASSES] = {
    [XY_USER_MESSAGE] = "user",
    [XY_ADMIN_NOTICE] = "notice",
    [XY_NEWS] = "news",
    [XY_SERVICE_MESSAGE] = "service",
    [XY_INTEGRATION_MESSAGE] = "integration",
};

const char *
retention_class_name(int class)
{
    return class == ANY_CLASS ? "all" : class_names[class];
}

bool
retention_class_parse(struct xy_str name, int *class)
{
    for (*class = 0; *class < CLASSES; ++*class)
        if (xy_str_equal(name, xy_str_from(class_names[*class])))
            return true;
    return false;
}

/* ---- rows -------------------------------------------------------------------------------- */

static int64_t
option_of(const struct retention *self, int class)
{
    switch ((enum xy_message_class) class) {
    case XY_USER_MESSAGE:
        return self->keep_for.user.ms;
    case XY_ADMIN_NOTICE:
    case XY_NEWS:
        return self->keep_for.notice.ms;
    case XY_SERVICE_MESSAGE:
        return self->keep_for.service.ms;
    case XY_INTEGRATION_MESSAGE:
        return self->keep_for.integration.ms;
    }
    return XY_NONE;
}

xy_status
retention_rules_read(const struct retention *self, struct rules *rules)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_all, &rows);
    if (status != XY_OK)
        return status;
    rules->at = xy_temp_alloc((CLASSES + xy_rows_count(rows)) * sizeof(*rules->at));
    rules->count = CLASSES;
    for (int class = 0; class < CLASSES; class ++)
        rules->at[class] = (struct rule){.class = class, .keep_for = option_of(self, class)};
    while (xy_rows_next(rows))
        rules->at[rules->count++] = (struct rule){.subject = xy_rows_text(rows, 0),
                                                  .peer = xy_rows_text(rows, 1),
                                                  .class = (int)xy_rows_int(rows, 2),
                                                  .keep_for = xy_rows_int(rows, 3)};
    return XY_OK;
}

void
retention_rule_set(struct xy_txn *txn, const struct rule *rule)
{
    xy_txn_add(txn, &save, XY_TEXT(rule->subject), XY_TEXT(rule->peer), XY_INT(rule->class),
               XY_INT(rule->keep_for));
}

void
retention_rule_clear(struct xy_txn *txn, const struct rule *rule)
{
    xy_txn_add(txn, &drop, XY_TEXT(rule->subject), XY_TEXT(rule->peer), XY_INT(rule->class));
    xy_txn_expect(txn, 1);
}

/* ---- which counts ------------------------------------------------------------------------ */

static const struct rule *
find(const struct rules *rules, struct xy_str subject, struct xy_str peer, int class)
{
    const struct rule *any = NULL;
    for (size_t i = CLASSES; i < rules->count; i++) {
        const struct rule *rule = &rules->at[i];
        if (!xy_str_equal(rule->subject, subject) || !xy_str_equal(rule->peer, peer))
            continue;
        if (rule->class == class)
            return rule;
        if (rule->class == ANY_CLASS)
            any = rule;
    }
    return any;
}

static const struct rule *
longer(const struct rule *a, const struct rule *b)
{
    if (!a || !b)
        return a ? a : b;
    if (a->keep_for == XY_NONE || b->keep_for == XY_NONE)
        return a->keep_for == XY_NONE ? a : b;
    return a->keep_for >= b->keep_for ? a : b;
}

static const struct rule *
find_of_domain(const struct rules *rules, struct xy_str text, int class)
{
    const struct xy_jid *jid = text.len ? xy_jid_parse(text) : NULL;
    if (!jid)
        return NULL;
    const struct rule *rule = find(rules, xy_jid_domain(jid), XY_NO_STR, class);
    const struct xy_host *host = rule ? NULL : xy_service_host(jid);
    return host ? find(rules, xy_jid_text(xy_host_jid(host)), XY_NO_STR, class) : rule;
}

const struct rule *
retention_rule_of(const struct rules *rules, struct xy_str author, struct xy_str addressee,
                  int class)
{
    const struct rule *rule = NULL;
    if (rules->count == CLASSES)
        return &rules->at[class];
    bool sorted = xy_str_compare(author, addressee) <= 0;
    if (author.len && addressee.len)
        rule = find(rules, sorted ? author : addressee, sorted ? addressee : author, class);
    if (!rule)
        rule = longer(find(rules, author, XY_NO_STR, class),
                      find(rules, addressee, XY_NO_STR, class));
    if (!rule)
        rule = find_of_domain(rules, addressee, class);
    if (!rule)
        rule = find_of_domain(rules, author, class);
    return rule ? rule : &rules->at[class];
}

int64_t
retention_rules_shortest(const struct rules *rules)
{
    int64_t shortest = XY_NONE;
    for (size_t i = 0; i < rules->count; i++) {
        int64_t of = rules->at[i].keep_for;
        if (of != XY_NONE && (shortest == XY_NONE || of < shortest))
            shortest = of;
    }
    return shortest;
}

struct xy_str
retention_rule_name(const struct rule *rule)
{
    if (!rule->subject.len)
        return xy_temp_printf("option keep_for.%s",
                              rule->class == XY_NEWS ? "notice" : class_names[rule->class]);
    struct xy_str of =
        rule->class == ANY_CLASS ? XY_NO_STR : xy_temp_printf(", %s", class_names[rule->class]);
    return xy_temp_printf(XY_FMT "%s" XY_FMT XY_FMT, XY_ARG(rule->subject),
                          rule->peer.len ? " " : "", XY_ARG(rule->peer), XY_ARG(of));
}
