/* SPDX-License-Identifier: MIT */
/*
 * Users: accounts somebody uses or writes to. Loaded on demand, one object per account; one
 * that nobody needs stays cached for a while and is dropped oldest first.
 */
#include "core/route/objects.h"

enum { MOST_IDLE = 4096 };

static struct xy_map *users; /* bare JID pointer -> user */
static struct xyi_link_node idle;
static size_t idle_count;

void
xyi_users_init(void)
{
    users = xyi_map_new();
    xyi_list_init(&idle);
}

struct xy_user *
xyi_user_known(const struct xy_jid *bare)
{
    return xy_map_get(users, XY_KEY(bare));
}

static void
release(void *object)
{
    struct xy_user *user = object;
    xy_jid_drop(user->jid);
    xyi_notes_free(&user->notes);
    xyi_free(user->devices);
    xyi_free(user);
}

static void
leave_idle(struct xy_user *user)
{
    if (xyi_list_empty(&user->idle))
        return;
    xyi_list_remove(&user->idle);
    idle_count--;
}

static void
forget(struct xy_user *user)
{
    leave_idle(user);
    xy_map_remove(users, XY_KEY(user->jid));
    user->gone = true;
    xyi_route_counters.users--;
}

void
xyi_user_bury(struct xy_user *user)
{
    xyi_retire(user, release);
}

void
xyi_user_forget(struct xy_user *user)
{
    if (user->gone)
        return;
    forget(user);
    if (!user->commits &&
        !user->pins) /* else the last of them buries it: no fiber holds it until then */
        xyi_user_bury(user);
}

static bool
is_needed(const struct xy_user *user)
{
    return user->session_count || user->commits || user->pins;
}

/* Every fiber that held it when it became due has ended; who got it since keeps it. */
static void
leave(void *object)
{
    struct xy_user *user = object;
    user->leaving = false;
    if (user->gone)
        return;
    if (user->wanted || is_needed(user)) {
        xyi_user_unused(user);
    } else {
        forget(user);
        release(user);
    }
}

void
xyi_user_used(struct xy_user *user)
{
    leave_idle(user);
}

void
xyi_user_unused(struct xy_user *user)
{
    if (user->gone || user->leaving || is_needed(user))
        return;
    leave_idle(user);
    xyi_list_append(&idle, &user->idle);
    idle_count++;
    if (idle_count <= MOST_IDLE)
        return;
    struct xy_user *oldest = XYI_LIST_OF(idle.next, struct xy_user, idle);
    leave_idle(oldest);
    oldest->leaving = true;
    oldest->wanted = false;
    xyi_retire(oldest, leave);
}

static struct xy_user *
add(const struct xy_account *account, const struct xy_jid *bare, struct xy_host *host)
{
    struct xy_user *user = xyi_alloc(sizeof(*user));
    user->jid = xy_jid_keep(bare);
    user->owner = account->owner;
    user->host = host;
    user->kind = account->kind;
    user->disabled = account->state == XY_ACCOUNT_DISABLED;
    user->pending = -1;
    user->device_count = -1;
    xyi_list_init(&user->sessions);
    xyi_list_init(&user->idle);
    xy_map_put(users, XY_KEY(user->jid), user);
    xyi_route_counters.users++;
    xyi_user_unused(user);
    return user;
}

struct xy_user *
xyi_user_of_owner(xy_owner owner)
{
    size_t at = 0;
    struct xy_str key;
    void *value;
    while (xy_map_next(users, &at, &key, &value))
        if (((struct xy_user *)value)->owner == owner)
            return value;
    return NULL;
}

void
xyi_users_forget_counts(xy_owner owner)
{
    size_t at = 0;
    struct xy_str key;
    void *value;
    while (xy_map_next(users, &at, &key, &value)) {
        struct xy_user *user = value;
        if (owner && user->owner != owner)
            continue;
        user->pending = -1;
        user->changes++;
    }
}

xy_status
xy_user_get(const struct xy_jid *jid, struct xy_user **user)
{
    *user = NULL;
    struct xy_host *host = xy_host_find(jid);
    if (!host || xy_jid_local(jid).len == 0)
        return XY_ABSENT;
    const struct xy_jid *bare = xy_jid_bare(jid);
    *user = xyi_user_known(bare);
    if (*user) {
        (*user)->wanted = true;
        return XY_OK;
    }
    struct xy_account account;
    xy_status status = xyi_account_read(bare, &account);
    if (status != XY_OK)
        return status;
    *user = xyi_user_known(bare); /* another fiber may have been faster */
    if (!*user)
        *user = add(&account, bare, host);
    (*user)->wanted = true;
    return XY_OK;
}

const struct xy_jid *
xy_user_jid(const struct xy_user *user)
{
    return user->jid;
}

struct xy_host *
xy_user_host(const struct xy_user *user)
{
    return user->host;
}

xy_owner
xy_user_owner(const struct xy_user *user)
{
    return user->owner;
}

struct xy_session *
xy_user_first(const struct xy_user *user)
{
    if (xyi_list_empty(&user->sessions))
        return NULL;
    return XYI_LIST_OF(user->sessions.next, struct xy_session, in_user);
}

bool
xy_user_is_available(const struct xy_user *user)
{
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (xy_session_is_available(s))
            return true;
    return false;
}

int64_t
xy_user_pending(const struct xy_user *user)
{
    return user->pending < 0 ? XY_NONE : user->pending;
}

XYI_NOTE_FUNCTIONS(user)
