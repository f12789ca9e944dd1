/* SPDX-License-Identifier: MIT */
/*
 * Limits on guessing. An address may fail so often on one account, and ten times as often on
 * all accounts together; both come back with time. Only the guesser's own address is shut out,
 * so nobody can lock another out of an account. A right password takes nothing.
 */
#include "modules/sasl/sasl.h"

enum { ALL_ACCOUNTS = 10 };

struct allowance {
    struct xy_str address, pair;
    int64_t most, most_for_all, period_ms;
};

static struct allowance
allowance_of(const struct sasl *self, const struct xy_stream *stream,
             const struct xy_jid *account)
{
    struct xy_str address = xy_throttle_address(xy_stream_peer(stream));
    struct xy_str pair[] = {address, xy_jid_text(account)};
    int64_t most = xy_login_failures_allowed();
    return (struct allowance){
        .address = address,
        .pair = xy_temp_join(pair, 2, " "),
        .most = most,
        .most_for_all = most == XY_NONE ? XY_NONE : most * ALL_ACCOUNTS,
        .period_ms = self->failure_period.ms,
    };
}

bool
limits_allow(const struct sasl *self, const struct xy_stream *stream,
             const struct xy_jid *account)
{
    struct allowance a = allowance_of(self, stream, account);
    return xy_throttle_has(self->taken, a.address, a.most_for_all, a.period_ms) &&
           xy_throttle_has(self->taken, a.pair, a.most, a.period_ms);
}

void
limits_charge(struct sasl *self, const struct xy_stream *stream, const struct xy_jid *account)
{
    struct allowance a = allowance_of(self, stream, account);
    (void)xy_throttle_take(self->taken, a.address, a.most_for_all, a.period_ms);
    (void)xy_throttle_take(self->taken, a.pair, a.most, a.period_ms);
}
