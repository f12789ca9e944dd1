/* SPDX-License-Identifier: MIT */
/*
 * Answers a query (XEP-0313 4.2, 4.3): the results as messages to the asking session alone,
 * then the iq result that says where the page begins and ends. A page is bounded in messages
 * and in bytes, so that the client's own archive never makes it a reader too slow.
 */
#include "mam.h"

static const struct xy_jid *
peer_of(const struct xy_archived *archived)
{
    return archived->outgoing ? xy_stanza_to(archived->stanza)
                              : xy_stanza_from(archived->stanza);
}

static bool
is_with(const struct request *request, const struct xy_archived *archived)
{
    const struct xy_jid *with = request->with, *peer = peer_of(archived);
    if (!with)
        return true;
    if (!peer)
        peer = xy_user_jid(request->user);
    return xy_jid_is_bare(with) ? xy_jid_bare(peer) == with : peer == with;
}

static bool
is_asked_for(const struct request *request, const struct xy_archived *archived)
{
    return archived->id > request->after && archived->id < request->before &&
           is_with(request, archived);
}

/* Leaves `most` at the end where the page is. */
static void
cut(const struct request *request, struct xy_archive_page *page, int64_t most)
{
    if ((int64_t)page->count <= most)
        return;
    if (request->backwards)
        page->at += page->count - (size_t)most;
    page->count = (size_t)most;
    page->more = true;
}

static xy_status
read_ids(struct request *request, struct xy_archive_page *page)
{
    xy_status status = xy_archive_read_ids(xy_user_owner(request->user), request->ids,
                                           request->id_count, page);
    if (status != XY_OK)
        return status;
    if (page->count < request->id_count) {
        request->refusal = XY_ITEM_NOT_FOUND;
        request->why = XY_STR("the archive does not have all of these ids");
        return XY_INVALID;
    }
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++)
        if (is_asked_for(request, &page->at[i]))
            page->at[count++] = page->at[i];
    page->count = count;
    page->more = false;
    return XY_OK;
}

static xy_status
read_range(const struct request *request, struct xy_archive_page *page)
{
    if (request->before <= request->after + 1)
        return XY_OK;
    struct xy_archive_query query = {
        .owner = xy_user_owner(request->user),
        .after = request->after,
        .before = request->before == INT64_MAX ? 0 : request->before,
        .with = request->with,
        .limit = request->most ? request->most : 1,
        .newest = request->backwards,
    };
    return xy_archive_read(&query, page);
}

/* As many as fit in MAM_PAGE_BYTES, but one. */
static int64_t
fitting(const struct request *request, const struct xy_archive_page *page)
{
    size_t bytes = 0, count = 0;
    for (; count < page->count; count++) {
        size_t i = request->backwards ? page->count - 1 - count : count;
        bytes += xy_stanza_text(page->at[i].stanza).len;
        if (bytes > MAM_PAGE_BYTES && count)
            break;
    }
    return (int64_t)count;
}

static xy_status
read_results(struct request *request, struct xy_archive_page *page)
{
    *page = (struct xy_archive_page){0};
    xy_status status = request->ids ? read_ids(request, page) : read_range(request, page);
    if (status == XY_OK) {
        cut(request, page, request->most);
        cut(request, page, fitting(request, page));
    }
    return status;
}

static struct xy_stanza *
wrap(struct xy_session *session, const struct xy_archived *archived, struct xy_str queryid)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_from(message, xy_user_jid(xy_session_user(session)));
    xy_stanza_set_to(message, xy_session_jid(session));
    struct xy_node *result =
        xy_node_add(xy_stanza_top(message), XY_STR(XY_NS_MAM), XY_STR("result"));
    xy_node_set(result, "queryid", queryid);
    xy_node_set(result, "id", archived->stanza_id);
    struct xy_node *forwarded = xy_node_add(result, XY_STR(XY_NS_FORWARD), XY_STR("forwarded"));
    struct xy_node *delay = xy_node_add(forwarded, XY_STR(XY_NS_DELAY), XY_STR("delay"));
    xy_node_set(delay, "stamp", xy_time_format(xy_message_id_ms(archived->id)));
    xy_node_add_copy(forwarded, xy_stanza_root(archived->stanza));
    return message;
}

static bool
is_for(const struct xy_jid *account, const struct xy_archived *archived)
{
    const struct xy_jid *to = xy_stanza_to(archived->stanza);
    return !archived->outgoing || !to || xy_jid_bare(to) == account;
}

/* What it brought no longer waits for this device, once it is acknowledged. */
static void
pass(struct xy_session *session, const struct xy_archive_page *page)
{
    xy_message_id *ids = xy_temp_alloc((page->count + 1) * sizeof(*ids));
    const struct xy_jid *account = xy_user_jid(xy_session_user(session));
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++)
        if (is_for(account, &page->at[i]))
            ids[count++] = page->at[i].id;
    if (count)
        xy_session_passes(session, ids, count);
}

static xy_status
send_results(struct xy_session *session, const struct request *request,
             const struct xy_archive_page *page, struct xy_str queryid)
{
    for (size_t i = 0; i < page->count; i++) {
        size_t at = request->flip ? page->count - 1 - i : i;
        xy_status status = xy_session_send(session, wrap(session, &page->at[at], queryid));
        if (status != XY_OK)
            return status;
    }
    pass(session, page);
    return XY_OK;
}

static struct xy_stanza *
finish(const struct xy_iq *iq, const struct xy_archive_page *page)
{
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *fin = xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_MAM), XY_STR("fin"));
    if (!page->more)
        xy_node_set(fin, "complete", XY_STR("true"));
    struct xy_node *set = xy_node_add(fin, XY_STR(XY_NS_RSM), XY_STR("set"));
    if (page->count) {
        xy_node_add_text(xy_node_add(set, XY_NO_STR, XY_STR("first")), page->at[0].stanza_id);
        xy_node_add_text(xy_node_add(set, XY_NO_STR, XY_STR("last")),
                         page->at[page->count - 1].stanza_id);
    }
    return result;
}

xy_status
mam_query(XY_SELF, struct xy_iq *iq)
{
    struct xy_session *session = xy_iq_session(iq);
    struct request request = {.user = xy_iq_user(iq)};
    struct xy_archive_page page;
    if (!xy_iq_is_own(iq) || !session)
        return XY_DENIED;
    xy_count(&self->queries);
    xy_user_settle(request.user); /* what the client sent before is in */
    xy_status status = mam_request_read(xy_iq_payload(iq), &request);
    if (status == XY_OK)
        status = read_results(&request, &page);
    if (status == XY_INVALID) {
        if (request.refusal == XY_ITEM_NOT_FOUND)
            xy_count(&self->not_found);
        return xy_iq_error(iq, request.refusal, request.why);
    }
    if (status == XY_OK)
        status =
            send_results(session, &request, &page, xy_node_attr(xy_iq_payload(iq), "queryid"));
    if (status != XY_OK)
        return status;
    xy_count_by(&self->results, page.count);
    return xy_iq_reply(iq, finish(iq, &page));
}
