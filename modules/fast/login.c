/* SPDX-License-Identifier: MIT */
/*
 * Looks at a proof: authcid NUL HMAC(token, "Initiator" || channel binding), and answers with
 * the server's own. What is said and how long it takes shows neither whether an account exists
 * nor whether a client of it has a token; only who holds a token learns what became of it.
 */
#include "modules/fast/fast.h"

enum { TRIES = 4 };
static const int64_t guess_period_ms = INT64_C(5) * 60 * 1000;

const struct xy_note login_kind = {"fast.login", 1, sizeof(struct login)};

struct claim {
    const struct ht *ht;
    const struct xy_jid *account; /* bare */
    struct xy_account row;        /* owner 0: there is none */
    int64_t client;
    struct xy_str proof;
    int64_t counter;
    bool counted, last;
};

const struct xy_jid *
claimed_account(struct xy_stream *stream, int64_t *client)
{
    const struct xy_jid *from = xy_stream_from(stream);
    struct xy_user_agent agent = {0};
    if (!from || !xy_jid_local(from).len || xy_host_find(from) != xy_stream_host(stream) ||
        xy_run_sasl2_user_agent(xy_stream_host(stream), stream, &agent) != XY_OK)
        return NULL;
    *client = xy_client_number(agent.id);
    return *client ? xy_jid_bare(from) : NULL;
}

/* ---- what the client says
 * -------------------------------------------------------------------------- */

static const char *
read_attributes(const struct xy_node *fast, struct claim *claim)
{
    struct xy_str count = xy_node_attr(fast, "count");
    struct xy_str invalidate = xy_node_attr(fast, "invalidate");
    claim->counted = count.at;
    if (count.at && xy_str_to_int(count, 0, INT32_MAX, &claim->counter) != XY_OK)
        return "malformed-request";
    claim->last = xy_str_is(invalidate, "true") || xy_str_is(invalidate, "1");
    return NULL;
}

static const char *
read_message(struct xy_stream *stream, struct xy_str message, struct claim *claim)
{
    struct xy_str name = xy_str_cut(&message, '\0');
    claim->proof = message;
    if (!name.len || message.len != TOKEN_KEY_SIZE)
        return "malformed-request";
    struct xy_str host = xy_jid_text(xy_host_jid(xy_stream_host(stream)));
    /* XEP-0388: the stream's `from` is who logs in */
    return xy_jid_make(name, host, XY_NO_STR) == claim->account ? NULL : "not-authorized";
}

/* NULL, or the failure. */
static const char *
read_claim(struct xy_stream *stream, const struct xy_node *authenticate,
           struct xy_str mechanism, struct xy_str message, struct claim *claim)
{
    const struct xy_node *fast =
        xy_node_child(authenticate, XY_STR(XY_NS_FAST), XY_STR("fast"));
    if (!xy_stream_is_secure(stream))
        return "encryption-required";
    claim->ht = mechanism_for(stream, mechanism);
    if (!claim->ht || !fast) /* without <fast/> it does not say that this is a token */
        return "invalid-mechanism";
    claim->account = claimed_account(stream, &claim->client);
    const char *failure = claim->account ? read_attributes(fast, claim) : "malformed-request";
    return failure ? failure : read_message(stream, message, claim);
}

/* ---- verdict
 * --------------------------------------------------------------------------------------- */

static struct xy_sasl_outcome
failed(const char *condition)
{
    return (struct xy_sasl_outcome){.failure = condition};
}

static bool
is_proof_of(const struct xy_stream *stream, const struct claim *claim,
            const struct token *token)
{
    unsigned char wanted[XY_HASH_MAX];
    mechanism_proof(stream, claim->ht, token->key, XY_STR("Initiator"), wanted);
    return xy_secret_equal(wanted, claim->proof.at, TOKEN_KEY_SIZE);
}

static const char *
distrust(const struct claim *claim, const struct token *token)
{
    if (!xy_str_equal(token->mechanism, xy_str_from(claim->ht->name)))
        return "not-authorized";
    if (token->epoch != claim->row.epoch || token->expires_ms <= xy_now_ms())
        return "credentials-expired";
    if (claim->row.state != XY_ACCOUNT_ACTIVE)
        return "account-disabled";
    return claim->counted && claim->counter <= token->counter ? "not-authorized" : NULL;
}

/* Must not wait between asking for the allowance and charging it. */
static const struct token *
judge(struct fast *self, const struct xy_stream *stream, const struct claim *claim,
      const struct token *tokens, size_t count, struct xy_sasl_outcome *outcome)
{
    const struct token *held = NULL;
    struct xy_str parts[] = {xy_throttle_address(xy_stream_peer(stream)),
                             xy_jid_text(claim->account)};
    struct xy_str key = xy_temp_join(parts, 2, " ");
    if (!xy_throttle_has(self->taken, key, xy_login_failures_allowed(), guess_period_ms)) {
        *outcome = failed("temporary-auth-failure");
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (is_proof_of(stream, claim, &tokens[i]) && !held)
            held = &tokens[i];
    *outcome = failed(held ? distrust(claim, held) : "not-authorized");
    if (held)
        return outcome->failure ? NULL : held;
    outcome->guessed = true;
    (void)xy_throttle_take(self->taken, key, xy_login_failures_allowed(), guess_period_ms);
    return NULL;
}

static int64_t
renewal_of(const struct fast *self, const struct token *token)
{
    int64_t half_ms = (token->expires_ms - token->issued_ms) / 2;
    return token->issued_ms + (self->renew_after.ms < half_ms ? self->renew_after.ms : half_ms);
}

static struct xy_sasl_outcome
accept(const struct fast *self, struct xy_stream *stream, const struct claim *claim,
       const struct token *token)
{
    unsigned char answer[XY_HASH_MAX];
    mechanism_proof(stream, claim->ht, token->key, XY_STR("Responder"), answer);
    struct login *login = xy_stream_note(stream, &login_kind);
    *login = (struct login){.owner = claim->row.owner,
                            .client = claim->client,
                            .epoch = token->epoch,
                            .renew_ms = renewal_of(self, token),
                            .by_token = true,
                            .last = claim->last,
                            .mechanism = (unsigned char)(claim->ht - mechanisms)};
    return (struct xy_sasl_outcome){
        .success = true,
        .by_token = true,
        .text = xy_temp_str(xy_str_of((const char *)answer, TOKEN_KEY_SIZE)),
    };
}

/* XY_CONFLICT: somebody used or voided the token in between. */
static xy_status
decide(struct fast *self, struct xy_stream *stream, struct claim *claim,
       struct xy_sasl_outcome *outcome)
{
    struct token tokens[2];
    size_t count = 0;
    claim->row = (struct xy_account){0};
    xy_status status = xy_account_find(claim->account, &claim->row);
    if (status == XY_OK || status == XY_ABSENT)
        status = tokens_read(claim->row.owner, claim->client, tokens, &count);
    if (status != XY_OK)
        return status;
    const struct token *held = judge(self, stream, claim, tokens, count, outcome);
    if (!held)
        return XY_OK;
    status = token_use(claim->row.owner, claim->client, held, claim->counter, claim->last);
    if (status == XY_OK)
        *outcome = accept(self, stream, claim, held);
    return status;
}

struct xy_sasl_outcome
login_check(struct fast *self, struct xy_stream *stream, const struct xy_node *authenticate,
            struct xy_str mechanism, struct xy_str message)
{
    struct claim claim = {0};
    struct xy_sasl_outcome outcome =
        failed(read_claim(stream, authenticate, mechanism, message, &claim));
    xy_status status = XY_CONFLICT;
    for (int tries = 0; !outcome.failure && status == XY_CONFLICT && tries < TRIES; tries++)
        status = decide(self, stream, &claim, &outcome);
    if (!outcome.failure && status != XY_OK)
        outcome = failed("temporary-auth-failure");
    outcome.account = claim.account;
    xy_count(outcome.success ? &self->logins : &self->refused);
    return outcome;
}
