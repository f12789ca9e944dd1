/* SPDX-License-Identifier: MIT */
/*
 * The SASL profile of RFC 6120 section 6: how an exchange travels in <auth/>, <challenge/>,
 * <response/> and their like, and that a new stream follows.
 */
#include "modules/sasl/sasl.h"

void
legacy_offer(struct sasl *self, struct xy_stream *stream, struct xy_node *features)
{
    if (!self->legacy || xy_stream_stage(stream) != XY_STREAM_OPEN)
        return;
    struct xy_node *list = xy_node_add(features, XY_STR(XY_NS_SASL), XY_STR("mechanisms"));
    (void)offer_mechanisms(self, stream, XY_SASL1, list);
    (void)offer_bindings(self, stream, features);
    (void)offer_announced(self, stream, XY_SASL1, list);
}

/* ---- answering --------------------------------------------------------------------------- */

static struct xy_node *
reply(struct xy_stanza **stanza, const char *name)
{
    *stanza = xy_stanza_new(XY_STR(XY_NS_SASL), xy_str_from(name));
    return xy_stanza_top(*stanza);
}

static void
refuse(struct sasl *self, struct xy_stream *stream, const struct xy_sasl_outcome *outcome)
{
    struct xy_stanza *failure;
    struct xy_node *top = reply(&failure, "failure");
    xy_node_add(top, XY_NO_STR, xy_str_from(outcome->failure));
    (void)xy_stream_send(stream, failure);
    (void)exchange_failed(self, stream, outcome);
}

static void
accept(struct sasl *self, struct xy_stream *stream, const struct xy_sasl_outcome *outcome)
{
    struct xy_stanza *success;
    struct xy_node *top = reply(&success, "success");
    if (outcome->text.len)
        xy_node_add_text(top, xy_temp_base64(outcome->text));
    if (xy_stream_send(stream, success) != XY_OK)
        return;
    (void)exchange_succeeded(self, stream, XY_SASL1, outcome);
    xy_stream_authenticated(stream, outcome->account);
}

static void
answer(struct sasl *self, struct xy_stream *stream, const struct xy_sasl_outcome *outcome)
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

/* ---- what the client sends --------------------------------------------------------------- */

/* RFC 6120 6.4.2: "=" is a message of no bytes. */
static xy_status
read_message(const struct xy_node *element, struct xy_str *message)
{
    struct xy_str text = xy_str_trim(xy_node_text(element));
    if (xy_str_is(text, "="))
        text = XY_NO_STR;
    return xy_temp_unbase64(text, message);
}

static struct xy_sasl_outcome
begin(struct sasl *self, struct xy_stream *stream, const struct xy_node *element)
{
    struct xy_str message;
    if (read_message(element, &message) != XY_OK)
        return failed("incorrect-encoding");
    if (!xy_str_trim(xy_node_text(element)).len)
        message = XY_NO_STR;
    struct xy_sasl_outcome outcome;
    (void)exchange_begin(self, stream, XY_SASL1, xy_node_attr(element, "mechanism"), message,
                         &outcome);
    return outcome;
}

static struct xy_sasl_outcome
go_on(struct sasl *self, struct xy_stream *stream, const struct xy_node *element)
{
    struct xy_str message;
    if (read_message(element, &message) != XY_OK)
        return failed("incorrect-encoding");
    struct xy_sasl_outcome outcome;
    (void)exchange_continue(self, stream, message, &outcome);
    return outcome;
}

xy_verdict
legacy_take(struct sasl *self, struct xy_stream *stream, const struct xy_stanza *element)
{
    const struct xy_node *root = xy_stanza_root(element);
    if (!self->legacy || !xy_str_is(xy_node_ns(root), XY_NS_SASL) ||
        xy_stream_stage(stream) != XY_STREAM_OPEN)
        return XY_PASS;
    struct xy_sasl_outcome outcome;
    struct xy_str name = xy_node_name(root);
    if (xy_str_is(name, "auth"))
        outcome = begin(self, stream, root);
    else if (xy_str_is(name, "response"))
        outcome = go_on(self, stream, root);
    else if (xy_str_is(name, "abort"))
        outcome = failed("aborted");
    else
        return XY_PASS;
    answer(self, stream, &outcome);
    return XY_DONE;
}
