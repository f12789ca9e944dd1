/* SPDX-License-Identifier: MIT */
/*
 * Gives out tokens. A token is 48 random bytes as text (RFC 8959 shape); longer than a block of
 * SHA-256, so HMAC uses only its digest, and only that is stored: the token itself is known to
 * nobody but its client. It counts from when the login began: if the password is changed before
 * its end, the token is void when it is born.
 */
#include "modules/fast/fast.h"

enum { TOKEN_BYTES = 48 };

void
issue_prepare(struct xy_stream *stream, const struct xy_node *authenticate)
{
    int64_t client;
    struct xy_account account;
    if (!xy_node_child(authenticate, XY_STR(XY_NS_FAST), XY_STR("request-token")))
        return;
    const struct xy_jid *claimed = claimed_account(stream, &client);
    if (!claimed || xy_account_find(claimed, &account) != XY_OK)
        return;
    struct login *login = xy_stream_note(stream, &login_kind);
    *login = (struct login){.owner = account.owner, .client = client, .epoch = account.epoch};
}

/* Of the token that is due, or NULL. */
static const struct ht *
wanted_mechanism(const struct xy_stream *stream, const struct login *login,
                 const struct xy_node *authenticate)
{
    const struct xy_node *request =
        xy_node_child(authenticate, XY_STR(XY_NS_FAST), XY_STR("request-token"));
    if (request)
        return mechanism_for(stream, xy_node_attr(request, "mechanism"));
    bool due = login->by_token && !login->last && xy_now_ms() >= login->renew_ms;
    return due ? &mechanisms[login->mechanism] : NULL;
}

static struct xy_str
make_token(unsigned char *key)
{
    unsigned char bytes[TOKEN_BYTES];
    xy_random(bytes, sizeof(bytes));
    struct xy_str parts[] = {XY_STR("secret-token:"),
                             xy_temp_base64(xy_str_of((const char *)bytes, sizeof(bytes)))};
    struct xy_str token = xy_temp_join(parts, 2, "");
    xy_hash_digest(XY_SHA256, token, key);
    explicit_bzero(bytes, sizeof(bytes));
    return token;
}

static void
give(struct fast *self, const struct login *login, const struct ht *ht, struct xy_node *success)
{
    unsigned char key[XY_HASH_MAX];
    struct xy_str text = make_token(key);
    struct token token = {
        .slot = NEW,
        .mechanism = xy_str_from(ht->name),
        .key = xy_str_of((const char *)key, TOKEN_KEY_SIZE),
        .issued_ms = xy_now_ms(),
        .expires_ms = xy_now_ms() + self->token_for.ms,
        .epoch = login->epoch,
    };
    xy_status status = token_save(login->owner, login->client, &token);
    if (status != XY_OK) {
        xy_warn("fast.no_token", "a client gets no token",
                XY_F_CSTR_AS("status", xy_status_name(status)));
        return;
    }
    struct xy_node *node = xy_node_add(success, XY_STR(XY_NS_FAST), XY_STR("token"));
    xy_node_set(node, "token", text);
    xy_node_set(node, "expiry", xy_time_format(token.expires_ms));
    xy_count(&self->issued);
}

void
issue_token(struct fast *self, struct xy_stream *stream, const struct xy_node *authenticate,
            struct xy_node *success)
{
    struct login *noted = xy_stream_note_find(stream, &login_kind);
    if (!noted)
        return;
    struct login login = *noted;
    xy_stream_note_drop(stream, &login_kind);
    const struct xy_jid *from = xy_stream_from(stream);
    const struct ht *ht = wanted_mechanism(stream, &login, authenticate);
    if (ht && from && xy_jid_bare(from) == xy_stream_account(stream))
        give(self, &login, ht, success);
}
