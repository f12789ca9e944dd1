/* SPDX-License-Identifier: MIT */
/* Approvals: what was allowed, until the transaction that does it. */
#include "modules/removals/removals.h"

enum { STALE_MS = 60 * 1000, MOST_EACH = 16 };

void
removals_start(struct removals *removals, void *self, const struct removals_rows *rows,
               xy_counter *accepted, xy_counter *refused)
{
    removals->self = self;
    removals->rows = rows;
    removals->accepted = accepted;
    removals->refused = refused;
    removals->approved = xy_map_new(self);
    removals->refusals = xy_map_new(self);
}

struct approval *
removals_find(const struct removals *removals, struct xy_str key)
{
    return key.len ? xy_map_get(removals->approved, key) : NULL;
}

void
removals_forget(struct removals *removals, struct approval *approval)
{
    const struct xy_str *texts[] = {
        &approval->key,        &approval->operation, &approval->actor,  &approval->notice_id,
        &approval->actor_bare, &approval->by,        &approval->reason, &approval->room};
    (void)xy_map_remove(removals->approved, approval->key);
    xy_stanza_drop(approval->stanza);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        xy_keep_free(removals->self, texts[i]->at);
    xy_keep_free(removals->self, approval);
}

static void
forget_older(struct removals *removals, int64_t than_ms)
{
    size_t at = 0;
    struct xy_str key;
    void *value;
    while (xy_map_next(removals->approved, &at, &key, &value)) {
        struct approval *approval = value;
        if (xy_monotonic_ms() - approval->at_ms >= than_ms)
            removals_forget(removals, approval);
    }
}

/* What is refused on its way, by whoever blocks its sender say, is not committed and counts for
 * nothing; its author may not fill the memory with it. */
static void
make_room_for(struct removals *removals, struct xy_str actor_bare)
{
    size_t at = 0, count = 0;
    struct xy_str key;
    void *value;
    struct approval *oldest = NULL;
    while (xy_map_next(removals->approved, &at, &key, &value)) {
        struct approval *approval = value;
        if (!xy_str_equal(approval->actor_bare, actor_bare))
            continue;
        count++;
        if (!oldest || approval->at_ms < oldest->at_ms)
            oldest = approval;
    }
    if (count >= MOST_EACH)
        removals_forget(removals, oldest);
}

static void
fill(struct removals *removals, struct approval *approval, const struct approving *from)
{
    void *self = removals->self;
    const struct xy_jid *actor = xy_session_jid(from->session);
    approval->key = xy_keep_str(self, from->key);
    approval->stanza = from->stanza ? xy_stanza_keep(from->stanza) : NULL;
    approval->at_ms = xy_monotonic_ms();
    approval->owner = from->counts ? xy_user_owner(xy_session_user(from->session)) : 0;
    approval->class = from->originals[0].class;
    approval->state = from->state;
    approval->kind = from->kind;
    approval->operation = xy_keep_str(self, xy_audit_operation());
    approval->actor = xy_keep_str(self, xy_jid_text(actor));
    approval->actor_bare = xy_keep_str(self, xy_jid_text(xy_jid_bare(actor)));
    approval->notice_id = xy_keep_str(self, from->notice_id);
    approval->by = xy_keep_str(self, from->by);
    approval->reason = xy_keep_str(self, from->reason);
    approval->room = from->room ? xy_keep_str(self, xy_jid_text(from->room)) : XY_NO_STR;
    approval->quota = from->quota;
    for (size_t i = 0; i < from->count; i++) {
        approval->archive_out |= from->originals[i].in_senders_archive;
        approval->archive_in |= from->originals[i].in_recipients_archive;
    }
    approval->archive_in = approval->archive_in || !approval->archive_out;
}

/* One that was approved before and not committed yet: it may never be, if the notice was
 * refused on its way. Nobody is kept by it from asking once more, nor is who can do more. */
static bool
give_way(struct removals *removals, const struct approving *from)
{
    struct approval *former = removals_find(removals, from->key);
    if (!former)
        return true;
    struct xy_str actor = xy_jid_text(xy_jid_bare(xy_session_jid(from->session)));
    bool anew = from->state == XY_MESSAGE_RETRACTED && former->state == from->state &&
                xy_str_equal(former->actor_bare, actor);
    if (!anew && former->state >= from->state)
        return false;
    removals_forget(removals, former);
    return true;
}

struct gathered {
    xy_message_id *ids;
    size_t count, room;
};

static void
gather(struct gathered *all, xy_message_id id)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->ids[i] == id)
            return;
    if (all->count == all->room) {
        xy_message_id *more = xy_temp_alloc((all->room * 2 + 16) * sizeof(*more));
        if (all->count)
            memcpy(more, all->ids, all->count * sizeof(*more));
        all->ids = more;
        all->room = all->room * 2 + 16;
    }
    all->ids[all->count++] = id;
}

static xy_status
gather_all(const struct approving *from, struct gathered *all)
{
    xy_status status = XY_OK;
    for (size_t i = 0; i < from->count; i++)
        gather(all, from->originals[i].id);
    for (size_t i = 0; status == XY_OK && i < from->count; i++) {
        xy_message_id *followers;
        size_t count;
        status = xy_message_followers(&from->originals[i], &followers, &count);
        for (size_t n = 0; status == XY_OK && n < count; n++)
            gather(all, followers[n]);
    }
    return status;
}

xy_status
removals_approve(struct removals *removals, const struct approving *from,
                 struct approval **approval)
{
    struct gathered all = {.count = 0};
    xy_status status = gather_all(from, &all);
    if (status != XY_OK)
        return status;
    forget_older(removals, STALE_MS); /* those that came to nothing on their way */
    if (!give_way(removals, from))
        return XY_CONFLICT; /* it is being taken back just now */
    make_room_for(removals, xy_jid_text(xy_jid_bare(xy_session_jid(from->session))));
    *approval = xy_keep_alloc(removals->self,
                              sizeof(**approval) + all.count * sizeof((*approval)->ids[0]));
    fill(removals, *approval, from);
    (*approval)->originals = from->count;
    (*approval)->count = all.count;
    memcpy((*approval)->ids, all.ids, all.count * sizeof(*all.ids));
    (void)xy_map_put(removals->approved, (*approval)->key, *approval);
    return XY_OK;
}

void
removals_stop(struct removals *removals)
{
    forget_older(removals, 0);
    removals_apply_all(removals->self, removals);
}
