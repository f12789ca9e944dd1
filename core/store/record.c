/* SPDX-License-Identifier: MIT */
/*
 * What is known of one message: for those who decide whether it may be taken back, and for
 * those who may read what is sealed.
 */
#include <xylem/archive.h>
#include <xylem/namespaces.h>
#include <xylem/removal.h>
#include "core/store/parts.h"

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
    record->is_notice = xy_stanza_is_notice(stanza);
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

struct search {
    int64_t author, addressee; /* interned */
    xy_message_id since;
    int64_t origin;
    xy_message_id *ids;
    size_t count;
};

static bool
has(const struct search *search, xy_message_id id)
{
    for (size_t i = 0; i < search->count; i++)
        if (search->ids[i] == id)
            return true;
    return false;
}

/* A message is in up to three places. */
static void
add_all(struct search *search, struct xy_rows *rows)
{
    xy_message_id *ids =
        xy_temp_alloc((search->count + xy_rows_count(rows) + 1) * sizeof(*ids));
    if (search->count)
        memcpy(ids, search->ids, search->count * sizeof(*ids));
    search->ids = ids;
    while (xy_rows_next(rows))
        if (!has(search, xy_rows_int(rows, 0)))
            ids[search->count++] = xy_rows_int(rows, 0);
}

static xy_status
find_at(const struct xy_jid *bare, int64_t peer, struct search *search, bool waiting)
{
    struct xy_account account;
    struct xy_rows *rows;
    xy_status status = xyi_account_read(bare, &account);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    struct xy_value owner = XY_INT(account.owner), since = XY_INT(search->since),
                    origin = XY_INT(search->origin), author = XY_INT(search->author);
    if (waiting)
        status = xy_sql_read(&find_waiting, &rows, owner, since, origin, author);
    else
        status = xy_sql_read(&find_archived, &rows, owner, XY_INT(peer), since, origin, author);
    if (status == XY_OK)
        add_all(search, rows);
    return status;
}

xy_status
xy_message_find(const struct xy_jid *author, const struct xy_jid *addressee,
                struct xy_str client_id, int64_t since_ms, xy_message_id **ids, size_t *count)
{
    struct search search = {.since = xy_message_id_at(since_ms) - 1};
    *count = 0;
    xy_status status = xyi_jid_known_id(author, &search.author);
    if (status == XY_OK)
        status = xyi_jid_known_id(addressee, &search.addressee);
    if (status != XY_OK)
        return status;
    search.origin = xyi_message_origin(search.author, search.addressee, client_id);
    status = find_at(author, search.addressee, &search, false);
    if (status == XY_OK)
        status = find_at(addressee, search.author, &search, false);
    if (status == XY_OK)
        status = find_at(addressee, search.author, &search, true);
    *ids = search.ids;
    *count = search.count;
    return status == XY_OK && !search.count ? XY_ABSENT : status;
}
