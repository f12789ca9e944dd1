/* SPDX-License-Identifier: MIT */
/* A room's archive to whoever may enter it: queries (XEP-0313 4), the form, metadata. */
#include "modules/muc_mam/muc_mam.h"

/* By nick anybody may ask, by real JID those who see them; only bare ones are kept. */
static xy_status
check_with(struct request *request)
{
    const struct xy_jid *with = request->with;
    if (!with)
        return XY_OK;
    if (with == request->address) { /* everything was said in it */
        request->with = NULL;
        return XY_OK;
    }
    if (xy_jid_bare(with) == request->address)
        return XY_OK;
    if (!request->authors)
        return request_refuse(request, XY_FORBIDDEN,
                              XY_STR("you do not see who is who in this room"));
    if (!xy_jid_is_bare(with))
        return request_refuse(request, XY_NOT_ACCEPTABLE,
                              XY_STR("authors are known by their bare JIDs"));
    return XY_OK;
}

static void
dress(const struct request *request, const struct xy_archive_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        muc_mam_dress(page->at[i].stanza, request->authors ? page->at[i].author : NULL);
}

static xy_status
read_results(const struct xy_iq *iq, struct request *request, struct xy_archive_page *page)
{
    xy_status status = request_read(xy_iq_payload(iq), request);
    if (status == XY_OK)
        status = check_with(request);
    if (status == XY_OK)
        status = page_read(request, page);
    if (status == XY_OK)
        dress(request, page);
    return status;
}

xy_status
muc_mam_query(XY_SELF, struct xy_iq *iq)
{
    struct request request;
    struct xy_archive_page page;
    xy_count(&self->queries);
    xy_status status = muc_mam_admit(self, iq, &request);
    if (status == XY_OK) {
        status = read_results(iq, &request, &page);
        if (status == XY_INVALID && request.refusal == XY_ITEM_NOT_FOUND)
            xy_count(&self->not_found);
    }
    if (status == XY_INVALID)
        return xy_iq_error(iq, request.refusal, request.why);
    if (status == XY_OK)
        status = answer_results(iq, &request, &page);
    if (status != XY_OK)
        return status;
    xy_count_by(&self->results, page.count);
    return answer_end(iq, &page);
}

xy_status
muc_mam_form(XY_SELF, struct xy_iq *iq)
{
    struct request request;
    xy_status status = muc_mam_admit(self, iq, &request);
    if (status == XY_INVALID)
        return xy_iq_error(iq, request.refusal, request.why);
    return status == XY_OK ? answer_form(iq, false) : status;
}

xy_status
muc_mam_metadata(XY_SELF, struct xy_iq *iq)
{
    struct request request;
    xy_message_id oldest = 0, newest = 0;
    xy_status status = muc_mam_admit(self, iq, &request);
    if (status == XY_INVALID)
        return xy_iq_error(iq, request.refusal, request.why);
    if (status == XY_OK && request.owner)
        status = xy_archive_bounds(request.owner, 0, &oldest, &newest);
    if (status != XY_OK)
        return status;
    struct xy_stanza *result = xy_iq_result(iq);
    answer_add_metadata(xy_stanza_top(result), request.owner, oldest, newest);
    return xy_iq_reply(iq, result);
}
