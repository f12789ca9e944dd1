/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the store ask of each other at opening and closing. Logic thread.
 */
#ifndef XYI_STORE_PARTS_H
#define XYI_STORE_PARTS_H

#include "core/store/store.h"

XY_SUSPENDS XY_CHECK xy_status xyi_schema_apply(struct xy_str *error);
XY_SUSPENDS XY_CHECK xy_status xyi_message_ids_start(unsigned node);
void xyi_message_ids_stop(void); /* gives back what is reserved and not used */
XY_SUSPENDS XY_CHECK xy_status xyi_messages_start(void);
XY_SUSPENDS XY_CHECK xy_status xyi_stanza_ids_start(void);
XY_SUSPENDS XY_CHECK xy_status xyi_accounts_start(void);
XY_SUSPENDS XY_CHECK xy_status xyi_stanza_ids_start(void);
XY_SUSPENDS XY_CHECK xy_status xyi_erasures_finish(void); /* those a crash interrupted */
void xyi_jid_ids_stop(void);

/* What the way of a message through the store reads, changes and deletes by: the tests look at
 * the plans. Parameters: i integer, t text, I array of integers. */
struct xyi_planned {
    const struct xy_statement *statement;
    const char *parameters;
    const char *sqlite, *pgsql; /* what the plan must show; NULL: nothing in particular */
};
#define XYI_PLANNED(statement_, parameters_) {.statement = &(statement_), .parameters = (parameters_)}
#define XYI_PLANNED_BY(statement_, parameters_, ...) {&(statement_), parameters_, __VA_ARGS__}
extern const struct xyi_planned xyi_message_planned[], xyi_pending_planned[],
    xyi_device_planned[], xyi_account_planned[], xyi_archive_planned[],
    xyi_retention_planned[], xyi_erase_planned[], xyi_staging_planned[],
    xyi_facts_planned[], xyi_evidence_planned[], xyi_room_planned[], xyi_removal_planned[],
    xyi_tombstone_planned[], xyi_record_planned[], xyi_hold_planned[], xyi_scan_planned[],
    xyi_expire_planned[], xyi_forget_planned[], xyi_origin_planned[],
    xyi_withdrawn_planned[]; /* end with NULL */

/* ---- rows of messages -------------------------------------------------------------------- */
enum { XYI_ARCHIVED_BY_SENDER = 1, XYI_ARCHIVED_BY_RECIPIENT = 2 }; /* message.archived */
enum { XYI_ENTRY_ARCHIVED = 1, XYI_ENTRY_OUTGOING = 2 };            /* entry.flags */
/* "[1,2,3]": ascending, each once; what both engines make rows of. */
void xyi_devices_remove(struct xy_txn *txn, xy_owner owner); /* rows of device only */
/* With the transaction that removes an account: xyi_account_erase() is due, and somebody has to be told
 * who it was if there is a `jid`. */
void xyi_erase_mark(struct xy_txn *txn, xy_owner owner, struct xy_str jid);
struct xy_str xyi_message_id_list(const xy_message_id *ids, size_t count);

/* ---- entries on their way into the archive (SQLite; elsewhere there are none) ------------ */
void xyi_entry_add(struct xy_txn *txn, xy_owner owner, xy_message_id id, int64_t peer,
                   int64_t flags);
/* Puts those of an owner up to `last` in their place; returns how many statements that took. */
size_t xyi_staged_move(struct xy_txn *txn, xy_owner owner, xy_message_id last);
XY_SUSPENDS XY_CHECK xy_status xyi_staging_start(void);
extern int64_t xyi_staging_most; /* entries before they are put in place; tests set it */

/* ---- memory for work in many steps ------------------------------------------------------- */
/* As xy_sql_read() and xy_txn_begin(), in an arena that ends before the fiber's does. */
XY_SUSPENDS XY_CHECK xy_status xyi_sql_read_into(struct xyi_arena *arena,
                                                 const struct xy_statement *statement,
                                                 struct xy_rows **rows,
                                                 struct xy_values values);
struct xy_txn *xyi_txn_begin_in(struct xyi_arena *arena);

/* ---- table scram ------------------------------------------------------------------------- */
enum { XYI_ALL_HASHES = (1 << XY_HASHES) - 1 };
/* Each expects that the account is there. */
void xyi_key_set_insert(struct xy_txn *txn, const struct xyi_key_set *set, struct xy_str jid);
void xyi_key_set_replace(struct xy_txn *txn, const struct xyi_key_set *set, xy_owner owner);
/* What an account without all hashes lacks is made of its right password. */
XY_SUSPENDS void xyi_key_sets_complete(xy_owner owner, unsigned hashes, struct xy_str password);

/* ---- key_shares.c: how many accounts lack keys, for what unknown names are told ----------- */
XY_SUSPENDS XY_CHECK xy_status xyi_key_shares_start(void);
/* An account has, or had, these (0: it was not there; it is gone). */
void xyi_key_shares_moved(unsigned from, unsigned to);
/* What xyi_key_shares_moved() wants to know before a change; costs a read only if some account
 * lacks any. */
XY_SUSPENDS XY_CHECK xy_status xyi_key_shares_before(xy_owner owner, unsigned *hashes);
bool xyi_key_shares_lack(void);              /* some account lacks keys */
unsigned xyi_key_shares_common(void);        /* what every account has */
unsigned xyi_key_shares_draw(uint32_t drawn); /* of a uniformly drawn account */

/* ---- what was purged: whether a row holds more than a tombstone --------------------------- */
struct xyi_purged {
    xy_message_id id;
    struct xy_str stub;
    bool leaks;
};
XY_SUSPENDS XY_CHECK xy_status xyi_purged_read(xy_message_id after, int64_t most,
                                               struct xyi_purged **all, size_t *count);
void xyi_purge_again(struct xy_txn *txn, const struct xyi_purged *purged);

/* ---- table xylem_meta -------------------------------------------------------------------- */
/* XY_ABSENT: not there. The value is the fiber's. */
XY_SUSPENDS XY_CHECK xy_status xyi_meta_read(const char *name, struct xy_str *value);
void xyi_meta_set(struct xy_txn *txn, const char *name, struct xy_str value);

/* ---- partitions of message and entry (PostgreSQL; elsewhere nothing happens) ------------- */
/* Those of the month of `ms` and of the next one. */
XY_SUSPENDS XY_CHECK xy_status xyi_partitions_make(int64_t ms, struct xy_str *error);
void xyi_partitions_make_ahead(int64_t ms); /* once a month, waits for nothing */

#endif
