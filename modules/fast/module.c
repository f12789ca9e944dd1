/* SPDX-License-Identifier: MIT */
/*
 * Fast Authentication Streamlining Tokens (XEP-0484 0.2.0): a client that has shown its
 * password once gets a token for its next logins, renewed while it is used. TLS 0-RTT is not
 * offered.
 *
 * A token belongs to one client of one incarnation of an account and to one mechanism. It is
 * void when the password is changed or the account disabled (by the account's epoch, in the
 * same transaction), and when its client is kicked or revoked or gives it back.
 */
#include "modules/fast/fast.h"

/* Which client a session is, for as long as it lives, whatever stream carries it. */
static const struct xy_note client_kind = {"fast.client", 1, sizeof(int64_t)};

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *authentication, struct xy_node *in)
{
    (void)authentication;
    if (!xy_stream_is_secure(stream))
        return;
    struct xy_node *fast = xy_node_add(in, XY_STR(XY_NS_FAST), XY_STR("fast"));
    for (size_t i = 0; i < mechanisms_count; i++)
        if (mechanism_fits(stream, &mechanisms[i]))
            xy_node_add_text(xy_node_add(fast, XY_NO_STR, XY_STR("mechanism")),
                             xy_str_from(mechanisms[i].name));
}

static xy_verdict
begin(XY_SELF, struct xy_stream *stream, const struct xy_node *authenticate,
      struct xy_str mechanism, struct xy_str message, struct xy_sasl_outcome *outcome)
{
    xy_stream_note_drop(stream, &login_kind);
    if (!xy_str_starts(mechanism, XY_STR("HT-"))) {
        issue_prepare(stream, authenticate);
        return XY_PASS;
    }
    *outcome = login_check(self, stream, authenticate, mechanism, message);
    return XY_DONE;
}

static void
succeed(XY_SELF, struct xy_stream *stream, const struct xy_node *authenticate,
        struct xy_node *success, bool resumed)
{
    (void)resumed;
    issue_token(self, stream, authenticate, success);
}

static void
open_session(XY_SELF, struct xy_session *session)
{
    struct xy_user_agent agent = {0};
    if (xy_run_sasl2_user_agent(xy_host_of(self), xy_session_stream(session), &agent) !=
            XY_OK ||
        !agent.id.len)
        return;
    *(int64_t *)xy_session_note(session, &client_kind) = xy_client_number(agent.id);
}

/* ---- what ends a token
 * ----------------------------------------------------------------------------- */

static void
make_void(struct fast *self, xy_owner owner, int64_t client)
{
    xy_status status = tokens_void(owner, client);
    if (status == XY_OK)
        xy_count(&self->voided);
    else
        xy_error("fast.not_voided", "a client whose access ended keeps its tokens",
                 XY_F_INT(owner), XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
void_of_session(XY_SELF, struct xy_session *session)
{
    const int64_t *client = xy_session_note_find(session, &client_kind);
    if (client)
        make_void(self, xy_user_owner(xy_session_user(session)), *client);
}

static void
void_of_client(XY_SELF, xy_owner owner, int64_t client)
{
    make_void(self, owner, client);
}

static void
forget(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    (void)bare;
    if (tokens_drop(owner) != XY_OK)
        xy_warn("fast.not_dropped", "tokens of a deleted account stay until they expire",
                XY_F_INT(owner));
}

static xy_status
list_clients(XY_SELF, const struct xy_account *account, struct xy_rows **rows)
{
    return tokens_clients(account->owner, account->epoch, rows);
}

static void
drop_expired(void *instance, void *argument)
{
    struct fast *self = instance;
    (void)argument;
    /* for as long again they are known, and their clients told that they expired */
    xy_status status = tokens_drop_expired(xy_now_ms() - self->token_for.ms);
    if (status != XY_OK)
        xy_warn("fast.not_expired", "expired tokens stay stored",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

/* ---- life
 * ------------------------------------------------------------------------------------------ */

static xy_status
start(XY_SELF)
{
    self->taken = xy_map_new(self);
    (void)xy_every(self, INT64_C(3600) * 1000, drop_expired, NULL);
    return XY_OK;
}

static void
hand_over(XY_SELF, struct xy_handover *to)
{
    xy_handover_put(to, "taken", 1, xy_throttle_save(self->taken));
}

static void
adopt(XY_SELF, struct xy_handover *from)
{
    struct xy_str taken;
    if (xy_handover_get(from, "taken", 1, &taken) == XY_OK)
        xy_throttle_load(self->taken, taken);
}

static const struct xy_option options[] = {
    XY_OPTION(token_for, .initial = "21 days", .min = 60 * 1000,
              .max = INT64_C(3660) * 24 * 3600 * 1000,
              .doc = "How long a token lets its client in. A device that is away for longer "
                     "needs the password again."),
    XY_OPTION(renew_after, .initial = "1 day", .min = 1000,
              .max = INT64_C(3660) * 24 * 3600 * 1000,
              .doc = "A client that logs in with a token older than this, or than half its "
                     "life, gets a new one."),
};
static const struct xy_hook hooks[] = {
    XY_ON(sasl2_offer, offer),
    XY_ON(sasl2_begin, begin),
    XY_ON(sasl2_success, succeed),
    XY_ON(session_opened, open_session, .order = XY_EARLY),
    XY_ON(session_kicked, void_of_session),
    XY_ON(client_revoked, void_of_client),
    XY_ON(client_tokens, list_clients),
    XY_ON(account_deleted, forget),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(issued, .unit = "tokens", .doc = "Tokens given out."),
    XY_METRIC(logins, .unit = "logins", .doc = "Clients that logged in with a token."),
    XY_METRIC(refused, .unit = "attempts", .doc = "Attempts with a token that were refused."),
    XY_METRIC(voided, .unit = "clients",
              .doc = "Clients whose tokens were made void: kicked or revoked."),
};

XY_MODULE(fast, .about = "Lets clients log in with tokens (XEP-0484).", .needs = "sasl2",
          XY_STATE_SIZE, XY_START(start), XY_HAND_OVER(hand_over), XY_ADOPT(adopt),
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(metrics, metrics),
          XY_TABLE(schema, token_schema), XY_TABLE(statements, token_statements));
