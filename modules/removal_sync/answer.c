/* SPDX-License-Identifier: MIT */
/*
 * What an archive no longer shows, since a token, a page at a time, in the order of commits.
 * Invariant: whoever goes on with the token he was given misses nothing; where that cannot be
 * promised he is told to begin anew.
 */
#include "modules/removal_sync/removal_sync.h"

static const char *const states[] = {[XY_MESSAGE_RETRACTED] = "retracted",
                                     [XY_MESSAGE_MODERATED] = "moderated",
                                     [XY_MESSAGE_REMOVED] = "removed",
                                     [XY_MESSAGE_EXPIRED] = "expired"};

static xy_status
refuse(XY_SELF, struct xy_iq *iq, const struct request *request)
{
    xy_count(&self->refused);
    if (!request->element)
        return xy_iq_error(iq, request->refusal, request->why);
    struct xy_stanza *error = xy_stanza_error(xy_iq_stanza(iq), request->refusal, request->why);
    xy_stanza_error_add(error, XY_STR(XY_NS_REMOVAL), xy_str_from(request->element));
    return xy_iq_reply(iq, error);
}

/* Is all behind the token still there? A number nobody was given yet is of a store that was put
 * back since. */
static xy_status
check_bounds(struct request *request, const struct xy_withdrawn_page *page)
{
    if (request->since > page->last)
        return request_refuse(request, XY_ITEM_NOT_FOUND, "token-unknown",
                              "this token is of another history: read the archive again");
    if (request->since < page->first - 1)
        return request_refuse(request, XY_ITEM_NOT_FOUND, "token-expired",
                              "this token is too old: read the archive again");
    return XY_OK;
}

/* The tombstones; what has expired has none. */
static xy_status
read_tombstones(const struct request *request, const struct xy_withdrawn_page *page,
                struct xy_archive_page *tombstones)
{
    xy_message_id *ids = xy_temp_alloc((page->count + 1) * sizeof(*ids));
    size_t count = 0;
    *tombstones = (struct xy_archive_page){.count = 0};
    for (size_t i = 0; i < page->count; i++)
        if (page->at[i].state != XY_MESSAGE_EXPIRED)
            ids[count++] = page->at[i].id;
    return count ? xy_archive_read_ids(request->owner, ids, count, tombstones) : XY_OK;
}

static struct xy_str
client_id_of(const struct xy_archive_page *tombstones, xy_message_id id)
{
    for (size_t i = 0; i < tombstones->count; i++)
        if (tombstones->at[i].id == id)
            return xy_stanza_id(tombstones->at[i].stanza);
    return XY_NO_STR;
}

static void
add_item(struct xy_node *to, const struct request *request, const struct xy_withdrawn *row,
         struct xy_str client_id)
{
    struct xy_node *item = xy_node_add(to, XY_STR(XY_NS_REMOVAL), XY_STR("removed"));
    xy_node_set(item, "id", xy_stanza_id_make(request->owner, row->id));
    xy_node_set(item, "state", xy_str_from(states[row->state]));
    xy_node_set(item, "stamp", xy_time_format(row->at_ms));
    if (row->notice_id.len && row->state != XY_MESSAGE_EXPIRED)
        xy_node_set(item, "notice", row->notice_id);
    if (client_id.len)
        xy_node_set(item, "client-id", client_id);
}

/* A page that is whole stands for all that was committed when it was begun. */
static int64_t
end_of(const struct xy_withdrawn_page *page)
{
    int64_t newest = page->count ? page->at[page->count - 1].seq : 0;
    return page->more || newest > page->last ? newest : page->last;
}

static xy_status
reply(struct xy_iq *iq, const struct request *request, const struct xy_withdrawn_page *page,
      const struct xy_archive_page *tombstones)
{
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *removals =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_REMOVAL), XY_STR("removals"));
    xy_node_set(removals, "token", token_make(request->owner, end_of(page)));
    xy_node_set(removals, "complete", page->more ? XY_STR("false") : XY_STR("true"));
    for (size_t i = 0; i < page->count; i++)
        add_item(removals, request, &page->at[i], client_id_of(tombstones, page->at[i].id));
    return xy_iq_reply(iq, result);
}

xy_status
removal_sync_answer(XY_SELF, struct xy_iq *iq)
{
    struct request request;
    struct xy_withdrawn_page page;
    struct xy_archive_page tombstones;
    xy_count(&self->queries);
    xy_status status = request_read(iq, &request);
    if (status == XY_OK) /* behind all of them: where the list ends */
        status =
            xy_withdrawn_read(request.owner, request.asks_changes ? request.since : INT64_MAX,
                              request.most, &page);
    if (status == XY_OK && request.asks_changes)
        status = check_bounds(&request, &page);
    if (status == XY_OK)
        status = read_tombstones(&request, &page, &tombstones);
    if (status == XY_INVALID)
        return refuse(self, iq, &request);
    if (status != XY_OK)
        return status;
    xy_count_by(&self->given, page.count);
    return reply(iq, &request, &page, &tombstones);
}
