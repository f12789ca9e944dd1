/* SPDX-License-Identifier: MIT */
/*
 * SCRAM as the server (RFC 5802, RFC 7677) with channel binding (RFC 5929, RFC 9266).
 * Invariant: an account that does not exist goes through the very same exchange with keys made
 * up for it and fails at its end, as a wrong password does.
 */
#include "modules/sasl/sasl.h"

enum { NONCE_BYTES = 18, MOST_NONCE = 256 };

/* Between the client's two messages. `text` holds, in this order: the GS2 header, the client's
 * first message without it, our answer (which begins "r=" and the nonce), the account. */
struct exchange {
    enum xy_hash hash;
    bool real, disabled;
    unsigned size, gs2, bare, first, nonce, account;
    unsigned char stored_key[XY_HASH_MAX], server_key[XY_HASH_MAX];
    char text[];
};
static const struct xy_note kind = {"sasl.scram", 1, sizeof(struct exchange)};

struct gs2 {
    struct xy_str header, flag, authzid, bare;
};

bool
scram_is_under_way(struct xy_stream *stream)
{
    return xy_stream_note_find(stream, &kind);
}

void
scram_forget(struct xy_stream *stream)
{
    void *exchange = xy_stream_note_find(stream, &kind);
    if (!exchange)
        return;
    explicit_bzero(exchange, xy_stream_note_size(stream, &kind));
    xy_stream_note_drop(stream, &kind);
}

/* RFC 5802 5.1: "=2C" is a comma, "=3D" an equals sign, nothing else follows an equals sign. */
static bool
unescape(struct xy_str name, struct xy_str *plain)
{
    struct xy_buffer out = {0};
    while (name.len) {
        struct xy_str before = xy_str_cut(&name, '=');
        xy_buffer_add(&out, before);
        if (!name.at)
            break;
        if (xy_str_starts(name, XY_STR("2C")))
            xy_buffer_add(&out, XY_STR(","));
        else if (xy_str_starts(name, XY_STR("3D")))
            xy_buffer_add(&out, XY_STR("="));
        else
            return false;
        name = xy_str_of(name.at + 2, name.len - 2);
    }
    *plain = xy_buffer_str(&out);
    return true;
}

/* The next "x=value" of a comma-separated list. */
static bool
take(struct xy_str *rest, const char *prefix, struct xy_str *value)
{
    struct xy_str whole = xy_str_cut(rest, ',');
    if (!xy_str_starts(whole, xy_str_from(prefix)))
        return false;
    size_t len = strlen(prefix);
    *value = xy_str_of(whole.at + len, whole.len - len);
    return true;
}

static bool
split_gs2(struct xy_str message, struct gs2 *gs2)
{
    struct xy_str rest = message, authzid;
    gs2->flag = xy_str_cut(&rest, ',');
    authzid = xy_str_cut(&rest, ',');
    if (!rest.len)
        return false;
    gs2->authzid = XY_NO_STR;
    if (authzid.len && (!take(&authzid, "a=", &gs2->authzid) ||
                        !unescape(gs2->authzid, &gs2->authzid) || !gs2->authzid.len))
        return false;
    gs2->header = xy_str_of(message.at, message.len - rest.len);
    gs2->bare = rest;
    return true;
}

static struct xy_str
binding_type(struct xy_str flag)
{
    bool binds = xy_str_starts(flag, XY_STR("p="));
    return binds ? xy_str_of(flag.at + 2, flag.len - 2) : XY_NO_STR;
}

static bool
is_announced(struct xy_str type)
{
    for (size_t i = 0; i < binding_types_count; i++)
        if (xy_str_equal(type, xy_str_from(binding_types[i])))
            return true;
    return false;
}

/* RFC 5802 section 6. "y" says: I could bind, but you did not offer it. If we did, somebody in
 * between took it out. */
static const char *
flag_failure(const struct xy_stream *stream, const struct mechanism *mechanism,
             struct xy_str flag)
{
    struct xy_str type = binding_type(flag);
    if (type.len && mechanism->binds) {
        bool known = is_announced(type) && xy_stream_channel_binding(stream, type).len;
        return known ? NULL : "not-authorized";
    }
    if (xy_str_is(flag, "y"))
        return stream_binds(stream) ? "not-authorized" : NULL;
    return xy_str_is(flag, "n") && !mechanism->binds ? NULL : "malformed-request";
}

static bool
is_nonce(struct xy_str nonce)
{
    for (size_t i = 0; i < nonce.len; i++)
        if (nonce.at[i] < 0x21 || nonce.at[i] > 0x7e)
            return false;
    return nonce.len > 0 && nonce.len <= MOST_NONCE;
}

/* "n=user,r=nonce", further attributes may follow; "m=" would be one we must understand. */
static bool
split_bare(struct xy_str bare, struct xy_str *name, struct xy_str *nonce)
{
    return take(&bare, "n=", name) && take(&bare, "r=", nonce) && unescape(*name, name) &&
           is_nonce(*nonce);
}

static struct xy_str
our_nonce(void)
{
    char bytes[NONCE_BYTES];
    xy_random(bytes, sizeof(bytes));
    return xy_temp_base64(xy_str_of(bytes, sizeof(bytes)));
}

static char *
append(char *at, struct xy_str s)
{
    memcpy(at, s.at, s.len);
    return at + s.len;
}

static void
keep_exchange(struct xy_stream *stream, const struct mechanism *mechanism,
              const struct gs2 *gs2, struct xy_str first, const struct xy_jid *account,
              const struct xy_scram_keys *keys)
{
    struct xy_str name = xy_jid_text(account);
    size_t size =
        sizeof(struct exchange) + gs2->header.len + gs2->bare.len + first.len + name.len;
    struct exchange *e = xy_stream_note_resize(stream, &kind, size);
    e->hash = mechanism->hash;
    e->real = keys->real;
    e->disabled = keys->real && keys->state == XY_ACCOUNT_DISABLED;
    e->size = (unsigned)keys->size;
    memcpy(e->stored_key, keys->stored_key, sizeof(e->stored_key));
    memcpy(e->server_key, keys->server_key, sizeof(e->server_key));
    e->gs2 = (unsigned)gs2->header.len;
    e->bare = (unsigned)gs2->bare.len;
    e->first = (unsigned)first.len;
    struct xy_str nonce = first;
    e->nonce = (unsigned)xy_str_cut(&nonce, ',').len - 2;
    e->account = (unsigned)name.len;
    char *at = append(e->text, gs2->header);
    at = append(at, gs2->bare);
    at = append(at, first);
    append(at, name);
}

struct xy_sasl_outcome
scram_first(struct sasl *self, struct xy_stream *stream, enum xy_sasl_profile profile,
            const struct mechanism *mechanism, struct xy_str message)
{
    struct gs2 gs2;
    struct xy_str name, nonce;
    if (!split_gs2(message, &gs2) || !split_bare(gs2.bare, &name, &nonce))
        return failed("malformed-request");
    const char *failure = flag_failure(stream, mechanism, gs2.flag);
    if (failure)
        return failed(failure);
    struct xy_sasl_outcome outcome = {0};
    outcome.account = account_named(stream, name, gs2.authzid, &outcome);
    if (!outcome.account)
        return outcome;
    struct xy_scram_keys keys = {0};
    if (xy_account_scram(outcome.account, mechanism->hash, &keys) != XY_OK) {
        outcome.failure = "temporary-auth-failure";
        return outcome;
    }
    struct xy_str attributes = offer_attributes(self, stream, profile, mechanism->hash);
    outcome.text = xy_temp_printf(
        "r=" XY_FMT XY_FMT ",s=" XY_FMT ",i=%lld" XY_FMT, XY_ARG(nonce), XY_ARG(our_nonce()),
        XY_ARG(xy_temp_base64(keys.salt)), (long long)keys.iterations, XY_ARG(attributes));
    keep_exchange(stream, mechanism, &gs2, outcome.text, outcome.account, &keys);
    explicit_bzero(&keys, sizeof(keys));
    return outcome;
}

/* "c=…" must be the GS2 header the client began with and the binding of this very stream. */
static bool
is_bound_here(const struct xy_stream *stream, const struct exchange *e, struct xy_str binding)
{
    struct xy_str header = xy_str_of(e->text, e->gs2), flag = header;
    struct xy_str type = binding_type(xy_str_cut(&flag, ','));
    struct xy_buffer wanted = {0};
    xy_buffer_add(&wanted, header);
    if (type.len)
        xy_buffer_add(&wanted, xy_stream_channel_binding(stream, type));
    return xy_str_equal(binding, xy_temp_base64(xy_buffer_str(&wanted)));
}

struct final {
    struct xy_str binding, nonce, without_proof, proof;
};

static bool
split_final(struct xy_str message, struct final *final)
{
    struct xy_str rest = message, text;
    const char *last = message.len ? memrchr(message.at, ',', message.len) : NULL;
    if (!last || !take(&rest, "c=", &final->binding) || !take(&rest, "r=", &final->nonce))
        return false;
    final->without_proof = xy_str_of(message.at, (size_t)(last - message.at));
    rest = xy_str_of(last + 1, message.len - final->without_proof.len - 1);
    return take(&rest, "p=", &text) && xy_temp_unbase64(text, &final->proof) == XY_OK;
}

static struct xy_sasl_outcome
judge(const struct exchange *e, const struct final *final)
{
    const char *at = e->text + e->gs2;
    struct xy_str parts[] = {xy_str_of(at, e->bare), xy_str_of(at + e->bare, e->first),
                             final->without_proof};
    struct xy_str message = xy_temp_join(parts, 3, ",");
    struct scram_keys_view keys = {e->hash, e->size, e->stored_key, e->server_key};
    bool right = proof_is_right(&keys, message, final->proof);
    if (!right || !e->real)
        return (struct xy_sasl_outcome){.failure = "not-authorized", .guessed = true};
    if (e->disabled)
        return failed("account-disabled");
    struct xy_str signature = xy_temp_base64(server_signature(&keys, message));
    return (struct xy_sasl_outcome){.success = true,
                                    .text = xy_temp_printf("v=" XY_FMT, XY_ARG(signature))};
}

/* Never waits, so limits cannot be overrun by many at once. */
struct xy_sasl_outcome
scram_final(struct sasl *self, struct xy_stream *stream, struct xy_str message)
{
    const struct exchange *e = xy_stream_note_find(stream, &kind);
    struct final final;
    if (!split_final(message, &final))
        return failed("malformed-request");
    const char *at = e->text + e->gs2 + e->bare;
    const struct xy_jid *account = xy_jid_parse(xy_str_of(at + e->first, e->account));
    struct xy_sasl_outcome outcome;
    if (!xy_str_equal(final.nonce, xy_str_of(at + 2, e->nonce)) ||
        !is_bound_here(stream, e, final.binding)) {
        outcome = failed("not-authorized");
    } else if (!limits_allow(self, stream, account)) {
        outcome = failed("temporary-auth-failure");
    } else {
        outcome = judge(e, &final);
        if (outcome.guessed)
            limits_charge(self, stream, account);
    }
    outcome.account = account;
    return outcome;
}
