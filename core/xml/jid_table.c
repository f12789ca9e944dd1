/* SPDX-License-Identifier: MIT */
/*
 * The table of JIDs (RFC 6122 section 2). Invariants: one object for one prepared text, so JIDs
 * are compared by pointer; an object without references has exactly one reclaim under way (a
 * retirement, or a mail to the logic thread), and only that frees it. The table belongs to the
 * logic thread; references may be taken and dropped on any.
 */
#include "core/xml/jid_table.h"

/* The reference count and "a reclaim is under way" change together, in one word: whoever drops
 * the last reference on another thread must not touch the JID afterwards unless it is the one
 * that has to ask for the reclaim. */
enum { RECLAIM = 1, REFERENCE = 2 };

struct alias {
    struct xy_jid *jid;
    uint64_t hash;
    size_t len;
    char text[];
};

enum { FIRST_SLOTS = 1024, ALIASES = 256, ALIAS_MOST = 256 };

static struct xy_jid **slots; /* logic thread's, all of these */
static size_t slot_count, jid_count;
static struct alias *aliases[ALIASES];
static _Thread_local bool on_logic_thread __attribute__((tls_model("initial-exec")));

static void reclaim(void *object);

void
xyi_jids_init(void)
{
    xy_assert(!slots);
    slot_count = FIRST_SLOTS;
    slots = xyi_alloc(slot_count * sizeof(*slots));
    on_logic_thread = true;
}

bool
xyi_jids_are_here(void)
{
    return on_logic_thread;
}

size_t
xyi_jids_count(void)
{
    return jid_count;
}

struct xy_jid *
xyi_jid_find(struct xy_str text, uint64_t hash)
{
    struct xy_jid *jid = slots[hash & (slot_count - 1)];
    while (jid && (jid->hash != hash || jid->len != text.len ||
                   memcmp(jid->text, text.at, text.len) != 0))
        jid = jid->next;
    return jid;
}

static void
double_slots(void)
{
    size_t count = slot_count * 2;
    struct xy_jid **wider = xyi_alloc(count * sizeof(*wider));
    for (size_t i = 0; i < slot_count; i++) {
        for (struct xy_jid *jid = slots[i], *next; jid; jid = next) {
            struct xy_jid **slot = &wider[jid->hash & (count - 1)];
            next = jid->next;
            jid->next = *slot;
            *slot = jid;
        }
    }
    xyi_free(slots);
    slots = wider;
    slot_count = count;
}

struct xy_jid *
xyi_jid_insert(struct xy_str text, uint64_t hash, size_t room)
{
    struct xy_jid *jid = xyi_alloc(sizeof(*jid) + text.len + 1 + room);
    atomic_init(&jid->word, RECLAIM);
    jid->hash = hash;
    jid->len = text.len;
    memcpy(jid->text, text.at, text.len);
    if (++jid_count > slot_count)
        double_slots();
    jid->next = slots[hash & (slot_count - 1)];
    slots[hash & (slot_count - 1)] = jid;
    jid->bare = jid->host = jid;
    xyi_retire(jid, reclaim);
    return jid;
}

static void
unlink_jid(struct xy_jid *jid)
{
    struct xy_jid **slot = &slots[jid->hash & (slot_count - 1)];
    while (*slot != jid)
        slot = &(*slot)->next;
    *slot = jid->next;
    jid_count--;
}

/* ---- references ---------------------------------------------------------------------------
 */

static void
retire_from_mail(struct xyi_mail *mail)
{
    xyi_retire(XYI_LIST_OF(mail, struct xy_jid, mail), reclaim);
}

const struct xy_jid *
xy_jid_keep(const struct xy_jid *kept)
{
    struct xy_jid *jid = (struct xy_jid *)(uintptr_t)kept;
    if (jid)
        atomic_fetch_add_explicit(&jid->word, REFERENCE, memory_order_relaxed);
    return jid;
}

void
xy_jid_drop(const struct xy_jid *dropped)
{
    struct xy_jid *jid = (struct xy_jid *)(uintptr_t)dropped;
    if (!jid)
        return;
    unsigned word = atomic_load_explicit(&jid->word, memory_order_relaxed), left;
    do {
        xy_assert(word >= REFERENCE);
        left = word - REFERENCE;
        left = left < REFERENCE ? RECLAIM : left;
    } while (!atomic_compare_exchange_weak_explicit(
        &jid->word, &word, left, memory_order_acq_rel, memory_order_relaxed));
    if (left != RECLAIM || (word & RECLAIM))
        return;
    if (on_logic_thread) {
        xyi_retire(jid, reclaim);
    } else {
        jid->mail.open = retire_from_mail;
        xyi_inbox_post(&xyi_logic_inbox, &jid->mail);
    }
}

void
xyi_jid_add_alias(struct xy_jid *jid, struct xy_str text, uint64_t hash)
{
    struct alias **slot = &aliases[hash % ALIASES];
    if (text.len > ALIAS_MOST)
        return;
    if (*slot) {
        (*slot)->jid->aliases--;
        xyi_free(*slot);
    }
    struct alias *alias = *slot = xyi_alloc(sizeof(*alias) + text.len);
    alias->jid = jid;
    alias->hash = hash;
    alias->len = text.len;
    memcpy(alias->text, text.at, text.len);
    jid->aliases++;
}

struct xy_jid *
xyi_jid_find_alias(struct xy_str text, uint64_t hash)
{
    const struct alias *alias = aliases[hash % ALIASES];
    bool same = alias && alias->hash == hash && alias->len == text.len &&
                memcmp(alias->text, text.at, text.len) == 0;
    return same ? alias->jid : NULL;
}

static void
forget_aliases(struct xy_jid *jid)
{
    for (size_t i = 0; i < ALIASES && jid->aliases; i++) {
        if (aliases[i] && aliases[i]->jid == jid) {
            xyi_free(aliases[i]);
            aliases[i] = NULL;
            jid->aliases--;
        }
    }
}

/* Every fiber that could have borrowed the JID when it was retired has ended. */
static void
reclaim(void *object)
{
    struct xy_jid *jid = object;
    unsigned word = atomic_load_explicit(&jid->word, memory_order_acquire);
    bool borrowed = jid->borrowed;
    jid->borrowed = false;
    while (word != RECLAIM) { /* held again: the next last drop asks anew */
        if (atomic_compare_exchange_weak_explicit(&jid->word, &word, word & ~(unsigned)RECLAIM,
                                                  memory_order_acq_rel, memory_order_acquire))
            return;
    }
    if (borrowed) {
        xyi_retire(jid, reclaim);
        return;
    }
    forget_aliases(jid);
    unlink_jid(jid);
    if (jid->bare != jid)
        xy_jid_drop(jid->bare);
    else if (jid->host != jid)
        xy_jid_drop(jid->host);
    xyi_free(jid);
}

void
xyi_jids_end(void)
{
    /* A full JID lets go of its bare one, that of its host, and each may have been borrowed. */
    for (int round = 0; round < 6 && jid_count; round++)
        xyi_epoch_sweep();
    for (size_t i = 0; i < ALIASES; i++) {
        if (aliases[i])
            forget_aliases(aliases[i]->jid);
    }
    if (jid_count == 0) { /* else somebody still holds some: a leak, and visible as one */
        xyi_free(slots);
        slots = NULL;
    }
    on_logic_thread = false;
}
