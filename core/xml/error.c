/* SPDX-License-Identifier: MIT */
/*
 * Answers: replies, stanza errors (RFC 6120 8.3) and delay stamps (XEP-0203). Invariant: what
 * must not be answered is not, so two servers cannot play ping-pong with errors.
 */
#include "core/xml/tree.h"

static const struct {
    const char *name, *type;
} conditions[XY_CONDITIONS] = {
    [XY_BAD_REQUEST] = {"bad-request", "modify"},
    [XY_ERROR_CONFLICT] = {"conflict", "cancel"},
    [XY_FEATURE_NOT_IMPLEMENTED] = {"feature-not-implemented", "cancel"},
    [XY_FORBIDDEN] = {"forbidden", "auth"},
    [XY_ERROR_GONE] = {"gone", "cancel"},
    [XY_INTERNAL_SERVER_ERROR] = {"internal-server-error", "cancel"},
    [XY_ITEM_NOT_FOUND] = {"item-not-found", "cancel"},
    [XY_JID_MALFORMED] = {"jid-malformed", "modify"},
    [XY_NOT_ACCEPTABLE] = {"not-acceptable", "modify"},
    [XY_NOT_ALLOWED] = {"not-allowed", "cancel"},
    [XY_NOT_AUTHORIZED] = {"not-authorized", "auth"},
    [XY_POLICY_VIOLATION] = {"policy-violation", "modify"},
    [XY_RECIPIENT_UNAVAILABLE] = {"recipient-unavailable", "wait"},
    [XY_REDIRECT] = {"redirect", "modify"},
    [XY_REGISTRATION_REQUIRED] = {"registration-required", "auth"},
    [XY_REMOTE_SERVER_NOT_FOUND] = {"remote-server-not-found", "cancel"},
    [XY_REMOTE_SERVER_TIMEOUT] = {"remote-server-timeout", "wait"},
    [XY_RESOURCE_CONSTRAINT] = {"resource-constraint", "wait"},
    [XY_SERVICE_UNAVAILABLE] = {"service-unavailable", "cancel"},
    [XY_SUBSCRIPTION_REQUIRED] = {"subscription-required", "auth"},
    [XY_UNDEFINED_CONDITION] = {"undefined-condition", "cancel"},
    [XY_UNEXPECTED_REQUEST] = {"unexpected-request", "wait"},
};

const char *
xy_condition_name(xy_condition condition)
{
    xy_assert(condition < XY_CONDITIONS);
    return conditions[condition].name;
}

const char *
xy_condition_type(xy_condition condition)
{
    xy_assert(condition < XY_CONDITIONS);
    return conditions[condition].type;
}

xy_condition
xy_status_condition(xy_status status)
{
    switch (status) {
    case XY_ABSENT:
        return XY_ITEM_NOT_FOUND;
    case XY_FULL:
    case XY_TIMEOUT: /* "wait": the same request may succeed later */
        return XY_RESOURCE_CONSTRAINT;
    case XY_GONE:
        return XY_RECIPIENT_UNAVAILABLE;
    case XY_DENIED:
        return XY_FORBIDDEN;
    case XY_INVALID:
        return XY_BAD_REQUEST;
    case XY_CONFLICT:
        return XY_ERROR_CONFLICT;
    case XY_CANCELLED:
        return XY_SERVICE_UNAVAILABLE;
    case XY_UNSUPPORTED:
        return XY_FEATURE_NOT_IMPLEMENTED;
    case XY_BROKEN:
    case XY_UNKNOWN:
        return XY_INTERNAL_SERVER_ERROR;
    case XY_OK:
        break;
    }
    return XY_UNDEFINED_CONDITION;
}

struct xy_stanza *
xy_stanza_reply(const struct xy_stanza *request, struct xy_str type)
{
    struct xy_stanza *reply = xy_stanza_new(request->root.ns, request->root.name);
    xy_stanza_set_id(reply, request->id);
    xy_stanza_set_type(reply, type);
    xy_stanza_set_from(reply, request->to);
    xy_stanza_set_to(reply, request->from);
    return reply;
}

static bool
may_be_answered(const struct xy_stanza *stanza)
{
    if (xy_stanza_is_error(stanza) || stanza->kind == XY_NONZA)
        return false;
    if (stanza->kind == XY_IQ)
        return !xy_str_is(stanza->type, "result");
    return stanza->kind == XY_MESSAGE ||
           !(xy_str_is(stanza->type, "unavailable") || xy_str_is(stanza->type, "probe"));
}

struct xy_stanza *
xy_stanza_error(const struct xy_stanza *stanza, xy_condition condition, struct xy_str text)
{
    if (!may_be_answered(stanza))
        return NULL;
    struct xy_stanza *answer = xy_stanza_reply(stanza, XY_STR("error"));
    struct xy_node *error = xy_node_add(&answer->root, XY_NO_STR, XY_STR("error"));
    const struct xy_str ns = XY_STR(XY_NS_STANZA_ERRORS);
    xy_node_set(error, "type", xy_str_from(xy_condition_type(condition)));
    xy_node_add(error, ns, xy_str_from(xy_condition_name(condition)));
    if (text.len) {
        struct xy_node *words = xy_node_add(error, ns, XY_STR("text"));
        xy_node_set(words, "xml:lang", XY_STR("en"));
        xy_node_add_text(words, text);
    }
    return answer;
}

void
xy_stanza_error_add(struct xy_stanza *error, struct xy_str ns, struct xy_str name)
{
    const struct xy_node *node = xy_stanza_child(error, XY_NO_STR, XY_STR("error"));
    xy_assert(node);
    xy_node_add(xy_node_mutable(error, node), ns, name);
}

void
xy_stanza_add_delay(struct xy_stanza *stanza, const struct xy_jid *from, int64_t ms)
{
    struct xy_node *delay = xy_node_add(&stanza->root, XY_STR(XY_NS_DELAY), XY_STR("delay"));
    char stamp[XYI_TIME_SIZE];
    xyi_time_write(ms, stamp);
    if (from)
        xy_node_set(delay, "from", xy_jid_text(from));
    xy_node_set(delay, "stamp", xy_str_from(stamp));
}
