/* SPDX-License-Identifier: MIT */
/* One side of a message on its way (xylem/delivery.h): in the frame of who accepts it. */
#ifndef XYI_DELIVERY_H
#define XYI_DELIVERY_H

#include "core/route/objects.h"

struct xy_delivery {
    struct xy_user *user;
    struct xy_session *sender;
    const struct xy_stanza *message; /* as that user's devices see it */
    struct parcel *parcel;           /* NULL: nothing stores it */
    struct xy_session *const *takers;
    size_t taken;
    unsigned keep;
    bool outgoing, again;
    bool queued;   /* it waits for all devices of that user */
    bool archived; /* some archive shows it */
};
/* Fires message_delivering, which must not suspend. */
void xyi_delivery_tell(struct xy_delivery *delivery);
/* `message` with the stanza-id of the archive of `owner`, who is called `by` (XEP-0359); the
 * fiber's. */
const struct xy_stanza *xyi_stamped(const struct xy_jid *by, xy_owner owner, xy_message_id id,
                                    const struct xy_stanza *message);

#endif
