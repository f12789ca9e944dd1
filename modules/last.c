/* SPDX-License-Identifier: MIT */
/*
 * Last activity of accounts (XEP-0012 section 4): when its last session ended, and what it said
 * then. Only for those who may see the account's presence; for all others forbidden.
 */
#include <xylem/xylem.h>

enum { MOST_STATUS = 1024 };

/* What the session said when it last became unavailable. */
static const struct xy_note parting = {"last.status", 1, 0};
/* When the account was last there, at once: the row follows when it is committed. */
struct seen {
    int64_t at_ms;
    char status[];
};
static const struct xy_note seen_kind = {"last.seen", 1, sizeof(struct seen)};

static const struct xy_statement save = XY_SQL(
    "insert into last_activity (owner, at_ms, status) values (?, ?, ?) "
    "on conflict (owner) do update set at_ms = excluded.at_ms, status = excluded.status");
static const struct xy_statement find =
    XY_SQL("select at_ms, status from last_activity where owner = ?");
static const struct xy_statement drop = XY_SQL("delete from last_activity where owner = ?");
static const struct xy_statement *const statements[] = {&save, &find, &drop};

static struct xy_str
parting_status(struct xy_session *session)
{
    const char *said = xy_session_note_find(session, &parting);
    return xy_str_of(said, said ? xy_session_note_size(session, &parting) : 0);
}

static void
note_seen(struct xy_session *session)
{
    struct xy_str status = parting_status(session);
    size_t size = sizeof(struct seen) + status.len;
    struct seen *seen = xy_user_note_resize(xy_session_user(session), &seen_kind, size);
    seen->at_ms = xy_now_ms();
    if (status.len)
        memcpy(seen->status, status.at, status.len);
}

static void
note_presence(XY_SELF, struct xy_session *session, const struct xy_stanza *presence, bool first)
{
    (void)first;
    xy_session_note_drop(session, &parting);
    if (!xy_str_is(xy_stanza_type(presence), "unavailable"))
        return;
    const struct xy_node *node =
        xy_stanza_child(presence, XY_STR(XY_NS_CLIENT), XY_STR("status"));
    struct xy_str status = node ? xy_node_text(node) : XY_NO_STR;
    if (status.len > 0 && status.len <= MOST_STATUS)
        memcpy(xy_session_note_resize(session, &parting, status.len), status.at, status.len);
    note_seen(session);
}

static void
save_end(XY_SELF, struct xy_session *session)
{
    struct xy_user *user = xy_session_user(session);
    if (xy_user_first(user))
        return;
    note_seen(session);
    xy_status status = xy_sql_write(&save, XY_INT(xy_user_owner(user)), XY_INT(xy_now_ms()),
                                    XY_TEXT(parting_status(session)));
    if (status != XY_OK)
        xy_warn("last.not_saved", "the end of a session is not recorded",
                XY_F_STR_AS("account", xy_jid_text(xy_user_jid(user))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
add_last(struct xy_node *query, int64_t at_ms, struct xy_str status)
{
    int64_t ms = xy_now_ms() - at_ms;
    xy_node_set(query, "seconds", xy_temp_printf("%lld", ms > 0 ? (long long)ms / 1000 : 0));
    if (status.len)
        xy_node_add_text(query, status);
}

static xy_status
add_stored(struct xy_node *query, struct xy_user *user)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find, &rows, XY_INT(xy_user_owner(user)));
    if (status == XY_OK && !xy_rows_next(rows))
        status = XY_ABSENT; /* it never logged in */
    if (status == XY_OK)
        add_last(query, xy_rows_int(rows, 0), xy_rows_text(rows, 1));
    return status;
}

static xy_status
answer(XY_SELF, struct xy_iq *iq)
{
    struct xy_user *user = xy_iq_user(iq);
    if (!xy_user_shows(user, xy_iq_from(iq)))
        return xy_iq_error(iq, XY_FORBIDDEN, XY_NO_STR);
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *query =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_LAST), XY_STR("query"));
    const struct seen *seen = xy_user_note_find(user, &seen_kind);
    xy_status status = XY_OK;
    if (xy_user_is_available(user))
        add_last(query, xy_now_ms(), XY_NO_STR);
    else if (seen)
        add_last(
            query, seen->at_ms,
            xy_str_of(seen->status, xy_user_note_size(user, &seen_kind) - sizeof(struct seen)));
    else
        status = add_stored(query, user);
    return status == XY_OK ? xy_iq_reply(iq, result) : status;
}

static void
forget(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    (void)bare;
    if (xy_sql_write(&drop, XY_INT(owner)) != XY_OK)
        xy_warn("last.not_dropped", "a row of a deleted account stays", XY_F_INT(owner));
}

static const struct xy_hook hooks[] = {
    XY_ON(session_presence, note_presence, .order = XY_EARLY),
    XY_ON(session_closed, save_end),
    XY_ON(account_deleted, forget),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_LAST, "query", answer, .where = XY_IQ_OWN | XY_IQ_ACCOUNT),
};
static const struct xy_migration schema[] = {
    {1,
     "create table last_activity (owner bigint primary key, at_ms bigint not null, "
     "status text not null)",
     NULL},
};

XY_MODULE(last, .about = "Tells contacts when an account was last there (XEP-0012).",
          XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs), XY_TABLE(schema, schema),
          XY_TABLE(statements, statements));
