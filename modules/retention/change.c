/* SPDX-License-Identifier: MIT */
/* xylemctl retention set|clear, and what the other commands share with them. */
#include "modules/retention/retention.h"

enum { KEEP_LEAST_MS = 60 * 1000 };

xy_status
retention_no_database(struct xy_command *command, xy_status status)
{
    return xy_fail(command, status, "the database does not answer: %s", xy_status_name(status));
}

struct xy_str
retention_period(int64_t ms)
{
    return ms == XY_NONE ? XY_STR("none") : xy_duration_text(ms);
}

/* ---- whom a rule is about ---------------------------------------------------------------- */

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

xy_status
retention_read_subject(struct xy_command *command, struct subject *subject)
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

/* A change of a rule; absent: there was none, there will be none. */
struct change {
    struct rule rule;
    struct xy_str from, to;
    bool shortens;
};

static struct xy_str
describe(const struct change *change)
{
    struct xy_buffer details = {0};
    struct xy_str absent = XY_STR("absent");
    xy_audit_detail(
        &details, "name",
        xy_temp_printf("retention rule " XY_FMT, XY_ARG(retention_rule_name(&change->rule))));
    xy_audit_detail(&details, "from", change->from.len ? change->from : absent);
    xy_audit_detail(&details, "to", change->to.len ? change->to : absent);
    return xy_buffer_str(&details);
}

static xy_status
approve(struct xy_command *command, struct xy_txn *txn, const struct change *change,
        struct xy_approval *approval)
{
    const struct xy_act act = {.kind = XY_ACT_RETENTION_SHORTEN, .facts = describe(change)};
    *approval = (struct xy_approval){.operation = xy_audit_operation()};
    return change->shortens ? xy_approved(command, &act, txn, approval) : XY_OK;
}

static xy_status
record(struct xy_command *command, struct xy_txn *txn, const struct change *change,
       const struct xy_approval *approval)
{
    struct xy_buffer details = {0};
    xy_buffer_add(&details, describe(change));
    xy_approval_put(&details, approval);
    return xy_run_audit_add(NULL, txn,
                            &(struct xy_audit_record){
                                .operation = approval->operation,
                                .actor = xy_command_actor(command),
                                .kind = XY_STR("policy"),
                                .reason = XY_STR("retention"),
                                .words = xy_arg(command, "reason"),
                                .details = xy_buffer_str(&details),
                            });
}

/* What it was before, and whether messages may be kept for less long by it. */
static xy_status
weigh(XY_SELF, struct xy_command *command, struct change *change, bool clear)
{
    struct rules rules;
    bool known;
    xy_status status = retention_rules_read(self, &rules);
    if (status != XY_OK)
        return retention_no_database(command, status);
    int64_t before = find_same(&rules, &change->rule, &known);
    if (clear && !known)
        return xy_fail(command, XY_ABSENT, "there is no such rule");
    change->from = known ? retention_period(before) : XY_NO_STR;
    change->to = clear ? XY_NO_STR : retention_period(change->rule.keep_for);
    if (known && !clear)
        change->shortens = retention_is_shorter(change->rule.keep_for, before);
    else if (clear)
        change->shortens = retention_may_shorten(&rules, &change->rule, before, true);
    else
        change->shortens =
            retention_may_shorten(&rules, &change->rule, change->rule.keep_for, false);
    return XY_OK;
}

static xy_status
change(XY_SELF, struct xy_command *command, const struct rule *rule, bool clear)
{
    struct change change = {.rule = *rule};
    struct xy_approval approval;
    struct xy_txn *txn = xy_txn_begin();
    xy_status status = weigh(self, command, &change, clear);
    if (status == XY_OK)
        status = approve(command, txn, &change, &approval);
    if (status != XY_OK)
        return status;
    if (clear)
        retention_rule_clear(txn, rule);
    else
        retention_rule_set(txn, rule);
    status = record(command, txn, &change, &approval);
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    if (status != XY_OK)
        return xy_fail(command, status, "nothing was changed: %s", xy_status_name(status));
    xy_put_str(command, clear ? "cleared" : "set", retention_rule_name(rule));
    if (!clear)
        xy_put_str(command, "keep_for", retention_period(rule->keep_for));
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
    xy_status status = retention_read_subject(command, &subject);
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
