/* SPDX-License-Identifier: MIT */
/*
 * The database behind xylem/sql.h, and the rows of accounts and messages. One writer thread
 * with group commit, a few reader threads; drivers are shared objects (build/drivers/NAME.so).
 */
#ifndef XYI_STORE_H
#define XYI_STORE_H

#include <xylem/account.h>
#include <xylem/message.h>
#include <xylem/sql.h>
#include "core/fiber/fiber_internal.h"

struct xyi_store_config {
    struct xy_str driver;      /* "sqlite", "pgsql" */
    struct xy_str driver_path; /* the directory of the drivers */
    struct xy_str path, url;
    bool durable; /* durability: full */
    unsigned readers;
    int64_t timeout_ms; /* default of every read and of a write's wait for a connection */
    unsigned node;      /* 0 to 15, in message ids */
};
/* Opens, migrates the core's own tables. On failure a sentence in *error (xyi_temp()). */
XY_SUSPENDS XY_CHECK xy_status xyi_store_open(const struct xyi_store_config *config,
                                              struct xy_str *error);
void xyi_store_close(void); /* commits what was submitted, joins the threads */
const char *xyi_store_driver(void);
/* Applies migrations not yet applied, under the module's name. */
XY_SUSPENDS XY_CHECK xy_status xyi_store_migrate(struct xy_str module,
                                                 const struct xy_migration *rows, size_t count,
                                                 struct xy_str *error);
/* Prepares each on a reader; names the first that fails. */
XY_SUSPENDS XY_CHECK xy_status xyi_store_check(const struct xy_statement *const *statements,
                                               size_t count, struct xy_str *error);

/* A table of the message store that a statement, or a text that looks like one, names. Absent: none. */
struct xy_str xyi_sql_own_table(struct xy_str sql);

/* A transaction that outlives the fiber, with its own memory; `done` runs on the logic thread,
 * not on a fiber, in submission order, and the transaction is freed behind it. */
struct xy_txn *xyi_txn_detached(void);
void xyi_txn_submit(struct xy_txn *txn,
                    void (*done)(void *argument, xy_status status, const struct xy_txn *txn),
                    void *argument);

/* Why pending rows go in a transaction; what is not said is forgotten: with an account, a device. */
enum xyi_removal {
    XYI_FORGOTTEN,
    XYI_RECEIVED,
    XYI_EXPIRED,
    XYI_CLEARED,
    XYI_TAKEN_BACK, /* its message was retracted, moderated or removed */
    XYI_MOVED, /* to another device: its rows are added as well */
    XYI_REMOVALS,
};
void xyi_txn_removes(struct xy_txn *txn, enum xyi_removal why);
struct xy_removal;
void xyi_removal_add(struct xy_txn *txn, const struct xy_removal *removal);

struct xyi_store_counts {
    uint64_t commits, transactions, statements, reads, failures, queue;
    /* Pending rows, as the engine counted them, of the commits that have been answered. Answers
     * come in the order of commits. `unknown`: commits nobody can tell about. */
    uint64_t pending_added, pending_removed[XYI_REMOVALS], unknown;
    xy_histogram batch, commit_us;
};
void xyi_store_counts(struct xyi_store_counts *counts);

/* ---- interned JIDs (table jid): cached, ids never change --------------------------------- */
XY_SUSPENDS XY_CHECK xy_status xyi_jid_id(const struct xy_jid *bare, int64_t *id);
/* The same without making one. XY_ABSENT: it has none, so no message bears it. */
XY_SUSPENDS XY_CHECK xy_status xyi_jid_known_id(const struct xy_jid *bare, int64_t *id);

/* ---- accounts ---------------------------------------------------------------------------- */
/* Row functions behind xylem/account.h; hooks and sessions are core/route/'s. */
XY_SUSPENDS XY_CHECK xy_status xyi_account_read(const struct xy_jid *bare,
                                                struct xy_account *account);
struct xyi_keys { /* of one password, one per enum xy_hash */
    unsigned char salt[XY_HASHES][16], stored_key[XY_HASHES][XY_HASH_MAX],
        server_key[XY_HASHES][XY_HASH_MAX];
    int64_t iterations;
};
/* saslprep, then PBKDF2 on helper threads. XY_INVALID: not a password. */
XY_SUSPENDS XY_CHECK xy_status xyi_keys_make(struct xy_str password, int64_t iterations,
                                             struct xyi_keys *keys);
XY_SUSPENDS XY_CHECK xy_status xyi_account_insert(const struct xy_jid *bare,
                                                  const struct xyi_keys *keys, xy_owner *owner);
/* An account whose password nobody here knows: at least one set, each of another hash. */
struct xyi_key_set {
    enum xy_hash hash;
    struct xy_str salt;
    int64_t iterations;
    unsigned char stored_key[XY_HASH_MAX], server_key[XY_HASH_MAX];
};
XY_SUSPENDS XY_CHECK xy_status xyi_account_import(const struct xy_jid *bare,
                                                  const struct xyi_key_set *sets, size_t count,
                                                  xy_owner *owner);
/* "SCRAM-SHA-256$4096:SALT$STOREDKEY:SERVERKEY" (RFC 5803); the salt is the fiber's. XY_INVALID. */
XY_CHECK xy_status xyi_key_set_parse(struct xy_str text, struct xyi_key_set *set);
/* XY_ABSENT: the account has gone. */
XY_SUSPENDS XY_CHECK xy_status xyi_account_update_keys(xy_owner owner,
                                                       const struct xyi_keys *keys);
XY_SUSPENDS XY_CHECK xy_status xyi_account_update_state(xy_owner owner,
                                                        enum xy_account_state state);
XY_SUSPENDS XY_CHECK xy_status xyi_account_update_kind(xy_owner owner,
                                                       enum xy_account_kind kind);
/* The row, keys and devices; the owner number stays used. XY_ABSENT: gone already. When its last
 * session has ended xyi_account_erase() is due; if that never comes, the next start does it. */
XY_SUSPENDS XY_CHECK xy_status xyi_account_remove(xy_owner owner, struct xy_str jid);
/* With `jid`, which is remembered until then: the hook account_deleted is due. Columns: owner, jid. */
XY_SUSPENDS XY_CHECK xy_status xyi_departures_read(struct xy_rows **rows);
XY_SUSPENDS XY_CHECK xy_status xyi_departure_end(xy_owner owner);
/* Archive, pending rows and the content they alone held, in lots that keep the writer free. */
XY_SUSPENDS XY_CHECK xy_status xyi_account_erase(xy_owner owner);
void xyi_account_touch(xy_owner owner, int64_t now_ms); /* last login; does not wait */
/* Accounts behind the bare JID text `after`, in order, at most `limit`; host absent: of all
 * hosts. Columns: jid, owner, state, created, last_login. */
XY_SUSPENDS XY_CHECK xy_status xyi_account_list(struct xy_str host, struct xy_str after,
                                                int64_t limit, struct xy_rows **rows);
extern int64_t xyi_account_iterations; /* for new passwords; from the configuration */

/* ---- rooms: owners of archives ------------------------------------------------------------- */
bool xyi_owner_is_room(xy_owner owner);
XY_SUSPENDS XY_CHECK xy_status xyi_room_find(const struct xy_jid *bare, xy_owner *owner); /* XY_ABSENT */
XY_SUSPENDS XY_CHECK xy_status xyi_room_add(const struct xy_jid *bare, const struct xy_jid *host,
                                            xy_owner *owner);
/* Those of a host behind the bare JID text `after`, in order, at most `limit`. Columns: jid, owner. */
XY_SUSPENDS XY_CHECK xy_status xyi_room_list(const struct xy_jid *host, struct xy_str after,
                                             int64_t limit, struct xy_rows **rows);
XY_SUSPENDS XY_CHECK xy_status xyi_room_remove(xy_owner owner); /* with its archive */

/* ---- messages ---------------------------------------------------------------------------- */
/* Takes the next id: never suspends, never repeats, never goes back (high-water mark in
 * blocks). */
xy_message_id xyi_message_next_id(void);
/* Adds to `txn` the content row, its evidence, an entry in each archive named, a pending row for
 * each device. Who writes to himself has one entry, with both flags. */
struct xyi_message_row {
    xy_message_id id;
    int64_t sender, recipient;    /* jid ids */
    xy_owner sent_by, sent_to;    /* whose archive shows it, as outgoing and as incoming; 0: nobody's */
    xy_owner waits_for;           /* whose devices it waits for; 0: nobody's */
    const int64_t *devices;       /* 0 is the device of clients that do not say who they are */
    size_t device_count;
    unsigned class;               /* 0: a message of one account to another */
    struct xy_str origin_id;      /* the client's id */
    struct xy_str stanza;         /* serialised, with its from and to, without stanza-id and delay */
    struct xy_str author, addressee; /* bare JIDs, for the evidence of its text */
    struct xy_str body;           /* absent: it has none */
    xy_message_id login;          /* the session it came from; 0: none */
};
void xyi_message_add(struct xy_txn *txn, const struct xyi_message_row *row);
/* Whether a row of that id is there: what became of a commit that answered XY_UNKNOWN. */
XY_SUSPENDS XY_CHECK xy_status xyi_message_exists(xy_message_id id, bool *exists);
/* Columns: id, stanza (state applied; NULL: its content is gone). Those that are there, by id. */
XY_SUSPENDS XY_CHECK xy_status xyi_message_read(const xy_message_id *ids, size_t count,
                                                struct xy_rows **rows);
/* The commitments of a row under its salt, 32 bytes each: to all of it, and to its text, who wrote it
 * and to whom. The forms are in evidence.c. */
#define XYI_SALT_SIZE       16
#define XYI_COMMITMENT_SIZE 32
void xyi_message_commitment(const struct xyi_message_row *row,
                            const unsigned char salt[XYI_SALT_SIZE],
                            unsigned char commitment[XYI_COMMITMENT_SIZE]);
void xyi_message_text_commitment(const struct xyi_message_row *row,
                                 const unsigned char salt[XYI_SALT_SIZE],
                                 unsigned char commitment[XYI_COMMITMENT_SIZE]);
/* The session messages come from: written with the first of them. The same number again changes
 * nothing. */
struct xyi_login_row {
    xy_message_id id; /* taken like a message's */
    int64_t jid;      /* jid id of the account */
    struct xy_str resource;
    enum xy_login_path path;
    enum xy_source source;
};
void xyi_login_add(struct xy_txn *txn, const struct xyi_login_row *row);
/* message.origin */
int64_t xyi_message_origin(int64_t sender, int64_t recipient, struct xy_str origin_id);

/* ---- the queue: table pending -------------------------------------------------------------- */
/* What waits for one device, after < id < before, oldest first, state applied. Columns: id,
 * stanza, archived (1: the owner's archive shows it). */
XY_SUSPENDS XY_CHECK xy_status xyi_pending_read(xy_owner owner, int64_t device,
                                                xy_message_id after, xy_message_id before,
                                                int64_t limit, struct xy_rows **rows);
/* Waiting for the device that has the most. */
/* What a transaction takes back, while it is there. */
size_t xyi_txn_removed(const struct xy_txn *txn, const xy_message_id **ids);
/* A transaction that takes nothing back answers XY_CONFLICT. */
void xyi_removal_demand(struct xy_txn *txn);
XY_SUSPENDS XY_CHECK xy_status xyi_pending_count(xy_owner owner, int64_t *count);
/* One more device waits for a stored message; nothing happens if it does already. */
void xyi_pending_add(struct xy_txn *txn, xy_owner owner, int64_t device, xy_message_id id);
/* The device has it: the row goes, and the content when nothing refers to it any more. `archived`:
 * some archive shows it, so the content need not be looked at. */
void xyi_pending_receive(struct xy_txn *txn, xy_owner owner, int64_t device, xy_message_id id,
                         bool archived);
/* Nobody gets them any more: ids below `before` (INT64_MAX: all) for one device, or one id for all
 * devices of the owner. Content as above. */
void xyi_pending_discard(struct xy_txn *txn, xy_owner owner, int64_t device, xy_message_id before);
void xyi_pending_remove(struct xy_txn *txn, xy_owner owner, xy_message_id id);
/* Waiting for anybody at `host`, oldest first. Columns: owner, id. */
XY_SUSPENDS XY_CHECK xy_status xyi_pending_older(struct xy_str host, xy_message_id before,
                                                 int64_t limit, struct xy_rows **rows);

/* Counts all rows on the writer, in order with the transactions: what `waiting` says when `done`
 * runs (on the logic thread, not on a fiber) has changed by exactly what the counts above say. */
void xyi_pending_census(void (*done)(void *argument, xy_status status, int64_t waiting),
                        void *argument);

/* ---- devices: table device ------------------------------------------------------------------- */
/* Columns: id, last_seen (ms). */
XY_SUSPENDS XY_CHECK xy_status xyi_devices_read(xy_owner owner, struct xy_rows **rows);
/* It logged in. Seen for the first time, it waits for all that waits for any device of the owner;
 * what waited for device 0 while that was not known either moves to it. */
void xyi_device_seen(struct xy_txn *txn, xy_owner owner, int64_t device, int64_t now_ms);
/* With its pending rows. */
void xyi_device_forget(struct xy_txn *txn, xy_owner owner, int64_t device);
/* Not seen since, on accounts that have a device seen since. Columns: owner, id. */
XY_SUSPENDS XY_CHECK xy_status xyi_devices_older(struct xy_str host, int64_t before_ms,
                                                 int64_t limit, struct xy_rows **rows);

/* ---- for operators ------------------------------------------------------------------------- */
struct xyi_message_facts {
    struct xy_rows *message; /* sender, recipient, class, state, archived (bits); no row: gone */
    struct xy_rows *waiting; /* account, device */
    bool accepted;           /* it was there once */
};
XY_SUSPENDS XY_CHECK xy_status xyi_message_facts(xy_message_id id,
                                                 struct xyi_message_facts *facts);
/* Among the newest `most` rows: what wait for content that is not there, content that nothing
 * refers to, content without evidence. All are 0. */
struct xyi_disagreements {
    int64_t waiting_for_nothing, useless, unproved;
};
XY_SUSPENDS XY_CHECK xy_status xyi_store_agrees(int64_t most, struct xyi_disagreements *found);

#endif
