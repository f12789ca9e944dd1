/* SPDX-License-Identifier: MIT */
/*
 * Telling a push service (XEP-0357 section 7): a pubsub publish in the server's name. What it
 * answers decides: taken; a trouble that may pass, so it is tried again later and later; or an
 * end of the registration.
 */
#include "modules/push/push.h"

enum { ANSWER_MS = 30 * 1000, BACKOFF_FIRST_MS = 60 * 1000, BACKOFF_MOST_MS = 60 * 60 * 1000 };

/* ---- the notification
 * ------------------------------------------------------------------------ */

static void
add_field(struct xy_node *form, const char *var, struct xy_str value)
{
    struct xy_node *field = xy_node_add(form, XY_NO_STR, XY_STR("field"));
    xy_node_set(field, "var", xy_str_from(var));
    xy_node_add_text(xy_node_add(field, XY_NO_STR, XY_STR("value")), value);
}

static void
add_summary(struct xy_node *notification, const struct account *account, int64_t count)
{
    struct xy_node *form = xy_node_add(notification, XY_STR(XY_NS_DATA), XY_STR("x"));
    xy_node_set(form, "type", XY_STR("submit"));
    add_field(form, "FORM_TYPE", XY_STR("urn:xmpp:push:summary"));
    add_field(form, "message-count", xy_temp_printf("%lld", (long long)count));
    if (account->sender.len)
        add_field(form, "last-message-sender", account->sender);
    if (account->body.len)
        add_field(form, "last-message-body", account->body);
}

static struct xy_stanza *
make(const struct push *self, const struct target *target, int64_t count)
{
    struct xy_str ns = XY_STR(XY_NS_PUBSUB);
    struct xy_stanza *iq = xy_stanza_new(XY_NO_STR, XY_STR("iq"));
    xy_stanza_set_type(iq, XY_STR("set"));
    xy_stanza_set_from(iq, xy_host_jid(xy_host_of((void *)(uintptr_t)self)));
    xy_stanza_set_to(iq, xy_jid_parse(target->service));
    struct xy_node *pubsub = xy_node_add(xy_stanza_top(iq), ns, XY_STR("pubsub"));
    struct xy_node *publish = xy_node_add(pubsub, XY_NO_STR, XY_STR("publish"));
    if (target->node.len)
        xy_node_set(publish, "node", target->node);
    struct xy_node *notification = xy_node_add(xy_node_add(publish, XY_NO_STR, XY_STR("item")),
                                               XY_STR(XY_NS_PUSH), XY_STR("notification"));
    if (self->content.index >= CONTENT_COUNT)
        add_summary(notification, target->account, count);
    if (target->options.len) {
        struct xy_node *options = xy_node_add(pubsub, XY_NO_STR, XY_STR("publish-options"));
        (void)xy_node_add_xml(options, target->options);
    }
    return iq;
}

/* ---- the answer
 * ------------------------------------------------------------------------------ */

/* Conditions under which asking again is no use, unless the service says `wait`. */
static const xy_condition final[] = {
    XY_BAD_REQUEST, XY_ERROR_CONFLICT, XY_FEATURE_NOT_IMPLEMENTED, XY_FORBIDDEN,
    XY_ERROR_GONE,  XY_ITEM_NOT_FOUND, XY_JID_MALFORMED,           XY_NOT_ACCEPTABLE,
    XY_NOT_ALLOWED, XY_NOT_AUTHORIZED, XY_REGISTRATION_REQUIRED,   XY_SUBSCRIPTION_REQUIRED,
};

static const char *
condition_of(const struct xy_node *error)
{
    for (unsigned i = 0; i < XY_CONDITIONS; i++) {
        const char *name = xy_condition_name((xy_condition)i);
        if (xy_node_child(error, XY_STR(XY_NS_STANZA_ERRORS), xy_str_from(name)))
            return name;
    }
    return xy_condition_name(XY_UNDEFINED_CONDITION);
}

static bool
is_final(const struct xy_node *error)
{
    if (xy_str_is(xy_node_attr(error, "type"), "wait"))
        return false;
    for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++)
        if (strcmp(condition_of(error), xy_condition_name(final[i])) == 0)
            return true;
    return false;
}

static void
save_failing(const struct target *target)
{
    xy_status status = push_set_failing(target->account->owner, target);
    if (status != XY_OK)
        xy_warn("push.not_saved", "since when a push service fails is not recorded",
                XY_F_STR_AS("service", target->service),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
end_registration(struct push *self, struct target *target, const char *reason)
{
    struct xy_user *user;
    int64_t removed;
    target->due = false;
    xy_status status = xy_user_get(xy_jid_parse(target->account->jid), &user);
    if (status == XY_OK && xy_user_owner(user) == target->account->owner)
        status = push_remove(self, user, target->service, &target->node, reason, &removed);
    if (status != XY_OK && status != XY_ABSENT)
        xy_warn("push.not_removed", "a refused registration stays",
                XY_F_STR_AS("account", target->account->jid),
                XY_F_STR_AS("service", target->service),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
note_success(struct push *self, struct target *target)
{
    xy_count(&self->accepted);
    target->backoff_ms = 0;
    target->not_before_ms = XY_NONE;
    if (!target->failing_ms)
        return;
    target->failing_ms = 0;
    xy_notice("push.recovered", "a push service answers again",
              XY_F_STR_AS("account", target->account->jid),
              XY_F_STR_AS("service", target->service));
    save_failing(target);
}

static void
note_trouble(struct push *self, struct target *target, const char *condition)
{
    int64_t now = xy_now_ms();
    target->due = true;
    target->backoff_ms = target->backoff_ms == 0 ? BACKOFF_FIRST_MS : 2 * target->backoff_ms;
    if (target->backoff_ms > BACKOFF_MOST_MS)
        target->backoff_ms = BACKOFF_MOST_MS;
    target->not_before_ms = xy_monotonic_ms() + target->backoff_ms;
    if (target->failing_ms && self->give_up.ms != XY_NONE &&
        now - target->failing_ms >= self->give_up.ms) {
        end_registration(self, target, "its service has not answered for too long");
        return;
    }
    if (target->failing_ms)
        return;
    target->failing_ms = now;
    xy_warn("push.failing", "a push service cannot be told; it is tried again",
            XY_F_STR_AS("account", target->account->jid),
            XY_F_STR_AS("service", target->service), XY_F_CSTR_AS("condition", condition));
    save_failing(target);
}

static void
take_answer(struct push *self, struct target *target, xy_status status,
            const struct xy_stanza *reply)
{
    if (status == XY_OK && !xy_stanza_is_error(reply)) {
        note_success(self, target);
        return;
    }
    xy_count(&self->failed);
    const struct xy_node *error =
        status == XY_OK ? xy_stanza_child(reply, XY_STR(XY_NS_CLIENT), XY_STR("error")) : NULL;
    if (error && is_final(error))
        end_registration(self, target, condition_of(error));
    else
        note_trouble(self, target,
                     error ? condition_of(error) : xy_condition_name(XY_REMOTE_SERVER_TIMEOUT));
}

static void
tell(struct push *self, struct target *target)
{
    const struct xy_stanza *reply = NULL;
    int64_t count = 0;
    target->due = false;
    target->sent_ms = xy_monotonic_ms();
    if (target->urgent)
        target->called_ms = target->sent_ms;
    target->urgent = false;
    if (self->content.index >= CONTENT_COUNT &&
        (xy_pending_count(target->account->owner, &count) != XY_OK || count == 0))
        count = 1; /* there is one, in a room perhaps, or nobody would be told */
    if (target->gone)
        return;
    xy_count(&self->sent);
    xy_status status = xy_iq_request(make(self, target, count), ANSWER_MS, &reply);
    if (!target->gone && status != XY_CANCELLED)
        take_answer(self, target, status, reply);
}

void
push_notify(void *instance, void *argument)
{
    struct push *self = instance;
    struct target *target = argument;
    struct account *account = target->account;
    if (!target->gone && account->loaded && !account->gone)
        tell(self, target);
    account->used_ms = xy_monotonic_ms();
    target->busy = false;
    if (target->gone)
        push_free_target(self, target);
    else if (!account->loaded)
        push_attend(self, account); /* perhaps it was disabled just now */
    push_release(self, account);
}
