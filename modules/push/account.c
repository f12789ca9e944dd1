/* SPDX-License-Identifier: MIT */
/*
 * Accounts and targets in memory: made when something may have to be told, gone when it is
 * quiet. Invariant: nothing is freed that a task or handler has in hand, and a target is never
 * used when its registration is known to be gone.
 */
#include "modules/push/push.h"

/* On users known to have no registrations: messages to them cost nothing. */
static const struct xy_note none_kind = {"push.none", 1, 1};

enum { MOST_BODY = 256 };

static void
set_words(struct push *self, struct xy_str *to, struct xy_str words)
{
    xy_keep_free(self, to->at);
    *to = words.len ? xy_keep_str(self, words) : XY_NO_STR;
}

/* Whole characters of UTF-8. */
static struct xy_str
excerpt(struct xy_str text)
{
    size_t len = text.len;
    if (len > MOST_BODY)
        for (len = MOST_BODY; len > 0 && ((unsigned char)text.at[len] & 0xc0) == 0x80;)
            len--;
    return xy_str_of(text.at, len);
}

void
push_note_words(struct push *self, struct account *account, xy_message_id id,
                const struct xy_stanza *message)
{
    /* what a retraction says is for clients that do not know it */
    bool other = xy_stanza_child(message, XY_STR("urn:xmpp:eme:0"), XY_STR("encryption")) ||
                 xy_stanza_child(message, XY_STR(NS_RETRACT), XY_STR("retract"));
    const struct xy_node *body =
        other ? NULL : xy_stanza_child(message, XY_STR(XY_NS_CLIENT), XY_STR("body"));
    const struct xy_jid *from = xy_stanza_from(message);
    set_words(self, &account->sender,
              from && self->content.index >= CONTENT_SENDER ? xy_jid_text(from) : XY_NO_STR);
    set_words(self, &account->body,
              body && self->content.index >= CONTENT_BODY ? excerpt(xy_node_text(body))
                                                          : XY_NO_STR);
    account->said = id;
}

void
push_removed(XY_SELF, const struct xy_message_record *removed)
{
    struct xy_str key;
    void *value;
    size_t at = 0;
    while (xy_map_next(self->accounts, &at, &key, &value)) {
        struct account *account = value;
        if (account->said == removed->id || !account->said)
            set_words(self, &account->body, XY_NO_STR);
    }
}

/* ---- targets
 * --------------------------------------------------------------------------------- */

void
push_free_target(struct push *self, struct target *target)
{
    xy_strand_free(target->strand);
    xy_keep_free(self, target->service.at);
    xy_keep_free(self, target->node.at);
    xy_keep_free(self, target->options.at);
    xy_keep_free(self, target->resource.at);
    xy_keep_free(self, target);
}

static struct target *
add_target(struct push *self, struct account *account, const struct registration *row)
{
    struct target *target = xy_keep_alloc(self, sizeof(*target));
    target->account = account;
    target->strand = xy_strand_new(self);
    target->service = xy_keep_str(self, row->service);
    target->node = xy_keep_str(self, row->node);
    target->sent_ms = target->called_ms = target->not_before_ms = target->look_ms = XY_NONE;
    target->next = account->first;
    account->first = target;
    return target;
}

static struct target *
find_target(const struct account *account, const struct registration *row)
{
    for (struct target *t = account->first; t; t = t->next)
        if (xy_str_equal(t->service, row->service) && xy_str_equal(t->node, row->node))
            return t;
    return NULL;
}

static void
drop_gone(struct push *self, struct account *account)
{
    struct target **at = &account->first;
    while (*at) {
        struct target *target = *at;
        if (!target->gone) {
            at = &target->next;
            continue;
        }
        *at = target->next;
        if (!target->busy) /* else notify() frees it */
            push_free_target(self, target);
    }
}

/* A registration enabled anew begins anew. */
static void
fill_target(struct push *self, struct target *target, const struct registration *row)
{
    set_words(self, &target->options, row->options);
    set_words(self, &target->resource, row->resource);
    if (target->enabled_ms != row->enabled_ms) {
        target->backoff_ms = 0;
        target->not_before_ms = XY_NONE;
    }
    target->device = row->device;
    target->enabled_ms = row->enabled_ms;
    target->failing_ms = row->failing_ms;
    target->gone = false;
}

static void
merge(struct push *self, struct account *account, const struct registration *all, size_t count)
{
    for (struct target *t = account->first; t; t = t->next)
        t->gone = true;
    for (size_t i = 0; i < count; i++) {
        struct target *target = find_target(account, &all[i]);
        fill_target(self, target ? target : add_target(self, account, &all[i]), &all[i]);
    }
    drop_gone(self, account);
}

/* ---- accounts
 * -------------------------------------------------------------------------------- */

struct account *
push_hold(struct push *self, struct xy_user *user)
{
    xy_owner owner = xy_user_owner(user);
    struct account *account = xy_map_get(self->accounts, XY_KEY(owner));
    if (!account && xy_user_note_find(user, &none_kind))
        return NULL;
    if (!account) {
        account = xy_keep_alloc(self, sizeof(*account));
        account->owner = owner;
        account->jid = xy_keep_str(self, xy_jid_text(xy_user_jid(user)));
        account->strand = xy_strand_new(self);
        xy_map_put(self->accounts, XY_KEY(owner), account);
        push_tick(self);
    }
    account->users++;
    account->used_ms = xy_monotonic_ms();
    return account;
}

void
push_note_departure(struct push *self, struct account *account,
                    const struct xy_session *session, bool owed, bool call)
{
    struct departure *left = xy_keep_alloc(self, sizeof(*left));
    left->device = xy_session_device(session);
    left->resource = xy_keep_str(self, xy_jid_resource(xy_session_jid(session)));
    left->owed = owed;
    left->call = call;
    left->next = account->left;
    account->left = left;
}

void
push_forget_departures(struct push *self, struct account *account)
{
    while (account->left) {
        struct departure *left = account->left;
        account->left = left->next;
        xy_keep_free(self, left->resource.at);
        xy_keep_free(self, left);
    }
}

void
push_release(struct push *self, struct account *account)
{
    xy_assert(account->users > 0);
    if (--account->users > 0 || !account->gone)
        return;
    for (struct target *t = account->first; t; t = t->next)
        t->gone = true;
    drop_gone(self, account);
    xy_strand_free(account->strand);
    push_forget_departures(self, account);
    set_words(self, &account->sender, XY_NO_STR);
    set_words(self, &account->body, XY_NO_STR);
    xy_keep_free(self, account->jid.at);
    xy_keep_free(self, account);
}

xy_status
push_load(struct push *self, struct account *account, struct xy_user *user)
{
    struct registration *all;
    size_t count;
    unsigned stale;
    if (account->loaded)
        return XY_OK;
    do {
        stale = account->stale;
        xy_status status = push_read(account->owner, &all, &count);
        if (status != XY_OK)
            return status;
    } while (stale != account->stale);
    merge(self, account, all, count);
    account->loaded = true;
    if (count == 0)
        (void)xy_user_note(user, &none_kind);
    return XY_OK;
}

void
push_changed(struct push *self, struct xy_user *user)
{
    xy_owner owner = xy_user_owner(user);
    struct account *account = xy_map_get(self->accounts, XY_KEY(owner));
    xy_user_note_drop(user, &none_kind);
    if (!account)
        return;
    account->stale++;
    account->loaded = false;
}

void
push_forget(struct push *self, xy_owner owner)
{
    struct account *account = xy_map_remove(self->accounts, XY_KEY(owner));
    if (!account)
        return;
    account->gone = true;
    account->users++;
    push_release(self, account);
}
