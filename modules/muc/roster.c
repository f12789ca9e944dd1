/* SPDX-License-Identifier: MIT */
/*
 * The full lists of owners and admins in a configuration form (XEP-0045 10.1, 10.2), as changes
 * of what they are now. Invariant: an owner remains.
 */
#include "modules/muc/admin.h"

static bool
has(const struct xy_jid *const *list, size_t count, const struct xy_jid *jid)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == jid)
            return true;
    return false;
}

struct lists {
    struct affiliated *owners, *admins;
    size_t owners_count, admins_count;
};

static xy_status
read_lists(struct xy_room *room, struct lists *now)
{
    xy_status status = muc_affiliated(room, XY_OWNER, &now->owners, &now->owners_count);
    if (status == XY_OK)
        status = muc_affiliated(room, XY_ADMIN, &now->admins, &now->admins_count);
    return status;
}

static enum xy_affiliation
now_is(const struct lists *now, const struct xy_jid *jid)
{
    for (size_t i = 0; i < now->owners_count; i++)
        if (now->owners[i].jid == jid)
            return XY_OWNER;
    for (size_t i = 0; i < now->admins_count; i++)
        if (now->admins[i].jid == jid)
            return XY_ADMIN;
    return XY_UNAFFILIATED;
}

/* What somebody on one of the lists, then or now, is to be; who is on both is an owner. Who is
 * taken off one that was given stays a member of a room for members. */
static enum xy_affiliation
is_to_be(const struct asker *asker, const struct roster *wanted, const struct lists *now,
         const struct xy_jid *jid)
{
    enum xy_affiliation is = now_is(now, jid);
    if (has(wanted->owners, wanted->owners_count, jid))
        return XY_OWNER;
    if (!wanted->owners && is == XY_OWNER)
        return XY_OWNER;
    if (has(wanted->admins, wanted->admins_count, jid))
        return XY_ADMIN;
    if (!wanted->admins && is == XY_ADMIN)
        return XY_ADMIN;
    return muc_settings(asker->room)->members_only ? XY_MEMBER : XY_UNAFFILIATED;
}

struct plan {
    struct affiliated *changes;
    size_t count;
    size_t owners; /* that there will be */
};

static void
plan_for(const struct asker *asker, const struct roster *wanted, const struct lists *now,
         const struct xy_jid *jid, struct plan *plan)
{
    enum xy_affiliation to = is_to_be(asker, wanted, now, jid);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->changes[i].jid == jid)
            return;
    plan->owners += to == XY_OWNER;
    if (to != now_is(now, jid))
        plan->changes[plan->count++] = (struct affiliated){.jid = jid, .affiliation = to};
}

struct refusal
roster_changes(const struct asker *asker, const struct roster *wanted,
               struct affiliated **changes, size_t *count)
{
    struct lists now;
    struct plan plan = {0};
    *count = 0;
    if (!wanted->owners && !wanted->admins)
        return (struct refusal){0};
    xy_status status = read_lists(asker->room, &now);
    if (status != XY_OK)
        return muc_refusal_of(status);
    size_t most =
        wanted->owners_count + wanted->admins_count + now.owners_count + now.admins_count;
    plan.changes = xy_temp_alloc((most + 1) * sizeof(*plan.changes));
    for (size_t i = 0; i < wanted->owners_count; i++)
        plan_for(asker, wanted, &now, wanted->owners[i], &plan);
    for (size_t i = 0; i < wanted->admins_count; i++)
        plan_for(asker, wanted, &now, wanted->admins[i], &plan);
    for (size_t i = 0; i < now.owners_count; i++)
        plan_for(asker, wanted, &now, now.owners[i].jid, &plan);
    for (size_t i = 0; i < now.admins_count; i++)
        plan_for(asker, wanted, &now, now.admins[i].jid, &plan);
    *changes = plan.changes;
    *count = plan.count;
    if (plan.owners || !now.owners_count)
        return (struct refusal){0};
    return muc_refusal(XY_ERROR_CONFLICT, "A room has at least one owner");
}
