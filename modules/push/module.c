/* SPDX-License-Identifier: MIT */
/*
 * Push notifications (XEP-0357): wakes clients that have no connection by telling the service
 * each of them named. By default a notification says that there is something, and no more.
 */
#include "modules/push/push.h"

enum { MOST_NODE = 1023, MOST_OPTIONS = 4096 };

/* ---- protocol
 * -------------------------------------------------------------------------------- */

static bool
is_publish_options(const struct xy_node *form)
{
    struct xy_str ns = XY_STR(XY_NS_DATA);
    for (const struct xy_node *at = xy_node_first(form); at; at = xy_node_next(at)) {
        const struct xy_node *value = xy_node_child(at, ns, XY_STR("value"));
        if (xy_node_is(at, ns, XY_STR("field")) && value &&
            xy_str_is(xy_node_attr(at, "var"), "FORM_TYPE"))
            return xy_str_is(xy_node_text(value), XY_NS_PUBLISH_OPTIONS);
    }
    return false;
}

/* XY_INVALID: malformed; XY_FULL: more than anybody needs. */
static xy_status
read_options(const struct xy_node *enable, struct xy_str *options)
{
    const struct xy_node *form = xy_node_child(enable, XY_STR(XY_NS_DATA), XY_STR("x"));
    *options = XY_NO_STR;
    if (!form)
        return xy_node_first(enable) ? XY_INVALID : XY_OK;
    if (!is_publish_options(form) || !xy_str_is(xy_node_attr(form, "type"), "submit"))
        return XY_INVALID;
    *options = xy_node_xml(form);
    return options->len <= MOST_OPTIONS ? XY_OK : XY_FULL;
}

static xy_status
enable(XY_SELF, struct xy_iq *iq)
{
    const struct xy_node *payload = xy_iq_payload(iq);
    struct xy_session *session = xy_iq_session(iq);
    const struct xy_jid *service = xy_jid_parse(xy_node_attr(payload, "jid"));
    struct registration added = {.node = xy_node_attr(payload, "node"),
                                 .enabled_ms = xy_now_ms()};
    if (!session)
        return XY_DENIED;
    if (!xy_node_attr(payload, "jid").len)
        return XY_INVALID;
    if (!service)
        return xy_iq_error(iq, XY_JID_MALFORMED, XY_NO_STR);
    xy_status status = read_options(payload, &added.options);
    if (status == XY_FULL || added.node.len > MOST_NODE)
        return xy_iq_error(iq, XY_NOT_ACCEPTABLE, XY_STR("Node or publish options too long"));
    if (status != XY_OK)
        return status;
    added.service = xy_jid_text(service);
    added.device = xy_session_device(session);
    added.resource = xy_jid_resource(xy_session_jid(session));
    status = push_add(self, xy_iq_user(iq), &added);
    return status == XY_OK ? xy_iq_reply(iq, NULL) : status;
}

static xy_status
disable(XY_SELF, struct xy_iq *iq)
{
    const struct xy_node *payload = xy_iq_payload(iq);
    const struct xy_jid *service = xy_jid_parse(xy_node_attr(payload, "jid"));
    struct xy_str node = xy_node_attr(payload, "node");
    int64_t removed;
    if (!xy_node_attr(payload, "jid").len)
        return XY_INVALID;
    if (!service)
        return xy_iq_error(iq, XY_JID_MALFORMED, XY_NO_STR);
    xy_status status = push_remove(self, xy_iq_user(iq), xy_jid_text(service),
                                   node.at ? &node : NULL, "disabled by a client", &removed);
    return status == XY_OK ? xy_iq_reply(iq, NULL) : status;
}

/* Section 8: the service takes away the right to publish to a node. */
static xy_verdict
take_notice(XY_SELF, struct xy_user *to, const struct xy_stanza *stanza)
{
    struct xy_str ns = XY_STR(XY_NS_PUBSUB);
    const struct xy_node *pubsub = xy_stanza_kind(stanza) == XY_MESSAGE
                                       ? xy_stanza_child(stanza, ns, XY_STR("pubsub"))
                                       : NULL;
    const struct xy_node *change =
        pubsub ? xy_node_child(pubsub, ns, XY_STR("affiliation")) : NULL;
    if (!change || !xy_stanza_from(stanza) || xy_stanza_is_error(stanza))
        return XY_PASS;
    struct xy_str now = xy_node_attr(change, "affiliation"),
                  node = xy_node_attr(pubsub, "node");
    const struct xy_jid *whose = xy_jid_parse(xy_node_attr(change, "jid"));
    if (!(xy_str_is(now, "none") || xy_str_is(now, "outcast")) ||
        (whose != xy_user_jid(to) && whose != xy_host_jid(xy_user_host(to))))
        return XY_PASS;
    int64_t removed = 0;
    xy_status status = push_remove(self, to, xy_jid_text(xy_stanza_from(stanza)), &node,
                                   "its service took the right to publish", &removed);
    if (status != XY_OK)
        xy_warn("push.not_removed", "a registration its service ended stays",
                XY_F_STR_AS("account", xy_jid_text(xy_user_jid(to))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    return removed ? XY_DONE : XY_PASS;
}

static void
forget(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    push_forget(self, owner);
    if (push_remove_all(owner) != XY_OK)
        xy_warn("push.not_dropped", "registrations of a deleted account stay",
                XY_F_STR_AS("account", xy_jid_text(bare)), XY_F_INT(owner));
}

/* ---- commands
 * -------------------------------------------------------------------------------- */

static xy_status
find_user(struct push *self, struct xy_command *command, struct xy_user **user)
{
    const struct xy_jid *jid = xy_jid_parse(xy_arg(command, "JID"));
    if (!jid)
        return xy_fail(command, XY_INVALID, "not a JID");
    xy_status status = xy_user_get(jid, user);
    if (status == XY_OK && xy_user_host(*user) != xy_host_of(self))
        status = XY_ABSENT;
    return status == XY_OK ? XY_OK : xy_fail(command, status, "there is no such account");
}

static xy_status
list(XY_SELF, struct xy_command *command)
{
    struct xy_user *user;
    struct registration *all;
    size_t count = 0;
    xy_status status = find_user(self, command, &user);
    if (status == XY_OK)
        status = push_read(xy_user_owner(user), &all, &count);
    for (size_t i = 0; i < count && status == XY_OK; i++) {
        xy_row(command);
        xy_put_str(command, "service", all[i].service);
        xy_put_str(command, "node", all[i].node);
        xy_put_str(command, "resource", all[i].resource);
        xy_put_bool(command, "device", all[i].device != 0);
        xy_put_str(command, "enabled", xy_time_format(all[i].enabled_ms));
        if (all[i].failing_ms)
            xy_put_str(command, "failing_since", xy_time_format(all[i].failing_ms));
    }
    return status;
}

static xy_status
remove_some(XY_SELF, struct xy_command *command)
{
    struct xy_user *user;
    int64_t removed = 0;
    const struct xy_jid *service = xy_jid_parse(xy_arg(command, "SERVICE"));
    struct xy_str node = xy_arg(command, "NODE");
    xy_status status = find_user(self, command, &user);
    if (status != XY_OK)
        return status;
    if (!service)
        return xy_fail(command, XY_INVALID, "SERVICE is not a JID");
    status = push_remove(self, user, xy_jid_text(service), node.at ? &node : NULL,
                         "removed by an administrator", &removed);
    if (status == XY_OK && removed == 0)
        return xy_fail(command, XY_ABSENT, "there is no such registration");
    if (status == XY_OK)
        xy_put_int(command, "removed", removed);
    return status;
}

/* ---- coming and going
 * ------------------------------------------------------------------------ */

static xy_status
start(XY_SELF)
{
    self->accounts = xy_map_new(self);
    return XY_OK;
}

/* Whose services still have to be told; when they were last told is forgotten. */
static void
hand_over(XY_SELF, struct xy_handover *to)
{
    struct xy_buffer waiting = {0};
    struct xy_str key;
    size_t at = 0;
    void *value;
    while (xy_map_next(self->accounts, &at, &key, &value)) {
        const struct account *account = value;
        bool waits = account->fresh || account->left;
        for (const struct target *t = account->first; t; t = t->next)
            waits |= t->due || t->look_ms != XY_NONE;
        if (waits)
            xy_buffer_printf(&waiting, XY_FMT "\n", XY_ARG(account->jid));
    }
    xy_handover_put(to, "waiting", 1, xy_buffer_str(&waiting));
}

static void
wake_adopted(void *instance, void *argument)
{
    struct push *self = instance;
    struct xy_str rest = xy_temp_str(self->adopted);
    (void)argument;
    while (rest.len) {
        struct xy_user *user;
        const struct xy_jid *jid = xy_jid_parse(xy_str_cut(&rest, '\n'));
        struct account *account =
            jid && xy_user_get(jid, &user) == XY_OK ? push_hold(self, user) : NULL;
        if (!account)
            continue;
        account->fresh = true;
        push_attend(self, account);
        push_release(self, account);
    }
}

static void
adopt(XY_SELF, struct xy_handover *from)
{
    struct xy_str waiting;
    if (xy_handover_get(from, "waiting", 1, &waiting) != XY_OK)
        return;
    xy_keep_free(self, self->adopted.at);
    self->adopted = xy_keep_str(self, waiting);
    if (!self->waking)
        (void)xy_after(self, 0, wake_adopted, NULL);
    self->waking = true;
}

static void
check(const struct push *self, struct xy_diagnostics *to)
{
    if (self->content.index >= CONTENT_SENDER)
        xy_caution(
            to, "content",
            "push services and the networks behind them, outside of this server, read %s",
            self->content.index == CONTENT_BODY ? "who writes and what" : "who writes to whom");
}

static const struct xy_option options[] = {
    XY_OPTION(content, .initial = "none", .choices = "none|count|sender|body",
              .doc = "What a notification says: nothing, how many messages wait, also who sent "
                     "the last, also the beginning of its text. It passes through the hands of "
                     "others."),
    XY_OPTION(interval, .initial = "10 s", .min = 1000, .max = 60 * 60 * 1000,
              .doc =
                  "One client is woken at most once in this time, and once more behind it if "
                  "there was more. A call does not wait for the rest."),
    XY_OPTION(patience, .initial = "15 s", .min = 1000, .max = 60 * 60 * 1000,
              .doc = "A connected client nobody looks at is woken if it has not acknowledged a "
                     "message for so long."),
    XY_OPTION(registrations, .initial = "20", .min = 1, .max = 1000,
              .doc = "Registrations one account may have; a new one ends the oldest."),
    XY_OPTION(give_up, .initial = "30 days", .min = 60 * 1000, .max = INT64_MAX, .none = true,
              .doc = "A registration ends when its service could not be told for so long."),
};
static const struct xy_hook hooks[] = {
    XY_ON(message_delivering, push_delivering),
    XY_ON(muc_unread, push_unread),
    XY_ON(session_detached, push_left, .order = XY_EARLY), /* before anybody waits */
    XY_ON(session_ending, push_ending),
    XY_ON(stanza_in, take_notice),
    XY_ON(account_deleted, forget),
    XY_ON(message_removed, push_removed),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_SET, XY_NS_PUSH, "enable", enable, .where = XY_IQ_OWN, .quiet = true),
    XY_IQ_ROUTE(XY_SET, XY_NS_PUSH, "disable", disable, .where = XY_IQ_OWN, .quiet = true),
};
static const struct xy_feature features[] = {{XY_NS_PUSH, XY_IQ_ACCOUNT}};
static const struct xy_command_row commands[] = {
    XY_COMMAND("push list", list, .arguments = "JID",
               .about = "Show which services are told of an account's messages."),
    XY_COMMAND("push remove", remove_some, .arguments = "JID SERVICE [NODE]",
               .about = "End an account's registrations with a service."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(sent, .unit = "notifications", .doc = "Notifications sent to push services."),
    XY_METRIC(accepted, .unit = "notifications", .doc = "Notifications that services took."),
    XY_METRIC(failed, .unit = "notifications",
              .doc = "Notifications that services refused or did not answer."),
    XY_METRIC(deregistered, .unit = "registrations", .doc = "Registrations that have ended."),
};

XY_MODULE(push, .about = "Wakes clients without a connection (XEP-0357).", XY_STATE_SIZE,
          XY_START(start), XY_HAND_OVER(hand_over), XY_ADOPT(adopt), XY_CHECKER(check),
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs),
          XY_TABLE(features, features), XY_TABLE(commands, commands),
          XY_TABLE(metrics, metrics), .schema = push_schema, .schema_count = 1,
          .statements = push_statements, .statements_count = PUSH_STATEMENTS);
