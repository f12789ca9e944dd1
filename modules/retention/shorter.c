/* SPDX-License-Identifier: MIT */
/*
 * Whether a change of the rules may make some message be kept for less long (requirement N3).
 * Invariant: never no where it does; a yes where it happens not to costs a question.
 *
 * A rule that is added takes the place of another one for what it is about, a rule that is
 * dropped leaves it to another one. Which, depends on the message (rules.c); so the period is
 * compared with all of those it can be.
 */
#include "modules/retention/retention.h"

enum level { OPTION, DOMAIN, ONE, PAIR };

static enum level
level_of(const struct rule *rule)
{
    const struct xy_jid *jid = rule->subject.len ? xy_jid_parse(rule->subject) : NULL;
    if (!rule->subject.len)
        return OPTION;
    if (rule->peer.len)
        return PAIR;
    return jid && xy_jid_local(jid).len ? ONE : DOMAIN;
}

static bool
is_about(const struct rule *rule, struct xy_str subject)
{
    return xy_str_equal(rule->subject, subject) || xy_str_equal(rule->peer, subject);
}

static bool
competes(const struct rule *rule, const struct rule *other, bool dropped)
{
    enum level level = level_of(rule), of_other = level_of(other);
    bool classes =
        rule->class == other->class || rule->class == ANY_CLASS || other->class == ANY_CLASS;
    bool same =
        xy_str_equal(rule->subject, other->subject) && xy_str_equal(rule->peer, other->peer);
    if (!classes || (same && rule->class == other->class))
        return false;
    if (same || level == DOMAIN)
        return same || of_other <= DOMAIN;
    if (level ==
        ONE) /* of two the longer counts, so one that is added takes nothing from another */
        return of_other < ONE || (of_other == ONE && dropped);
    return of_other < ONE || (of_other == ONE && is_about(rule, other->subject));
}

bool
retention_is_shorter(int64_t a, int64_t b)
{
    return a != XY_NONE && (b == XY_NONE || a < b);
}

bool
retention_may_shorten(const struct rules *rules, const struct rule *rule, int64_t keep_for,
                      bool dropped)
{
    for (size_t i = 0; i < rules->count; i++) {
        int64_t of_other = rules->at[i].keep_for;
        if (competes(rule, &rules->at[i], dropped) &&
            (dropped ? retention_is_shorter(of_other, keep_for)
                     : retention_is_shorter(keep_for, of_other)))
            return true;
    }
    return false;
}
