/* SPDX-License-Identifier: MIT */
/*
 * Extensible SASL (XEP-0388 1.0.4): mechanisms are sasl's, what joins in at the login is
 * others' (xylem/sasl2.h). Offered under TLS only. While a login is under way nothing but its
 * own elements may come.
 */
#include "modules/sasl2/sasl2.h"

/* ---- offering ---------------------------------------------------------------------------- */

/* Inline features are made apart: whoever adds a mechanism meanwhile adds it before them. */
static void
offer_inline(struct xy_stream *stream, struct xy_node *authentication)
{
    struct xy_stanza *apart = xy_stanza_new(XY_STR(XY_NS_SASL2), XY_STR("inline"));
    struct xy_node *in = xy_stanza_top(apart);
    xy_run_sasl2_offer(xy_stream_host(stream), stream, authentication, in);
    if (xy_node_first(in))
        xy_node_add_copy(authentication, in);
}

static bool
names_another_host(const struct xy_stream *stream)
{
    const struct xy_jid *from = xy_stream_from(stream);
    return from && xy_jid_host(from) != xy_host_jid(xy_stream_host(stream));
}

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *features)
{
    if (xy_stream_stage(stream) != XY_STREAM_OPEN || !xy_stream_is_secure(stream))
        return;
    if (names_another_host(stream)) {
        xy_stream_error(stream, "invalid-from", XY_NO_STR);
        return;
    }
    struct xy_host *host = xy_stream_host(stream);
    struct xy_node *authentication =
        xy_node_add(features, XY_STR(XY_NS_SASL2), XY_STR("authentication"));
    (void)xy_run_sasl_mechanisms(host, stream, XY_SASL2, authentication);
    offer_inline(stream, authentication);
    if (!xy_node_child(authentication, XY_STR(XY_NS_SASL2), XY_STR("mechanism"))) {
        xy_node_remove(features, authentication);
        return;
    }
    upgrade_offer(self, stream, authentication);
    (void)xy_run_sasl_announced(host, stream, XY_SASL2, authentication);
    (void)xy_run_sasl_bindings(host, stream, features);
}

/* ---- taking elements --------------------------------------------------------------------- */

static void
end(struct xy_stream *stream, const char *condition, const char *text)
{
    xy_stream_error(stream, condition, xy_str_from(text));
}

static void
refuse(struct xy_stream *stream, const char *condition)
{
    struct xy_sasl_outcome outcome = {.failure = condition};
    login_refuse(stream, &outcome);
}

/* XEP-0388 2.4: anything but what is due ends the stream. */
static void
out_of_turn(struct xy_stream *stream)
{
    end(stream, "not-authorized", "A login is under way");
}

/* False: no element of SASL2. */
static bool
take_own(struct sasl2 *self, struct xy_stream *stream, const struct login *login,
         const struct xy_node *root)
{
    enum stage stage = login ? (enum stage)login->stage : IDLE;
    struct xy_str name = xy_node_name(root);
    if (xy_str_is(name, "abort"))
        refuse(stream, "aborted");
    else if (xy_str_is(name, "authenticate") && login && login->continued)
        end(stream, "policy-violation", "There is one <authenticate/> to a stream");
    else if (xy_str_is(name, "authenticate") && stage == IDLE)
        login_begin(self, stream, root);
    else if (xy_str_is(name, "response") && stage == EXCHANGE)
        login_go_on(self, stream, root);
    else if (xy_str_is(name, "next") && stage == OFFERED)
        upgrade_next(stream, root);
    else if (xy_str_is(name, "task-data") && stage == ASKED)
        upgrade_data(self, stream, root);
    else if (xy_str_is(name, "response") && stage == IDLE)
        refuse(stream, "malformed-request");
    else
        return false;
    return true;
}

static xy_verdict
take_element(XY_SELF, struct xy_stream *stream, const struct xy_stanza *element)
{
    const struct xy_node *root = xy_stanza_root(element);
    bool own = xy_str_is(xy_node_ns(root), XY_NS_SASL2);
    enum xy_stream_stage stage = xy_stream_stage(stream);
    if (stage == XY_STREAM_OPEN) {
        const struct login *login = login_find(stream);
        bool busy = login && login->stage != IDLE;
        if (own && take_own(self, stream, login, root))
            return XY_DONE;
        if (!busy)
            return XY_PASS;
        out_of_turn(stream);
        return XY_DONE;
    }
    if (stage == XY_STREAM_CLOSED || !own || !xy_str_is(xy_node_name(root), "authenticate"))
        return XY_PASS;
    end(stream, "policy-violation", "Logged in already");
    return XY_DONE;
}

static const struct xy_option options[] = {
    XY_OPTION(upgrade, .initial = "on",
              .doc = "Whether clients of accounts that lack the keys of a newer SCRAM "
                     "mechanism are asked for them at login (XEP-0480)."),
};
static const struct xy_hook hooks[] = {
    XY_ON(stream_features, offer, .order = XY_EARLY),
    XY_ON(stream_element, take_element, .order = XY_EARLY),
    XY_ON(sasl2_user_agent, agent_provide),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(upgrades, .unit = "accounts",
              .doc = "Key sets that clients added to their accounts."),
};

XY_MODULE(sasl2, .about = "Logs clients in with less back and forth (XEP-0388).", XY_STATE_SIZE,
          .needs = "sasl", XY_TABLE(options, options), XY_TABLE(hooks, hooks),
          XY_TABLE(metrics, metrics));
