/* SPDX-License-Identifier: MIT */
/*
 * Service discovery (XEP-0030) for hosts and accounts. Invariant: to whoever may not see an
 * account's presence, the account answers as if it did not exist.
 */
#include "modules/disco/disco.h"

struct question {
    struct xy_host *host;
    struct xy_user *user;
    const struct xy_jid *asker;
    struct xy_str node;
    struct xy_stanza *result;
    struct xy_node *query; /* of the result */
};

static bool
is_hidden(const struct xy_iq *iq)
{
    struct xy_user *user = xy_iq_user(iq);
    return user && !xy_user_shows(user, xy_iq_from(iq));
}

static struct question
read_question(const struct xy_iq *iq)
{
    const struct xy_node *payload = xy_iq_payload(iq);
    struct question question = {
        .host = xy_iq_host(iq),
        .user = xy_iq_user(iq),
        .asker = xy_iq_from(iq),
        .node = xy_node_attr(payload, "node"),
        .result = xy_iq_result(iq),
    };
    question.query =
        xy_node_add(xy_stanza_top(question.result), xy_node_ns(payload), XY_STR("query"));
    if (question.node.len)
        xy_node_set(question.query, "node", question.node);
    return question;
}

/* "node#ver" as in the stream features. */
static bool
is_own_caps(struct disco *self, const struct question *asked)
{
    struct xy_str prefix = XY_STR(CAPS_NODE "#"), node = asked->node;
    if (asked->user || !xy_str_starts(node, prefix))
        return false;
    struct xy_str ver = xy_str_of(node.at + prefix.len, node.len - prefix.len);
    return xy_str_equal(ver, caps_ver(self, asked->host));
}

static xy_status
answer_info(XY_SELF, struct xy_iq *iq)
{
    if (is_hidden(iq))
        return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
    struct question q = read_question(iq);
    if (!q.node.len || is_own_caps(self, &q))
        disco_fill(self, q.host, q.user, q.asker, q.query);
    else if (xy_run_disco_info(q.host, q.host, q.user, q.asker, q.node, q.query) == XY_PASS)
        return XY_ABSENT;
    return xy_iq_reply(iq, q.result);
}

static xy_status
answer_items(XY_SELF, struct xy_iq *iq)
{
    if (is_hidden(iq))
        return xy_iq_error(iq, XY_SERVICE_UNAVAILABLE, XY_NO_STR);
    struct question q = read_question(iq);
    xy_verdict verdict = xy_run_disco_items(q.host, q.host, q.user, q.asker, q.node, q.query);
    if (q.node.len && verdict == XY_PASS)
        return XY_ABSENT;
    return xy_iq_reply(iq, q.result);
}

static void
show_caps(XY_SELF, struct xy_stream *stream, struct xy_node *features)
{
    if (xy_stream_stage(stream) == XY_STREAM_OPEN)
        return;
    struct xy_str ver = caps_ver(self, xy_stream_host(stream));
    struct xy_node *c = xy_node_add(features, XY_STR(XY_NS_CAPS), XY_STR("c"));
    xy_node_set(c, "hash", XY_STR("sha-1"));
    xy_node_set(c, "node", XY_STR(CAPS_NODE));
    xy_node_set(c, "ver", ver);
}

static const struct xy_option options[] = {
    XY_OPTION(contacts, .initial = "[]",
              .doc = "Addresses of those who run the server (XEP-0157), each a kind and an "
                     "address: \"abuse mailto:abuse@example.org\". Kinds are abuse, admin, "
                     "feedback, sales, security, status and support."),
};
static const struct xy_hook hooks[] = {XY_ON(stream_features, show_caps)};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_DISCO_INFO, "query", answer_info,
                .where = XY_IQ_HOST | XY_IQ_OWN | XY_IQ_ACCOUNT),
    XY_IQ_ROUTE(XY_GET, XY_NS_DISCO_ITEMS, "query", answer_items,
                .where = XY_IQ_HOST | XY_IQ_OWN | XY_IQ_ACCOUNT),
};

XY_MODULE(disco, .about = "Tells what a host or an account is and can do (XEP-0030, XEP-0115).",
          XY_STATE_SIZE, XY_CHECKER(contacts_check), XY_TABLE(options, options),
          XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs));
