/* SPDX-License-Identifier: MIT */
/*
 * What is known of one message: for those who decide whether it may be taken back, and for
 * those who may read what is sealed.
 */
#include <xylem/archive.h>
#include <xylem/namespaces.h>
#include <xylem/removal.h>
#include "core/store/parts.h"

#define NS_CORRECT   "urn:xmpp:message-correct:0"
#define NS_REACTIONS "urn:xmpp:reactions:0"

/* An account's archive is that of the one there is now: `created` tells. 2^47: room.c. */
#define RECORD(collation, from)                                                           \
    "select m.id, s.text, t.text, m.class, m.state, m.archived, m.stanza, x.operation,"   \
    " x.by_jid, x.reason, x.notice_id, x.at, x.purge_at, x.purged,"                       \
    " (select count(*) from held h where h.message = m.id), x.actor, a.owner, a.created," \
    " b.owner, b.created, o.id + 140737488355328,"                                        \
    " (select count(*) from pending q where q.message = m.id) from " from                 \
    " left join jid s on s.id = m.sender left join jid t on t.id = m.rcpt"                \
    " left join removal x on x.message = m.id"                                            \
    " left join account a on a.jid = s.text" collation                                    \
    " left join account b on b.jid = t.text" collation                                    \
    " left join room o on o.jid = t.text" collation
#define AS_ON_PGSQL " collate \"C\""
static const struct xy_statement read_record = {
    .sql = RECORD("", "message m") " where m.id = ?",
    .pgsql = RECORD(AS_ON_PGSQL, "message m") " where m.id = ?"};
static const struct xy_statement read_records = {
    .sql = RECORD("", "json_each(?) r cross join message m") " where m.id = r.value",
    .pgsql =
        RECORD(AS_ON_PGSQL,
               "json_array_elements_text(?::json) r cross join message m") " where m.id = "
                                                                           "r.value::bigint"};
static const struct xy_statement read_stanza =
    XY_SQL("select m.stanza, x.purged from message m left join removal x on x.message = m.id"
           " where m.id = ?");

/* An id of the client's, among the messages of a pair: in an archive, or in a queue. */
#define IN_ARCHIVE(table)                                                        \
    "select m.id from " table " e cross join message m where e.owner = ?1"       \
    " and e.peer = ?2 and e.message > ?3 and m.id = e.message and m.origin = ?4" \
    " and m.sender = ?5"
static const struct xy_statement find_archived = {
    .sql = IN_ARCHIVE("entry") " union all " IN_ARCHIVE("entry_new"),
    .pgsql = "select m.id from entry e cross join message m where e.owner = ? and e.peer = ?"
             " and e.message > ? and m.id = e.message and m.origin = ? and m.sender = ?"};
static const struct xy_statement find_waiting =
    XY_SQL("select m.id from pending p cross join message m where p.owner = ?"
           " and p.message > ? and m.id = p.message and m.origin = ? and m.sender = ?");

const struct xyi_planned xyi_record_planned[] = {
    XYI_PLANNED(read_record, "i"),     XYI_PLANNED(read_records, "t"),
    XYI_PLANNED(read_stanza, "i"),     XYI_PLANNED(find_archived, "iiiii"),
    XYI_PLANNED(find_waiting, "iiii"), {.statement = NULL},
};

/* ---- one message ------------------------------------------------------------------------- */

static bool
takes_back(const struct xy_stanza *stanza)
{
    const struct xy_node *at = xy_node_first(xy_stanza_root(stanza));
    for (; at; at = xy_node_next(at))
        if (xy_str_is(xy_node_name(at), "retract") &&
            xy_str_starts(xy_node_ns(at), XY_STR("urn:xmpp:message-retract:")))
            return true;
    return false;
}

static void
fill_header(struct xy_message_record *record, struct xy_str text)
{
    const struct xy_stanza *stanza = text.len ? xy_stanza_parse(text) : NULL;
    if (!stanza)
        return;
    record->from = xy_stanza_from(stanza);
    record->type = xy_stanza_type(stanza);
    record->client_id = xy_stanza_id(stanza);
    record->is_subject = xy_str_is(record->type, "groupchat") &&
                         xy_stanza_child(stanza, XY_STR(XY_NS_CLIENT), XY_STR("subject")) &&
                         !xy_stanza_child(stanza, XY_STR(XY_NS_CLIENT), XY_STR("body"));
    record->is_notice = takes_back(stanza);
    const struct xy_node *occupant =
        xy_stanza_child(stanza, XY_STR(XY_NS_OCCUPANT_ID), XY_STR("occupant-id"));
    record->occupant_id = occupant ? xy_node_attr(occupant, "id") : XY_NO_STR;
}

static void
fill_removal(struct xy_message_record *record, const struct xy_rows *rows)
{
    record->purge_ms = XY_NONE;
    record->held = xy_rows_int(rows, 14) > 0;
    record->only_held = record->held && xy_rows_int(rows, 5) == 0 && xy_rows_int(rows, 21) == 0;
    if (record->state == XY_MESSAGE_LIVE)
        return;
    record->operation = xy_rows_text(rows, 7);
    record->by = xy_rows_text(rows, 8);
    record->reason = xy_rows_text(rows, 9);
    record->notice_id = xy_rows_text(rows, 10);
    record->removed_ms = xy_rows_int(rows, 11);
    if (!xy_rows_is_null(rows, 12))
        record->purge_ms = xy_rows_int(rows, 12);
    record->purged = xy_rows_int(rows, 13);
    record->actor = xy_rows_text(rows, 15);
}

/* Absent: the archive of that account is not the one that had it. */
static struct xy_str
stanza_id(const struct xy_message_record *record, const struct xy_rows *rows, unsigned column)
{
    bool had = !xy_rows_is_null(rows, column) && xy_rows_int(rows, column + 1) <= record->at_ms;
    return had ? xy_stanza_id_make(xy_rows_int(rows, column), record->id) : XY_NO_STR;
}

static void
fill_stanza_ids(struct xy_message_record *record, const struct xy_rows *rows)
{
    if (record->in_senders_archive)
        record->senders_stanza_id = stanza_id(record, rows, 16);
    if (!record->in_recipients_archive)
        return;
    record->recipients_stanza_id = xy_rows_is_null(rows, 20)
                                       ? stanza_id(record, rows, 18)
                                       : xy_stanza_id_make(xy_rows_int(rows, 20), record->id);
}

static xy_status
fill(struct xy_message_record *record, const struct xy_rows *rows)
{
    record->id = xy_rows_int(rows, 0);
    record->at_ms = xy_message_id_ms(record->id);
    record->author = xy_jid_parse(xy_rows_text(rows, 1));
    record->addressee = xy_jid_parse(xy_rows_text(rows, 2));
    record->class = (enum xy_message_class)xy_rows_int(rows, 3);
    record->state = (enum xy_message_state)xy_rows_int(rows, 4);
    record->in_senders_archive = xy_rows_int(rows, 5) & XYI_ARCHIVED_BY_SENDER;
    record->in_recipients_archive = xy_rows_int(rows, 5) & XYI_ARCHIVED_BY_RECIPIENT;
    fill_header(record, xy_rows_text(rows, 6));
    fill_removal(record, rows);
    fill_stanza_ids(record, rows);
    return record->author && record->addressee ? XY_OK : XY_BROKEN;
}

xy_status
xy_message_look(xy_message_id id, struct xy_message_record *record)
{
    struct xy_rows *rows;
    *record = (struct xy_message_record){.id = id};
    xy_status status = xy_sql_read(&read_record, &rows, XY_INT(id));
    if (status != XY_OK)
        return status;
    return xy_rows_next(rows) ? fill(record, rows) : XY_ABSENT;
}

xy_status
xy_messages_look(const xy_message_id *ids, size_t count, struct xy_message_record **records,
                 size_t *found)
{
    struct xy_rows *rows;
    *found = 0;
    xy_status status =
        xy_sql_read(&read_records, &rows, XY_TEXT(xyi_message_id_list(ids, count)));
    if (status != XY_OK)
        return status;
    *records = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**records));
    while (xy_rows_next(rows)) {
        struct xy_message_record *record = &(*records)[*found];
        *record = (struct xy_message_record){0};
        if (fill(record, rows) == XY_OK)
            ++*found;
    }
    return XY_OK;
}

xy_status
xy_privileged_read(xy_message_id id, struct xy_str purpose, struct xy_stanza **stanza)
{
    struct xy_rows *rows;
    if (!purpose.len)
        return XY_INVALID;
    xy_status status = xy_sql_read(&read_stanza, &rows, XY_INT(id));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    if (xy_rows_int(rows, 1))
        return XY_GONE;
    *stanza = xy_stanza_parse(xy_rows_text(rows, 0));
    return *stanza ? XY_OK : XY_BROKEN;
}

/* ---- by the client's id ------------------------------------------------------------------ */

struct pair {
    int64_t author, addressee; /* interned */
    xy_message_id since;
    int64_t origin;
};

/* 0: there is none. */
static xy_message_id
newest_of(struct xy_rows *rows)
{
    xy_message_id newest = 0;
    while (xy_rows_next(rows))
        if (xy_rows_int(rows, 0) > newest)
            newest = xy_rows_int(rows, 0);
    return newest;
}

static xy_status
find_at(const struct xy_jid *bare, int64_t peer, const struct pair *pair, bool waiting,
        xy_message_id *id)
{
    struct xy_account account;
    struct xy_rows *rows;
    xy_status status = xyi_account_read(bare, &account);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    struct xy_value owner = XY_INT(account.owner), since = XY_INT(pair->since),
                    origin = XY_INT(pair->origin), author = XY_INT(pair->author);
    if (waiting)
        status = xy_sql_read(&find_waiting, &rows, owner, since, origin, author);
    else
        status = xy_sql_read(&find_archived, &rows, owner, XY_INT(peer), since, origin, author);
    if (status == XY_OK)
        *id = newest_of(rows);
    return status;
}

xy_status
xy_message_find(const struct xy_jid *author, const struct xy_jid *addressee,
                struct xy_str client_id, int64_t since_ms, xy_message_id *id)
{
    struct pair pair = {.since = xy_message_id_at(since_ms) - 1};
    *id = 0;
    xy_status status = xyi_jid_known_id(author, &pair.author);
    if (status == XY_OK)
        status = xyi_jid_known_id(addressee, &pair.addressee);
    if (status != XY_OK)
        return status;
    pair.origin = xyi_message_origin(pair.author, pair.addressee, client_id);
    status = find_at(author, pair.addressee, &pair, false, id);
    if (status == XY_OK && !*id)
        status = find_at(addressee, pair.author, &pair, false, id);
    if (status == XY_OK && !*id)
        status = find_at(addressee, pair.author, &pair, true, id);
    return status == XY_OK && !*id ? XY_ABSENT : status;
}

/* ---- what goes with it ------------------------------------------------------------------- */

enum { PAGE = 200 };

struct search {
    const struct xy_message_record *record;
    struct xy_str public_id; /* by which a room's message is referred to */
    xy_message_id *ids;
    size_t count, room;
};

static bool
is_by_author(const struct search *search, const struct xy_stanza *stanza)
{
    const struct xy_message_record *record = search->record;
    const struct xy_node *occupant =
        xy_stanza_child(stanza, XY_STR(XY_NS_OCCUPANT_ID), XY_STR("occupant-id"));
    if (record->occupant_id.len)
        return occupant && xy_str_equal(xy_node_attr(occupant, "id"), record->occupant_id);
    return xy_jid_bare(xy_stanza_from(stanza)) == record->author;
}

static bool
names(const struct search *search, struct xy_str id)
{
    return id.len && (xy_str_equal(id, search->record->client_id) ||
                      (search->public_id.len && xy_str_equal(id, search->public_id)));
}

static bool
follows(const struct search *search, const struct xy_stanza *stanza)
{
    const struct xy_node *replace =
        xy_stanza_child(stanza, XY_STR(NS_CORRECT), XY_STR("replace"));
    const struct xy_node *reactions =
        xy_stanza_child(stanza, XY_STR(NS_REACTIONS), XY_STR("reactions"));
    if (replace && is_by_author(search, stanza) && names(search, xy_node_attr(replace, "id")))
        return true;
    return reactions && names(search, xy_node_attr(reactions, "id"));
}

static void
add(struct search *search, xy_message_id id)
{
    for (size_t i = 0; i < search->count; i++)
        if (search->ids[i] == id)
            return;
    if (search->count == search->room) {
        xy_message_id *more = xy_temp_alloc((search->room * 2 + 16) * sizeof(*more));
        if (search->count)
            memcpy(more, search->ids, search->count * sizeof(*more));
        search->ids = more;
        search->room = search->room * 2 + 16;
    }
    search->ids[search->count++] = id;
}

/* One page; what is read goes at once, for an archive may be long. */
static xy_status
search_page(struct search *search, struct xy_archive_query *query, bool *more)
{
    struct xy_archive_page page;
    xy_message_id found[PAGE];
    size_t count = 0;
    xy_temp_open();
    xy_status status = xy_archive_read(query, &page);
    for (size_t i = 0; status == XY_OK && i < page.count; i++) {
        query->after = page.at[i].id;
        if (page.at[i].state == XY_MESSAGE_LIVE && follows(search, page.at[i].stanza))
            found[count++] = page.at[i].id;
    }
    *more = status == XY_OK && page.more;
    xy_temp_close();
    for (size_t i = 0; i < count; i++)
        add(search, found[i]);
    return status;
}

static xy_status
search_archive(struct search *search, xy_owner owner, const struct xy_jid *with)
{
    struct xy_archive_query query = {
        .owner = owner, .after = search->record->id, .with = with, .limit = PAGE};
    xy_status status = XY_OK;
    for (bool more = true; status == XY_OK && more;)
        status = search_page(search, &query, &more);
    return status;
}

static xy_status
search_account(struct search *search, const struct xy_jid *bare, const struct xy_jid *with)
{
    struct xy_account account;
    xy_status status = xyi_account_read(bare, &account);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    return search_archive(search, account.owner, with);
}

xy_status
xy_message_followers(const struct xy_message_record *record, xy_message_id **ids, size_t *count)
{
    struct search search = {.record = record};
    xy_owner room;
    xy_status status = xyi_room_find(record->addressee, &room);
    if (status == XY_OK) {
        search.public_id = xy_stanza_id_make(room, record->id);
        status = search_archive(&search, room, NULL);
    } else if (status == XY_ABSENT) {
        status = search_account(&search, record->addressee, record->author);
        if (status == XY_OK)
            status = search_account(&search, record->author, record->addressee);
    }
    *ids = search.ids;
    *count = search.count;
    return status;
}
