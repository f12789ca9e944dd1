/* SPDX-License-Identifier: MIT */
/*
 * Proofs that stand without the server, each a JSON document for scripts/xylem-verify: that a
 * message's evidence is under a root of the log and that a record is in the log; and that the
 * log of today has grown out of that of an older head.
 */
#include "prove.h"

static void
put_path(struct xy_buffer *to, const struct hash *path, unsigned count)
{
    xy_buffer_add(to, XY_STR("\"path\": ["));
    for (unsigned i = 0; i < count; i++)
        xy_buffer_printf(to, "%s\"" XY_FMT "\"", i ? ", " : "", XY_ARG(hash_hex(&path[i])));
    xy_buffer_add(to, XY_STR("]"));
}

static xy_status
read_path(const struct tree_proof *ranges, struct hash *path)
{
    xy_status status = XY_OK;
    for (unsigned i = 0; i < ranges->count && status == XY_OK; i++)
        status = audit_read_root(ranges->range[i], &path[i]);
    return status;
}

static void
put_message(struct xy_buffer *to, const struct proof *proof)
{
    const struct batch *batch = &proof->batch;
    xy_buffer_printf(to, "  \"message\": {\"id\": %lld, \"commitment\": \"" XY_FMT "\"",
                     (long long)proof->evidence.message,
                     XY_ARG(xy_temp_hex(proof->evidence.commitment)));
    xy_buffer_printf(to, ", \"salt\": \"" XY_FMT "\",\n    \"index\": %lld, \"count\": %lld, ",
                     XY_ARG(xy_temp_hex(proof->evidence.salt)), (long long)proof->at,
                     (long long)batch->count);
    put_path(to, proof->path, proof->path_len);
    xy_buffer_add(to, XY_STR("},\n"));
}

xy_status
audit_find_path(struct proof *proof)
{
    const struct record *record = &proof->record;
    struct hash hash = audit_record_hash(record), leaf = tree_leaf(hash.at, HASH);
    if (record->seq > proof->head.tree.size)
        return XY_BROKEN;
    tree_inclusion(record->seq - 1, proof->head.tree.size, &proof->ranges);
    xy_status status = read_path(&proof->ranges, proof->log_path);
    struct hash root = tree_climb(&proof->ranges, proof->log_path, record->seq - 1, &leaf);
    bool same = memcmp(root.at, proof->head.root.at, HASH) == 0;
    return status == XY_OK && !same ? XY_BROKEN : status;
}

void
audit_put_proof(struct xy_command *command, const struct proof *proof)
{
    struct xy_buffer to = {0};
    xy_buffer_add(&to, XY_STR("{ \"xylem-audit-proof\": 1,\n"));
    if (proof->of_message)
        put_message(&to, proof);
    xy_buffer_add(&to, XY_STR("  \"record\": "));
    audit_json_record(&to, &proof->record);
    xy_buffer_add(&to, XY_STR(",\n  "));
    put_path(&to, proof->log_path, proof->ranges.count);
    xy_buffer_add(&to, XY_STR(",\n  \"head\": "));
    audit_json_head(&to, &proof->head);
    xy_buffer_add(&to, XY_STR(" }\n"));
    xy_put_str(command, "document", xy_buffer_str(&to));
}

/* ---- growth ------------------------------------------------------------------------------ */

static xy_status
read_both(XY_SELF, struct xy_command *command, struct head *older, struct head *newer)
{
    int64_t from = 0, size;
    if (xy_str_to_int(xy_arg(command, "SIZE"), 1, INT64_MAX, &from) != XY_OK)
        return xy_fail(command, XY_INVALID, "SIZE is how many records the older head was over");
    xy_status status = audit_settle(self, &size);
    if (status == XY_OK)
        status = audit_read_head(newer);
    if (status == XY_OK)
        status = audit_read_head_at(from, older);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "no head was signed over %lld records",
                       (long long)from);
    return status;
}

xy_status
audit_command_growth(XY_SELF, struct xy_command *command)
{
    struct head older, newer;
    struct tree_proof ranges;
    struct hash path[TREE_PROOF];
    struct xy_buffer to = {0};
    xy_status status = read_both(self, command, &older, &newer);
    if (status != XY_OK)
        return status;
    tree_consistency(older.tree.size, newer.tree.size, &ranges);
    status = read_path(&ranges, path);
    if (status != XY_OK)
        return xy_fail(command, status, "the log is not whole: see audit verify");
    xy_buffer_add(&to, XY_STR("{ \"xylem-audit-growth\": 1,\n  \"older\": "));
    audit_json_head(&to, &older);
    xy_buffer_add(&to, XY_STR(",\n  \"newer\": "));
    audit_json_head(&to, &newer);
    xy_buffer_add(&to, XY_STR(",\n  "));
    put_path(&to, path, ranges.count);
    xy_buffer_add(&to, XY_STR(" }\n"));
    xy_put_str(command, "document", xy_buffer_str(&to));
    return XY_OK;
}
