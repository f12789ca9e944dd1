/* SPDX-License-Identifier: MIT */
/* xylemctl retention show|preview|run. */
#include "modules/retention/retention.h"

static struct xy_str
moment(int64_t ms)
{
    return ms == XY_NONE ? XY_STR("never") : xy_time_format(ms);
}

/* ---- show -------------------------------------------------------------------------------- */

static void
put_rule(struct xy_command *command, const struct rule *rule, int class)
{
    xy_row(command);
    xy_put_str(command, "class", xy_str_from(retention_class_name(class)));
    xy_put_str(command, "keep_for", retention_period(rule->keep_for));
    xy_put_str(command, "rule", retention_rule_name(rule));
}

/* Of what is taken back, if no option of the module that does it says otherwise. */
static void
put_governance(struct xy_command *command, enum xy_message_class class)
{
    static const char *const presets[] = {"evidential", "hygienic", "minimal"};
    xy_put_str(command, "governance", xy_str_from(presets[xy_governance(class)]));
    xy_put_str(command, "purge_after", retention_period(xy_governance_purge_ms(class)));
}

static xy_status
put_purges(struct xy_command *command, const struct xy_jid *person, const struct xy_jid *other)
{
    int64_t next, count;
    xy_status status = xy_purge_next(person, other, &next, &count);
    if (status != XY_OK)
        return retention_no_database(command, status);
    xy_put_str(command, "next_purge", moment(next));
    xy_put_int(command, "to_be_purged", count);
    return XY_OK;
}

/* The oldest that one of them still has. */
static xy_status
find_oldest(const struct subject *subject, xy_message_id *oldest)
{
    xy_owner owner;
    struct xy_archive_page page;
    *oldest = 0;
    xy_status status = xy_archive_owner(subject->what, &owner);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    const struct xy_archive_query query = {.owner = owner, .with = subject->peer, .limit = 1};
    status = xy_archive_read(&query, &page);
    if (status == XY_OK && page.count)
        *oldest = page.at[0].id;
    return status;
}

/* The other modules' rules, of the hosts of both. */
static void
put_others(struct xy_command *command, const struct subject *subject)
{
    const struct xy_jid *of[] = {subject->what, subject->peer};
    struct xy_host *asked = NULL;
    for (size_t i = 0; i < 2 && of[i]; i++) {
        struct xy_host *host = xy_host_find(of[i]);
        if (!host)
            host = xy_service_host(of[i]);
        if (host && host != asked)
            xy_run_lifecycle_asked(host, command, subject->what, subject->peer);
        asked = host;
    }
}

static xy_status
show_one(struct xy_command *command, const struct rules *rules, const struct subject *subject)
{
    xy_message_id oldest;
    struct xy_str what = xy_jid_text(subject->what);
    struct xy_str peer = subject->peer ? xy_jid_text(subject->peer) : XY_NO_STR;
    xy_status status = find_oldest(subject, &oldest);
    if (status != XY_OK)
        return retention_no_database(command, status);
    xy_put_str(command, "oldest",
               oldest ? xy_time_format(xy_message_id_ms(oldest)) : XY_STR("none"));
    status = put_purges(command, subject->what, subject->peer);
    for (int class = 0; status == XY_OK && class < CLASSES; class ++) {
        const struct rule *rule = retention_rule_of(rules, what, peer, class);
        put_rule(command, rule, class);
        bool ends = oldest && rule->keep_for != XY_NONE;
        xy_put_str(command, "next_expiry",
                   moment(ends ? xy_message_id_ms(oldest) + rule->keep_for : XY_NONE));
        put_governance(command, (enum xy_message_class) class);
    }
    if (status == XY_OK)
        put_others(command, subject);
    if (status == XY_OK)
        xy_say(command, "The earliest counts; a rule for the other one in a conversation may "
                        "keep it longer than the rule for one. Legal holds keep content "
                        "whatever is said here.");
    return status;
}

xy_status
retention_command_show(XY_SELF, struct xy_command *command)
{
    struct rules rules;
    struct subject subject;
    xy_status status = retention_read_subject(command, &subject);
    if (status != XY_OK)
        return status;
    status = retention_rules_read(self, &rules);
    if (status != XY_OK)
        return retention_no_database(command, status);
    if (subject.what)
        return show_one(command, &rules, &subject);
    status = put_purges(command, NULL, NULL);
    for (size_t i = 0; status == XY_OK && i < rules.count; i++) {
        put_rule(command, &rules.at[i], rules.at[i].class);
        if (i < CLASSES)
            put_governance(command, (enum xy_message_class)i);
    }
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
        return retention_no_database(command, status);
    struct tally *tallies = xy_temp_alloc(rules.count * sizeof(*tallies));
    status = retention_expire(self, XY_NO_STR, &rules, tallies);
    if (status == XY_OK)
        status = xy_purge_next(NULL, NULL, &next, &purges);
    if (status != XY_OK)
        return retention_no_database(command, status);
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
        return retention_no_database(command, status);
    struct tally *tallies = xy_temp_alloc(rules.count * sizeof(*tallies));
    self->busy = true;
    status = retention_expire(self, xy_command_actor(command), &rules, tallies);
    if (status == XY_OK)
        status = retention_purge(self, xy_command_actor(command), &purged);
    retention_scrub(self);
    retention_rest(self);
    if (status != XY_OK)
        return xy_fail(command, status, "not all of it was done: %s", xy_status_name(status));
    xy_put_int(command, "expired", sum_of(&rules, tallies));
    xy_put_int(command, "purged", purged);
    put_tallies(command, &rules, tallies);
    return XY_OK;
}
