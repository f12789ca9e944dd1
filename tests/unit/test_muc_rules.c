/* SPDX-License-Identifier: MIT */
/*
 * Who may do what to whom in a room, cell by cell: every combination against tables typed from
 * the text of XEP-0045 (5.1.3, 5.2.1, 5.2.2, 8.2 to 8.5, 9.1 to 9.8, 10.3 to 10.8).
 *
 * A cell is . allowed, n not-allowed, f forbidden, c conflict.
 */
#include "modules/muc/rules.c"
#include "tests/unit/harness.h"

static char
letter(bool allowed, xy_condition why)
{
    if (allowed)
        return '.';
    switch ((int)why) {
    case XY_NOT_ALLOWED:
        return 'n';
    case XY_FORBIDDEN:
        return 'f';
    case XY_ERROR_CONFLICT:
        return 'c';
    default:
        return '?';
    }
}

/* ---- roles
 * ----------------------------------------------------------------------------------- */

/* Rows: the actor, a moderator, is none, member, admin, owner. Columns: the target is none,
 * member, admin, owner. */
struct role_table {
    enum xy_role from, to;
    const char *cells[4];
};
static const struct role_table role_tables[] = {
    /* 8.2: not someone of higher affiliation; 5.1.3: a moderator by an admin or owner alone */
    {XY_VISITOR, XY_NO_ROLE, {".nnn", "..nn", "...n", "...."}},
    {XY_PARTICIPANT, XY_NO_ROLE, {".nnn", "..nn", "...n", "...."}},
    {XY_MODERATOR, XY_NO_ROLE, {"nnnn", "nnnn", "...n", "...."}},
    /* 8.4: not someone at or above one's level, nobody from an admin or owner */
    {XY_VISITOR, XY_VISITOR, {"....", "....", "....", "...."}},
    {XY_PARTICIPANT, XY_VISITOR, {".nnn", ".nnn", "..nn", "..nn"}},
    {XY_MODERATOR, XY_VISITOR, {"nnnn", "nnnn", "..nn", "..nn"}},
    /* 8.3 grants voice; 9.7 takes a moderator's status: an admin's business, not from admins */
    {XY_VISITOR, XY_PARTICIPANT, {"....", "....", "....", "...."}},
    {XY_PARTICIPANT, XY_PARTICIPANT, {"....", "....", "....", "...."}},
    {XY_MODERATOR, XY_PARTICIPANT, {"ffff", "ffff", "..nn", "..nn"}},
    /* 9.6 */
    {XY_VISITOR, XY_MODERATOR, {"ffff", "ffff", "....", "...."}},
    {XY_PARTICIPANT, XY_MODERATOR, {"ffff", "ffff", "....", "...."}},
    {XY_MODERATOR, XY_MODERATOR, {"....", "....", "....", "...."}},
};
enum { ROLE_TABLES = sizeof(role_tables) / sizeof(role_tables[0]) };

static char
role_cell(struct standing actor, const struct role_table *table, enum xy_affiliation target,
          bool is_self)
{
    struct standing whom = {target, table->from, true};
    xy_condition why = XY_CONDITIONS;
    bool allowed = muc_may_set_role(actor, whom, table->to, is_self, &why);
    return letter(allowed, why);
}

TEST(moderators_by_the_tables)
{
    for (unsigned i = 0; i < ROLE_TABLES; i++)
        for (unsigned actor = XY_UNAFFILIATED; actor <= XY_OWNER; actor++)
            for (unsigned target = XY_UNAFFILIATED; target <= XY_OWNER; target++) {
                struct standing who = {(enum xy_affiliation)actor, XY_MODERATOR, true};
                CHECK_EQ(role_cell(who, &role_tables[i], (enum xy_affiliation)target, false),
                         role_tables[i].cells[actor - 1][target - 1]);
            }
}

/* Admins and owners have their rights also where they are no moderators just now. */
TEST(others_have_no_rights)
{
    for (unsigned i = 0; i < ROLE_TABLES; i++)
        for (unsigned role = XY_NO_ROLE; role < XY_MODERATOR; role++)
            for (unsigned actor = XY_OUTCAST; actor <= XY_OWNER; actor++)
                for (unsigned target = XY_UNAFFILIATED; target <= XY_OWNER; target++) {
                    struct standing who = {(enum xy_affiliation)actor, (enum xy_role)role,
                                           role != XY_NO_ROLE};
                    char wanted =
                        actor >= XY_ADMIN ? role_tables[i].cells[actor - 1][target - 1] : 'f';
                    CHECK_EQ(
                        role_cell(who, &role_tables[i], (enum xy_affiliation)target, false),
                        wanted);
                }
}

TEST(every_change_of_role_has_a_table)
{
    bool seen[XY_MODERATOR + 1][XY_MODERATOR + 1] = {{false}};
    for (unsigned i = 0; i < ROLE_TABLES; i++)
        seen[role_tables[i].from][role_tables[i].to] = true;
    for (unsigned from = XY_VISITOR; from <= XY_MODERATOR; from++)
        for (unsigned to = XY_NO_ROLE; to <= XY_MODERATOR; to++)
            CHECK(seen[from][to]);
}

TEST(everybody_with_a_say_may_kick_himself)
{
    for (unsigned is = XY_UNAFFILIATED; is <= XY_OWNER; is++) {
        struct standing who = {(enum xy_affiliation)is, XY_MODERATOR, true};
        CHECK_EQ(role_cell(who, &role_tables[2], (enum xy_affiliation)is, true), '.');
    }
    struct standing visitor = {XY_UNAFFILIATED, XY_VISITOR, true};
    CHECK_EQ(role_cell(visitor, &role_tables[0], XY_UNAFFILIATED, true), 'f');
}

/* ---- affiliations
 * ------------------------------------------------------------------------------- */

/* Rows: from outcast, none, member, admin, owner. Columns: to the same. */
static const char *const affiliation_tables[][5] = {
    [XY_OUTCAST] = {"fffff", "fffff", "fffff", "fffff", "fffff"},
    [XY_UNAFFILIATED] = {"fffff", "fffff", "fffff", "fffff", "fffff"},
    [XY_MEMBER] = {"fffff", "fffff", "fffff", "fffff", "fffff"},
    /* 9.1: bans of owners are not allowed; 5.2.2: nor of admins; 10.3 to 10.8: the lists of
     * admins and owners are the owners' */
    [XY_ADMIN] = {"...ff", "...ff", "...ff", "nff.f", "nfff."},
    [XY_OWNER] = {".....", ".....", ".....", ".....", "....."},
};

TEST(affiliations_by_the_tables)
{
    for (unsigned actor = XY_OUTCAST; actor <= XY_OWNER; actor++)
        for (unsigned from = XY_OUTCAST; from <= XY_OWNER; from++)
            for (unsigned to = XY_OUTCAST; to <= XY_OWNER; to++) {
                xy_condition why = XY_CONDITIONS;
                bool allowed = muc_may_set_affiliation((enum xy_affiliation)actor,
                                                       (enum xy_affiliation)from,
                                                       (enum xy_affiliation)to, false, &why);
                CHECK_EQ(letter(allowed, why), affiliation_tables[actor][from][to]);
            }
}

/* 9.1: conflict, whoever it is. 10.4: an owner can resign; whether one is left is not asked
 * here. */
TEST(of_oneself)
{
    for (unsigned actor = XY_OUTCAST; actor <= XY_OWNER; actor++)
        for (unsigned to = XY_OUTCAST; to <= XY_OWNER; to++) {
            xy_condition why = XY_CONDITIONS;
            enum xy_affiliation is = (enum xy_affiliation)actor;
            bool allowed = muc_may_set_affiliation(is, is, (enum xy_affiliation)to, true, &why);
            char wanted = affiliation_tables[actor][actor][to];
            if (actor >= XY_ADMIN && to == XY_OUTCAST)
                wanted = 'c';
            CHECK_EQ(letter(allowed, why), wanted);
        }
}

/* ---- lists
 * ----------------------------------------------------------------------------------------- */

/* Who may read the lists of outcasts, members, admins, owners. Rows: the asker is outcast,
 * none, member, admin, owner. */
struct list_table {
    uint8_t whois;
    bool members_only;
    const char *cells[5];
};
static const struct list_table list_tables[] = {
    /* 10.5, 10.8: forbidden to all but owners; 5.2.1: not the members' to see */
    {WHOIS_MODERATORS, false, {"ffff", "ffff", "ffff", "..ff", "...."}},
    {WHOIS_MODERATORS, true, {"ffff", "ffff", "ffff", "..ff", "...."}},
    /* 9.5, 5.2.1: members see members; whoever may enter sees who runs the room */
    {WHOIS_ANYONE, false, {"ffff", "ff..", "f...", "....", "...."}},
    {WHOIS_ANYONE, true, {"ffff", "ffff", "f...", "....", "...."}},
};

static void
check_list(const struct list_table *table, struct standing asker)
{
    static const enum xy_affiliation lists[] = {XY_OUTCAST, XY_MEMBER, XY_ADMIN, XY_OWNER};
    struct settings settings = {
        .whois = table->whois, .members_only = table->members_only, .members_list = WHO_ANYONE};
    for (unsigned list = 0; list < 4; list++)
        CHECK_EQ(muc_may_list(&settings, asker, lists[list]) ? '.' : 'f',
                 table->cells[asker.affiliation][list]);
    CHECK(!muc_may_list(&settings, asker, XY_UNAFFILIATED));
}

/* The role makes no difference, but for getmemberlist. */
TEST(lists_by_the_tables)
{
    for (size_t i = 0; i < sizeof(list_tables) / sizeof(list_tables[0]); i++)
        for (unsigned is = XY_OUTCAST; is <= XY_OWNER; is++)
            for (unsigned role = XY_NO_ROLE; role <= XY_MODERATOR; role++)
                check_list(&list_tables[i],
                           (struct standing){(enum xy_affiliation)is, (enum xy_role)role,
                                             role != XY_NO_ROLE});
}

/* Columns: a member who is not there, a visitor, a participant, a moderator. */
TEST(the_member_list_is_for_roles)
{
    static const char *const cells[] = {
        [WHO_ANYONE] = "....", [WHO_PARTICIPANTS] = ".f..", [WHO_MODERATORS] = "fff."};
    for (unsigned who = WHO_ANYONE; who <= WHO_MODERATORS; who++)
        for (unsigned role = XY_NO_ROLE; role <= XY_MODERATOR; role++) {
            struct settings settings = {.whois = WHOIS_ANYONE, .members_list = (uint8_t)who};
            struct standing member = {XY_MEMBER, (enum xy_role)role, role != XY_NO_ROLE};
            CHECK_EQ(muc_may_list(&settings, member, XY_MEMBER) ? '.' : 'f', cells[who][role]);
            member.affiliation = XY_ADMIN;
            CHECK(muc_may_list(&settings, member, XY_MEMBER));
        }
}

/* 8.5: the voice list is the moderators'; 9.8: that of moderators the admins'. */
TEST(lists_of_roles)
{
    for (unsigned is = XY_OUTCAST; is <= XY_OWNER; is++)
        for (unsigned role = XY_NO_ROLE; role <= XY_MODERATOR; role++) {
            struct standing asker = {(enum xy_affiliation)is, (enum xy_role)role, true};
            bool admin = is >= XY_ADMIN, moderator = role == XY_MODERATOR;
            CHECK_EQ(muc_may_list_role(asker, XY_VISITOR), admin || moderator);
            CHECK_EQ(muc_may_list_role(asker, XY_PARTICIPANT), admin || moderator);
            CHECK_EQ(muc_may_list_role(asker, XY_MODERATOR), admin);
        }
}

END_TESTS
