/* SPDX-License-Identifier: MIT */
/*
 * Appending. A record is committed with the act it tells of, among those that wait; a lot of
 * them gets its numbers, its hashes and a signed head in one transaction that begins where the
 * newest head ends. Two who try the same meet at a primary key: one commits, the other begins
 * again, and so no number is missing or used twice, whatever fails, also when nobody knows
 * whether a commit took place: the next lot begins with what the database has.
 */
#include "audit.h"

enum { TRIES = 1000, LOOK_MS = 60 * 1000, BUSY_MS = 5 * 1000 };

/* ---- what is recorded -------------------------------------------------------------------- */

xy_status
audit_add(XY_SELF, struct xy_txn *txn, const struct xy_audit_record *said)
{
    struct xy_audit_record own = *said;
    xy_status status = audit_check(said);
    if (status != XY_OK)
        return status;
    if (!own.operation.len)
        own.operation = xy_audit_operation();
    audit_add_waiting(txn, &own, xy_now_ms());
    self->busy_ms = xy_monotonic_ms() + BUSY_MS;
    return XY_OK;
}

static void
look(void *state, void *nothing)
{
    (void)nothing;
    struct audit *self = state;
    int64_t size;
    self->looking = false;
    (void)audit_settle(self, &size);
}

void
audit_look_soon(XY_SELF)
{
    if (!self->looking)
        xy_strand_post(self->strand, look, NULL);
    self->looking = true;
}

xy_status
audit_write(XY_SELF, const struct xy_audit_record *said)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_status status = audit_add(self, txn, said);
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    if (status == XY_OK)
        audit_look_soon(self);
    return status;
}

/* ---- the newest head --------------------------------------------------------------------- */

static xy_status
broken(XY_SELF, const char *why, const struct head *head)
{
    if (!self->complained)
        xy_error("audit.broken", why, XY_F_INT_AS("records", head->tree.size),
                 XY_F_INT_AS("known", self->size));
    self->complained = true;
    return XY_BROKEN;
}

static const struct signer *
signer_for(XY_SELF, const struct head *head)
{
    if (!head->tree.size || memcmp(head->next, self->signer.public, KEY) == 0)
        return &self->signer;
    if (self->coming.known && memcmp(head->next, self->coming.public, KEY) == 0)
        return &self->coming;
    return audit_is_lost(self, head->next) ? &self->signer : NULL;
}

/* Who signed the newest head: we, we before a change of our key, or the one that was lost. */
static bool
is_by_us(const struct audit *self, const struct head *head)
{
    return memcmp(head->key, self->signer.public, KEY) == 0 ||
           memcmp(head->key, self->former, KEY) == 0 || audit_is_lost(self, head->key);
}

xy_status
audit_check_head(XY_SELF, const struct head *head, int64_t known)
{
    if (head->tree.size < known)
        return broken(self, "the audit log has become shorter; records wait", head);
    if (!signer_for(self, head))
        return broken(self, "the audit log goes on with a key that is not ours; records wait",
                      head);
    if (!head->tree.size)
        return XY_OK;
    struct hash root = tree_root(&head->tree);
    if (!is_by_us(self, head))
        return broken(self, "the newest head of the audit log is not by our key; records wait",
                      head);
    if (memcmp(root.at, head->root.at, HASH) != 0 || !audit_head_is_signed(head))
        return broken(self,
                      "the newest head of the audit log is not what was signed; records "
                      "wait",
                      head);
    return XY_OK;
}

/* ---- a lot ------------------------------------------------------------------------------- */

void
audit_put_own(struct record *record, const char *kind, struct xy_str actor,
              const unsigned char key[KEY])
{
    struct xy_buffer details = {0};
    xy_audit_detail(&details, "key", xy_temp_hex(key_str(key)));
    xy_audit_detail(&details, "version", xy_str_from(xy_version()));
    *record = (struct record){
        .at = xy_now_ms(),
        .said = {.operation = xy_audit_operation(),
                 .actor = actor,
                 .kind = xy_str_from(kind),
                 .details = xy_buffer_str(&details)},
    };
}

void
audit_append(struct xy_txn *txn, struct head *head, struct record *record)
{
    record->seq = head->tree.size + 1;
    record->previous = head->chain;
    record->hash = audit_record_hash(record);
    audit_add_record(txn, record);
    struct hash leaf = tree_leaf(record->hash.at, HASH);
    tree_add(&head->tree, &leaf);
    head->chain = record->hash;
}

/* The file takes its name when a head by its key is durable: whoever starts in between knows
 * both. */
static xy_status
take_file(XY_SELF, const struct head *head)
{
    if (!self->untaken || memcmp(head->key, self->signer.public, KEY) != 0)
        return XY_OK;
    xy_status status = audit_key_take(self);
    self->untaken = status != XY_OK;
    return XY_OK; /* tried again with the next head; the record is where it should be */
}

xy_status
audit_commit_head(XY_SELF, struct xy_txn *txn, struct head *head, const struct signer *signer,
                  int64_t before)
{
    head->at = xy_now_ms();
    head->root = tree_root(&head->tree);
    audit_sign(signer, head);
    audit_add_head(txn, head);
    xy_status status = xy_txn_commit(txn);
    if (status != XY_OK)
        return status;
    if (head->tree.size > self->size)
        self->size = head->tree.size;
    self->complained = false;
    xy_count(&self->heads);
    xy_count_by(&self->records, (uint64_t)(head->tree.size - before));
    xy_info("audit.head", "the audit log has grown", XY_F_INT_AS("records", head->tree.size),
            XY_F_STR_AS("root", hash_hex(&head->root)),
            XY_F_STR_AS("key", xy_temp_hex(key_str(head->key))));
    return take_file(self, head);
}

/* What is no record that a module can have written has no effect, but leaves a trace. */
static void
put_waiting(struct xy_txn *txn, struct head *head, struct record *record)
{
    struct xy_buffer details = {0};
    struct hash hash = audit_record_hash(record);
    if (audit_check(&record->said) == XY_OK) {
        audit_append(txn, head, record);
        return;
    }
    xy_error("audit.forged", "somebody else has put a record among those that wait",
             XY_F_INT_AS("waiting", record->seq));
    xy_audit_detail(&details, "sha256", hash_hex(&hash));
    record->said = (struct xy_audit_record){.operation = xy_audit_operation(),
                                            .actor = XY_STR("server"),
                                            .kind = XY_STR("forged"),
                                            .reason = XY_STR("waiting"),
                                            .details = xy_buffer_str(&details)};
    audit_append(txn, head, record);
}

/* *done: how many of those that waited. */
static xy_status
chain_lot(XY_SELF, size_t *done)
{
    struct head head;
    struct record *records, own;
    int64_t known = self->size;
    xy_status status = audit_read_head(&head);
    if (status == XY_OK)
        status = audit_read_waiting(&records, done);
    if (status != XY_OK)
        return status;
    int64_t before = head.tree.size, last = *done ? records[*done - 1].seq : 0;
    const struct signer *signer = signer_for(self, &head);
    bool lost = signer && before && memcmp(head.next, signer->public, KEY) != 0;
    status = audit_check_head(self, &head, known);
    if (status != XY_OK || (!*done && !lost))
        return status;
    struct xy_txn *txn = xy_txn_begin();
    if (!before || lost) {
        audit_put_own(&own, lost ? "key_lost" : "begin", XY_STR("server"), signer->public);
        audit_append(txn, &head, &own);
    }
    memcpy(head.next, signer->public, KEY);
    for (size_t i = 0; i < *done; i++)
        put_waiting(txn, &head, &records[i]);
    if (*done)
        audit_drop_waiting(txn, last, (int64_t)*done);
    return audit_commit_head(self, txn, &head, signer, before);
}

/* One fiber of an instance at a time, so that those who want the same do not undo each other's
 * work. Whoever waits looks again at each answer of the database: lots are short, and sleeping
 * would follow a test's clock. */
xy_status
audit_begin_turn(XY_SELF)
{
    struct head head;
    xy_status status = XY_OK;
    while (self->chaining && status == XY_OK) {
        xy_temp_open();
        status = audit_read_head(&head);
        xy_temp_close();
    }
    if (status == XY_OK)
        self->chaining = true;
    return status;
}

xy_status
audit_chain_all(XY_SELF)
{
    size_t done = LOT;
    xy_status status = XY_OK;
    for (int tries = 0; done == LOT && status == XY_OK && tries < TRIES; tries++) {
        xy_temp_open();
        status = chain_lot(self, &done);
        xy_temp_close();
        if (status == XY_CONFLICT ||
            status == XY_UNKNOWN) { /* somebody was faster; or we were */
            status = XY_OK;
            done = LOT;
        } else {
            tries = 0;
        }
    }
    return done == LOT && status == XY_OK ? XY_BROKEN : status;
}

xy_status
audit_settle(XY_SELF, int64_t *size)
{
    xy_status status = audit_begin_turn(self);
    if (status == XY_OK) {
        status = audit_chain_all(self);
        self->chaining = false;
    }
    *size = self->size;
    if (status != XY_OK)
        xy_count(&self->failures);
    return status;
}

void
audit_tick(void *state, void *nothing)
{
    (void)nothing;
    struct audit *self = state;
    int64_t now = xy_monotonic_ms(), ignored;
    if (!self->chaining && (now <= self->busy_ms || now >= self->look_ms)) {
        self->look_ms = now + LOOK_MS;
        (void)audit_settle(self, &ignored);
    }
    if (now < self->seal_ms)
        return;
    self->seal_ms = now + self->evidence_every.ms;
    if (audit_seal(self, &ignored) != XY_OK)
        xy_count(&self->failures);
}
