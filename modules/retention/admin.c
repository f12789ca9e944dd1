/* SPDX-License-Identifier: MIT */
/* xylemctl retention show|preview|run|set|clear. */
#include "modules/retention/retention.h"

enum { KEEP_LEAST_MS = 60 * 1000 };

static xy_status
no_database(struct xy_command *command, xy_status status)
{
    return xy_fail(command, status, "the database does not answer: %s", xy_status_name(status));
}

static struct xy_str
period(int64_t ms)
{
    return ms == XY_NONE ? XY_STR("none") : xy_duration_text(ms);
}

static struct xy_str
moment(int64_t ms)
{
    return ms == XY_NONE ? XY_STR("never") : xy_time_format(ms);
}

/* ---- whom a rule is about ---------------------------------------------------------------- */

struct subject {
    const struct xy_jid *what, *peer; /* peer NULL: one alone */
};

static xy_status
read_jid(struct xy_command *command, const char *name, const struct xy_jid **jid)
{
    struct xy_str text = xy_arg(command, name);
    *jid = text.len ? xy_jid_parse(text) : NULL;
    if (text.len && (!*jid || !xy_jid_is_bare(*jid)))
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is not a bare JID or a host",
                       XY_ARG(text));
    return XY_OK;
}

static xy_status
read_subject(struct xy_command *command, struct subject *subject)
{
    xy_status status = read_jid(command, "WHAT", &subject->what);
    if (status == XY_OK)
        status = read_jid(command, "PEER", &subject->peer);
    if (status == XY_OK && subject->peer &&
        (!xy_jid_local(subject->what).len || !xy_jid_local(subject->peer).len))
        return xy_fail(command, XY_INVALID, "a conversation is between two JIDs, not hosts");
    return status;
}

/* As rules.c looks for it: the lower one of two first. */
static struct rule
rule_about(const struct subject *subject, int class)
{
    struct xy_str a = xy_jid_text(subject->what);
    struct xy_str b = subject->peer ? xy_jid_text(subject->peer) : XY_NO_STR;
    bool swap = b.len && xy_str_compare(a, b) > 0;
    return (struct rule){.subject = swap ? b : a, .peer = swap ? a : b, .class = class};
}

static xy_status
read_class(struct xy_command *command, int *class)
{
    struct xy_str name = xy_arg(command, "class");
    *class = ANY_CLASS;
    if (name.len && !retention_class_parse(name, class))
        return xy_fail(command, XY_INVALID,
                       "`" XY_FMT "` is no class: user, notice, news, service, integration",
                       XY_ARG(name));
    return XY_OK;
}

/* ---- show -------------------------------------------------------------------------------- */

static void
put_rule(struct xy_command *command, const struct rule *rule, int class)
{
    xy_row(command);
    xy_put_str(command, "class", xy_str_from(retention_class_name(class)));
    xy_put_str(command, "keep_for", period(rule->keep_for));
    xy_put_str(command, "rule", retention_rule_name(rule));
}

static xy_status
put_purges(struct xy_command *command, const struct xy_jid *person, const struct xy_jid *other)
{
    static const char *const presets[] = {"evidential", "hygienic", "minimal"};
    int64_t next, count;
    xy_status status = xy_purge_next(person, other, &next, &count);
    if (status != XY_OK)
        return no_database(command, status);
    xy_put_str(command, "governance", xy_str_from(presets[xy_governance()]));
    xy_put_str(command, "purge_after", period(xy_governance_purge_ms()));
    xy_put_str(command, "next_purge", moment(next));
    xy_put_int(command, "to_be_purged", count);
    return XY_OK;
}

static xy_status
find_room(const struct xy_jid *jid, xy_owner *owner)
{
    struct xy_room *room;
    xy_status status = xy_service_host(jid) ? xy_room_enter(jid, &room) : XY_ABSENT;
    if (status != XY_OK)
        return status;
    status = xy_room_identify(room, false);
    *owner = xy_room_owner(room);
    xy_room_leave(room);
    return status;
}

/* The oldest that one of them still has. */
static xy_status
find_oldest(const struct subject *subject, xy_message_id *oldest)
{
    xy_owner owner = 0;
    struct xy_account account;
    struct xy_archive_page page;
    *oldest = 0;
    xy_status status = xy_account_find(subject->what, &account);
    if (status == XY_OK)
        owner = account.owner;
    else if (status == XY_ABSENT)
        status = find_room(subject->what, &owner);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    const struct xy_archive_query query = {.owner = owner, .with = subject->peer, .limit = 1};
    status = xy_archive_read(&query, &page);
    if (status == XY_OK && page.count)
        *oldest = page.at[0].id;
    return status;
}

static xy_status
show_one(struct xy_command *command, const struct rules *rules, const struct subject *subject)
{
    xy_message_id oldest;
    struct xy_str what = xy_jid_text(subject->what);
    struct xy_str peer = subject->peer ? xy_jid_text(subject->peer) : XY_NO_STR;
    xy_status status = find_oldest(subject, &oldest);
    if (status != XY_OK)
        return no_database(command, status);
    xy_put_str(command, "oldest",
               oldest ? xy_time_format(xy_message_id_ms(oldest)) : XY_STR("none"));
    status = put_purges(command, subject->what, subject->peer);
    for (int class = 0; status == XY_OK && class < CLASSES; class ++) {
        const struct rule *rule = retention_rule_of(rules, what, peer, class);
        put_rule(command, rule, class);
        bool ends = oldest && rule->keep_for != XY_NONE;
        xy_put_str(command, "next_expiry",
                   moment(ends ? xy_message_id_ms(oldest) + rule->keep_for : XY_NONE));
    }
    if (status == XY_OK)
        xy_say(command, "Archives may keep less by their own policy (mam, muc_mam); a rule for "
                        "the other one in a conversation may keep it longer; legal holds keep "
                        "content whatever is said here.");
    return status;
}

xy_status
retention_command_show(XY_SELF, struct xy_command *command)
{
    struct rules rules;
    struct subject subject;
    xy_status status = read_subject(command, &subject);
    if (status != XY_OK)
        return status;
    status = retention_rules_read(self, &rules);
    if (status != XY_OK)
        return no_database(command, status);
    if (subject.what)
        return show_one(command, &rules, &subject);
    status = put_purges(command, NULL, NULL);
    for (size_t i = 0; status == XY_OK && i < rules.count; i++)
        put_rule(command, &rules.at[i], rules.at[i].class);
    return status;
}

/* ---- preview, run ------------------------------------------------------------------------ */

static void
put_tallies(struct xy_command *command, const struct rules *rules, const struct tally *tallies)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (!tallies[i].due)
            continue;
        put_rule(command, &rules->at[i], rules->at[i].class);
        xy_put_int(command, "due", tallies[i].due);
        xy_put_int(command, "held", tallies[i].held);
        xy_put_int(command, "first", tallies[i].first);
        xy_put_int(command, "last", tallies[i].last);
    }
}

static int64_t
sum_of(const struct rules *rules, const struct tally *tallies)
{
    int64_t sum = 0;
    for (size_t i = 0; i < rules->count; i++)
        sum += tallies[i].due;
    return sum;
}

xy_status
retention_command_preview(XY_SELF, struct xy_command *command)
{
    struct rules rules;
    int64_t next, purges;
    xy_status status = retention_rules_read(self, &rules);
    if (status != XY_OK)
        return no_database(command, status);
    struct tally *tallies = xy_temp_alloc(rules.count * sizeof(*tallies));
    status = retention_expire(self, XY_NO_STR, &rules, tallies);
    if (status == XY_OK)
        status = xy_purge_next(NULL, NULL, &next, &purges);
    if (status != XY_OK)
        return no_database(command, status);
    xy_put_int(command, "due", sum_of(&rules, tallies));
    xy_put_int(command, "to_be_purged", purges);
    xy_put_str(command, "next_purge", moment(next));
    put_tallies(command, &rules, tallies);
    return XY_OK;
}

xy_status
retention_command_run(XY_SELF, struct xy_command *command)
{
    struct rules rules;
    int64_t purged = 0;
    if (self->busy)
        return xy_fail(command, XY_CONFLICT, "retention is at work; try again in a moment");
    xy_status status = retention_rules_read(self, &rules);
    if (status != XY_OK)
        return no_database(command, status);
    struct tally *tallies = xy_temp_alloc(rules.count * sizeof(*tallies));
    self->busy = true;
    status = retention_expire(self, xy_command_actor(command), &rules, tallies);
    if (status == XY_OK)
        status = retention_purge(self, xy_command_actor(command), &purged);
    retention_scrub(self);
    self->busy = false;
    if (status != XY_OK)
        return xy_fail(command, status, "not all of it was done: %s", xy_status_name(status));
    xy_put_int(command, "expired", sum_of(&rules, tallies));
    xy_put_int(command, "purged", purged);
    put_tallies(command, &rules, tallies);
    return XY_OK;
}

/* ---- set, clear -------------------------------------------------------------------------- */

static int64_t
find_same(const struct rules *rules, const struct rule *as, bool *found)
{
    for (size_t i = CLASSES; i < rules->count; i++) {
        const struct rule *rule = &rules->at[i];
        *found = rule->class == as->class && xy_str_equal(rule->subject, as->subject) &&
                 xy_str_equal(rule->peer, as->peer);
        if (*found)
            return rule->keep_for;
    }
    *found = false;
    return XY_NONE;
}

static xy_status
record(struct xy_command *command, struct xy_txn *txn, const struct rule *rule,
       struct xy_str from, struct xy_str to)
{
    struct xy_buffer details = {0};
    xy_audit_detail(
        &details, "name",
        xy_temp_printf("retention rule " XY_FMT, XY_ARG(retention_rule_name(rule))));
    xy_audit_detail(&details, "from", from);
    xy_audit_detail(&details, "to", to);
    return xy_run_audit_add(NULL, txn,
                            &(struct xy_audit_record){
                                .actor = xy_command_actor(command),
                                .kind = XY_STR("policy"),
                                .reason = XY_STR("retention"),
                                .words = xy_arg(command, "reason"),
                                .details = xy_buffer_str(&details),
                            });
}

static xy_status
change(XY_SELF, struct xy_command *command, const struct rule *rule, bool clear)
{
    struct rules rules;
    bool known;
    xy_status status = retention_rules_read(self, &rules);
    if (status != XY_OK)
        return no_database(command, status);
    int64_t before = find_same(&rules, rule, &known);
    if (clear && !known)
        return xy_fail(command, XY_ABSENT, "there is no such rule");
    struct xy_txn *txn = xy_txn_begin();
    if (clear)
        retention_rule_clear(txn, rule);
    else
        retention_rule_set(txn, rule);
    status = record(command, txn, rule, known ? period(before) : XY_STR("absent"),
                    clear ? XY_STR("absent") : period(rule->keep_for));
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    if (status != XY_OK)
        return xy_fail(command, status, "nothing was changed: %s", xy_status_name(status));
    xy_put_str(command, clear ? "cleared" : "set", retention_rule_name(rule));
    if (!clear)
        xy_put_str(command, "keep_for", period(rule->keep_for));
    return XY_OK;
}

static xy_status
read_keep_for(struct xy_command *command, int64_t *ms)
{
    struct xy_str text = xy_arg(command, "keep-for"), error;
    *ms = XY_NONE;
    if (xy_str_is(text, "none"))
        return XY_OK;
    if (!text.len || xy_duration_parse(text, ms, &error) != XY_OK)
        return xy_fail(command, XY_INVALID, "--keep-for: a time such as 90 days, or none");
    if (*ms < KEEP_LEAST_MS)
        return xy_fail(command, XY_INVALID, "--keep-for: at least 1 min");
    return XY_OK;
}

static xy_status
read_rule(struct xy_command *command, struct rule *rule)
{
    struct subject subject;
    int class;
    xy_status status = read_subject(command, &subject);
    if (status == XY_OK && !subject.what)
        return xy_fail(command, XY_INVALID, "whose messages?");
    if (status == XY_OK)
        status = read_class(command, &class);
    if (status != XY_OK)
        return status;
    if (!xy_arg(command, "reason").len)
        return xy_fail(command, XY_INVALID, "--reason: why?");
    *rule = rule_about(&subject, class);
    return XY_OK;
}

xy_status
retention_command_set(XY_SELF, struct xy_command *command)
{
    struct rule rule;
    xy_status status = read_rule(command, &rule);
    if (status == XY_OK)
        status = read_keep_for(command, &rule.keep_for);
    return status == XY_OK ? change(self, command, &rule, false) : status;
}

xy_status
retention_command_clear(XY_SELF, struct xy_command *command)
{
    struct rule rule;
    xy_status status = read_rule(command, &rule);
    return status == XY_OK ? change(self, command, &rule, true) : status;
}
