/* SPDX-License-Identifier: MIT */
/*
 * Who may do what to whom in a room: the tables of XEP-0045 section 5 and the words of sections 8
 * to 10, as functions of nothing but their arguments.
 */
#ifndef MUC_RULES_H
#define MUC_RULES_H

#include "modules/muc/muc.h"

struct standing {
    enum xy_affiliation affiliation;
    enum xy_role role; /* XY_NO_ROLE: not in the room */
    bool is_occupant;
};

/* May `actor` give an occupant the role `to` (XY_NO_ROLE: kick)? Else *why says what to answer. */
bool muc_may_set_role(struct standing actor, struct standing target, enum xy_role to, bool is_self,
                      xy_condition *why);
/* May somebody of affiliation `actor` change another's from `from` to `to`? Whether an owner is left
 * is for the caller to see, who knows the whole request. */
bool muc_may_set_affiliation(enum xy_affiliation actor, enum xy_affiliation from,
                             enum xy_affiliation to, bool is_self, xy_condition *why);
/* May `asker` read the list of all of that affiliation? */
bool muc_may_list(const struct settings *settings, struct standing asker, enum xy_affiliation which);
/* May `asker` read the list of occupants of that role? */
bool muc_may_list_role(struct standing asker, enum xy_role which);

#endif
