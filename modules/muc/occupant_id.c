/* SPDX-License-Identifier: MIT */
/*
 * Occupant ids (XEP-0421): the same for a bare JID whenever it comes to a room, another in
 * every room, and nothing anybody can get a JID from without the store's secret.
 */
#include "modules/muc/muc.h"

struct xy_str
muc_occupant_id_at(const struct muc *self, const struct xy_jid *room, const struct xy_jid *who)
{
    unsigned char digest[XY_HASH_MAX];
    struct xy_buffer text = {0};
    xy_buffer_add(&text, xy_jid_text(room));
    xy_buffer_add(&text, xy_str_of("", 1));
    xy_buffer_add(&text, xy_jid_text(xy_jid_bare(who)));
    xy_hash_hmac(XY_SHA256, xy_str_of((const char *)self->secret, sizeof(self->secret)),
                 xy_buffer_str(&text), digest);
    return xy_temp_hex(xy_str_of((const char *)digest, xy_hash_size(XY_SHA256)));
}

struct xy_str
muc_occupant_id(const struct muc *self, const struct xy_room *room, const struct xy_jid *who)
{
    return muc_occupant_id_at(self, xy_room_jid(room), who);
}
