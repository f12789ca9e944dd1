/* SPDX-License-Identifier: MIT */
/*
 * Turning stream management on (XEP-0198 section 3): once per stream, behind the resource
 * binding. Invariant: the id a client is given names a row that is durable; without one it is
 * given none.
 */
#include "modules/sm/sm.h"

const struct xy_note managed_kind = {"sm.session", 1, sizeof(struct managed)};

xy_status
sm_retain(struct sm *self, struct xy_session *session)
{
    return xy_session_retain(session, sm_element("r"), self->queue);
}

static bool
wants_resumption(const struct xy_node *enable)
{
    struct xy_str resume = xy_node_attr(enable, "resume");
    return xy_str_is(resume, "true") || xy_str_is(resume, "1");
}

/* Whole seconds, at least one. A wish that is no number is none. */
static int64_t
granted_ms(const struct sm *self, const struct xy_node *enable)
{
    int64_t wished;
    if (xy_str_to_int(xy_node_attr(enable, "max"), 1, INT32_MAX, &wished) != XY_OK ||
        wished * 1000 > self->resume_for.ms)
        wished = self->resume_for.ms / 1000;
    return wished * 1000;
}

/* What the client shows to resume: it says nothing to anybody, and the table has only its hash.
 */
static struct xy_str
new_token(void)
{
    unsigned char bytes[24];
    xy_random(bytes, sizeof(bytes));
    return xy_temp_hex(xy_str_of((const char *)bytes, sizeof(bytes)));
}

/* Returns the token, absent if it shall or can not be resumed. The note comes first: should the
 * session end while the row is written, that ends the row. */
static struct xy_str
make_resumable(struct sm *self, struct xy_session *session, const struct xy_node *enable)
{
    struct managed *note = xy_session_note(session, &managed_kind);
    if (self->resume_for.ms == XY_NONE || !wants_resumption(enable))
        return XY_NO_STR;
    struct xy_str token = new_token();
    *note = (struct managed){.id = sm_row_id(token), .max_ms = granted_ms(self, enable)};
    xy_status status = sm_row_add(session, note->id, note->max_ms);
    if (status == XY_OK)
        return token;
    xy_warn("sm.not_resumable", "a session gets acknowledgements, but no resumption",
            XY_F_STR_AS("session", xy_jid_text(xy_session_jid(session))),
            XY_F_CSTR_AS("status", xy_status_name(status)));
    managed(session)->id = 0;
    return XY_NO_STR;
}

bool
sm_enable(struct sm *self, struct xy_session *session, const struct xy_node *enable,
          struct xy_node *parent)
{
    if (xy_session_is_retained(session))
        return false;
    struct xy_str token = make_resumable(self, session, enable);
    if (sm_retain(self, session) != XY_OK)
        return false;
    struct xy_node *enabled = xy_node_add(parent, XY_STR(XY_NS_SM), XY_STR("enabled"));
    if (token.len) {
        xy_node_set(enabled, "id", token);
        xy_node_set(enabled, "resume", XY_STR("true"));
        sm_set_number(enabled, "max", (uint32_t)(managed(session)->max_ms / 1000));
    }
    xy_count(&self->enabled);
    return true;
}
