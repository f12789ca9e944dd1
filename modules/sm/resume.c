/* SPDX-License-Identifier: MIT */
/*
 * Resumption (XEP-0198 section 5): the session goes on on another stream of the same account.
 * Live or waiting sessions are in memory; those of an earlier run come back from their row.
 * Invariant: whoever is refused is told what was handled, if anybody knows, and may bind.
 */
#include "modules/sm/sm.h"

struct asked {
    struct xy_stream *stream;
    struct xy_user *user;
    struct xy_str previd;
    int64_t id;
    uint32_t h;
};

static bool
refuse(struct sm *self, struct xy_node *parent, xy_condition condition, const uint32_t *handled)
{
    xy_count(&self->failed);
    sm_fill_failed(xy_node_add(parent, XY_STR(XY_NS_SM), XY_STR("failed")), condition, handled);
    return false;
}

/* On a stream whose session is to be released: 1 and the presence to show again, if any. */
static const struct xy_note resumed_kind = {"sm.resumed", 1, 0};

static bool
accept(const struct asked *asked, struct xy_session *session, struct xy_str presence,
       struct xy_node *parent)
{
    char *noted = xy_stream_note_resize(asked->stream, &resumed_kind, 1 + presence.len);
    *noted = 1;
    if (presence.len)
        memcpy(noted + 1, presence.at, presence.len);
    struct xy_node *resumed = xy_node_add(parent, XY_STR(XY_NS_SM), XY_STR("resumed"));
    xy_node_set(resumed, "previd", asked->previd);
    sm_set_number(resumed, "h", xy_session_handled(session));
    struct managed *note = managed(session);
    note->detached = note->asked = note->due = note->stale = note->broken = false;
    return true;
}

/* ---- from memory ----------------------------------------------------------------------------
 */

static struct xy_session *
find(const struct asked *asked)
{
    struct xy_session *session = xy_user_first(asked->user);
    while (session && !(managed(session) && managed(session)->id == asked->id))
        session = xy_session_next(session);
    return session;
}

static xy_status
resume_known(const struct asked *asked, struct xy_session *session)
{
    xy_status status = xy_stream_resume(asked->stream, session, asked->h);
    if (status == XY_OK)
        xy_session_settle(session); /* what the older stream brought is counted */
    return status;
}

/* ---- from its row ---------------------------------------------------------------------------
 */

static xy_status
fill(struct sm *self, const struct asked *asked, const struct sm_row *row,
     struct xy_session *session)
{
    struct xy_kept *kept;
    size_t count = sm_queue_load(row->queue, &kept);
    uint32_t received = asked->h - row->acknowledged;
    if (xy_session_set_notes(session, row->notes) != XY_OK)
        return XY_BROKEN;
    struct managed *note = xy_session_note(session, &managed_kind);
    *note = (struct managed){.id = asked->id, .max_ms = row->max_ms};
    xy_status status = sm_retain(self, session);
    if (status == XY_OK)
        status = xy_session_restore(session, asked->h, row->handled, kept, count,
                                    received < count ? received : count);
    return status;
}

static xy_status
restore(struct sm *self, const struct asked *asked, const struct sm_row *row,
        struct xy_session **session)
{
    const struct xy_bind bind = {
        .resource = row->resource, .known_device = row->device, .resumes = true};
    if (asked->h - row->acknowledged > row->sent - row->acknowledged)
        return XY_INVALID;
    xy_status status = xy_stream_bind_as(asked->stream, &bind, session);
    if (status != XY_OK)
        return status;
    status = fill(self, asked, row, *session);
    if (status != XY_OK || !xy_session_is_open(*session))
        xy_session_close(*session, "internal-server-error", XY_NO_STR);
    return status;
}

static bool
resume_stored(struct sm *self, const struct asked *asked, struct xy_node *parent)
{
    struct sm_row row = {0};
    struct xy_session *session = NULL;
    xy_status status = sm_row_claim(asked->id, xy_user_owner(asked->user), &row);
    if (status == XY_ABSENT)
        return refuse(self, parent,
                      self->resume_for.ms == XY_NONE ? XY_FEATURE_NOT_IMPLEMENTED
                                                     : XY_ITEM_NOT_FOUND,
                      NULL);
    if (status == XY_GONE)
        return refuse(self, parent, XY_ITEM_NOT_FOUND, &row.handled);
    if (status != XY_OK)
        return refuse(self, parent, xy_status_condition(status), NULL);
    status = restore(self, asked, &row, &session);
    if (status != XY_OK) {
        sm_row_end(asked->id, row.handled);
        return refuse(self, parent, xy_status_condition(status), &row.handled);
    }
    xy_count(&self->restored);
    return accept(asked, session, row.presence, parent);
}

/* ---- both -----------------------------------------------------------------------------------
 */

bool
sm_resume(struct sm *self, struct xy_stream *stream, const struct xy_node *resume,
          struct xy_node *parent)
{
    struct asked asked = {.stream = stream, .previd = xy_node_attr(resume, "previd")};
    if (xy_stream_stage(stream) != XY_STREAM_AUTHENTICATED)
        return refuse(self, parent, XY_UNEXPECTED_REQUEST, NULL);
    if (!asked.previd.len || sm_number(resume, "h", &asked.h) != XY_OK)
        return refuse(self, parent, XY_BAD_REQUEST, NULL);
    xy_status status = xy_user_get(xy_stream_account(stream), &asked.user);
    if (status != XY_OK)
        return refuse(self, parent, xy_status_condition(status), NULL);
    asked.id = sm_row_id(asked.previd);
    struct xy_session *session = find(&asked);
    if (session)
        status = resume_known(&asked, session);
    if (!session || !xy_session_is_open(session))
        return resume_stored(self, &asked, parent);
    uint32_t handled = xy_session_handled(session);
    if (status == XY_GONE) /* another connection resumes it just now */
        return refuse(self, parent, XY_ITEM_NOT_FOUND, &handled);
    if (status != XY_OK)
        return refuse(self, parent, xy_status_condition(status), &handled);
    xy_count(&self->resumed);
    return accept(&asked, session, XY_NO_STR, parent);
}

/* What its client knows of its contacts is of an earlier run: they are gone, unless their
 * answers to the probes that go out with its presence say otherwise. */
static void
unsee_contacts(struct xy_session *session)
{
    struct xy_user *user = xy_session_user(session);
    struct xy_roster_item *items;
    size_t count = 0;
    if (xy_run_roster_list(xy_user_host(user), user, &items, &count) != XY_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!(items[i].subscription & XY_SUB_TO))
            continue;
        struct xy_stanza *presence = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
        xy_stanza_set_type(presence, XY_STR("unavailable"));
        xy_stanza_set_from(presence, items[i].contact);
        xy_stanza_set_to(presence, xy_session_jid(session));
        (void)xy_session_send(session, presence);
    }
}

/* The presence it had: its contacts thought it gone. */
static void
show(struct xy_session *session, struct xy_str text)
{
    struct xy_stanza *presence = xy_stanza_parse(text);
    if (!presence)
        return;
    unsee_contacts(session);
    xy_stanza_set_from(presence, NULL);
    xy_session_set_presence(session, presence);
}

void
sm_release(struct xy_stream *stream)
{
    struct xy_session *session = xy_stream_session(stream);
    const char *noted = xy_stream_note_find(stream, &resumed_kind);
    if (!session || !noted)
        return;
    size_t size = xy_stream_note_size(stream, &resumed_kind) - 1;
    struct xy_str presence = xy_temp_str(xy_str_of(noted + 1, size));
    xy_stream_note_drop(stream, &resumed_kind);
    xy_session_release(session);
    if (presence.len && xy_session_is_open(session))
        show(session, presence);
}
