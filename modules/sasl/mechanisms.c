/* SPDX-License-Identifier: MIT */
/*
 * Which mechanisms a stream may use, whose account a user name is, and PLAIN (RFC 4616).
 * Invariant: -PLUS is offered exactly on streams that have a channel binding we announce
 * (XEP-0440), PLAIN only under TLS.
 */
#include "modules/sasl/sasl.h"

const struct mechanism mechanisms[] = {
    {.name = "SCRAM-SHA-512-PLUS", .binds = true, .hash = XY_SHA512},
    {.name = "SCRAM-SHA-256-PLUS", .binds = true, .hash = XY_SHA256},
    {.name = "SCRAM-SHA-1-PLUS", .binds = true, .hash = XY_SHA1},
    {.name = "SCRAM-SHA-512", .hash = XY_SHA512},
    {.name = "SCRAM-SHA-256", .hash = XY_SHA256},
    {.name = "SCRAM-SHA-1", .hash = XY_SHA1},
    {.name = "PLAIN", .is_plain = true},
};
const size_t mechanisms_count = sizeof(mechanisms) / sizeof(mechanisms[0]);

const char *const binding_types[] = {"tls-exporter", "tls-server-end-point"};
const size_t binding_types_count = sizeof(binding_types) / sizeof(binding_types[0]);

bool
stream_binds(const struct xy_stream *stream)
{
    for (size_t i = 0; i < binding_types_count; i++)
        if (xy_stream_channel_binding(stream, xy_str_from(binding_types[i])).len)
            return true;
    return false;
}

const char *
mechanism_refusal(const struct sasl *self, const struct xy_stream *stream,
                  const struct mechanism *mechanism)
{
    if (mechanism->is_plain && !self->plain)
        return "mechanism-too-weak";
    if (mechanism->is_plain && !xy_stream_is_secure(stream))
        return "encryption-required";
    if (mechanism->binds && !stream_binds(stream))
        return "invalid-mechanism";
    return NULL;
}

const struct mechanism *
mechanism_called(struct xy_str name)
{
    for (size_t i = 0; i < mechanisms_count; i++)
        if (xy_str_equal(name, xy_str_from(mechanisms[i].name)))
            return &mechanisms[i];
    return NULL;
}

const struct xy_jid *
account_named(const struct xy_stream *stream, struct xy_str name, struct xy_str authzid,
              struct xy_sasl_outcome *failure)
{
    struct xy_str host = xy_jid_text(xy_host_jid(xy_stream_host(stream)));
    const struct xy_jid *account = name.len ? xy_jid_make(name, host, XY_NO_STR) : NULL;
    if (!account)
        *failure = failed("not-authorized");
    else if (authzid.len && xy_jid_parse(authzid) != account)
        *failure = failed("invalid-authzid");
    else
        return account;
    return NULL;
}

static const char *
plain_failure(xy_status status)
{
    if (status == XY_GONE)
        return "account-disabled";
    bool wrong = status == XY_DENIED || status == XY_INVALID || status == XY_ABSENT;
    return wrong ? "not-authorized" : "temporary-auth-failure";
}

struct xy_sasl_outcome
plain_login(struct sasl *self, struct xy_stream *stream, struct xy_str message)
{
    struct xy_str password = message, authzid = xy_str_cut(&password, '\0');
    struct xy_str name = xy_str_cut(&password, '\0');
    if (!name.len || !password.len || memchr(password.at, '\0', password.len))
        return failed("malformed-request");
    struct xy_sasl_outcome outcome = {0};
    outcome.account = account_named(stream, name, authzid, &outcome);
    if (!outcome.account)
        return outcome;
    xy_status status = XY_TIMEOUT;
    if (limits_allow(self, stream, outcome.account))
        status = xy_account_check_password(outcome.account, password);
    if (!limits_allow(self, stream, outcome.account)) /* again: others guessed meanwhile */
        status = XY_TIMEOUT;
    if (status == XY_OK)
        outcome.success = true;
    else
        outcome.failure = plain_failure(status);
    outcome.guessed = outcome.failure && strcmp(outcome.failure, "not-authorized") == 0;
    if (outcome.guessed)
        limits_charge(self, stream, outcome.account);
    return outcome;
}
