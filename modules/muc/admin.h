/* SPDX-License-Identifier: MIT */
/*
 * What the files of room administration share: admin.c, lists.c, configure.c, owner.c, register.c.
 */
#ifndef MUC_ADMINISTRATION_H
#define MUC_ADMINISTRATION_H

#include "modules/muc/rules.h"
#include "modules/muc/talk.h"

/* Somebody who wants something of a room, from inside it. */
struct asker {
    struct muc *self;
    struct xy_room *room;
    const struct xy_jid *jid;     /* full */
    struct xy_occupant *occupant; /* NULL: not there; void after anything that removes occupants */
    struct standing standing;
};
/* Inside. XY_ABSENT: to him the room does not exist yet (10.1.1). */
XY_SUSPENDS XY_CHECK xy_status asker_find(struct muc *self, struct xy_room *room, const struct xy_jid *jid,
                                          struct asker *asker);

/* items.c: a set of muc#admin, read but not yet looked at. */
struct item {
    const struct xy_jid *nick; /* room/nick of whose role changes; NULL: an affiliation does */
    enum xy_role role;
    struct affiliated to;
    enum xy_affiliation from; /* filled by admin.c */
};
struct request {
    struct asker by;
    struct item *items;
    size_t count;
    struct post post;
};
struct refusal request_read(struct request *request, const struct xy_node *query);

/* lists.c: what a get of muc#admin answers, into `query`. */
XY_SUSPENDS struct refusal admin_list(const struct asker *asker, const struct xy_node *asked,
                                      struct xy_node *query);
/* The lists of owners and admins as a form gave them, NULL: it did not; all or nothing is changed. */
struct roster {
    const struct xy_jid **owners, **admins;
    size_t owners_count, admins_count;
};
/* roster.c: `changes` has room for all of both and of those there are. */
XY_SUSPENDS struct refusal roster_changes(const struct asker *asker, const struct roster *wanted,
                                          struct affiliated **changes, size_t *count);

#endif
