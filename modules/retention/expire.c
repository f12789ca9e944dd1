/* SPDX-License-Identifier: MIT */
/*
 * Takes out what has been kept long enough, from all archives and queues at once (requirement
 * N22). Walks through the messages that are older than the shortest period; what is held loses
 * its places and keeps its content. Each lot has a record with its range, how many, and a hash
 * over their ids.
 */
#include "modules/retention/retention.h"

enum { LOT = 100 };

struct lot {
    struct xy_message_found due[LOT];
    size_t count;
    int64_t held;
};

static bool
has_left(const struct xy_message_found *found)
{
    return found->held && !found->archived && !found->waits;
}

static struct xy_str
details_of(const struct lot *lot, struct xy_str rule)
{
    struct xy_buffer ids = {0}, details = {0};
    unsigned char digest[XY_HASH_MAX];
    for (size_t i = 0; i < lot->count; i++)
        xy_buffer_printf(&ids, "%lld\n", (long long)lot->due[i].id);
    xy_hash_digest(XY_SHA256, xy_buffer_str(&ids), digest);
    xy_audit_detail(&details, "rule", rule);
    xy_buffer_printf(&details, "count=%zu\nheld=%lld\nfirst=%lld\nlast=%lld\n", lot->count,
                     (long long)lot->held, (long long)lot->due[0].id,
                     (long long)lot->due[lot->count - 1].id);
    xy_audit_detail(&details, "ids_sha256",
                    xy_temp_hex(xy_str_of((const char *)digest, xy_hash_size(XY_SHA256))));
    return xy_buffer_str(&details);
}

static xy_status
expire_lot(XY_SELF, struct lot *lot, const struct xy_audit_record *common, struct xy_str rule)
{
    struct xy_message_record *expired;
    size_t count;
    if (!lot->count)
        return XY_OK;
    struct xy_audit_record record = *common;
    record.details = details_of(lot, rule);
    struct xy_txn *txn = xy_txn_begin();
    xy_status status = xy_message_expire(txn, lot->due, lot->count, &expired, &count);
    if (status == XY_OK)
        status = xy_run_audit_add(NULL, txn, &record);
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    if (status != XY_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        expired[i].operation = record.operation;
        expired[i].actor = record.actor;
        expired[i].reason = record.reason;
    }
    xy_count_by(&self->expired, lot->count);
    self->unscrubbed = true;
    xy_removal_tell(expired, count); /* nobody sends or keeps them any more */
    return XY_OK;
}

/* ---- by the rules ------------------------------------------------------------------------ */

static void
count_in(struct tally *tally, const struct xy_message_found *found)
{
    tally->due++;
    tally->held += found->held;
    tally->first = tally->first ? tally->first : found->id;
    tally->last = found->id;
}

static const struct rule *
due_by(const struct rules *rules, const struct xy_message_found *found)
{
    const struct rule *rule =
        retention_rule_of(rules, found->author, found->addressee, (int)found->class);
    bool due = rule->keep_for != XY_NONE &&
               xy_message_id_ms(found->id) + rule->keep_for <= xy_now_ms();
    return due ? rule : NULL;
}

static void
sort_out(const struct rules *rules, const struct xy_message_found *at, size_t count,
         struct tally *tallies, struct lot *lot)
{
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = due_by(rules, &at[i]);
        if (!rule || has_left(&at[i]))
            continue;
        count_in(&tallies[rule - rules->at], &at[i]);
        lot->held += at[i].held;
        lot->due[lot->count++] = at[i];
    }
}

xy_status
retention_expire(XY_SELF, struct xy_str by, const struct rules *rules, struct tally *tallies)
{
    const struct xy_audit_record record = {.operation = xy_audit_operation(),
                                           .actor = by,
                                           .kind = XY_STR("expire"),
                                           .reason = XY_STR("keep_for")};
    int64_t shortest = retention_rules_shortest(rules);
    struct xy_message_scope scope = {.before = xy_message_id_at(xy_now_ms() - shortest + 1)};
    xy_message_id through = shortest == XY_NONE ? 0 : 1;
    xy_status status = XY_OK;
    while (status == XY_OK && through) {
        struct xy_message_found *at;
        size_t count;
        xy_temp_open();
        struct lot *lot = xy_temp_alloc(sizeof(*lot));
        status = xy_scope_read(&scope, LOT, &at, &count, &through);
        if (status == XY_OK)
            sort_out(rules, at, count, tallies, lot);
        if (status == XY_OK && by.len)
            status = expire_lot(self, lot, &record, XY_STR("keep_for"));
        scope.after = through;
        xy_temp_close();
    }
    return status;
}

/* ---- of one person ----------------------------------------------------------------------- */

xy_status
retention_expire_author(XY_SELF, const struct xy_jid *author, xy_message_id before,
                        const struct xy_audit_record *record, int64_t *expired)
{
    struct xy_message_scope scope = {.person = author, .before = before};
    xy_message_id through = 1;
    xy_status status = XY_OK;
    while (status == XY_OK && through) {
        struct xy_message_found *at;
        size_t count;
        xy_temp_open();
        struct lot *lot = xy_temp_alloc(sizeof(*lot));
        status = xy_scope_read(&scope, LOT, &at, &count, &through);
        for (size_t i = 0; status == XY_OK && i < count; i++) {
            if (!xy_str_equal(at[i].author, xy_jid_text(author)) || has_left(&at[i]) ||
                xy_governance(at[i].class) != XY_MINIMAL)
                continue;
            lot->held += at[i].held;
            lot->due[lot->count++] = at[i];
        }
        if (status == XY_OK)
            status = expire_lot(self, lot, record, XY_STR("governance minimal"));
        if (status == XY_OK)
            *expired += (int64_t)lot->count;
        scope.after = through;
        xy_temp_close();
    }
    return status;
}
