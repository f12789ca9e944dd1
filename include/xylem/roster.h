/* SPDX-License-Identifier: MIT */
/*
 * Rosters and presence subscriptions (RFC 6121 sections 2 and 3). Subscription stanzas go through
 * exactly two hooks. The module `roster` is their normal-band handler and the provider of the
 * services; everything about them that others may rely on is here.
 *
 * Contract (S3-24): a handler in the early band may veto with XY_DONE: neither side changes and
 * nothing is forwarded. What a handler sees is the state before the change. The roster module
 * commits the new state, then pushes, then forwards.
 */
#ifndef XYLEM_ROSTER_H
#define XYLEM_ROSTER_H

#include <xylem/hook.h>
#include <xylem/session.h>

enum xy_subscription { XY_SUB_NONE = 0, XY_SUB_TO = 1, XY_SUB_FROM = 2, XY_SUB_BOTH = 3 };
enum xy_subscription_kind { XY_SUBSCRIBE, XY_SUBSCRIBED, XY_UNSUBSCRIBE, XY_UNSUBSCRIBED };

struct xy_roster_item {
    const struct xy_jid *contact; /* bare, or as the client wrote it */
    enum xy_subscription subscription;
    bool pending_out; /* ask='subscribe' */
    bool pending_in;  /* never shown in the roster */
    bool approved;    /* pre-approval, RFC 6121 3.4 */
    bool listed;      /* the roster shows it: false for a bare pending-in */
    struct xy_str name;
    const struct xy_str *groups;
    size_t group_count;
    int64_t version;
};

XY_FILTER(roster_out_subscription,
          (struct xy_user *user, const struct xy_jid *contact, enum xy_subscription_kind kind,
           const struct xy_stanza *presence),
          (user, contact, kind, presence))
XY_FILTER(roster_in_subscription,
          (struct xy_user *user, const struct xy_jid *contact, enum xy_subscription_kind kind,
           const struct xy_stanza *presence),
          (user, contact, kind, presence))

/* The whole roster, unlisted items included, in the fiber's memory. */
XY_SERVICE(roster_list, (struct xy_user *user, struct xy_roster_item **items, size_t *count),
           (user, items, count))
/* One item; XY_ABSENT: none (item is then that of a stranger: all empty). */
XY_SERVICE(roster_item, (struct xy_user *user, const struct xy_jid *contact, struct xy_roster_item *item),
           (user, contact, item))
/* Whether the account lets `asker` see its presence: itself, and contacts it approved. */
static inline bool
xy_user_shows(struct xy_user *user, const struct xy_jid *asker)
{
    struct xy_roster_item item;
    const struct xy_jid *bare = xy_jid_bare(asker);
    if (bare == xy_user_jid(user))
        return true;
    return xy_run_roster_item(xy_user_host(user), user, bare, &item) == XY_OK &&
           (item.subscription & XY_SUB_FROM);
}
/* An item changed, after its commit. `item` is the new state; subscription none and not listed
 * when it was removed. */
XY_EVENT(roster_changed, (struct xy_user *user, const struct xy_roster_item *item), (user, item))

#endif
