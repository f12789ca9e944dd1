/* SPDX-License-Identifier: MIT */
/*
 * The timer a message bears (XEP-0466). Invariant: a client's timer is kept as it stands or the
 * message is refused, so nobody believes in a time that is not kept; only what came in another
 * way is brought within bounds.
 */
#include "modules/ephemeral/ephemeral.h"

enum timer
ephemeral_timer(const struct xy_stanza *message, int64_t *ms)
{
    const struct xy_node *found = NULL;
    const struct xy_node *at = xy_node_first(xy_stanza_root(message));
    int64_t seconds;
    for (; at; at = xy_node_next(at)) {
        if (!xy_node_is(at, XY_STR(NS_EPHEMERAL), XY_STR("ephemeral")))
            continue;
        if (found)
            return TIMER_BROKEN;
        found = at;
    }
    if (!found)
        return TIMER_NONE;
    struct xy_str timer = xy_str_trim(xy_node_attr(found, "timer"));
    if (xy_str_to_int(timer, 0, UINT32_MAX, &seconds) != XY_OK)
        return TIMER_BROKEN;
    *ms = seconds * 1000;
    return TIMER_FOUND;
}

/* Says nothing itself. A retraction must reach devices that come later than any timer. */
static bool
is_aside(const struct xy_node *node)
{
    static const char *const spaces[] = {NS_EPHEMERAL,   XY_NS_HINTS, XY_NS_CHATSTATES,
                                         XY_NS_RECEIPTS, XY_NS_SID,   XY_NS_OCCUPANT_ID,
                                         XY_NS_MARKERS,  XY_NS_DELAY};
    struct xy_str ns = xy_node_ns(node);
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
        if (xy_str_equal(ns, xy_str_from(spaces[i])))
            return true;
    return xy_node_is(node, XY_STR(XY_NS_CLIENT), XY_STR("thread")) ||
           xy_node_is(node, XY_STR(XY_NS_CARBONS), XY_STR("private"));
}

static bool
is_retraction(const struct xy_node *node)
{
    return xy_str_is(xy_node_name(node), "retract") &&
           xy_str_starts(xy_node_ns(node), XY_STR("urn:xmpp:message-retract:"));
}

bool
ephemeral_has_content(const struct xy_stanza *message)
{
    bool any = false;
    const struct xy_node *at = xy_node_first(xy_stanza_root(message));
    for (; at; at = xy_node_next(at)) {
        if (is_retraction(at))
            return false;
        any |= !is_aside(at);
    }
    return any;
}

/* ---- what is refused --------------------------------------------------------------------- */

struct refusal {
    xy_condition condition;
    const char *why;
    struct xy_str text;
};

static bool
sets_subject(const struct xy_stanza *message)
{
    struct xy_str ns = XY_STR(XY_NS_CLIENT);
    return xy_str_is(xy_stanza_type(message), "groupchat") &&
           xy_stanza_child(message, ns, XY_STR("subject")) &&
           !xy_stanza_child(message, ns, XY_STR("body"));
}

static struct refusal
weigh(const struct ephemeral *self, const struct xy_stanza *message, enum timer timer,
      int64_t ms)
{
    if (timer == TIMER_BROKEN)
        return (struct refusal){XY_BAD_REQUEST, "timer",
                                XY_STR("The timer is one number of seconds")};
    if (ms < self->least.ms)
        return (struct refusal){XY_NOT_ACCEPTABLE, "too-short",
                                xy_temp_printf("Messages stay here for at least " XY_FMT,
                                               XY_ARG(xy_duration_text(self->least.ms)))};
    if (self->most.ms != XY_NONE && ms > self->most.ms)
        return (struct refusal){XY_NOT_ACCEPTABLE, "too-long",
                                xy_temp_printf("Timers here are at most " XY_FMT,
                                               XY_ARG(xy_duration_text(self->most.ms)))};
    if (sets_subject(message))
        return (struct refusal){XY_NOT_ACCEPTABLE, "subject",
                                XY_STR("A room keeps its subject until it is changed")};
    return (struct refusal){.why = NULL};
}

static void
refuse(const struct xy_stanza *message, const struct refusal *refusal)
{
    struct xy_stanza *error = xy_stanza_error(message, refusal->condition, refusal->text);
    if (!error)
        return;
    xy_stanza_error_add(error, XY_STR(NS_REFUSAL), xy_str_from(refusal->why));
    xy_route(error);
}

xy_verdict
ephemeral_judge(XY_SELF, struct xy_session *session, const struct xy_stanza *stanza)
{
    int64_t ms = 0;
    (void)session;
    if (xy_stanza_kind(stanza) != XY_MESSAGE || xy_stanza_is_error(stanza))
        return XY_PASS;
    enum timer timer = ephemeral_timer(stanza, &ms);
    if (timer == TIMER_NONE)
        return XY_PASS;
    struct refusal refusal = weigh(self, stanza, timer, ms);
    if (!refusal.why)
        return XY_PASS;
    xy_count(&self->refused);
    refuse(stanza, &refusal);
    return XY_DONE;
}
