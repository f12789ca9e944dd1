/* SPDX-License-Identifier: MIT */
/*
 * Blocking (XEP-0191). The list is read once per user and kept in a note; a stanza from or to a
 * blocked JID stops at stanza_in or stanza_out, before anything stores or forwards it. What
 * rooms send comes past both, so a room that is blocked is left, and of an occupant who is
 * blocked the words are screened out; where nobody blocks anything in a room, that asks nobody.
 */
#define XY_STATE blocking
#include <xylem/xylem.h>
#define XY_HOOKS_HERE
#include "modules/blocking/blocking.h"

static const struct xy_note interested = {"blocking.interested", 1, 1};

static const struct xy_statement add = XY_SQL(
    "insert into blocking (owner, jid) values (?, ?) on conflict (owner, jid) do nothing");
static const struct xy_statement drop =
    XY_SQL("delete from blocking where owner = ? and jid = ?");
static const struct xy_statement drop_all = XY_SQL("delete from blocking where owner = ?");

static xy_verdict
judge_out(XY_SELF, struct xy_session *session, const struct xy_stanza *stanza)
{
    struct xy_user *user = xy_session_user(session);
    struct xy_str type = xy_stanza_type(stanza);
    if (!is_blocked(user, xy_stanza_to(stanza))) {
        if (xy_stanza_kind(stanza) == XY_PRESENCE && xy_stanza_to(stanza))
            blocking_consider_entry(session, xy_stanza_to(stanza));
        return XY_PASS;
    }
    xy_count(&self->refused);
    /* leaving must stay possible: a room one has blocked, a subscription one gave */
    if (xy_stanza_kind(stanza) == XY_PRESENCE &&
        (xy_str_is(type, "unavailable") || xy_str_is(type, "unsubscribe") ||
         xy_str_is(type, "unsubscribed")))
        return XY_PASS;
    struct xy_stanza *error = xy_stanza_error(stanza, XY_NOT_ACCEPTABLE, XY_NO_STR);
    if (error) {
        xy_node_set(xy_node_mutable(error, xy_node_first(xy_stanza_root(error))), "type",
                    XY_STR("cancel")); /* the XEP's, not the RFC's default */
        xy_stanza_error_add(error, XY_STR(XY_NS_BLOCKING_ERRORS), XY_STR("blocked"));
        (void)xy_session_send(session, error);
    }
    return XY_DONE;
}

static xy_verdict
judge_in(XY_SELF, struct xy_user *to, const struct xy_stanza *stanza)
{
    if (!is_blocked(to, xy_stanza_from(stanza)))
        return XY_PASS;
    xy_count(&self->refused);
    if (xy_stanza_kind(stanza) != XY_PRESENCE)
        xy_bounce(stanza, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
    return XY_DONE;
}

static xy_verdict
hide(XY_SELF, struct xy_user *user, const struct xy_jid *whom)
{
    return is_blocked(user, whom) ? XY_DONE : XY_PASS;
}

/* ---- the protocol
 * ------------------------------------------------------------------------------------------ */

static xy_status
answer_list(XY_SELF, struct xy_iq *iq)
{
    struct xy_session *session = xy_iq_session(iq);
    struct xy_str list;
    if (!session)
        return XY_DENIED;
    xy_status status = blocking_read(xy_iq_user(iq), &list);
    if (status != XY_OK)
        return status;
    *(char *)xy_session_note(session, &interested) = 1;
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *answer =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_BLOCKING), XY_STR("blocklist"));
    while (list.len)
        xy_node_set(xy_node_add(answer, XY_NO_STR, XY_STR("item")), "jid",
                    xy_str_cut(&list, '\0'));
    return xy_iq_reply(iq, result);
}

static void
push(struct xy_user *user, const struct xy_node *change)
{
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s)) {
        if (!xy_session_note_find(s, &interested))
            continue;
        struct xy_stanza *iq = xy_stanza_new(XY_NO_STR, XY_STR("iq"));
        xy_stanza_set_type(iq, XY_STR("set"));
        xy_stanza_set_id(iq, xy_temp_printf("block-%lld", (long long)xy_now_ms()));
        xy_stanza_set_to(iq, xy_session_jid(s));
        xy_node_add_copy(xy_stanza_top(iq), change);
        (void)xy_session_send(s, iq);
    }
}

/* Section 3.3 and 3.4: a subscriber who gets blocked sees us leave, and come back afterwards.
 */
static void
show(struct xy_user *user, const struct xy_jid *whom, bool available)
{
    struct xy_roster_item item;
    if (xy_run_roster_item(xy_user_host(user), user, whom, &item) != XY_OK ||
        !(item.subscription & XY_SUB_FROM))
        return;
    if (available && is_blocked(user, whom)) /* by another entry */
        return;
    size_t count = 0, at = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        count++;
    struct xy_stanza **all = xy_temp_alloc((count + 1) * sizeof(struct xy_stanza *));
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (xy_session_is_available(s)) {
            struct xy_stanza *presence = xy_stanza_edit(xy_session_presence(s));
            if (!available) {
                xy_node_clear(xy_stanza_top(presence));
                xy_stanza_set_type(presence, XY_STR("unavailable"));
            }
            xy_stanza_set_to(presence, whom);
            all[at++] = presence;
        }
    for (size_t i = 0; i < at; i++)
        xy_route(all[i]);
}

static xy_status
read_items(const struct xy_node *change, const struct xy_jid ***jids, size_t *count)
{
    size_t most = 0;
    for (const struct xy_node *at = xy_node_first(change); at; at = xy_node_next(at))
        most++;
    *jids = xy_temp_alloc((most + 1) * sizeof(**jids));
    *count = 0;
    for (const struct xy_node *at = xy_node_first(change); at; at = xy_node_next(at)) {
        if (!xy_node_is(at, XY_STR(XY_NS_BLOCKING), XY_STR("item")))
            continue;
        const struct xy_jid *jid = xy_jid_parse(xy_node_attr(at, "jid"));
        if (!jid)
            return XY_INVALID;
        (*jids)[(*count)++] = jid;
    }
    return XY_OK;
}

static size_t
count_of(struct xy_str list)
{
    size_t count = 0;
    for (; list.len; count++)
        (void)xy_str_cut(&list, '\0');
    return count;
}

/* No `jids`: all that is blocked. */
static xy_status
change_list(struct xy_user *user, const struct xy_jid *const *jids, size_t count, bool block)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_owner owner = xy_user_owner(user);
    for (size_t i = 0; i < count; i++)
        xy_txn_add(txn, block ? &add : &drop, XY_INT(owner), XY_TEXT(xy_jid_text(jids[i])));
    if (count == 0)
        xy_txn_add(txn, &drop_all, XY_INT(owner));
    for (size_t i = 0; block && i < count; i++) /* while we still may reach them */
        show(user, jids[i], false);
    xy_status status = xy_txn_commit(txn);
    if (status != XY_OK)
        return status;
    if (blocking_load(user, true) == XY_OK)
        blocking_leave_rooms(user);
    else
        blocking_forget(user);
    return XY_OK;
}

static xy_status
apply(XY_SELF, struct xy_iq *iq, bool block)
{
    struct xy_user *user = xy_iq_user(iq);
    const struct xy_node *change = xy_iq_payload(iq);
    const struct xy_jid **jids;
    struct xy_str list;
    size_t count;
    if (read_items(change, &jids, &count) != XY_OK)
        return xy_iq_error(iq, XY_JID_MALFORMED, XY_NO_STR);
    if (block && count == 0)
        return xy_iq_error(iq, XY_BAD_REQUEST, XY_NO_STR);
    xy_status status = blocking_read(user, &list);
    if (status != XY_OK)
        return status;
    struct xy_str before = xy_temp_str(list);
    if (block && self->items != XY_NONE && (int64_t)(count_of(before) + count) > self->items)
        return XY_FULL;
    status = change_list(user, jids, count, block);
    if (status != XY_OK)
        return status;
    push(user, change);
    status = xy_iq_reply(iq, NULL);
    for (size_t i = 0; i < count && !block; i++)
        show(user, jids[i], true);
    while (count == 0 && before.len) {
        const struct xy_jid *freed = xy_jid_parse(xy_str_cut(&before, '\0'));
        if (freed)
            show(user, freed, true);
    }
    return status;
}

static xy_status
block(XY_SELF, struct xy_iq *iq)
{
    return apply(self, iq, true);
}

static xy_status
unblock(XY_SELF, struct xy_iq *iq)
{
    return apply(self, iq, false);
}

static void
forget(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    xy_status status = xy_sql_write(&drop_all, XY_INT(owner));
    if (status != XY_OK)
        xy_error("blocking.not_forgotten", "rows of a deleted account remain",
                 XY_F_STR_AS("account", xy_jid_text(bare)));
}

static const struct xy_option options[] = {
    XY_OPTION(items, .initial = "1000", .min = 1, .max = 100000, .none = true,
              .doc = "JIDs one account may block."),
};
static const struct xy_hook hooks[] = {
    XY_ON(stanza_out, judge_out, .order = XY_EARLY),
    XY_ON(stanza_in, judge_in, .order = XY_EARLY),
    XY_ON(presence_hidden, hide),
    XY_ON(room_hearing, blocking_screen),
    XY_ON(account_deleted, forget),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_BLOCKING, "blocklist", answer_list, .where = XY_IQ_OWN),
    XY_IQ_ROUTE(XY_SET, XY_NS_BLOCKING, "block", block, .where = XY_IQ_OWN),
    XY_IQ_ROUTE(XY_SET, XY_NS_BLOCKING, "unblock", unblock, .where = XY_IQ_OWN),
};
static const struct xy_feature features[] = {{XY_NS_BLOCKING, XY_IQ_HOST}};
static const struct xy_metric metrics[] = {
    XY_METRIC(refused, .unit = "stanzas", .doc = "Stanzas stopped by a block list."),
};
static const struct xy_migration schema[] = {
    {.number = 1,
     .sql = "create table blocking (owner bigint not null, jid text not null, primary key "
            "(owner, jid))"},
};
static const struct xy_statement *const statements[] = {&blocking_get_all, &add, &drop,
                                                        &drop_all};

XY_MODULE(blocking, .about = "Block lists (XEP-0191).", XY_STATE_SIZE,
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs),
          XY_TABLE(features, features), XY_TABLE(metrics, metrics), XY_TABLE(schema, schema),
          XY_TABLE(statements, statements));
