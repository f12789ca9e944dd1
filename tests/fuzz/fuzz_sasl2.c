/* SPDX-License-Identifier: MIT */
/*
 * A client that sends any elements in any order, against the sasl2 module with a made-up stream
 * and made-up mechanisms: ONE takes the password, TWO takes it behind a challenge. Pieces of
 * the input are separated by 0xff; the first byte of each says what is sent, 0xfe: the rest as
 * XML. Whoever is let in showed the password and is whom the stream's header named; keys are
 * added for him alone, behind a <continue/>, and there is no second <authenticate/> behind
 * that.
 */
#include "tests/fuzz/made_up.h"

#include "modules/sasl2/sasl2.h"

#define kind agent_kind
#include "modules/sasl2/agent.c"
#undef kind
#define kind login_kind
#include "modules/sasl2/state.c"
#undef kind
#define refuse refuse_task
#include "modules/sasl2/login.c"
#include "modules/sasl2/upgrade.c"
#undef refuse
#include "modules/sasl2/module.c"

/* ---- the made-up stream ------------------------------------------------------------------ */

struct xy_stream {
    bool secure, closed, in, proved, continued;
    unsigned hashes; /* of the account */
    const struct xy_jid *from;
    struct made_up_notes notes;
    unsigned challenges, answers;
};

const struct xy_jid *
xy_stream_from(const struct xy_stream *stream)
{
    return stream->from;
}

struct xy_session *
xy_stream_session(const struct xy_stream *stream)
{
    (void)stream;
    return NULL;
}

MADE_UP_STREAM

/* One answer to each element, of which a success is one. */
xy_status
xy_stream_send(struct xy_stream *stream, struct xy_stanza *stanza)
{
    struct xy_str name = xy_node_name(xy_stanza_root(stanza));
    xy_assert(xy_stanza_parse(xy_stanza_text(stanza)));
    xy_assert(!stream->answers++);
    xy_assert(xy_str_is(name, "success") == stream->in);
    stream->continued |= xy_str_is(name, "continue");
    return XY_OK;
}

void
xy_stream_authenticated_inline(struct xy_stream *stream, const struct xy_jid *account)
{
    xy_assert(account == romeo && stream->proved && stream->secure && !stream->in);
    xy_assert(!stream->from || stream->from == romeo);
    stream->in = true;
}

void
xy_stream_offer(struct xy_stream *stream)
{
    xy_assert(stream->in);
}

/* ---- made-up services -------------------------------------------------------------------- */

static xy_status
judge(struct xy_stream *stream, struct xy_str message, struct xy_sasl_outcome *outcome)
{
    *outcome = (struct xy_sasl_outcome){.account = romeo};
    outcome->success = xy_str_is(message, "secret");
    stream->proved |= outcome->success;
    if (!outcome->success)
        outcome->failure = "not-authorized";
    return XY_OK;
}

xy_status
xy_run_sasl_begin(struct xy_host *host, struct xy_stream *stream, enum xy_sasl_profile profile,
                  struct xy_str mechanism, struct xy_str message,
                  struct xy_sasl_outcome *outcome)
{
    (void)host;
    xy_assert(profile == XY_SASL2 && !stream->in && !stream->continued);
    if (xy_str_is(mechanism, "ONE"))
        return judge(stream, message, outcome);
    *outcome = (struct xy_sasl_outcome){0};
    if (!xy_str_is(mechanism, "TWO"))
        outcome->failure = "invalid-mechanism";
    stream->challenges = !outcome->failure;
    return XY_OK;
}

xy_status
xy_run_sasl_continue(struct xy_host *host, struct xy_stream *stream, struct xy_str message,
                     struct xy_sasl_outcome *outcome)
{
    (void)host;
    xy_assert(stream->challenges == 1 && !stream->in);
    stream->challenges = 0;
    return judge(stream, message, outcome);
}

xy_status
xy_run_sasl_failed(struct xy_host *host, struct xy_stream *stream,
                   const struct xy_sasl_outcome *outcome)
{
    (void)host;
    xy_assert(outcome->failure && !stream->in);
    stream->proved = false;
    stream->challenges = 0;
    return XY_OK;
}

xy_status
xy_run_sasl_succeeded(struct xy_host *host, struct xy_stream *stream,
                      enum xy_sasl_profile profile, const struct xy_sasl_outcome *outcome)
{
    (void)host;
    (void)profile;
    xy_assert(outcome->success && stream->proved);
    return XY_OK;
}

xy_verdict
xy_run_sasl2_begin(struct xy_host *host, struct xy_stream *stream,
                   const struct xy_node *authenticate, struct xy_str mechanism,
                   struct xy_str message, struct xy_sasl_outcome *outcome)
{
    (void)host;
    (void)authenticate;
    (void)message;
    struct xy_user_agent agent;
    xy_assert(agent_provide(NULL, stream, &agent) == XY_OK);
    xy_assert(!agent.id.len || agent.id.len == 36);
    xy_assert(agent.software.len <= 128 && agent.device.len <= 128);
    if (!xy_str_is(mechanism, "TOKEN"))
        return XY_PASS;
    outcome->failure = "not-authorized";
    return XY_DONE;
}

xy_verdict
xy_run_sasl2_resume(struct xy_host *host, struct xy_stream *stream,
                    const struct xy_node *authenticate, struct xy_node *success)
{
    (void)host;
    (void)success;
    xy_assert(stream->in && xy_str_is(xy_node_name(authenticate), "authenticate"));
    return xy_node_child(authenticate, XY_STR(XY_NS_SM), XY_STR("resume")) ? XY_DONE : XY_PASS;
}

void
xy_run_sasl2_success(struct xy_host *host, struct xy_stream *stream,
                     const struct xy_node *authenticate, struct xy_node *success, bool resumed)
{
    (void)host;
    (void)authenticate;
    (void)success;
    (void)resumed;
    xy_assert(stream->in && !stream->answers);
}

void
xy_run_sasl2_finished(struct xy_host *host, struct xy_stream *stream)
{
    (void)host;
    xy_assert(stream->in && stream->answers == 1);
}

/* ---- the made-up account ----------------------------------------------------------------- */

enum { ROMEO = 7 };

xy_status
xy_account_find(const struct xy_jid *bare, struct xy_account *account)
{
    xy_assert(bare == romeo);
    *account = (struct xy_account){.owner = ROMEO, .jid = bare, .hashes = 1u << XY_SHA1};
    return XY_OK;
}

xy_status
xy_account_add_keys(xy_owner owner, enum xy_hash hash, struct xy_str salt, int64_t iterations,
                    struct xy_str salted)
{
    xy_assert(owner == ROMEO && hash != XY_SHA1 && salt.len == 16 && iterations > 0);
    xy_assert(salted.len == xy_hash_size(hash));
    return salted.at[0] ? XY_OK : XY_BROKEN;
}

/* ---- the client -------------------------------------------------------------------------- */

static struct xy_stanza *
authenticate_with(struct xy_str mechanism, struct xy_str message, unsigned wanted)
{
    static const char *const tasks[] = {"UPGR-SCRAM-SHA-256", "UPGR-SCRAM-SHA-512"};
    struct xy_stanza *element = xy_stanza_new(XY_STR(XY_NS_SASL2), XY_STR("authenticate"));
    struct xy_node *top = xy_stanza_top(element);
    xy_node_set(top, "mechanism", mechanism);
    xy_node_add_text(xy_node_add(top, XY_NO_STR, XY_STR("initial-response")),
                     xy_temp_base64(message));
    for (unsigned i = 0; i < 2; i++)
        if (wanted & 1u << i)
            xy_node_add_text(xy_node_add(top, XY_STR(XY_NS_SASL_UPGRADE), XY_STR("upgrade")),
                             xy_str_from(tasks[i]));
    return element;
}

static struct xy_stanza *
simple(const char *name, struct xy_str text)
{
    struct xy_stanza *element = xy_stanza_new(XY_STR(XY_NS_SASL2), xy_str_from(name));
    xy_node_add_text(xy_stanza_top(element), text);
    return element;
}

static struct xy_stanza *
with_hash(struct xy_str bytes, size_t size)
{
    char *padded = xy_temp_alloc(size);
    memcpy(padded, bytes.at, bytes.len < size ? bytes.len : size);
    struct xy_stanza *element = simple("task-data", XY_NO_STR);
    xy_node_add_text(
        xy_node_add(xy_stanza_top(element), XY_STR(XY_NS_SCRAM_UPGRADE), XY_STR("hash")),
        xy_temp_base64(xy_str_of(padded, size)));
    return element;
}

static struct xy_stanza *
next(const char *task)
{
    struct xy_stanza *element = simple("next", XY_NO_STR);
    xy_node_set(xy_stanza_top(element), "task", xy_str_from(task));
    return element;
}

static struct xy_stanza *
element_of(unsigned what, struct xy_str rest)
{
    if (what == 0xfe)
        return xy_stanza_parse(rest);
    switch (what % 12) {
    case 0 ... 3:
        return authenticate_with(XY_STR("ONE"), rest, what % 12);
    case 4:
        return authenticate_with(XY_STR("TWO"), rest, what / 12 % 4);
    case 5:
        return simple("response", xy_temp_base64(rest));
    case 6:
        return simple("response", rest);
    case 7:
        return next(what / 12 % 2 ? "UPGR-SCRAM-SHA-256" : "UPGR-SCRAM-SHA-512");
    case 8:
        return with_hash(rest, 32);
    case 9:
        return with_hash(rest, 64);
    case 10:
        return simple("abort", rest);
    default:
        return authenticate_with(XY_STR("TOKEN"), rest, 3);
    }
}

static void
send_piece(struct sasl2 *self, struct xy_stream *stream, struct xy_str piece)
{
    struct xy_str rest = xy_str_of(piece.at + 1, piece.len - 1);
    const struct xy_stanza *element = element_of((unsigned char)piece.at[0], rest);
    if (!element)
        return;
    bool was_continued = stream->continued, was_in = stream->in;
    bool again =
        xy_node_is(xy_stanza_root(element), XY_STR(XY_NS_SASL2), XY_STR("authenticate"));
    stream->answers = 0;
    if (take_element(self, stream, element) == XY_PASS)
        stream->closed = true; /* what the core makes of it */
    xy_assert(stream->closed || !again || (!was_continued && !was_in));
    xy_assert(stream->closed || stream->answers == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = input_begin(bytes, size);
    struct xy_str piece;
    const struct xy_jid *juliet = xy_jid_parse(XY_STR("juliet@example.org"));
    const struct xy_jid *const claims[] = {romeo, NULL, romeo, juliet};
    struct xy_stream stream = {.secure = size % 8 != 7, .from = claims[size % 4]};
    struct sasl2 self = {.upgrade = true};
    while (!stream.closed && input_next(&input, &piece))
        send_piece(&self, &stream, piece);
    free_notes(&stream.notes);
    input_end(&input);
    return 0;
}
