/* SPDX-License-Identifier: MIT */
/*
 * Logging in (RFC 4422): the mechanisms SCRAM, its -PLUS variants and PLAIN as services for
 * every profile, channel bindings announced (XEP-0440), downgrades made to show (XEP-0474,
 * XEP-0515), and the profile of RFC 6120. What is said never shows whether an account exists.
 */
#include "modules/sasl/sasl.h"

static xy_status
start(XY_SELF)
{
    self->taken = xy_map_new(self);
    return XY_OK;
}

/* Guessing again must not pay because the code was replaced. */
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

static void
check(const struct sasl *self, struct xy_diagnostics *to)
{
    if (self->tls_downgrade_protection && !self->downgrade_protection)
        xy_complain(to, "tls_downgrade_protection",
                    "needs downgrade_protection (XEP-0515 section 6)");
}

static const struct xy_option options[] = {
    XY_OPTION(plain, .initial = "on",
              .doc =
                  "Whether clients may send their password itself, under TLS. Some clients of "
                  "today's distributions know nothing better."),
    XY_OPTION(legacy, .initial = "on",
              .doc = "Whether clients may log in by the SASL profile of RFC 6120, too. Without "
                     "it only those get in that speak another one (module sasl2)."),
    XY_OPTION(downgrade_protection, .initial = "on",
              .doc = "Whether SCRAM signs the mechanisms and channel binding types that were "
                     "offered (XEP-0474 0.5), so that a client notices when somebody between "
                     "has removed some. Clients that know an older form of it do not get in."),
    XY_OPTION(tls_downgrade_protection, .initial = "on",
              .doc = "Whether SCRAM signs the version of TLS as well (XEP-0515)."),
    XY_OPTION(failure_period, .initial = "5 min", .min = 1000, .max = 24 * 3600 * 1000,
              .doc =
                  "Wrong passwords allowed by limits.auth_failures for one address and account "
                  "come back over this time. An address may try ten times as many on all "
                  "accounts together."),
};
static const struct xy_hook hooks[] = {
    XY_ON(sasl_mechanisms, offer_mechanisms),
    XY_ON(sasl_bindings, offer_bindings),
    XY_ON(sasl_announced, offer_announced),
    XY_ON(sasl_begin, exchange_begin),
    XY_ON(sasl_continue, exchange_continue),
    XY_ON(sasl_abort, exchange_abort),
    XY_ON(sasl_failed, exchange_failed),
    XY_ON(sasl_succeeded, exchange_succeeded),
    XY_ON(stream_features, legacy_offer, .order = XY_EARLY),
    XY_ON(stream_element, legacy_take),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(logins, .unit = "logins", .doc = "Clients that proved who they are."),
    XY_METRIC(failures, .unit = "attempts", .doc = "Attempts refused, for whatever reason."),
    XY_METRIC(throttled, .unit = "attempts",
              .doc = "Attempts put off: too many failures, or the database did not answer."),
};

XY_MODULE(sasl, .about = "Logs clients in (RFC 6120 section 6: SCRAM, PLAIN).", XY_STATE_SIZE,
          XY_START(start), XY_HAND_OVER(hand_over), XY_ADOPT(adopt), XY_CHECKER(check),
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(metrics, metrics));
