/* SPDX-License-Identifier: MIT */
/* Who is there. */
#include "modules/muc/muc.h"

static const struct xy_note person_note = {"muc.person", 1, sizeof(struct person)};

struct person *
muc_person(struct xy_occupant *occupant)
{
    return xy_occupant_note(occupant, &person_note);
}

bool
muc_sees_jids(struct xy_room *room, const struct xy_occupant *viewer)
{
    (void)room, (void)viewer;
    return false;
}

enum xy_role
muc_default_role(struct xy_room *room, enum xy_affiliation affiliation)
{
    (void)room, (void)affiliation;
    return XY_PARTICIPANT;
}

void
muc_changed(struct muc *self, struct xy_occupant *occupant, const struct xy_occupant *actor,
            struct xy_str reason)
{
    (void)self, (void)occupant, (void)actor, (void)reason;
}

void
muc_eject(struct muc *self, struct xy_occupant *occupant, const int *codes,
          const struct xy_occupant *actor, struct xy_str reason, const struct xy_node *destroy)
{
    (void)self, (void)occupant, (void)codes, (void)actor, (void)reason, (void)destroy;
}

void
muc_look_whether_empty(struct muc *self, struct xy_room *room)
{
    (void)self, (void)room;
}
