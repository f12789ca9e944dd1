/* SPDX-License-Identifier: MIT */
/*
 * Who may do what to whom in a room. Three things are read into the text where it is not of one
 * mind: a moderator without an affiliation can take voice from others without one (8.4 says "at
 * or above the moderator's level", which would leave him none to take it from); only admins and
 * owners deal with those who are moderators (5.1.3); everybody may kick himself (8.2 leaves it
 * open).
 */
#include "modules/muc/rules.h"

static const char *const affiliation_names[] = {"outcast", "none", "member", "admin", "owner"};
static const char *const role_names[] = {"none", "visitor", "participant", "moderator"};

const char *
muc_affiliation_name(enum xy_affiliation affiliation)
{
    return affiliation_names[affiliation];
}

const char *
muc_role_name(enum xy_role role)
{
    return role_names[role];
}

xy_status
muc_affiliation_parse(struct xy_str name, enum xy_affiliation *affiliation)
{
    for (unsigned i = XY_OUTCAST; i <= XY_OWNER; i++)
        if (xy_str_equal(name, xy_str_from(affiliation_names[i]))) {
            *affiliation = (enum xy_affiliation)i;
            return XY_OK;
        }
    return XY_INVALID;
}

xy_status
muc_role_parse(struct xy_str name, enum xy_role *role)
{
    for (unsigned i = XY_NO_ROLE; i <= XY_MODERATOR; i++)
        if (xy_str_equal(name, xy_str_from(role_names[i]))) {
            *role = (enum xy_role)i;
            return XY_OK;
        }
    return XY_INVALID;
}

static bool
refuse(xy_condition *why, xy_condition because)
{
    *why = because;
    return false;
}

/* ---- roles: 5.1.3, 8.2 to 8.5, 9.6 to 9.8 -------------------------------------------- */

static bool
may_kick(struct standing actor, struct standing target, bool is_self, xy_condition *why)
{
    bool below = target.affiliation <= actor.affiliation;
    bool moderates = target.role == XY_MODERATOR && actor.affiliation < XY_ADMIN;
    if (is_self || (below && !moderates))
        return true;
    return refuse(why, XY_NOT_ALLOWED);
}

static bool
may_take_voice(struct standing actor, struct standing target, xy_condition *why)
{
    bool both_unaffiliated =
        actor.affiliation == XY_UNAFFILIATED && target.affiliation == XY_UNAFFILIATED;
    bool below = target.affiliation < actor.affiliation || both_unaffiliated;
    bool moderates = target.role == XY_MODERATOR && actor.affiliation < XY_ADMIN;
    if (target.affiliation < XY_ADMIN && below && !moderates)
        return true;
    return refuse(why, XY_NOT_ALLOWED);
}

/* To participant: grants voice to a visitor, takes a moderator's status away. */
static bool
may_make_participant(struct standing actor, struct standing target, xy_condition *why)
{
    if (target.role != XY_MODERATOR)
        return true;
    if (actor.affiliation < XY_ADMIN)
        return refuse(why, XY_FORBIDDEN);
    return target.affiliation < XY_ADMIN || refuse(why, XY_NOT_ALLOWED);
}

bool
muc_may_set_role(struct standing actor, struct standing target, enum xy_role to, bool is_self,
                 xy_condition *why)
{
    if (actor.role != XY_MODERATOR && actor.affiliation < XY_ADMIN)
        return refuse(why, XY_FORBIDDEN);
    if (to == target.role)
        return true;
    switch (to) {
    case XY_NO_ROLE:
        return may_kick(actor, target, is_self, why);
    case XY_VISITOR:
        return may_take_voice(actor, target, why);
    case XY_PARTICIPANT:
        return may_make_participant(actor, target, why);
    case XY_MODERATOR:
        return actor.affiliation >= XY_ADMIN || refuse(why, XY_FORBIDDEN);
    }
    return refuse(why, XY_BAD_REQUEST);
}

/* ---- affiliations: 5.2.2, 9.1 to 9.5, 10.3 to 10.8 ----------------------------------- */

bool
muc_may_set_affiliation(enum xy_affiliation actor, enum xy_affiliation from,
                        enum xy_affiliation to, bool is_self, xy_condition *why)
{
    if (actor < XY_ADMIN)
        return refuse(why, XY_FORBIDDEN);
    if (to == XY_OUTCAST && is_self)
        return refuse(why, XY_ERROR_CONFLICT);
    if (actor == XY_OWNER || from == to || (from < XY_ADMIN && to < XY_ADMIN))
        return true;
    return refuse(why, to == XY_OUTCAST ? XY_NOT_ALLOWED : XY_FORBIDDEN);
}

/* ---- lists: 5.2.1, 8.5, 9.2, 9.5, 9.8, 10.5, 10.8 ------------------------------------ */

static bool
may_list_members(const struct settings *settings, struct standing asker)
{
    if (asker.affiliation >= XY_ADMIN)
        return true;
    if (asker.affiliation != XY_MEMBER || settings->whois != WHOIS_ANYONE)
        return false;
    switch ((enum who)settings->members_list) {
    case WHO_ANYONE:
        return true;
    case WHO_PARTICIPANTS: /* what a member who is not there would be */
        return !asker.is_occupant || asker.role >= XY_PARTICIPANT;
    case WHO_MODERATORS:
        return asker.role == XY_MODERATOR;
    }
    return false;
}

bool
muc_may_list(const struct settings *settings, struct standing asker, enum xy_affiliation which)
{
    bool may_enter = asker.affiliation >= XY_MEMBER ||
                     (asker.affiliation == XY_UNAFFILIATED && !settings->members_only);
    switch (which) {
    case XY_OUTCAST:
        return asker.affiliation >= XY_ADMIN;
    case XY_MEMBER:
        return may_list_members(settings, asker);
    case XY_ADMIN:
    case XY_OWNER:
        return asker.affiliation == XY_OWNER || (may_enter && settings->whois == WHOIS_ANYONE);
    case XY_UNAFFILIATED:
        break;
    }
    return false;
}

bool
muc_may_list_role(struct standing asker, enum xy_role which)
{
    if (which == XY_MODERATOR)
        return asker.affiliation >= XY_ADMIN;
    return asker.role == XY_MODERATOR || asker.affiliation >= XY_ADMIN;
}
