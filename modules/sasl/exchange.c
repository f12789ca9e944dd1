/* SPDX-License-Identifier: MIT */
/*
 * An exchange from its first message to its end, for whichever profile it travels in. One
 * stream has at most one; its state is in notes, so the module's code may be replaced in
 * between.
 */
#include "modules/sasl/sasl.h"

/* RFC 6120 6.4.5 allows two to five retries. They are counted on passwords; a client that has
 * to find the mechanism it can use (some insist on tls-unique three times) tests none. */
enum { MOST_GUESSES = 6, MOST_FAILURES = 16 };

struct attempts {
    unsigned char mechanism; /* position + 1 of the one begun without a message, or 0 */
    unsigned char profile;   /* that it was begun in */
    unsigned char guesses, failures;
};
static const struct xy_note attempts_kind = {"sasl.attempts", 2, sizeof(struct attempts)};

static struct xy_sasl_outcome
first_message(struct sasl *self, struct xy_stream *stream, enum xy_sasl_profile profile,
              const struct mechanism *mechanism, struct xy_str message)
{
    return mechanism->is_plain ? plain_login(self, stream, message)
                               : scram_first(self, stream, profile, mechanism, message);
}

static void
count_put_off(struct sasl *self, const struct xy_sasl_outcome *outcome)
{
    if (outcome->failure && strcmp(outcome->failure, "temporary-auth-failure") == 0)
        xy_count(&self->throttled);
}

xy_status
exchange_begin(struct sasl *self, struct xy_stream *stream, enum xy_sasl_profile profile,
               struct xy_str name, struct xy_str message, struct xy_sasl_outcome *outcome)
{
    (void)exchange_abort(self, stream);
    *outcome = (struct xy_sasl_outcome){0};
    const struct mechanism *mechanism = mechanism_called(name);
    const char *refusal =
        mechanism ? mechanism_refusal(self, stream, mechanism) : "invalid-mechanism";
    if (!refusal && profile == XY_SASL2 && !offer_had(stream, profile, name))
        refusal = "invalid-mechanism"; /* XEP-0388 2.3 */
    if (refusal) {
        *outcome = failed(refusal);
    } else if (message.at) {
        *outcome = first_message(self, stream, profile, mechanism, message);
        count_put_off(self, outcome);
    } else { /* an empty challenge asks for the first message */
        struct attempts *attempts = xy_stream_note(stream, &attempts_kind);
        attempts->mechanism = (unsigned char)(mechanism - mechanisms + 1);
        attempts->profile = (unsigned char)profile;
    }
    return XY_OK;
}

xy_status
exchange_continue(struct sasl *self, struct xy_stream *stream, struct xy_str message,
                  struct xy_sasl_outcome *outcome)
{
    struct attempts *attempts = xy_stream_note(stream, &attempts_kind);
    if (scram_is_under_way(stream)) {
        *outcome = scram_final(self, stream, message);
    } else if (attempts->mechanism) {
        const struct mechanism *mechanism = &mechanisms[attempts->mechanism - 1];
        attempts->mechanism = 0;
        *outcome = first_message(self, stream, (enum xy_sasl_profile)attempts->profile,
                                 mechanism, message);
    } else {
        *outcome = failed("malformed-request");
    }
    count_put_off(self, outcome);
    return XY_OK;
}

xy_status
exchange_abort(struct sasl *self __attribute__((unused)), struct xy_stream *stream)
{
    struct attempts *attempts = xy_stream_note_find(stream, &attempts_kind);
    if (attempts)
        attempts->mechanism = 0;
    scram_forget(stream);
    return XY_OK;
}

xy_status
exchange_failed(struct sasl *self, struct xy_stream *stream,
                const struct xy_sasl_outcome *outcome)
{
    struct xy_str account = outcome->account ? xy_jid_text(outcome->account) : XY_NO_STR;
    struct attempts *attempts = xy_stream_note(stream, &attempts_kind);
    attempts->guesses += outcome->guessed;
    attempts->failures++;
    (void)exchange_abort(self, stream);
    xy_count(&self->failures);
    if (outcome->guessed)
        xy_stream_login_failed(stream);
    /* a client that looks for its mechanism is nobody's business */
    xy_log(outcome->guessed ? XY_LEVEL_NOTICE : XY_LEVEL_INFO, "sasl.refused", "login refused",
           XY_F_CSTR_AS("condition", outcome->failure), XY_F_STR(account),
           XY_F_STR_AS("peer", xy_stream_peer(stream)));
    if (attempts->guesses >= MOST_GUESSES || attempts->failures >= MOST_FAILURES)
        xy_stream_error(stream, "policy-violation", XY_STR("Too many failed logins"));
    return XY_OK;
}

xy_status
exchange_succeeded(struct sasl *self, struct xy_stream *stream, enum xy_sasl_profile profile,
                   const struct xy_sasl_outcome *outcome)
{
    scram_forget(stream);
    offer_forget(stream);
    xy_stream_note_drop(stream, &attempts_kind);
    xy_count(&self->logins);
    xy_info("sasl.login", "logged in", XY_F_STR_AS("account", xy_jid_text(outcome->account)),
            XY_F_CSTR_AS("by", profile == XY_SASL2 ? "sasl2" : "sasl"),
            XY_F_STR_AS("peer", xy_stream_peer(stream)),
            XY_F_STR_AS("tls", xy_stream_tls(stream)));
    return XY_OK;
}
