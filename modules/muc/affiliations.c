/* SPDX-License-Identifier: MIT */
/* Affiliations of a room. */
#include "modules/muc/muc.h"

xy_status
muc_affiliation(struct muc *self, struct xy_room *room, const struct xy_jid *who,
                struct affiliated *found)
{
    (void)self, (void)room;
    *found = (struct affiliated){.jid = xy_jid_bare(who), .affiliation = XY_UNAFFILIATED};
    return XY_OK;
}

xy_status
muc_affiliated(struct xy_room *room, enum xy_affiliation which, struct affiliated **list,
               size_t *count)
{
    (void)room, (void)which;
    *list = NULL;
    *count = 0;
    return XY_OK;
}

xy_status
muc_nick_owner(struct xy_room *room, struct xy_str nick, const struct xy_jid **bare)
{
    (void)room, (void)nick, (void)bare;
    return XY_ABSENT;
}

xy_status
muc_set_affiliations(struct muc *self, struct xy_room *room, const struct affiliated *changes,
                     size_t count, const struct xy_occupant *actor)
{
    (void)self, (void)room, (void)changes, (void)count, (void)actor;
    return XY_UNSUPPORTED;
}

xy_status
muc_on_access(XY_SELF, const struct xy_jid *room, const struct xy_jid *who,
              struct xy_muc_access *access)
{
    (void)room, (void)who, (void)access;
    return XY_ABSENT;
}
