/* SPDX-License-Identifier: MIT */
/*
 * What new code takes over from the old at a reload and neither rooms nor occupants hold: what
 * senders have used of their allowances, who watches, and which rooms still have something to
 * tell.
 */
#include "modules/muc/unread.h"

/* ---- rooms that were about to tell of what was said last
 * ----------------------------------------------- */

/* Of each these bytes, then its JID and the stanza. */
struct waiting {
    xy_message_id id;
    uint32_t room, said;
};

static struct xy_str
save_waiting(const struct muc *self)
{
    struct xy_buffer out = {0};
    struct xy_str key;
    size_t at = 0;
    void *value;
    while (self->unread && xy_map_next(self->unread, &at, &key, &value)) {
        const struct hints *hints = value;
        if (!hints->waiting)
            continue;
        struct xy_str said = xy_stanza_text(hints->waiting);
        struct waiting head = {hints->waiting_id, (uint32_t)key.len, (uint32_t)said.len};
        xy_buffer_add(&out, XY_KEY(head));
        xy_buffer_add(&out, key);
        xy_buffer_add(&out, said);
    }
    return xy_buffer_str(&out);
}

static void
tell_one(struct muc *self, struct xy_str room, struct xy_str said, xy_message_id id)
{
    const struct xy_jid *jid = xy_jid_parse(room);
    struct xy_stanza *stanza = xy_stanza_parse(said);
    struct xy_room *inside;
    if (!jid || !stanza || muc_enter(self, jid, &inside) != XY_OK)
        return;
    muc_make_up_for(self, inside, stanza, id);
    xy_room_leave(inside);
}

static void
tell_waiting(void *instance, void *argument)
{
    struct muc *self = instance;
    struct xy_str rest = self->adopted;
    struct waiting head;
    (void)argument;
    self->adopted = XY_NO_STR;
    const char *whole = rest.at;
    while (rest.len >= sizeof(head)) {
        memcpy(&head, rest.at, sizeof(head));
        rest = xy_str_of(rest.at + sizeof(head), rest.len - sizeof(head));
        if (rest.len < head.room || rest.len - head.room < head.said)
            break;
        tell_one(self, xy_str_of(rest.at, head.room), xy_str_of(rest.at + head.room, head.said),
                 head.id);
        size_t taken = (size_t)head.room + head.said;
        rest = xy_str_of(rest.at + taken, rest.len - taken);
    }
    xy_keep_free(self, whole);
}

static void
load_waiting(struct muc *self, struct xy_str bytes)
{
    bool timed = self->adopted.at != NULL;
    xy_keep_free(self, self->adopted.at);
    self->adopted = xy_keep_str(self, bytes);
    if (!timed)
        (void)xy_after(self, 0, tell_waiting, NULL);
}

/* ---- the end -------------------------------------------------------------------------------
 */

/* What is not the instance's own memory. */
void
muc_talk_stop(XY_SELF)
{
    muc_drop_hints(self);
    muc_drop_watchers(self);
}

/* ---- all of it
 * -------------------------------------------------------------------------------------------
 */

void
muc_hand_over(XY_SELF, struct xy_handover *to)
{
    if (self->throttles)
        xy_handover_put(to, "throttles", 1, xy_throttle_save(self->throttles));
    xy_handover_put(to, "watchers", 1, muc_watchers_save(self));
    xy_handover_put(to, "waiting", 2, save_waiting(self));
}

void
muc_adopt(XY_SELF, struct xy_handover *from)
{
    struct xy_str bytes;
    if (xy_handover_get(from, "throttles", 1, &bytes) == XY_OK) {
        if (!self->throttles)
            self->throttles = xy_map_new(self);
        xy_throttle_load(self->throttles, bytes);
    }
    if (xy_handover_get(from, "watchers", 1, &bytes) == XY_OK)
        muc_watchers_load(self, bytes);
    muc_look_at_subjects(self);
    if (xy_handover_get(from, "waiting", 2, &bytes) == XY_OK && bytes.len)
        load_waiting(self, bytes);
}
