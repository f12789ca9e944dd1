/* SPDX-License-Identifier: MIT */
/*
 * The audit log: who did what to messages, and what the rules were. Whoever retracts, refuses,
 * removes, purges, holds or reads by privilege adds its record to the transaction that does it, so
 * that the act and its record commit or fail together:
 *
 *     struct xy_str operation = xy_audit_operation();
 *     struct xy_txn *txn = xy_txn_begin();
 *     … the act …
 *     xy_status status = xy_run_audit_add(NULL, txn, &(struct xy_audit_record){
 *         .operation = operation, .actor = xy_jid_text(author), .kind = XY_STR("retract"),
 *         .message = id, .account = …, .reason = XY_STR("author")});
 *     if (status == XY_OK)
 *         status = xy_txn_commit(txn);
 *
 * Records wait in a table of their own, which the module audit empties in the order of commits: it
 * numbers them without gaps, chains them by hash and signs the new head. So nobody waits for his
 * turn, nothing can deadlock, and a transaction that failed, or of which nobody knows whether it
 * committed, leaves no gap. No record is ever changed or deleted, and message bodies never enter.
 *
 * The services are provided by the module audit: XY_UNSUPPORTED while it is off. A module whose acts
 * must not happen unrecorded says .needs = "audit".
 */
#ifndef XYLEM_AUDIT_H
#define XYLEM_AUDIT_H

#include <xylem/hash.h>
#include <xylem/hook.h>
#include <xylem/memory.h>
#include <xylem/message.h>
#include <xylem/sql.h>

struct xy_audit_record {
    /* What joins the records of one act, also across servers; absent: one of its own. */
    struct xy_str operation;
    struct xy_str actor; /* whose doing it is: a JID, xy_command_actor(), "server" */
    /* What was done: retract, moderate, remove, refuse, expire, purge, erase, hold, release,
     * privileged_read, request, approve, apply, repair, switch, policy; or a word of the module's
     * own. Lower case and '_'. */
    struct xy_str kind;
    xy_message_id message;      /* which it was done to; 0: none in particular */
    struct xy_str account, room; /* bare JIDs: whose, where; or absent */
    struct xy_str reason;       /* a code: lower case, digits, '_' and '-' */
    struct xy_str words;        /* what the actor wrote about it */
    struct xy_str details;      /* lines of xy_audit_detail() */
};

/* Adds it to `txn`. Must not suspend. XY_INVALID: no actor or kind, a kind of the
 * log's own (begin, key_change, key_lost), a text with a NUL or too long
 * (operation 64 bytes, kind and reason 32, words 4096, details 65536, others 3071). Any number of
 * records fit one transaction. Who lets users cause records (refusals) limits how many. */
XY_SERVICE(audit_add, (struct xy_txn *txn, const struct xy_audit_record *record), (txn, record))
/* The same in a transaction of its own: returns once it is durable. XY_UNKNOWN: it may not be. */
XY_SERVICE(audit_write, (const struct xy_audit_record *record), (record))
/* Returns once everything committed before the call has its number and is under a signed head of
 * *size records. */
XY_SERVICE(audit_settle, (int64_t *size), (size))

/* Unguessable: 128 random bits in hex, in the fiber's memory. */
static inline struct xy_str
xy_audit_operation(void)
{
    char bytes[16];
    xy_random(bytes, sizeof(bytes));
    return xy_temp_hex(xy_str_of(bytes, sizeof(bytes)));
}

/* Adds a line "key=value"; line ends and backslashes of the value are written as \n and \\. */
static inline void
xy_audit_detail(struct xy_buffer *details, const char *key, struct xy_str value)
{
    xy_buffer_printf(details, "%s=", key);
    for (size_t i = 0; i < value.len; i++) {
        bool escape = value.at[i] == '\n' || value.at[i] == '\\';
        if (escape)
            xy_buffer_add(details, XY_STR("\\"));
        xy_buffer_add(details, value.at[i] == '\n' ? XY_STR("n") : xy_str_of(value.at + i, 1));
    }
    xy_buffer_add(details, XY_STR("\n"));
}

#endif
