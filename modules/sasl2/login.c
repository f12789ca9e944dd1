/* SPDX-License-Identifier: MIT */
/*
 * From <authenticate/> to <success/> or <failure/> (XEP-0388 section 2). Invariant: nobody is
 * logged in as anybody but whom the stream's header named, and nothing the client asked for
 * besides is done before it is.
 */
#include "modules/sasl2/sasl2.h"

struct xy_node *
login_reply(struct xy_stanza **stanza, const char *name)
{
    *stanza = xy_stanza_new(XY_STR(XY_NS_SASL2), xy_str_from(name));
    return xy_stanza_top(*stanza);
}

void
login_refuse(struct xy_stream *stream, const struct xy_sasl_outcome *outcome)
{
    struct xy_stanza *failure;
    struct xy_node *top = login_reply(&failure, "failure");
    xy_node_add(top, XY_STR(XY_NS_SASL), xy_str_from(outcome->failure));
    (void)xy_stream_send(stream, failure);
    login_end(stream);
    (void)xy_run_sasl_failed(xy_stream_host(stream), stream, outcome);
}

static void
challenge(struct xy_stream *stream, const struct xy_sasl_outcome *outcome)
{
    struct xy_stanza *stanza;
    xy_node_add_text(login_reply(&stanza, "challenge"), xy_temp_base64(outcome->text));
    (void)xy_stream_send(stream, stanza);
}

/* What <authenticate/> asks for besides is done by others. It may wait, and the stream end. */
static bool
do_inline(struct xy_stream *stream, const struct xy_node *authenticate, struct xy_node *success)
{
    struct xy_host *host = xy_stream_host(stream);
    bool resumed = xy_run_sasl2_resume(host, stream, authenticate, success) == XY_DONE;
    if (xy_stream_stage(stream) != XY_STREAM_CLOSED)
        xy_run_sasl2_success(host, stream, authenticate, success, resumed);
    return resumed;
}

void
login_finish(struct xy_stream *stream, const struct xy_node *authenticate,
             const struct xy_sasl_outcome *outcome)
{
    struct xy_host *host = xy_stream_host(stream);
    login_end(stream);
    (void)xy_run_sasl_succeeded(host, stream, XY_SASL2, outcome);
    if (outcome->by_token)
        xy_stream_uses_token(stream);
    xy_stream_authenticated_inline(stream, outcome->account);
    struct xy_stanza *success;
    struct xy_node *top = login_reply(&success, "success"), *identifier;
    if (outcome->text.len)
        xy_node_add_text(xy_node_add(top, XY_NO_STR, XY_STR("additional-data")),
                         xy_temp_base64(outcome->text));
    identifier = xy_node_add(top, XY_NO_STR, XY_STR("authorization-identifier"));
    bool resumed = do_inline(stream, authenticate, top);
    const struct xy_session *session = xy_stream_session(stream);
    xy_node_add_text(identifier,
                     xy_jid_text(session ? xy_session_jid(session) : outcome->account));
    if (xy_stream_send(stream, success) != XY_OK)
        return;
    if (!resumed)
        xy_stream_offer(stream);
    xy_run_sasl2_finished(host, stream);
}

/* ---- what the mechanism says ------------------------------------------------------------- */

/* XEP-0388 2.3: whoever said in the stream's header who it is must be that. */
static void
compare_with_header(const struct xy_stream *stream, struct xy_sasl_outcome *outcome)
{
    const struct xy_jid *from = xy_stream_from(stream);
    if (outcome->failure || !outcome->account || !from)
        return;
    if (xy_jid_bare(from) != outcome->account)
        outcome->failure = "invalid-authzid";
}

/* `upgrades`: a password was shown, so keys may be added. Whoever showed but a token must not
 * set what will count as the password. */
static void
answer(struct sasl2 *self, struct xy_stream *stream, const struct xy_node *authenticate,
       struct xy_sasl_outcome *outcome, bool upgrades)
{
    if (xy_stream_stage(stream) != XY_STREAM_OPEN)
        return; /* ended while the database was asked */
    compare_with_header(stream, outcome);
    if (outcome->failure) {
        login_refuse(stream, outcome);
    } else if (outcome->success) {
        if (!upgrades || !upgrade_begin(self, stream, authenticate, outcome))
            login_finish(stream, authenticate, outcome);
    } else {
        login_keep(stream, EXCHANGE, NULL, authenticate);
        challenge(stream, outcome);
    }
}

/* XEP-0388 2.2: an empty element is an empty message, no element none. */
static xy_status
read_message(const struct xy_node *node, struct xy_str *message)
{
    *message = XY_NO_STR;
    return node ? xy_temp_unbase64(xy_str_trim(xy_node_text(node)), message) : XY_OK;
}

void
login_begin(struct sasl2 *self, struct xy_stream *stream, const struct xy_node *element)
{
    struct xy_host *host = xy_stream_host(stream);
    struct xy_sasl_outcome outcome = {0};
    struct xy_str message, mechanism = xy_node_attr(element, "mechanism");
    const struct xy_node *initial =
        xy_node_child(element, XY_STR(XY_NS_SASL2), XY_STR("initial-response"));
    bool elsewhere = false;
    agent_note(stream, element);
    if (!xy_stream_is_secure(stream))
        outcome.failure = "encryption-required";
    else if (read_message(initial, &message) != XY_OK)
        outcome.failure = "incorrect-encoding";
    else
        elsewhere =
            xy_run_sasl2_begin(host, stream, element, mechanism, message, &outcome) == XY_DONE;
    if (!elsewhere && !outcome.failure &&
        xy_run_sasl_begin(host, stream, XY_SASL2, mechanism, message, &outcome) != XY_OK)
        outcome.failure = "temporary-auth-failure";
    answer(self, stream, element, &outcome, !elsewhere);
}

void
login_go_on(struct sasl2 *self, struct xy_stream *stream, const struct xy_node *element)
{
    struct xy_sasl_outcome outcome = {0};
    struct xy_str message;
    const struct login *login = login_find(stream);
    const struct xy_node *authenticate = login ? login_element(login) : NULL;
    if (!authenticate)
        outcome.failure = "malformed-request";
    else if (read_message(element, &message) != XY_OK)
        outcome.failure = "incorrect-encoding";
    else if (xy_run_sasl_continue(xy_stream_host(stream), stream, message, &outcome) != XY_OK)
        outcome.failure = "temporary-auth-failure";
    answer(self, stream, authenticate, &outcome, true);
}
