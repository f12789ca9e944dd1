/* SPDX-License-Identifier: MIT */
/*
 * Roots over the evidence of messages. Every message that was stored is a leaf of exactly one
 * Merkle tree, whose root is a record of the log: from then on nobody can make up a message
 * that was not there, or another commitment for one that was. Batches follow one another in the
 * order of ids without a gap; the table of batches takes one that begins where another does
 * only once. The messages themselves are not read, and go when they go.
 */
#include "audit.h"

#include <endian.h>

enum { EVIDENCE_PAGE = 5000 };

/* Id and commitments, so that a leaf says whose evidence it is. */
struct hash
audit_evidence_leaf(const struct xy_evidence *evidence)
{
    uint64_t id = htobe64((uint64_t)evidence->message);
    char bytes[8 + 64];
    size_t len = evidence->commitment.len < 64 ? evidence->commitment.len : 64;
    memcpy(bytes, &id, sizeof(id));
    memcpy(bytes + sizeof(id), evidence->commitment.at, len);
    return tree_leaf(bytes, sizeof(id) + len);
}

static struct xy_str
number(int64_t value)
{
    return xy_temp_printf("%lld", (long long)value);
}

static struct xy_str
details_of(const struct batch *batch)
{
    struct xy_buffer details = {0};
    xy_audit_detail(&details, "after", number(batch->after));
    xy_audit_detail(&details, "last", number(batch->last));
    xy_audit_detail(&details, "count", number(batch->count));
    xy_audit_detail(&details, "root", hash_hex(&batch->root));
    return xy_buffer_str(&details);
}

bool
audit_batch_is(const struct batch *batch, const struct record *record)
{
    return xy_str_is(record->said.kind, "evidence_root") &&
           xy_str_equal(record->said.details, details_of(batch));
}

static xy_status
write_root(XY_SELF, const struct batch *batch)
{
    const struct xy_audit_record record = {
        .operation = batch->operation,
        .actor = XY_STR("server"),
        .kind = XY_STR("evidence_root"),
        .details = details_of(batch),
    };
    struct xy_txn *txn = xy_txn_begin();
    audit_add_batch(txn, batch);
    xy_status status = audit_add(self, txn, &record);
    return status == XY_OK ? xy_txn_commit(txn) : status;
}

/* *count 0: there was nothing left. */
static xy_status
seal_batch(XY_SELF, size_t *count)
{
    struct batch batch = {.operation = xy_audit_operation()};
    struct xy_evidence *evidence;
    struct tree tree = {0};
    xy_status status = audit_read_last_batch(&batch.after);
    if (status == XY_OK)
        status = xy_evidence_read(batch.after, self->evidence_count, &evidence, count);
    if (status != XY_OK || !*count)
        return status;
    for (size_t i = 0; i < *count; i++) {
        struct hash leaf = audit_evidence_leaf(&evidence[i]);
        tree_add(&tree, &leaf);
    }
    batch.last = evidence[*count - 1].message;
    batch.count = (int64_t)*count;
    batch.root = tree_root(&tree);
    status = write_root(self, &batch);
    if (status == XY_OK)
        xy_count(&self->roots);
    return status == XY_CONFLICT ? XY_OK : status; /* the instance we replace did it */
}

xy_status
audit_seal(XY_SELF, int64_t *roots)
{
    size_t count = 1;
    xy_status status = XY_OK;
    int64_t size;
    for (*roots = -1; count && status == XY_OK; ++*roots) {
        xy_temp_open();
        status = seal_batch(self, &count);
        xy_temp_close();
        if (status == XY_OK && count)
            status = audit_settle(self, &size);
    }
    return status;
}

/* ---- verifying --------------------------------------------------------------------------- */

/* Page by page: a batch may be large. */
static xy_status
read_tree(const struct batch *batch, struct tree *tree)
{
    xy_status status = XY_OK;
    size_t count = 1;
    for (xy_message_id after = batch->after; status == XY_OK && count;) {
        struct xy_evidence *evidence;
        xy_temp_open();
        status = xy_evidence_read(after, EVIDENCE_PAGE, &evidence, &count);
        for (size_t i = 0; status == XY_OK && i < count; i++) {
            if (evidence[i].message > batch->last) {
                count = 0;
                break;
            }
            struct hash leaf = audit_evidence_leaf(&evidence[i]);
            tree_add(tree, &leaf);
            after = evidence[i].message;
        }
        xy_temp_close();
    }
    return status;
}

xy_status
audit_check_root(const struct record *record, xy_message_id *sealed, bool deep,
                 const char **problem)
{
    struct batch batch;
    struct tree tree = {0};
    xy_message_id last;
    xy_status status =
        xy_str_to_int(audit_detail(record->said.details, "last"), 1, INT64_MAX, &last);
    if (status != XY_OK)
        last = 0; /* of no batch */
    status = audit_find_batch(last, &batch);
    if (status != XY_OK && status != XY_ABSENT)
        return status;
    if (status == XY_ABSENT || !audit_batch_is(&batch, record) ||
        !xy_str_equal(batch.operation, record->said.operation))
        *problem = "the table of batches does not have this one as it is";
    else if (batch.after != *sealed)
        *problem = "it does not go on where the root before it ended";
    *sealed = last;
    if (*problem || !deep)
        return XY_OK;
    status = read_tree(&batch, &tree);
    struct hash root = tree_root(&tree);
    if (status == XY_OK &&
        (tree.size != batch.count || memcmp(root.at, batch.root.at, HASH) != 0))
        *problem = "the evidence of its messages is not what it is a root of";
    return status;
}
