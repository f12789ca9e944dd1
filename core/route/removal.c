/* SPDX-License-Identifier: MIT */
/*
 * What was taken back leaves the queues in memory, too (xylem/removal.h), and who may take
 * something back: classes of messages and sessions. What a fiber has read and not handed over
 * yet is caught by a list of what was taken back lately.
 */
#include "core/route/removal.h"
#include "core/route/objects.h"
#include <xylem/removal.h>

/* ---- lately -------------------------------------------------------------------------------
 */

enum { MOST_LATELY = 4096, LOT = 100 };

static struct { /* a ring, and chains through it by hash; 0 ends one, n is place n - 1 */
    xy_message_id id;
    uint16_t next;
} lately[MOST_LATELY]; /* logic thread */
static uint16_t chains[MOST_LATELY];
static unsigned lately_next;

static uint16_t *
chain_of(xy_message_id id)
{
    return &chains[(uint64_t)id * 0x9e3779b97f4a7c15u >> 52];
}

bool
xy_message_was_removed(xy_message_id id)
{
    for (uint16_t at = *chain_of(id); at; at = lately[at - 1].next)
        if (lately[at - 1].id == id)
            return true;
    return false;
}

static void
forget_oldest(uint16_t place)
{
    uint16_t *at = chain_of(lately[place - 1].id);
    while (*at && *at != place)
        at = &lately[*at - 1].next;
    if (*at)
        *at = lately[place - 1].next;
}

static void
note_lately(xy_message_id id)
{
    uint16_t place = (uint16_t)(lately_next++ % MOST_LATELY + 1);
    if (xy_message_was_removed(id))
        return;
    forget_oldest(place);
    lately[place - 1].id = id;
    lately[place - 1].next = *chain_of(id);
    *chain_of(id) = place;
}

/* ---- the end ------------------------------------------------------------------------------
 */

struct removed {
    const xy_message_id *ids;
    size_t count;
};

static void
forget(void *argument, struct xy_session *session)
{
    const struct removed *removed = argument;
    for (size_t i = 0; i < removed->count; i++)
        xyi_outbox_forget(session, removed->ids[i]);
}

void
xy_removal_add(struct xy_txn *txn, const struct xy_removal *removal)
{
    xyi_removal_add(txn, removal);
    xyi_forbid_wait("message_removing");
    for (struct xy_host *host = xy_host_first(); host; host = xy_host_next(host))
        xy_run_message_removing(host, removal->message, txn);
    xyi_allow_wait();
}

/* Out of what waits in memory, without waiting. */
static void
forget_all(const xy_message_id *ids, size_t count)
{
    struct removed removed = {ids, count};
    for (size_t i = 0; i < count; i++)
        note_lately(ids[i]);
    xyi_sessions_each(forget, &removed);
    xyi_users_forget_counts(0);
}

struct xy_host *
xy_message_host(const struct xy_message_record *record)
{
    struct xy_host *host = record->addressee ? xy_host_find(record->addressee) : NULL;
    if (!host && record->addressee)
        host = xy_service_host(record->addressee);
    return host || !record->author ? host : xy_host_find(record->author);
}

void
xyi_removal_committed(const struct xy_txn *txn)
{
    const xy_message_id *ids;
    size_t count = xyi_txn_removed(txn, &ids);
    if (count)
        forget_all(ids, count);
}

/* Its copies may be with people of every domain: a room's occupants, say. */
static void
tell(const struct xy_message_record *record)
{
    xyi_forbid_wait("message_removed");
    for (struct xy_host *host = xy_host_first(); host; host = xy_host_next(host))
        xy_run_message_removed(host, record);
    xyi_allow_wait();
}

/* What the store cannot say any more is told by its number alone. */
static void
look_and_tell(const xy_message_id *ids, size_t count)
{
    struct xy_message_record *records;
    size_t found = 0;
    if (xy_messages_look(ids, count, &records, &found) != XY_OK)
        found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct xy_message_record *record = NULL,
                                       unknown = {.id = ids[i], .purge_ms = XY_NONE};
        for (size_t n = 0; n < found && !record; n++)
            if (records[n].id == ids[i])
                record = &records[n];
        tell(record ? record : &unknown);
    }
}

void
xy_removal_apply(const xy_message_id *ids, size_t count)
{
    forget_all(ids, count);
    for (size_t i = 0; i < count; i += LOT) {
        xy_temp_open();
        look_and_tell(ids + i, count - i < LOT ? count - i : LOT);
        xy_temp_close();
    }
}

void
xy_removal_tell(const struct xy_message_record *records, size_t count)
{
    xy_message_id *ids = xy_temp_alloc((count + 1) * sizeof(*ids));
    for (size_t i = 0; i < count; i++)
        ids[i] = records[i].id;
    forget_all(ids, count);
    for (size_t i = 0; i < count; i++)
        tell(&records[i]);
}

/* ---- governance ---------------------------------------------------------------------------
 */

static enum xy_governance governance[XY_INTEGRATION_MESSAGE + 1];

void
xyi_governance_set(enum xy_message_class class, enum xy_governance wanted)
{
    governance[class] = wanted;
}

enum xy_governance xy_governance(enum xy_message_class class)
{
    return governance[class];
}

int64_t xy_governance_purge_ms(enum xy_message_class class)
{
    static const int64_t delays[] = {
        [XY_EVIDENTIAL] = XY_NONE, [XY_HYGIENIC] = INT64_C(7) * 86400 * 1000, [XY_MINIMAL] = 0};
    return delays[governance[class]];
}

int64_t
xy_purge_at(enum xy_message_class class, bool by_preset, int64_t delay_ms)
{
    int64_t delay = by_preset ? xy_governance_purge_ms(class) : delay_ms;
    return delay == XY_NONE ? XY_NONE : xy_now_ms() + delay;
}

/* ---- classes ------------------------------------------------------------------------------
 */

enum xy_session_class
xy_session_class(const struct xy_session *session)
{
    switch (session->user->kind) {
    case XY_ACCOUNT_BOT:
        return XY_BOT;
    case XY_ACCOUNT_INTEGRATION:
        return XY_INTEGRATION;
    case XY_ACCOUNT_PERSON:
        break;
    }
    return XY_INTERACTIVE;
}

enum xy_message_class
xyi_message_class(const struct xy_jid *author)
{
    const struct xy_user *user = xyi_user_known(xy_jid_bare(author));
    if (!user)
        return !xy_jid_local(author).len && xy_host_find(author) ? XY_ADMIN_NOTICE
                                                                 : XY_USER_MESSAGE;
    return user->kind == XY_ACCOUNT_BOT           ? XY_SERVICE_MESSAGE
           : user->kind == XY_ACCOUNT_INTEGRATION ? XY_INTEGRATION_MESSAGE
                                                  : XY_USER_MESSAGE;
}
