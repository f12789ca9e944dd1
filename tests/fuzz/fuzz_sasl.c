/* SPDX-License-Identifier: MIT */
/*
 * A client that sends any SASL elements in any order, against the sasl module with a made-up
 * stream. Pieces of the input are separated by 0xff; the first byte of each says what is sent.
 * Whoever is let in must have shown the password: sent it by PLAIN, or had us compute the
 * proof.
 */
#include "tests/fuzz/made_up.h"

#include "modules/sasl/exchange.c"
#include "modules/sasl/legacy.c"
#include "modules/sasl/limits.c"
#include "modules/sasl/mechanisms.c"
#include "modules/sasl/module.c"
#include "modules/sasl/offer.c"
#include "modules/sasl/proof.c"
#include "modules/sasl/scram.c"

/* ---- the made-up stream
 * ---------------------------------------------------------------------- */

struct xy_stream {
    bool secure, closed, in;
    bool may_enter; /* the password was shown in the element being handled */
    struct made_up_notes notes;
    struct xy_str first_bare, challenge, gs2;
    enum xy_hash hash;
};
static const char password[] = "secret";
static const char binding[] = "0123456789abcdef0123456789abcdef";

struct xy_str
xy_stream_channel_binding(const struct xy_stream *stream, struct xy_str type)
{
    bool known = xy_str_is(type, "tls-exporter") || xy_str_is(type, "tls-server-end-point");
    return stream->secure && known ? xy_str_from(binding) : XY_NO_STR;
}

struct xy_str
xy_stream_peer(const struct xy_stream *stream)
{
    (void)stream;
    return XY_STR("192.0.2.1");
}

struct xy_str
xy_stream_tls(const struct xy_stream *stream)
{
    (void)stream;
    return XY_NO_STR;
}

const struct xy_jid *
xy_stream_from(const struct xy_stream *stream)
{
    (void)stream;
    return NULL;
}

int64_t
xy_login_failures_allowed(void)
{
    return XY_NONE;
}

void
xy_stream_login_failed(struct xy_stream *stream)
{
    xy_assert(!stream->in);
}

MADE_UP_STREAM

xy_status
xy_stream_send(struct xy_stream *stream, struct xy_stanza *stanza)
{
    const struct xy_node *root = xy_stanza_root(stanza);
    xy_assert(xy_stanza_parse(xy_stanza_text(stanza)));
    if (xy_str_is(xy_node_name(root), "challenge"))
        xy_assert(xy_temp_unbase64(xy_node_text(root), &stream->challenge) == XY_OK);
    return XY_OK;
}

void
xy_stream_authenticated(struct xy_stream *stream, const struct xy_jid *account)
{
    xy_assert(account == romeo && stream->may_enter && !stream->in);
    stream->in = true;
}

/* ---- the made-up account
 * --------------------------------------------------------------------- */

static void
fill_keys(enum xy_hash hash, struct xy_scram_keys *keys)
{
    unsigned char client_key[XY_HASH_MAX];
    keys->size = xy_hash_size(hash);
    memset(client_key, 'c', sizeof(client_key));
    xy_hash_digest(hash, xy_str_of((const char *)client_key, keys->size), keys->stored_key);
    memset(keys->server_key, 's', sizeof(keys->server_key));
}

xy_status
xy_account_scram(const struct xy_jid *bare, enum xy_hash hash, struct xy_scram_keys *keys)
{
    *keys = (struct xy_scram_keys){.salt = XY_STR("0123456789abcdef"), .iterations = 4096};
    fill_keys(hash, keys);
    keys->real = bare == romeo;
    return XY_OK;
}

xy_status
xy_account_hashes(const struct xy_jid *bare, unsigned *hashes)
{
    (void)bare;
    *hashes = 7;
    return XY_OK;
}

xy_status
xy_account_check_password(const struct xy_jid *bare, struct xy_str given)
{
    return bare == romeo && xy_str_equal(given, xy_str_from(password)) ? XY_OK : XY_DENIED;
}

/* ---- the client
 * ------------------------------------------------------------------------------ */

/* What somebody who knows the password answers to the challenge heard last. */
static struct xy_str
right_answer(struct xy_stream *stream)
{
    struct xy_scram_keys keys = {0};
    fill_keys(stream->hash, &keys);
    struct xy_str type = stream->gs2, flag = xy_str_cut(&type, ',');
    struct xy_buffer bound = {0};
    xy_buffer_add(&bound, stream->gs2);
    if (xy_str_starts(flag, XY_STR("p=")))
        xy_buffer_add(&bound, xy_str_from(binding));
    struct xy_str rest = stream->challenge, nonce = xy_str_cut(&rest, ',');
    struct xy_str without = xy_temp_printf(
        "c=" XY_FMT "," XY_FMT, XY_ARG(xy_temp_base64(xy_buffer_str(&bound))), XY_ARG(nonce));
    struct xy_str parts[] = {stream->first_bare, stream->challenge, without};
    struct scram_keys_view view = {stream->hash, keys.size, NULL, keys.stored_key};
    struct xy_str proof = server_signature(&view, xy_temp_join(parts, 3, ","));
    char *bytes = xy_temp_alloc(proof.len);
    for (size_t i = 0; i < proof.len; i++)
        bytes[i] = (char)(proof.at[i] ^ 'c');
    return xy_temp_printf(XY_FMT ",p=" XY_FMT, XY_ARG(without),
                          XY_ARG(xy_temp_base64(xy_str_of(bytes, proof.len))));
}

static void
note_first(struct xy_stream *stream, const struct mechanism *mechanism, struct xy_str message)
{
    struct gs2 gs2;
    if (mechanism->is_plain || !split_gs2(message, &gs2))
        return;
    stream->hash = mechanism->hash;
    stream->first_bare = xy_temp_str(gs2.bare);
    stream->gs2 = xy_temp_str(gs2.header);
}

static bool
shows_password(struct xy_str message, bool raw)
{
    if (raw && xy_temp_unbase64(xy_str_trim(message), &message) != XY_OK)
        return false;
    return xy_str_ends(message, xy_str_of("\0secret", 7));
}

/* 0 to 6: <auth/> with that mechanism; 7: <response/>; 8: the right one; 9: <abort/>; 10, 11:
 * auth and response whose text is no base64; 12: another element. */
static void
send_piece(struct sasl *self, struct xy_stream *stream, struct xy_str piece)
{
    static const char *const names[] = {"response", "response", "abort",
                                        "auth",     "response", "other"};
    unsigned what = (unsigned char)piece.at[0] % 13;
    struct xy_str message = xy_str_of(piece.at + 1, piece.len - 1);
    bool raw = what == 10 || what == 11;
    stream->may_enter = what == 8 || shows_password(message, raw);
    if (what == 8)
        message = right_answer(stream);
    struct xy_stanza *element =
        xy_stanza_new(XY_STR(XY_NS_SASL), xy_str_from(what < 7 ? "auth" : names[what - 7]));
    struct xy_node *top = xy_stanza_top(element);
    if (what < 7) {
        xy_node_set(top, "mechanism", xy_str_from(mechanisms[what].name));
        note_first(stream, &mechanisms[what], message);
    }
    if (message.len)
        xy_node_add_text(top, raw ? message : xy_temp_base64(message));
    if (what == 10)
        xy_node_set(top, "mechanism", XY_STR("PLAIN"));
    (void)legacy_take(self, stream, element);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = input_begin(bytes, size);
    struct xy_str piece;
    struct xy_stream stream = {.secure = size % 2};
    struct xy_map *taken = xyi_map_new();
    struct sasl self = {.plain = true,
                        .legacy = true,
                        .downgrade_protection = true,
                        .failure_period = {1000},
                        .taken = taken};
    struct xy_stanza *features = xy_stanza_new(XY_STR(XY_NS_STREAM), XY_STR("features"));
    legacy_offer(&self, &stream, xy_stanza_top(features));
    while (!stream.closed && !stream.in && input_next(&input, &piece))
        send_piece(&self, &stream, piece);
    free_notes(&stream.notes);
    xy_map_free(taken);
    input_end(&input);
    return 0;
}
