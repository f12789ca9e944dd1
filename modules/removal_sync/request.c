/* SPDX-License-Identifier: MIT */
/*
 * Who asks for what. Invariant: nobody learns of an archive that he could not read: an
 * account's is its own, a room's is of whoever may enter it.
 */
#include "modules/removal_sync/removal_sync.h"
#include "modules/room_access/room_access.h"

xy_status
request_refuse(struct request *request, xy_condition condition, const char *element,
               const char *why)
{
    request->refusal = condition;
    request->element = element;
    request->why = xy_str_from(why);
    return XY_INVALID;
}

/* ---- tokens ------------------------------------------------------------------------------ */
/* Made as stanza-ids are, which no number of a message comes near: self-checking, bound to the
 * archive, and it shows nothing of how much is removed on this server. */
enum { FIRST = 1 };

struct xy_str
token_make(xy_owner owner, int64_t seq)
{
    return xy_stanza_id_make(owner, seq + FIRST);
}

static xy_status
read_token(struct request *request, struct xy_str text)
{
    xy_message_id number;
    if (xy_stanza_id_parse(request->owner, text, &number) != XY_OK)
        return request_refuse(request, XY_ITEM_NOT_FOUND, "token-unknown",
                              "not a token of this archive: get one without since");
    request->asks_changes = true;
    request->since = number - FIRST;
    return XY_OK;
}

/* ---- places ------------------------------------------------------------------------------ */

static xy_status
find_account(const struct xy_iq *iq, struct request *request)
{
    if (!xy_iq_is_own(iq))
        return XY_DENIED;
    xy_user_settle(xy_iq_user(iq)); /* what the client did before is in */
    request->owner = xy_user_owner(xy_iq_user(iq));
    return XY_OK;
}

static xy_status
find_room(const struct xy_iq *iq, struct request *request)
{
    struct room_access access;
    xy_status status = room_access(iq, true, &access);
    request->owner = access.owner;
    request->refusal = access.refusal;
    request->why = access.why;
    return status;
}

xy_status
request_read(const struct xy_iq *iq, struct request *request)
{
    const struct xy_node *payload = xy_iq_payload(iq);
    struct xy_str since = xy_node_attr(payload, "since"), most = xy_node_attr(payload, "max");
    *request = (struct request){.most = PAGE_MOST};
    xy_status status = xy_iq_place(iq) ? find_room(iq, request) : find_account(iq, request);
    if (status != XY_OK)
        return status;
    if (most.at && xy_str_to_int(most, 1, INT64_MAX, &request->most) != XY_OK)
        return request_refuse(request, XY_BAD_REQUEST, NULL, "max is a number from 1 on");
    if (request->most > PAGE_MOST)
        request->most = PAGE_MOST;
    return since.at ? read_token(request, since) : XY_OK;
}
