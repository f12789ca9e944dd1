/* SPDX-License-Identifier: MIT */
/*
 * The audit log (requirements S0-3, S1-10, N1, N2): a chain of records under signed heads, and
 * roots over the evidence of all messages. One for the server. Other modules write by the
 * services of xylem/audit.h; docs/audit.md says what it proves, to whom, and what it cannot.
 */
#include "audit.h"

enum { TICK_MS = 1000 };

static xy_status
start(XY_SELF)
{
    struct head head;
    xy_status status = audit_read_head(&head);
    if (status == XY_OK)
        status = audit_key_open(self, &head);
    if (status != XY_OK)
        return status;
    self->size = head.tree.size;
    self->strand = xy_strand_new(self);
    self->seal_ms = xy_monotonic_ms() + self->evidence_every.ms;
    xy_every(self, TICK_MS, audit_tick, NULL);
    return XY_OK;
}

static void
stop(XY_SELF)
{
    audit_note_end(self);
    explicit_bzero(self->signer.seed, KEY);
    explicit_bzero(self->coming.seed, KEY);
}

static void
hand_over(XY_SELF, struct xy_handover *to)
{
    xy_handover_put(to, "size", 1, XY_KEY(self->size));
}

static void
adopt(XY_SELF, struct xy_handover *from)
{
    struct xy_str bytes;
    self->live = true; /* the log goes on */
    if (xy_handover_get(from, "size", 1, &bytes) == XY_OK && bytes.len == sizeof(self->size))
        memcpy(&self->size, bytes.at, bytes.len);
}

static const struct xy_option options[] = {
    XY_OPTION(key, .initial = "", .effect = XY_RESTART,
              .doc =
                  "The file of the key that signs the log, Ed25519 in PEM, which only the "
                  "server may read. Made when the log begins. Empty: audit.key in data_dir."),
    XY_OPTION(lost_key, .initial = "",
              .doc =
                  "The public key, in hex, whose private key was lost: another one may go on "
                  "with the log, and a record says so. Several: with blanks between."),
    XY_OPTION(evidence_every, .initial = "10 min", .min = 1000, .max = 24 * 60 * 60 * 1000,
              .doc = "New messages get a root in the log this often."),
    XY_OPTION(evidence_count, .initial = "10000", .min = 1, .max = 100000,
              .doc = "Messages under one root at most."),
    XY_OPTION(
        auditors, .initial = "[]",
        .doc = "Who may see where a message came from (`audit message`): administrators as the "
               "control socket names them, such as unix:1000. Being one is not enough."),
};
static const struct xy_hook hooks[] = {
    XY_ON(audit_add, audit_add),
    XY_ON(audit_write, audit_write),
    XY_ON(audit_settle, audit_settle),
    XY_ON(config_applied, audit_note_config),
};
static const struct xy_command_row commands[] = {
    XY_COMMAND("audit search", audit_command_search,
               .arguments = "[--kind KIND] [--actor WHO] [--account JID] [--room JID] "
                            "[--message ID] [--operation ID] [--since TIME] [--until TIME] "
                            "[--before RECORD] [--limit N]",
               .about = "Shows records of the audit log, the newest first."),
    XY_COMMAND("audit verify", audit_command_verify, .arguments = "[--evidence]",
               .about = "Verifies the whole audit log, and the evidence under it; names the "
                        "first record that is wrong."),
    XY_COMMAND("audit export", audit_command_export,
               .arguments = "[--after RECORD] [--limit N]",
               .about = "Prints records and signed heads for xylem-verify, a JSON line each."),
    XY_COMMAND("audit prove", audit_command_prove,
               .arguments = "[ID] [--account JID] [--from JID] [--to JID] [--text TEXT] "
                            "[--purpose TEXT] [--record NUMBER] [--document]",
               .about = "Confirms or refutes what a message was; proves it, or a record, in a "
                        "document."),
    XY_COMMAND("audit message", audit_command_message, .arguments = "ID [--purpose TEXT]",
               .about =
                   "Where a message came from and what became of it, also when it is gone; "
                   "who asks is recorded."),
    XY_COMMAND("audit growth", audit_command_growth, .arguments = "SIZE",
               .about = "Proves that the log has grown out of that of an older head."),
    XY_COMMAND("audit seal", audit_command_seal, .arguments = "[--head]",
               .about = "Puts all messages under a root now, and shows the newest head."),
    XY_COMMAND("audit key", audit_command_key, .arguments = "[--change]",
               .about = "Shows the public key of the log, or puts another one in its place."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(records, .unit = "records", .doc = "Records chained."),
    XY_METRIC(heads, .unit = "heads", .doc = "Heads signed."),
    XY_METRIC(roots, .unit = "roots", .doc = "Roots over evidence written."),
    XY_METRIC(failures, .unit = "attempts",
              .doc = "Times the log could not be written; records wait meanwhile."),
};

XY_MODULE(audit, .about = "Keeps a signed log of what is done to messages.", .scope = XY_SERVER,
          XY_STATE_SIZE, XY_START(start), XY_STOP(stop), XY_HAND_OVER(hand_over),
          XY_ADOPT(adopt), XY_TABLE(options, options), XY_TABLE(hooks, hooks),
          XY_TABLE(commands, commands), XY_TABLE(metrics, metrics), .schema = audit_schema,
          .schema_count = AUDIT_MIGRATIONS, .statements = audit_statements,
          .statements_count = AUDIT_STATEMENTS);
