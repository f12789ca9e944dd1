/* SPDX-License-Identifier: MIT */
/* An account's archive, to its owner alone: queries (XEP-0313 4), the form, metadata, and the
 * same at a Bind 2 (XEP-0386). */
#include "mam.h"

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

xy_status
mam_query(XY_SELF, struct xy_iq *iq)
{
    struct xy_user *user = xy_iq_user(iq);
    struct xy_archive_page page;
    if (!xy_iq_is_own(iq) || !xy_iq_session(iq))
        return XY_DENIED;
    struct request request = {.owner = xy_user_owner(user), .address = xy_user_jid(user)};
    xy_count(&self->queries);
    xy_user_settle(user); /* what the client sent before is in */
    xy_status status = request_read(xy_iq_payload(iq), &request);
    if (status == XY_OK)
        status = page_read(&request, &page);
    if (status == XY_INVALID) {
        if (request.refusal == XY_ITEM_NOT_FOUND)
            xy_count(&self->not_found);
        return xy_iq_error(iq, request.refusal, request.why);
    }
    if (status == XY_OK)
        status = answer_results(iq, &request, &page);
    if (status != XY_OK)
        return status;
    pass(xy_iq_session(iq), &page);
    xy_count_by(&self->results, page.count);
    return answer_end(iq, &page);
}

xy_status
mam_form(XY_SELF, struct xy_iq *iq)
{
    return xy_iq_is_own(iq) ? answer_form(iq, true) : XY_DENIED;
}

xy_status
mam_metadata(XY_SELF, struct xy_iq *iq)
{
    xy_message_id oldest, newest;
    if (!xy_iq_is_own(iq))
        return XY_DENIED;
    xy_owner owner = xy_user_owner(xy_iq_user(iq));
    xy_user_settle(xy_iq_user(iq));
    xy_status status = xy_archive_bounds(owner, 0, &oldest, &newest);
    if (status != XY_OK)
        return status;
    struct xy_stanza *result = xy_iq_result(iq);
    answer_add_metadata(xy_stanza_top(result), owner, oldest, newest);
    return xy_iq_reply(iq, result);
}

/* As of the bind: what was accepted later comes live, so a client that reads up to `end` has
 * all. */
void
mam_bound(XY_SELF, struct xy_session *session, const struct xy_node *bind,
          struct xy_node *bound)
{
    (void)bind;
    xy_message_id oldest, newest;
    struct xy_user *user = xy_session_user(session);
    xy_owner owner = xy_user_owner(user);
    xy_user_settle(user);
    xy_status status = xy_archive_bounds(owner, xy_session_since(session), &oldest, &newest);
    if (status == XY_OK)
        answer_add_metadata(bound, owner, oldest, newest);
    else
        xy_warn("mam.no_metadata", "a client is not told what its archive has",
                XY_F_STR_AS("account", xy_jid_text(xy_user_jid(user))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}
