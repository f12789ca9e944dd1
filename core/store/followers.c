/* SPDX-License-Identifier: MIT */
/*
 * What goes with a message that is taken back: corrections by its author (XEP-0308) and
 * reactions to it (XEP-0444), in archives and in queues. Invariant: nobody makes words of
 * somebody else vanish. Clients choose the ids of messages, so in a room, where what is reacted
 * to is named by the room's id for it, no other id counts; and who says something beside a
 * reaction has said it.
 */
#include <xylem/archive.h>
#include <xylem/namespaces.h>
#include <xylem/removal.h>
#include "core/store/parts.h"

#define NS_CORRECT   "urn:xmpp:message-correct:0"
#define NS_REACTIONS "urn:xmpp:reactions:0"
#define NS_FALLBACK  "urn:xmpp:fallback:0"

/* ---- what a message refers to ------------------------------------------------------------ */

bool
xy_stanza_is_notice(const struct xy_stanza *message)
{
    for (const struct xy_node *at = xy_node_first(xy_stanza_root(message)); at;
         at = xy_node_next(at))
        if (xy_str_is(xy_node_name(at), "retract") &&
            xy_str_starts(xy_node_ns(at), XY_STR("urn:xmpp:message-retract:")))
            return true;
    return false;
}

static struct xy_str
id_in(const struct xy_stanza *message, const char *ns, const char *name)
{
    const struct xy_node *node = xy_stanza_child(message, xy_str_from(ns), xy_str_from(name));
    return node && !xy_stanza_is_notice(message) ? xy_node_attr(node, "id") : XY_NO_STR;
}

struct xy_str
xy_stanza_corrects(const struct xy_stanza *message)
{
    return id_in(message, NS_CORRECT, "replace");
}

/* A body that says the reaction in words is for clients that know none (XEP-0428). */
static bool
has_own_words(const struct xy_stanza *message)
{
    if (!xy_stanza_child(message, XY_STR(XY_NS_CLIENT), XY_STR("body")))
        return false;
    for (const struct xy_node *at = xy_node_first(xy_stanza_root(message)); at;
         at = xy_node_next(at)) {
        struct xy_str of = xy_node_attr(at, "for");
        if (xy_node_is(at, XY_STR(NS_FALLBACK), XY_STR("fallback")) &&
            (!of.len || xy_str_is(of, NS_REACTIONS)))
            return false;
    }
    return true;
}

struct xy_str
xy_stanza_reacts_to(const struct xy_stanza *message)
{
    return has_own_words(message) ? XY_NO_STR : id_in(message, NS_REACTIONS, "reactions");
}

/* ---- looking for them -------------------------------------------------------------------- */

enum { PAGE = 200 };

struct search {
    const struct xy_message_record *record;
    struct xy_str public_id; /* by which a room's message is referred to; elsewhere absent */
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
is(struct xy_str id, struct xy_str wanted)
{
    return id.len && xy_str_equal(id, wanted);
}

static bool
follows(const struct search *search, const struct xy_stanza *stanza)
{
    struct xy_str own = search->record->client_id, public = search->public_id;
    struct xy_str corrected = xy_stanza_corrects(stanza);
    if ((is(corrected, own) || is(corrected, public)) && is_by_author(search, stanza))
        return true;
    return is(xy_stanza_reacts_to(stanza), public.len ? public : own);
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

/* What waits for one device, `from` the other one of the two; *after 0: that was all. */
static xy_status
search_queue_page(struct search *search, xy_owner owner, int64_t device,
                  const struct xy_jid *from, xy_message_id *after)
{
    struct xy_rows *rows;
    xy_message_id found[PAGE], last = 0;
    size_t count = 0;
    xy_temp_open();
    xy_status status = xyi_pending_read(owner, device, *after, INT64_MAX, PAGE, &rows);
    while (status == XY_OK && xy_rows_next(rows)) {
        const struct xy_stanza *stanza = xy_stanza_parse(xy_rows_text(rows, 1));
        last = xy_rows_int(rows, 0);
        if (stanza && xy_jid_bare(xy_stanza_from(stanza)) == from && follows(search, stanza))
            found[count++] = last;
    }
    *after = status == XY_OK && xy_rows_count(rows) == PAGE ? last : 0;
    xy_temp_close();
    for (size_t i = 0; i < count; i++)
        add(search, found[i]);
    return status;
}

static xy_status
search_queue(struct search *search, xy_owner owner, int64_t device, const struct xy_jid *from)
{
    xy_message_id after = search->record->id;
    xy_status status = XY_OK;
    while (status == XY_OK && after)
        status = search_queue_page(search, owner, device, from, &after);
    return status;
}

/* Where no archive keeps them they are here alone. */
static xy_status
search_queues(struct search *search, xy_owner owner, const struct xy_jid *from)
{
    struct xy_rows *devices;
    xy_status status = xyi_devices_read(owner, &devices);
    if (status == XY_OK)
        status = search_queue(search, owner, 0, from);
    while (status == XY_OK && xy_rows_next(devices))
        if (xy_rows_int(devices, 0))
            status = search_queue(search, owner, xy_rows_int(devices, 0), from);
    return status;
}

static xy_status
search_account(struct search *search, const struct xy_jid *bare, const struct xy_jid *with)
{
    struct xy_account account;
    xy_status status = xyi_account_read(bare, &account);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    status = search_archive(search, account.owner, with);
    return status == XY_OK ? search_queues(search, account.owner, with) : status;
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
