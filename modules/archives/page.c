/* SPDX-License-Identifier: MIT */
/*
 * The entries a query asks for. A page is bounded in messages and in bytes, so that an archive
 * never makes the client that reads it a reader too slow.
 */
#include "modules/archives/archives.h"

/* Whom the query may name: an account's peer; in a room who published it, by nick or really. */
static const struct xy_jid *
peer_of(const struct request *request, const struct xy_archived *archived)
{
    if (request->of_room)
        return xy_jid_is_bare(request->with) ? archived->author
                                             : xy_stanza_from(archived->stanza);
    const struct xy_jid *peer =
        archived->outgoing ? xy_stanza_to(archived->stanza) : xy_stanza_from(archived->stanza);
    return peer ? peer : request->address;
}

static bool
is_with(const struct request *request, const struct xy_archived *archived)
{
    const struct xy_jid *with = request->with;
    if (!with)
        return true;
    const struct xy_jid *peer = peer_of(request, archived);
    return peer && (xy_jid_is_bare(with) ? xy_jid_bare(peer) == with : peer == with);
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
find_authors(const struct request *request, const struct xy_archive_page *page)
{
    return request->authors && page->count ? xy_archive_authors(page) : XY_OK;
}

static xy_status
read_ids(struct request *request, struct xy_archive_page *page)
{
    xy_status status =
        xy_archive_read_ids(request->owner, request->ids, request->id_count, page);
    if (status == XY_OK && page->count < request->id_count)
        return request_refuse(request, XY_ITEM_NOT_FOUND,
                              XY_STR("the archive does not have all of these ids"));
    if (status == XY_OK)
        status = find_authors(request, page);
    if (status != XY_OK)
        return status;
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
    if (!request->owner || request->before <= request->after + 1)
        return XY_OK;
    struct xy_archive_query query = {
        .owner = request->owner,
        .after = request->after,
        .before = request->before == INT64_MAX ? 0 : request->before,
        .with = request->with,
        .limit = request->most ? request->most : 1,
        .newest = request->backwards,
    };
    xy_status status = xy_archive_read(&query, page);
    return status == XY_OK ? find_authors(request, page) : status;
}

/* As many as fit in PAGE_BYTES, but one. */
static int64_t
fitting(const struct request *request, const struct xy_archive_page *page)
{
    size_t bytes = 0, count = 0;
    for (; count < page->count; count++) {
        size_t i = request->backwards ? page->count - 1 - count : count;
        bytes += xy_stanza_text(page->at[i].stanza).len;
        if (bytes > PAGE_BYTES && count)
            break;
    }
    return (int64_t)count;
}

/* What was taken back while it was read: the next time it comes as a tombstone. */
static bool
is_outdated(const struct xy_archive_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        if (page->at[i].state == XY_MESSAGE_LIVE && xy_message_was_removed(page->at[i].id))
            return true;
    return false;
}

static xy_status
read_once(struct request *request, struct xy_archive_page *page)
{
    *page = (struct xy_archive_page){0};
    return request->ids ? read_ids(request, page) : read_range(request, page);
}

xy_status
page_read(struct request *request, struct xy_archive_page *page)
{
    xy_status status = read_once(request, page);
    if (status == XY_OK && is_outdated(page))
        status = read_once(request, page);
    if (status == XY_OK) {
        cut(request, page, request->most);
        cut(request, page, fitting(request, page));
    }
    return status;
}
