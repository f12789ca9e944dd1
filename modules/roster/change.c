/* SPDX-License-Identifier: MIT */
/*
 * Changes of subscriptions (RFC 6121 section 3). A change has up to two sides, both ours when
 * the contact is local, and one transaction: the outbound hook computes our side, then routes
 * the stanza while the change is open; the inbound hook finds it by that stanza and adds its
 * side. Then: commit, push, forward. Somebody else was faster: all of it again.
 */
#include "roster.h"

enum { RETRIES = 20, MOST_STEPS = 2 };

struct step { /* a stanza of the change that reaches the contact's side */
    const struct xy_stanza *presence;
    enum xy_subscription_kind kind;
    bool deliver, auto_reply;
};

struct change {
    struct side own, peer; /* peer.user NULL: the contact is not local, or vetoed */
    struct step steps[MOST_STEPS];
    size_t steps_count;
    struct xy_stanza *forward[MOST_STEPS]; /* to a contact elsewhere */
    size_t forward_count;
    xy_status status;
};

void
roster_list_item(struct side *side)
{
    side->item.listed = LISTED;
}

/* S3-13: an item that only a subscription made goes with it. */
void
roster_settle_item(struct side *side)
{
    struct item *item = &side->item;
    if (!(item->state & IN))
        item->request = XY_NO_STR;
    if (item->listed == LISTED && item->state == 0 && !item->by_user)
        item->listed = REMOVED;
    if (item->listed == REMOVED)
        item->name = item->groups = XY_NO_STR;
}

/* ---- the inbound half
 * ---------------------------------------------------------------------------------- */

static struct step
apply_inbound(struct side *side, enum xy_subscription_kind kind,
              const struct xy_stanza *presence)
{
    struct transition t = roster_inbound(side->item.state, kind);
    side->item.state = t.state;
    if (t.state & IN)
        side->item.request =
            kind == XY_SUBSCRIBE ? xy_stanza_text(presence) : side->item.request;
    if (t.state & (TO | FROM | OUT))
        roster_list_item(side);
    roster_settle_item(side);
    return (struct step){presence, kind, t.forward, t.auto_reply};
}

static void
reply_subscribed(const struct side *side)
{
    struct xy_stanza *reply = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
    xy_stanza_set_type(reply, XY_STR("subscribed"));
    xy_stanza_set_from(reply, xy_user_jid(side->user));
    xy_stanza_set_to(reply, side->contact);
    xy_route(reply);
}

static void
tell(const struct side *side, const struct step *step)
{
    if (!step->deliver || roster_deliver(side->user, step->presence))
        return;
    if (step->kind == XY_SUBSCRIBE) /* kept with the item */
        return;
    xy_status status = roster_notice_add(side->user, step->presence, step->kind);
    if (status != XY_OK)
        xy_warn("roster.notice_lost", "the roster is right, the news of it was not kept",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
follow_inbound(XY_SELF, struct side *side, const struct step *steps, size_t count)
{
    if (roster_side_changed(side))
        roster_push(self, side);
    for (size_t i = 0; i < count; i++) {
        tell(side, &steps[i]);
        if (steps[i].auto_reply)
            reply_subscribed(side);
    }
    unsigned lost = side->before.state & ~side->item.state,
             won = side->item.state & ~side->before.state;
    if ((lost | won) & FROM)
        roster_show_presence(side->user, side->contact, won & FROM);
}

static xy_status
commit(XY_SELF, struct side *own, struct side *peer)
{
    struct xy_txn *txn = xy_txn_begin();
    bool changed = false;
    struct side *const sides[] = {own, peer};
    for (size_t i = 0; i < 2; i++)
        if (sides[i] && sides[i]->user && roster_side_changed(sides[i])) {
            roster_save(txn, sides[i]);
            changed = true;
        }
    xy_status status = changed ? xy_txn_commit(txn) : XY_OK;
    if (status == XY_CONFLICT)
        xy_count(&self->conflicts);
    return status;
}

/* From elsewhere, or an answer of our own: this side alone. */
static void
receive_alone(XY_SELF, struct side *side, enum xy_subscription_kind kind,
              const struct xy_stanza *presence)
{
    xy_status status = XY_CONFLICT;
    struct step step = {0};
    for (int i = 0; i < RETRIES && status == XY_CONFLICT; i++) {
        status = roster_load(side);
        if (status != XY_OK)
            break;
        step = apply_inbound(side, kind, presence);
        status = commit(self, side, NULL);
    }
    if (status == XY_OK)
        follow_inbound(self, side, &step, 1);
    else
        xy_error("roster.inbound_failed", "a subscription stanza was not processed",
                 XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
join(struct change *change, struct xy_user *user, const struct xy_jid *contact,
     enum xy_subscription_kind kind, const struct xy_stanza *presence)
{
    if (!change->peer.user) {
        change->peer = (struct side){.user = user, .contact = contact};
        change->status = roster_load(&change->peer);
        if (change->status != XY_OK)
            return;
    }
    change->steps[change->steps_count++] = apply_inbound(&change->peer, kind, presence);
}

xy_verdict
roster_in(XY_SELF, struct xy_user *user, const struct xy_jid *contact,
          enum xy_subscription_kind kind, const struct xy_stanza *presence)
{
    struct change *change = xy_map_get(self->changes, XY_KEY(presence));
    if (change) {
        join(change, user, contact, kind, presence);
        return XY_DONE;
    }
    struct side side = {.user = user, .contact = contact};
    receive_alone(self, &side, kind, presence);
    return XY_DONE;
}

/* ---- the outbound half
 * ----------------------------------------------------------------------------------- */

static struct xy_stanza *
readdress(const struct xy_stanza *presence, const struct side *own)
{
    struct xy_stanza *copy = xy_stanza_edit(presence);
    xy_stanza_set_from(copy, xy_user_jid(own->user));
    xy_stanza_set_to(copy, own->contact);
    return copy;
}

/* Our side of one stanza; the contact's too when it is local. */
static void
apply_outbound(XY_SELF, struct change *change, enum xy_subscription_kind kind,
               const struct xy_stanza *presence)
{
    struct side *own = &change->own;
    struct transition t = roster_outbound(own->item.state, kind);
    own->item.state = t.state;
    if ((t.state & (TO | FROM | OUT | APPROVED)) && own->item.listed != LISTED)
        roster_list_item(own);
    roster_settle_item(own);
    if (!t.forward)
        return;
    struct xy_stanza *forward = readdress(presence, own);
    if (!xy_host_find(own->contact)) {
        change->forward[change->forward_count++] = forward;
        return;
    }
    xy_map_put(self->changes, XY_KEY(forward), change);
    xy_route(forward);
    xy_map_remove(self->changes, XY_KEY(forward));
}

static void
follow(XY_SELF, struct change *change)
{
    struct side *own = &change->own;
    if (roster_side_changed(own))
        roster_push(self, own);
    unsigned lost = own->before.state & ~own->item.state,
             won = own->item.state & ~own->before.state;
    if (lost & FROM)
        roster_show_presence(own->user, own->contact, false);
    for (size_t i = 0; i < change->forward_count; i++)
        xy_route(change->forward[i]);
    if (change->peer.user)
        follow_inbound(self, &change->peer, change->steps, change->steps_count);
    if (won & FROM)
        roster_show_presence(own->user, own->contact, true);
}

static xy_status
begin(struct change *change, struct xy_user *user, const struct xy_jid *contact)
{
    *change = (struct change){.own = {.user = user, .contact = contact}};
    return roster_load(&change->own);
}

static xy_status
finish(XY_SELF, struct change *change)
{
    if (change->status != XY_OK)
        return change->status;
    return commit(self, &change->own, &change->peer);
}

static xy_status
send_out(XY_SELF, struct change *change, struct xy_user *user, const struct xy_jid *contact,
         enum xy_subscription_kind kind, const struct xy_stanza *presence)
{
    xy_status status = XY_CONFLICT;
    for (int i = 0; i < RETRIES && status == XY_CONFLICT; i++) {
        status = begin(change, user, contact);
        bool lists = kind == XY_SUBSCRIBE || kind == XY_SUBSCRIBED;
        if (status == XY_OK && lists && change->own.item.listed != LISTED)
            status = roster_has_room(self, user);
        if (status != XY_OK)
            break;
        apply_outbound(self, change, kind, presence);
        status = finish(self, change);
    }
    return status;
}

xy_verdict
roster_out(XY_SELF, struct xy_user *user, const struct xy_jid *contact,
           enum xy_subscription_kind kind, const struct xy_stanza *presence)
{
    struct change *open = xy_map_get(self->changes, XY_KEY(presence));
    if (open) { /* part of a removal */
        apply_outbound(self, open, kind, presence);
        return XY_DONE;
    }
    struct change change;
    xy_status status = send_out(self, &change, user, contact, kind, presence);
    if (status == XY_OK)
        follow(self, &change);
    else
        xy_bounce(presence, xy_status_condition(status), XY_NO_STR);
    return XY_DONE;
}

/* ---- roster sets
 * --------------------------------------------------------------------------------------------
 */

xy_status
roster_set(XY_SELF, struct xy_user *user, const struct xy_jid *contact, struct xy_str name,
           struct xy_str groups)
{
    struct side side = {.user = user, .contact = contact};
    xy_status status = XY_CONFLICT;
    for (int i = 0; i < RETRIES && status == XY_CONFLICT; i++) {
        status = roster_load(&side);
        if (status != XY_OK)
            break;
        if (side.item.listed != LISTED && (status = roster_has_room(self, user)) != XY_OK)
            break;
        side.item.name = name;
        side.item.groups = groups;
        side.item.by_user = true;
        roster_list_item(&side);
        status = commit(self, &side, NULL);
    }
    if (status == XY_OK && roster_side_changed(&side))
        roster_push(self, &side);
    return status;
}

/* RFC 6121 2.5.2: cancels through the same hook, so that whoever watches or vetoes sees it. */
static bool
cancel(XY_SELF, struct change *change, enum xy_subscription_kind kind)
{
    struct side *own = &change->own;
    struct xy_stanza *presence = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
    xy_stanza_set_type(presence,
                       kind == XY_UNSUBSCRIBE ? XY_STR("unsubscribe") : XY_STR("unsubscribed"));
    xy_stanza_set_from(presence, xy_user_jid(own->user));
    xy_stanza_set_to(presence, own->contact);
    unsigned before = own->item.state;
    xy_map_put(self->changes, XY_KEY(presence), change);
    (void)xy_run_roster_out_subscription(xy_user_host(own->user), own->user, own->contact, kind,
                                         presence);
    xy_map_remove(self->changes, XY_KEY(presence));
    return own->item.state != before; /* unchanged: vetoed */
}

static xy_status
remove_once(XY_SELF, struct change *change, struct xy_user *user, const struct xy_jid *contact)
{
    xy_status status = begin(change, user, contact);
    struct side *own = &change->own;
    if (status != XY_OK)
        return status;
    if (own->item.listed != LISTED && own->item.state == 0)
        return XY_ABSENT;
    if ((own->item.state & (TO | OUT)) && !cancel(self, change, XY_UNSUBSCRIBE))
        return XY_DENIED;
    if ((own->item.state & (FROM | IN)) && !cancel(self, change, XY_UNSUBSCRIBED))
        return XY_DENIED;
    own->item.state = 0;
    if (own->item.listed == LISTED)
        own->item.listed = REMOVED;
    roster_settle_item(own);
    return finish(self, change);
}

xy_status
roster_remove(XY_SELF, struct xy_user *user, const struct xy_jid *contact)
{
    struct change change;
    xy_status status = XY_CONFLICT;
    for (int i = 0; i < RETRIES && status == XY_CONFLICT; i++)
        status = remove_once(self, &change, user, contact);
    if (status == XY_OK)
        follow(self, &change);
    return status;
}
