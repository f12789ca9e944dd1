/* SPDX-License-Identifier: MIT */
/*
 * xylemctl audit prove: finds what proves a message's evidence, or a record, and confirms or
 * refutes what somebody says a message was. A proof about a message has its salt, so that
 * whoever holds the text can be confirmed: looking, and giving one out, is itself recorded.
 */
#include "prove.h"

/* ---- the message ------------------------------------------------------------------------- */

static xy_status
owner_of(struct xy_command *command, xy_owner *owner)
{
    struct xy_str text = xy_arg(command, "account");
    const struct xy_jid *jid = xy_jid_parse(text);
    if (!jid)
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is not a JID", XY_ARG(text));
    xy_status status = xy_archive_owner(xy_jid_bare(jid), owner);
    return status == XY_ABSENT ? xy_fail(command, status,
                                         "there is no such account, nor a room with an archive")
                               : status;
}

static xy_status
find_message(struct xy_command *command, xy_message_id *id)
{
    struct xy_str text = xy_arg(command, "ID");
    xy_owner owner = 0;
    if (xy_str_to_int(text, 1, INT64_MAX, id) == XY_OK)
        return XY_OK;
    if (!xy_arg(command, "account").len)
        return xy_fail(
            command, XY_INVALID,
            "not a message number; for a stanza-id give --account JID, of a room as well");
    xy_status status = owner_of(command, &owner);
    if (status == XY_OK && xy_stanza_id_parse(owner, text, id) != XY_OK)
        return xy_fail(command, XY_ABSENT, "no stanza-id of this archive");
    return status;
}

/* A leaf per message of the batch. The one at hand must be there, all together must be the
 * root. */
static xy_status
find_leaf(struct proof *proof)
{
    struct xy_evidence *all;
    size_t count;
    struct tree tree = {0};
    xy_status status = xy_evidence_read(proof->batch.after, proof->batch.count, &all, &count);
    if (status != XY_OK)
        return status;
    struct hash *leaves = xy_temp_alloc((count + 1) * sizeof(*leaves));
    proof->at = -1;
    for (size_t i = 0; i < count; i++) {
        leaves[i] = audit_evidence_leaf(&all[i]);
        tree_add(&tree, &leaves[i]);
        if (all[i].message == proof->evidence.message)
            proof->at = (int64_t)i;
    }
    struct hash root = tree_root(&tree);
    if (proof->at < 0 || memcmp(root.at, proof->batch.root.at, HASH) != 0)
        return XY_BROKEN;
    struct tree_proof ranges;
    tree_inclusion(proof->at, (int64_t)count, &ranges);
    proof->path = xy_temp_alloc((ranges.count + 1) * sizeof(*proof->path));
    proof->path_len = ranges.count;
    for (unsigned k = 0; k < ranges.count; k++) {
        struct tree part = {0};
        for (int64_t i = ranges.range[k].low; i < ranges.range[k].high; i++)
            tree_add(&part, &leaves[i]);
        proof->path[k] = tree_root(&part);
    }
    return XY_OK;
}

static xy_status
find_evidence(XY_SELF, struct xy_command *command, xy_message_id id, struct proof *proof)
{
    int64_t ignored;
    xy_status status = xy_evidence_find(id, &proof->evidence);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "no message of that number was ever stored");
    if (status == XY_OK)
        status = audit_find_batch(id, &proof->batch);
    if (status == XY_ABSENT)
        status = audit_seal(self, &ignored);
    else
        return status;
    return status == XY_OK ? audit_find_batch(id, &proof->batch) : status;
}

/* ---- what somebody holds ----------------------------------------------------------------- */

static const char *
verdict_text(xy_status status)
{
    return status == XY_OK            ? "confirmed"
           : status == XY_DENIED      ? "refuted"
           : status == XY_GONE        ? "nobody can tell any more: its salt was destroyed"
           : status == XY_UNSUPPORTED ? "it had no text"
                                      : "";
}

static xy_status
compare_text(struct xy_command *command, struct proof *proof)
{
    struct xy_str text = xy_arg(command, "text");
    const struct xy_jid *from = xy_jid_parse(xy_arg(command, "from")),
                        *to = xy_jid_parse(xy_arg(command, "to"));
    if (!text.at)
        return XY_OK;
    if (!from || !to)
        return xy_fail(command, XY_INVALID,
                       "who wrote that text, and to whom: --from JID --to JID");
    xy_status status = xy_evidence_confirms(&proof->evidence, from, to, text);
    proof->text = xy_str_from(verdict_text(status));
    return XY_OK;
}

/* A guess at a text, and a salt that lets others guess, are reading by privilege. */
static xy_status
record_reading(struct xy_command *command, const struct proof *proof)
{
    struct xy_buffer details = {0};
    if (proof->text.len)
        xy_audit_detail(&details, "text", proof->text);
    xy_audit_detail(&details, "document",
                    xy_flag(command, "document") ? XY_STR("yes") : XY_STR("no"));
    const struct xy_act act = {
        .kind = XY_ACT_PRIVILEGED_READ,
        .facts = xy_temp_printf("message=%lld\n", (long long)proof->evidence.message),
        .unsaid = "text",
    };
    return xy_privileged(command, &act,
                         &(struct xy_audit_record){.message = proof->evidence.message,
                                                   .reason = XY_STR("prove"),
                                                   .words = xy_arg(command, "purpose"),
                                                   .details = xy_buffer_str(&details)});
}

static void
put_summary(struct xy_command *command, const struct proof *proof)
{
    if (proof->of_message) {
        xy_put_int(command, "message", proof->evidence.message);
        xy_put_str(command, "accepted",
                   xy_time_format(xy_message_id_ms(proof->evidence.message)));
        xy_put_bool(command, "salt", proof->evidence.salt.len);
        if (xy_arg(command, "purpose").len)
            xy_put_str(command, "privileged",
                       xy_temp_printf("evidence of content, purpose " XY_FMT,
                                      XY_ARG(xy_arg(command, "purpose"))));
    }
    if (proof->text.len)
        xy_put_str(command, "text", proof->text);
    xy_put_int(command, "record", proof->record.seq);
    xy_put_str(command, "recorded", xy_time_format(proof->record.at));
    xy_put_str(command, "kind", proof->record.said.kind);
    xy_put_int(command, "head", proof->head.tree.size);
}

/* ---- prove ------------------------------------------------------------------------------- */

static xy_status
prove_message(XY_SELF, struct xy_command *command, struct proof *proof)
{
    xy_message_id id;
    xy_status status = find_message(command, &id);
    if (status == XY_OK)
        status = find_evidence(self, command, id, proof);
    if (status == XY_OK)
        status = compare_text(command, proof);
    if (status == XY_OK)
        status = record_reading(command, proof);
    if (status != XY_OK)
        return status;
    proof->of_message = true;
    if (find_leaf(proof) != XY_OK)
        return xy_fail(command, XY_BROKEN,
                       "the evidence of its batch is not what the log has a root of");
    int64_t size;
    status = audit_settle(self, &size);
    if (status == XY_OK)
        status = audit_find_operation(proof->batch.operation, "evidence_root", &proof->record);
    if (status == XY_ABSENT)
        return xy_fail(command, XY_BROKEN, "the log has no record of its batch");
    if (status == XY_OK && !audit_batch_is(&proof->batch, &proof->record))
        return xy_fail(command, XY_BROKEN, "the log has another root of its batch");
    return status;
}

static xy_status
find_record(XY_SELF, struct xy_command *command, struct proof *proof)
{
    int64_t size, seq;
    struct record *found;
    size_t count;
    if (xy_str_to_int(xy_arg(command, "record"), 1, INT64_MAX, &seq) != XY_OK)
        return xy_fail(command, XY_INVALID, "--record must be the number of a record");
    xy_status status = audit_settle(self, &size);
    if (status == XY_OK)
        status = audit_read_records(seq - 1, 1, &found, &count);
    if (status == XY_OK && (!count || found->seq != seq))
        return xy_fail(command, XY_ABSENT, "there is no such record");
    if (status == XY_OK)
        proof->record = *found;
    return status;
}

xy_status
audit_command_prove(XY_SELF, struct xy_command *command)
{
    struct proof proof = {.of_message = false};
    bool record = xy_arg(command, "record").at, message = xy_arg(command, "ID").at;
    if (record == message)
        return xy_fail(command, XY_INVALID, "either the ID of a message or --record NUMBER");
    xy_status status =
        record ? find_record(self, command, &proof) : prove_message(self, command, &proof);
    if (status == XY_OK)
        status = audit_read_head(&proof.head);
    if (status != XY_OK)
        return status;
    if (audit_find_path(&proof) != XY_OK)
        return xy_fail(command, XY_BROKEN, "the log is not whole: see audit verify");
    if (xy_flag(command, "document"))
        audit_put_proof(command, &proof);
    else
        put_summary(command, &proof);
    return xy_str_is(proof.text, "refuted")
               ? xy_fail(command, XY_DENIED, "that was not the message")
               : XY_OK;
}
