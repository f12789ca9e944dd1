/* SPDX-License-Identifier: MIT */
/*
 * SASL for clients (RFC 6120 section 6) with SCRAM, its -PLUS variants and PLAIN, and the
 * channel bindings announced (XEP-0440). What is said never shows whether an account exists.
 */
#include "modules/sasl/sasl.h"

/* RFC 6120 6.4.5 allows two to five retries. They are counted on passwords; a client that has
 * to find the mechanism it can use (some insist on tls-unique three times) tests none. */
enum { MOST_GUESSES = 6, MOST_FAILURES = 16 };

struct attempts {
    unsigned char mechanism; /* position + 1 of the one begun without a message, or 0 */
    unsigned char guesses, failures;
};
static const struct xy_note attempts_kind = {"sasl.attempts", 1, sizeof(struct attempts)};

static struct xy_node *
reply(struct xy_stanza **stanza, const char *name)
{
    *stanza = xy_stanza_new(XY_STR(XY_NS_SASL), xy_str_from(name));
    return xy_stanza_top(*stanza);
}

/* ---- offering
 * -------------------------------------------------------------------------------- */

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *features)
{
    if (xy_stream_stage(stream) != XY_STREAM_OPEN)
        return;
    struct xy_node *list = xy_node_add(features, XY_STR(XY_NS_SASL), XY_STR("mechanisms"));
    for (size_t i = 0; i < mechanisms_count; i++)
        if (!mechanism_refusal(self, stream, &mechanisms[i]))
            xy_node_add_text(xy_node_add(list, XY_NO_STR, XY_STR("mechanism")),
                             xy_str_from(mechanisms[i].name));
    if (!stream_binds(stream))
        return;
    struct xy_node *types =
        xy_node_add(features, XY_STR(XY_NS_SASL_CB), XY_STR("sasl-channel-binding"));
    for (size_t i = 0; i < binding_types_count; i++) {
        struct xy_str type = xy_str_from(binding_types[i]);
        if (xy_stream_channel_binding(stream, type).len)
            xy_node_set(xy_node_add(types, XY_NO_STR, XY_STR("channel-binding")), "type", type);
    }
}

/* ---- answering
 * ------------------------------------------------------------------------------- */

static void
refuse(struct sasl *self, struct xy_stream *stream, const struct outcome *outcome)
{
    struct xy_str account = outcome->account ? xy_jid_text(outcome->account) : XY_NO_STR;
    struct attempts *attempts = xy_stream_note(stream, &attempts_kind);
    attempts->mechanism = 0;
    attempts->guesses += outcome->guessed;
    attempts->failures++;
    scram_forget(stream);
    struct xy_stanza *failure;
    struct xy_node *top = reply(&failure, "failure");
    xy_node_add(top, XY_NO_STR, xy_str_from(outcome->failure));
    (void)xy_stream_send(stream, failure);
    xy_count(&self->failures);
    if (outcome->guessed)
        xy_stream_login_failed(stream);
    /* a client that looks for its mechanism is nobody's business */
    xy_log(outcome->guessed ? XY_LEVEL_NOTICE : XY_LEVEL_INFO, "sasl.refused", "login refused",
           XY_F_CSTR_AS("condition", outcome->failure), XY_F_STR(account),
           XY_F_STR_AS("peer", xy_stream_peer(stream)));
    if (attempts->guesses >= MOST_GUESSES || attempts->failures >= MOST_FAILURES)
        xy_stream_error(stream, "policy-violation", XY_STR("Too many failed logins"));
}

static void
accept(struct sasl *self, struct xy_stream *stream, const struct outcome *outcome)
{
    struct xy_stanza *success;
    struct xy_node *top = reply(&success, "success");
    if (outcome->text.len)
        xy_node_add_text(top, xy_temp_base64(outcome->text));
    scram_forget(stream);
    xy_stream_note_drop(stream, &attempts_kind);
    if (xy_stream_send(stream, success) != XY_OK)
        return;
    xy_count(&self->logins);
    xy_info("sasl.login", "logged in", XY_F_STR_AS("account", xy_jid_text(outcome->account)),
            XY_F_STR_AS("peer", xy_stream_peer(stream)),
            XY_F_STR_AS("tls", xy_stream_tls(stream)));
    xy_stream_authenticated(stream, outcome->account);
}

static void
answer(struct sasl *self, struct xy_stream *stream, const struct outcome *outcome)
{
    if (xy_stream_stage(stream) != XY_STREAM_OPEN)
        return; /* ended while the database was asked */
    if (outcome->failure) {
        refuse(self, stream, outcome);
    } else if (outcome->success) {
        accept(self, stream, outcome);
    } else {
        struct xy_stanza *challenge;
        xy_node_add_text(reply(&challenge, "challenge"), xy_temp_base64(outcome->text));
        (void)xy_stream_send(stream, challenge);
    }
}

static struct outcome
first_message(struct sasl *self, struct xy_stream *stream, const struct mechanism *mechanism,
              struct xy_str message)
{
    return mechanism->is_plain ? plain_login(self, stream, message)
                               : scram_first(stream, mechanism, message);
}

/* ---- what the client sends
 * ------------------------------------------------------------------- */

/* RFC 6120 6.4.2: "=" is a message of no bytes. */
static xy_status
read_message(const struct xy_node *element, struct xy_str *message)
{
    struct xy_str text = xy_str_trim(xy_node_text(element));
    if (xy_str_is(text, "="))
        text = XY_NO_STR;
    return xy_temp_unbase64(text, message);
}

static size_t
mechanism_called(struct xy_str name)
{
    size_t at = 0;
    while (at < mechanisms_count && !xy_str_equal(name, xy_str_from(mechanisms[at].name)))
        at++;
    return at;
}

static struct outcome
begin(struct sasl *self, struct xy_stream *stream, const struct xy_node *element)
{
    scram_forget(stream);
    size_t at = mechanism_called(xy_node_attr(element, "mechanism"));
    if (at == mechanisms_count)
        return failed("invalid-mechanism");
    const char *refusal = mechanism_refusal(self, stream, &mechanisms[at]);
    if (refusal)
        return failed(refusal);
    struct xy_str message;
    if (read_message(element, &message) != XY_OK)
        return failed("incorrect-encoding");
    struct attempts *attempts = xy_stream_note(stream, &attempts_kind);
    attempts->mechanism = 0;
    if (xy_str_trim(xy_node_text(element)).len)
        return first_message(self, stream, &mechanisms[at], message);
    attempts->mechanism = (unsigned char)(at + 1);
    return (struct outcome){0}; /* an empty challenge asks for the first message */
}

static struct outcome
go_on(struct sasl *self, struct xy_stream *stream, const struct xy_node *element)
{
    struct attempts *attempts = xy_stream_note(stream, &attempts_kind);
    struct xy_str message;
    if (read_message(element, &message) != XY_OK)
        return failed("incorrect-encoding");
    if (scram_is_under_way(stream))
        return scram_final(self, stream, message);
    if (!attempts->mechanism)
        return failed("malformed-request");
    const struct mechanism *mechanism = &mechanisms[attempts->mechanism - 1];
    attempts->mechanism = 0;
    return first_message(self, stream, mechanism, message);
}

static xy_verdict
take_element(XY_SELF, struct xy_stream *stream, const struct xy_stanza *element)
{
    const struct xy_node *root = xy_stanza_root(element);
    if (!xy_str_is(xy_node_ns(root), XY_NS_SASL) || xy_stream_stage(stream) != XY_STREAM_OPEN)
        return XY_PASS;
    struct outcome outcome;
    struct xy_str name = xy_node_name(root);
    if (xy_str_is(name, "auth"))
        outcome = begin(self, stream, root);
    else if (xy_str_is(name, "response"))
        outcome = go_on(self, stream, root);
    else if (xy_str_is(name, "abort"))
        outcome = failed("aborted");
    else
        return XY_PASS;
    if (outcome.failure && strcmp(outcome.failure, "temporary-auth-failure") == 0)
        xy_count(&self->throttled);
    answer(self, stream, &outcome);
    return XY_DONE;
}

static xy_status
start(XY_SELF)
{
    self->taken = xy_map_new(self);
    return XY_OK;
}

static const struct xy_option options[] = {
    XY_OPTION(plain, .initial = "on",
              .doc =
                  "Whether clients may send their password itself, under TLS. Some clients of "
                  "today's distributions know nothing better."),
    XY_OPTION(failure_period, .initial = "5 min", .min = 1000, .max = 24 * 3600 * 1000,
              .doc =
                  "Wrong passwords allowed by limits.auth_failures for one address and account "
                  "come back over this time. An address may try ten times as many on all "
                  "accounts together."),
};
static const struct xy_hook hooks[] = {
    XY_ON(stream_features, offer, .order = XY_EARLY),
    XY_ON(stream_element, take_element),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(logins, .unit = "logins", .doc = "Clients that proved who they are."),
    XY_METRIC(failures, .unit = "attempts", .doc = "Attempts refused, for whatever reason."),
    XY_METRIC(throttled, .unit = "attempts",
              .doc = "Attempts put off: too many failures, or the database did not answer."),
};

XY_MODULE(sasl, .about = "Logs clients in (RFC 6120 section 6: SCRAM, PLAIN).", XY_STATE_SIZE,
          XY_START(start), XY_TABLE(options, options), XY_TABLE(hooks, hooks),
          XY_TABLE(metrics, metrics));
