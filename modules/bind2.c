/* SPDX-License-Identifier: MIT */
/*
 * Bind 2 (XEP-0386 1.1.0): a login by SASL2 binds a resource and switches features on in one
 * step with it. A client that says which it is gets the same resource at every login, made so
 * that nobody learns the client's id from it; its older sessions end. What clearing the offline
 * messages would lose is kept: see docs/deviations.md.
 */
#define XY_STATE bind2
#include <xylem/xylem.h>

enum { SECRET_SIZE = 32, PART_SIZE = 8 };

struct bind2 {
    unsigned char secret[SECRET_SIZE];
};

/* Says that this stream's session was bound here and waits to be released. */
static const struct xy_note held_kind = {"bind2.held", 1, 1};

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *authentication __attribute__((unused)),
      struct xy_node *in)
{
    struct xy_node *bind = xy_node_add(in, XY_STR(XY_NS_BIND2), XY_STR("bind"));
    struct xy_node *features = xy_node_add(bind, XY_NO_STR, XY_STR("inline"));
    xy_run_bind2_offer(xy_stream_host(stream), stream, features);
    if (!xy_node_first(features))
        xy_node_remove(bind, features);
}

/* ---- the resource ------------------------------------------------------------------------ */

/* The same for one client of one account and tag, else made up. */
static struct xy_str
server_part(const struct bind2 *self, const struct xy_jid *account, struct xy_str tag,
            struct xy_str id)
{
    unsigned char bytes[XY_HASH_MAX];
    if (id.len) {
        struct xy_str parts[] = {xy_jid_text(account), id, tag};
        struct xy_str secret = xy_str_of((const char *)self->secret, sizeof(self->secret));
        xy_hash_hmac(XY_SHA256, secret, xy_temp_join(parts, 3, "\n"), bytes);
    } else {
        xy_random(bytes, PART_SIZE);
    }
    return xy_temp_hex(xy_str_of((const char *)bytes, PART_SIZE));
}

/* XEP-0386 4.2.1: "tag/part". A tag that is no part of a resource is left out. */
static struct xy_str
resource_of(const struct bind2 *self, const struct xy_stream *stream,
            const struct xy_node *wish, struct xy_str id)
{
    const struct xy_jid *account = xy_stream_account(stream);
    const struct xy_node *node = xy_node_child(wish, XY_STR(XY_NS_BIND2), XY_STR("tag"));
    struct xy_str tag = node ? xy_str_trim(xy_node_text(node)) : XY_NO_STR;
    struct xy_str part = server_part(self, account, tag, id);
    if (!tag.len)
        return part;
    struct xy_str parts[] = {tag, part}, whole = xy_temp_join(parts, 2, "/");
    bool fits = xy_jid_make(xy_jid_local(account), xy_jid_domain(account), whole) != NULL;
    return fits ? whole : part;
}

/* ---- binding ----------------------------------------------------------------------------- */

static xy_status
bind_as(const struct bind2 *self, struct xy_stream *stream, const struct xy_node *wish,
        struct xy_session **session)
{
    struct xy_user_agent agent = {0};
    (void)xy_run_sasl2_user_agent(xy_stream_host(stream), stream, &agent);
    const struct xy_bind bind = {
        .resource = resource_of(self, stream, wish, agent.id),
        .device = agent.id,
        .reads_archive = true,
        .request = wish,
    };
    return xy_stream_bind_as(stream, &bind, session);
}

/* Whoever could not be bound is told so by an identifier without a resource, may bind in the
 * ordinary way, and learns the reason then. */
static void
bind(XY_SELF, struct xy_stream *stream, const struct xy_node *authenticate,
     struct xy_node *success, bool resumed)
{
    const struct xy_node *wish =
        xy_node_child(authenticate, XY_STR(XY_NS_BIND2), XY_STR("bind"));
    if (!wish || resumed)
        return;
    struct xy_session *session;
    xy_status status = bind_as(self, stream, wish, &session);
    if (status != XY_OK) {
        xy_info("bind2.refused", "no resource was bound",
                XY_F_STR_AS("account", xy_jid_text(xy_stream_account(stream))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
        return;
    }
    (void)xy_stream_note(stream, &held_kind);
    struct xy_node *bound = xy_node_add(success, XY_STR(XY_NS_BIND2), XY_STR("bound"));
    xy_run_bind2_bound(xy_session_host(session), session, wish, bound);
}

static void
release(XY_SELF, struct xy_stream *stream)
{
    struct xy_session *session = xy_stream_session(stream);
    if (!xy_stream_note_find(stream, &held_kind))
        return;
    xy_stream_note_drop(stream, &held_kind);
    if (session)
        xy_session_release(session);
}

static xy_status
start(XY_SELF)
{
    return xy_store_secret("bind2.resource", self->secret, sizeof(self->secret));
}

static const struct xy_hook hooks[] = {
    XY_ON(sasl2_offer, offer),
    XY_ON(sasl2_success, bind, .order = XY_EARLY),
    XY_ON(sasl2_finished, release, .order = XY_LATE),
};

XY_MODULE(bind2, .about = "Binds resources at the login itself (XEP-0386).", XY_STATE_SIZE,
          .needs = "sasl2", XY_START(start), XY_TABLE(hooks, hooks));
