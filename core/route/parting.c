/* SPDX-License-Identifier: MIT */
/*
 * A session that ends passes on, one by one and with waits between, what nobody stored. New
 * messages to its user wait until it is through, or they would overtake older ones.
 */
#include "core/route/objects.h"

struct gate { /* in the frame of a fiber that waits */
    struct xyi_wait wait;
    struct gate *next;
};

void
xyi_parting_begins(struct xy_user *user, struct parting *parting)
{
    parting->fiber = xyi_fiber_self();
    parting->next = user->partings;
    user->partings = parting;
}

void
xyi_parting_ends(struct xy_user *user, struct parting *parting)
{
    struct parting **at = &user->partings;
    struct gate *gate;
    while (*at != parting)
        at = &(*at)->next;
    *at = parting->next;
    while (!user->partings && (gate = user->gates)) {
        user->gates = gate->next;
        xyi_wake(&gate->wait, XY_OK);
    }
}

/* What a handler sends while its own fiber passes messages on does not wait for itself. */
bool
xyi_parting_blocks(const struct xy_user *user)
{
    for (const struct parting *at = user->partings; at; at = at->next)
        if (at->fiber == xyi_fiber_self())
            return false;
    return user->partings != NULL;
}

void
xyi_parting_wait(struct xy_user *user)
{
    struct gate gate = {.next = NULL}, **last = &user->gates;
    while (*last)
        last = &(*last)->next;
    *last = &gate;
    (void)xyi_wait(&gate.wait, XY_NONE, XYI_UNCANCELLABLE);
}
