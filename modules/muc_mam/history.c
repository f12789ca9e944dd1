/* SPDX-License-Identifier: MIT */
/*
 * What a newcomer is shown of a room's past (XEP-0045 7.2.14): the newest messages with a body
 * that fit all bounds, read from the archive, so that it is the same after a restart and shows
 * what has been removed as removed.
 */
#include "modules/muc_mam/muc_mam.h"

#define NS_ADDRESS "http://jabber.org/protocol/address"
#define NS_RETRACT "urn:xmpp:message-retract:1"
enum {
    STEP = 50,       /* entries read at a time */
    LOOK_MOST = 1000 /* looked at: a room may be full of reactions */
};

struct gathering {
    struct xy_muc_history *history;
    struct xy_archive_query query;
    int64_t looked, characters;
    const struct xy_stanza **newest; /* first */
    int64_t *ids;
    size_t count;
    bool full;
};

static int64_t
count_characters(struct xy_str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return count;
}

/* Reactions, markers and the like say nothing to who does not know what they are about; nor is
 * a subject part of the discussion. Who was away and asks for what he missed learns here what
 * was taken back meanwhile (requirement S0-19). */
static bool
is_shown(const struct xy_archived *archived)
{
    return archived->state != XY_MESSAGE_LIVE ||
           xy_stanza_child(archived->stanza, XY_STR(XY_NS_CLIENT), XY_STR("body")) ||
           xy_stanza_child(archived->stanza, XY_STR(NS_RETRACT), XY_STR("retract"));
}

/* XEP-0033, as XEP-0045 has it for history. */
static void
add_author(struct xy_stanza *message, const struct xy_jid *real)
{
    struct xy_node *addresses =
        xy_node_add(xy_stanza_top(message), XY_STR(NS_ADDRESS), XY_STR("addresses"));
    struct xy_node *address = xy_node_add(addresses, XY_NO_STR, XY_STR("address"));
    xy_node_set(address, "type", XY_STR("ofrom"));
    xy_node_set(address, "jid", xy_jid_text(real));
}

static void
show(struct gathering *gathering, const struct xy_jid *room, const struct xy_archived *archived)
{
    struct xy_stanza *message = archived->stanza;
    const struct xy_muc_history *history = gathering->history;
    muc_mam_dress(message, NULL);
    xy_stanza_add_delay(message, room, xy_message_id_ms(archived->id));
    struct xy_node *stamp =
        xy_node_add(xy_stanza_top(message), XY_STR(XY_NS_SID), XY_STR("stanza-id"));
    xy_node_set(stamp, "by", xy_jid_text(room));
    xy_node_set(stamp, "id", archived->stanza_id);
    if (history->sees_real_jids && archived->author)
        add_author(message, archived->author);
    gathering->characters += count_characters(xy_stanza_text(message));
    gathering->full =
        history->characters != XY_NONE && gathering->characters > history->characters;
    if (gathering->full)
        return;
    gathering->ids[gathering->count] = archived->id;
    gathering->newest[gathering->count++] = message;
}

static xy_status
gather_step(struct gathering *gathering, const struct xy_jid *room, bool *more)
{
    struct xy_archive_page page;
    size_t wanted = (size_t)gathering->history->messages;
    xy_status status = xy_archive_read(&gathering->query, &page);
    if (status == XY_OK && page.count && gathering->history->sees_real_jids)
        status = xy_archive_authors(&page);
    if (status != XY_OK)
        return status;
    for (size_t i = page.count; i-- > 0 && gathering->count < wanted && !gathering->full;)
        if (is_shown(&page.at[i]))
            show(gathering, room, &page.at[i]);
    gathering->looked += (int64_t)page.count;
    if (page.count)
        gathering->query.before = page.at[0].id;
    *more = page.more && !gathering->full && gathering->count < wanted &&
            gathering->looked < LOOK_MOST;
    return XY_OK;
}

static xy_status
gather(struct xy_room *room, struct gathering *gathering)
{
    bool more = true;
    xy_status status = XY_OK;
    while (status == XY_OK && more)
        status = gather_step(gathering, xy_room_jid(room), &more);
    return status;
}

/* Oldest first. */
static void
hand_over(const struct gathering *gathering)
{
    struct xy_muc_history *history = gathering->history;
    history->count = gathering->count;
    int64_t *ids = xy_temp_alloc((gathering->count + 1) * sizeof(*ids));
    history->at = xy_temp_alloc((gathering->count + 1) * sizeof(*history->at));
    history->ids = ids;
    for (size_t i = 0; i < gathering->count; i++) {
        history->at[i] = gathering->newest[gathering->count - 1 - i];
        ids[i] = gathering->ids[gathering->count - 1 - i];
    }
}

static xy_status
read_past(XY_SELF, struct xy_room *room, struct xy_muc_history *history)
{
    xy_status status = xy_room_identify(room, false);
    if (status != XY_OK || history->messages <= 0 || history->characters == 0)
        return status == XY_ABSENT ? XY_OK : status;
    struct gathering gathering = {
        .history = history,
        .query = {.owner = xy_room_owner(room), .limit = STEP, .newest = true}};
    if (history->messages < STEP)
        gathering.query.limit = history->messages;
    if (history->since_ms > 0)
        gathering.query.after = xy_message_id_at(history->since_ms) - 1;
    gathering.newest = xy_temp_alloc((size_t)history->messages * sizeof(*gathering.newest));
    gathering.ids = xy_temp_alloc((size_t)history->messages * sizeof(*gathering.ids));
    status = gather(room, &gathering);
    if (status != XY_OK)
        return status;
    hand_over(&gathering);
    xy_count_by(&self->shown, history->count);
    return XY_OK;
}

xy_status
muc_mam_history(XY_SELF, struct xy_room *room, struct xy_muc_history *history)
{
    bool archived = false;
    history->at = NULL;
    history->count = 0;
    xy_status status = xy_run_muc_archived(xy_room_host(room), room, &archived);
    if (status != XY_OK)
        return status;
    return archived ? read_past(self, room, history) : XY_ABSENT;
}
