/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module audit share. The log in three steps:
 *
 *   waiting   records as they were committed with the acts they tell of (chain.c)
 *   record    the same, numbered 1, 2, 3 … and chained by hash; never changed, never deleted
 *   head      after each lot: how many records, the root of the Merkle tree over them, the hash of
 *             the last, signed (key.c)
 *
 * Nothing of the chain is kept in memory: each lot begins with reading the newest head, and two
 * who append at once (an instance and the one that replaces it) meet at the primary key, so that
 * one of them begins again. docs/audit.md has the forms byte by byte.
 */
#ifndef AUDIT_H
#define AUDIT_H

#define XY_STATE audit
#include <xylem/xylem.h>

#include "tree.h"

enum {
    KEY = 32,       /* Ed25519: a seed, a public key */
    SIGNATURE = 64,
    LOT = 256,      /* records that are chained under one head */
    PAGE = 500,     /* records that are looked at at once */
};

struct signer {
    bool known;
    unsigned char seed[KEY], public[KEY];
};

struct audit {
    const xy_path key;
    const struct xy_str lost_key;
    const xy_duration evidence_every;
    const int64_t evidence_count;
    const xy_list auditors;
    xy_counter records, heads, roots, failures;
    struct signer signer, coming; /* coming: while a key is changed */
    unsigned char former[KEY];    /* public: whose heads we trust since a change; or nobody's */
    bool untaken;                 /* the signer's key is not in its place yet: FILE.next */
    int64_t size;                 /* of the largest head ever seen: a log does not shrink */
    bool live;                    /* it has been, so its end is worth a record */
    bool looking;                 /* a look at what waits is queued */
    bool chaining;                /* a fiber is at it */
    bool complained;
    /* monotonic: until when records may come that were added, when to look in any case, when the
     * next root is due */
    int64_t busy_ms, look_ms, seal_ms;
    struct xy_strand *strand;
};

struct record {
    int64_t seq, at; /* at: wall clock, ms */
    struct xy_audit_record said;
    struct hash previous, hash;
};

struct head {
    int64_t at;
    struct tree tree; /* of the records; its size is the head's */
    struct hash root, chain;
    unsigned char key[KEY], next[KEY]; /* who signed it; who signs what follows */
    unsigned char signature[SIGNATURE];
};

static inline struct xy_str
hash_str(const struct hash *hash)
{
    return xy_str_of((const char *)hash->at, HASH);
}
static inline struct xy_str
hash_hex(const struct hash *hash)
{
    return xy_temp_hex(hash_str(hash));
}
static inline struct xy_str
key_str(const unsigned char key[KEY])
{
    return xy_str_of((const char *)key, KEY);
}

/* ---- form.c: what is hashed and signed ------------------------------------------------------- */
xy_status audit_check(const struct xy_audit_record *said);
struct hash audit_record_hash(const struct record *record);
/* What a head's signature is over. */
struct xy_str audit_head_bytes(const struct head *head);
bool audit_head_is_signed(const struct head *head); /* by its `key` */
/* The value of the line that begins with `key`=; absent: there is none. */
struct xy_str audit_detail(struct xy_str details, const char *key);
XY_CHECK bool audit_unhex(struct xy_str hex, void *out, size_t size);
/* Whether a record puts another key in force, and which. */
bool audit_is_key_record(const struct record *record, unsigned char key[KEY]);

/* ---- key.c ------------------------------------------------------------------------------------ */
/* Finds the key that signs what follows `head`, makes one when the log is empty. Logs why not. */
XY_SUSPENDS XY_CHECK xy_status audit_key_open(XY_SELF, const struct head *head);
/* Makes another one beside it; it takes its place by audit_key_take(). */
XY_SUSPENDS XY_CHECK xy_status audit_key_make(XY_SELF, struct signer *signer);
XY_SUSPENDS XY_CHECK xy_status audit_key_take(XY_SELF);
/* Whether the operator says that this key was lost. */
bool audit_is_lost(const struct audit *self, const unsigned char key[KEY]);
struct xy_str audit_key_pem(const unsigned char public[KEY]);
void audit_sign(const struct signer *signer, struct head *head);

/* ---- schema.c, rows.c, search.c ----------------------------------------------------------------------------------- */
extern const struct xy_migration audit_schema[];
enum { AUDIT_MIGRATIONS = 1 };
enum { AUDIT_STATEMENTS = 24, AUDIT_SEARCHES = 7 };
#define AUDIT_SAID "at, operation, actor, kind, message, account, room, reason, words, details"
#define AUDIT_RECORD_WHERE "select seq, " AUDIT_SAID ", previous, hash from audit_record where "
extern const struct xy_statement audit_searches[AUDIT_SEARCHES];
extern const struct xy_statement *const audit_statements[AUDIT_STATEMENTS];

/* From rows of AUDIT_RECORD_WHERE, or without the last two columns. */
void audit_get_records(struct xy_rows *rows, bool chained, struct record **at, size_t *count);
void audit_add_waiting(struct xy_txn *txn, const struct xy_audit_record *said, int64_t at);
/* `seq` is the number in table audit_waiting. The oldest LOT of them. */
XY_SUSPENDS XY_CHECK xy_status audit_read_waiting(struct record **at, size_t *count);
void audit_drop_waiting(struct xy_txn *txn, int64_t last, int64_t count);
void audit_add_record(struct xy_txn *txn, const struct record *record);
void audit_add_head(struct xy_txn *txn, const struct head *head);
/* The newest; size 0: there is none. */
XY_SUSPENDS XY_CHECK xy_status audit_read_head(struct head *head);
XY_SUSPENDS XY_CHECK xy_status audit_read_head_at(int64_t size, struct head *head);
/* Records behind `after`, at most `limit`; heads of more than `after` and up to `last` records. */
XY_SUSPENDS XY_CHECK xy_status audit_read_records(int64_t after, int64_t limit, struct record **at,
                                                  size_t *count);
XY_SUSPENDS XY_CHECK xy_status audit_read_heads(int64_t after, int64_t last, struct head **at,
                                                size_t *count);
/* The root of the tree over the records from `low` up to and without `high`, counted from 0. */
XY_SUSPENDS XY_CHECK xy_status audit_read_root(struct tree_range range, struct hash *root);
XY_SUSPENDS XY_CHECK xy_status audit_find_operation(struct xy_str operation, const char *kind,
                                                    struct record *record);

/* Newest first, below `before`; absent and 0: any. */
struct audit_query {
    struct xy_str operation, kind, actor, account, room;
    int64_t message, since, until, before, limit;
};
XY_SUSPENDS XY_CHECK xy_status audit_search(const struct audit_query *query, struct record **at,
                                            size_t *count);

/* Texts the module remembers: the configuration last seen. */
XY_SUSPENDS XY_CHECK xy_status audit_read_note(const char *name, struct xy_str *text);
void audit_set_note(struct xy_txn *txn, const char *name, struct xy_str text);

/* Batches of evidence: messages behind `after` up to `last`. */
struct batch {
    int64_t after, last, count;
    struct hash root;
    struct xy_str operation; /* of its record */
};
void audit_add_batch(struct xy_txn *txn, const struct batch *batch);
XY_SUSPENDS XY_CHECK xy_status audit_read_last_batch(int64_t *last);
XY_SUSPENDS XY_CHECK xy_status audit_find_batch(int64_t message, struct batch *batch);

/* ---- chain.c ---------------------------------------------------------------------------------- */
xy_status audit_add(XY_SELF, struct xy_txn *txn, const struct xy_audit_record *said);
XY_SUSPENDS xy_status audit_write(XY_SELF, const struct xy_audit_record *said);
XY_SUSPENDS xy_status audit_settle(XY_SELF, int64_t *size);
void audit_look_soon(XY_SELF); /* what waits is chained now */
/* What the log says about itself. */
void audit_put_own(struct record *record, const char *kind, struct xy_str actor,
                   const unsigned char key[KEY]);
void audit_append(struct xy_txn *txn, struct head *head, struct record *record);
/* We sign nothing on top of what is not ours. `known`: self->size before the head was read. */
XY_CHECK xy_status audit_check_head(XY_SELF, const struct head *head, int64_t known);
/* Signs and commits; `before`: the size of the head before. */
XY_SUSPENDS XY_CHECK xy_status audit_commit_head(XY_SELF, struct xy_txn *txn, struct head *head,
                                                 const struct signer *signer, int64_t before);
/* Until `chaining` is false again nobody else of this instance appends. */
XY_SUSPENDS XY_CHECK xy_status audit_begin_turn(XY_SELF);
XY_SUSPENDS XY_CHECK xy_status audit_chain_all(XY_SELF);
/* The task of the timer: what is due once a second. */
XY_SUSPENDS void audit_tick(void *state, void *nothing);
/* ---- rekey.c ---------------------------------------------------------------------------------- */
XY_SUSPENDS XY_CHECK xy_status audit_change_key(XY_SELF, struct xy_str actor);

/* ---- evidence.c ------------------------------------------------------------------------------- */
/* Writes roots over what has no root yet. */
XY_SUSPENDS XY_CHECK xy_status audit_seal(XY_SELF, int64_t *roots);
/* Whether that is the record of this batch: the table of batches is not under the log. */
bool audit_batch_is(const struct batch *batch, const struct record *record);
/* Whether such a record goes on behind *sealed, which moves, and its batch is as it says; `deep`: and
 * the evidence under it. *problem: what is wrong. */
XY_SUSPENDS XY_CHECK xy_status audit_check_root(const struct record *record, xy_message_id *sealed,
                                                bool deep, const char **problem);
struct hash audit_evidence_leaf(const struct xy_evidence *evidence);

/* ---- changes.c: hooks ------------------------------------------------------------------------- */
void audit_note_config(XY_SELF, struct xy_str by, const struct xy_setting *settings, size_t count);
XY_SUSPENDS void audit_note_end(XY_SELF);

/* ---- verify.c, json.c, admin.c, message.c, prove.c -------------------------------------------------------- */
struct verdict {
    int64_t records, heads;
    int64_t bad;    /* the first record that is wrong; 0: none */
    char text[160]; /* what is wrong with it */
    struct hash root;
    xy_status settled; /* whether what waited could be chained before */
};
/* `evidence`: that of all messages as well, batch by batch. */
XY_SUSPENDS XY_CHECK xy_status audit_verify(XY_SELF, bool evidence, struct verdict *verdict);

void audit_json_text(struct xy_buffer *to, struct xy_str text);
void audit_json_record(struct xy_buffer *to, const struct record *record);
void audit_json_head(struct xy_buffer *to, const struct head *head);

xy_status audit_command_search(XY_SELF, struct xy_command *command);
xy_status audit_command_verify(XY_SELF, struct xy_command *command);
xy_status audit_command_export(XY_SELF, struct xy_command *command);
xy_status audit_command_seal(XY_SELF, struct xy_command *command);
xy_status audit_command_key(XY_SELF, struct xy_command *command);
xy_status audit_command_prove(XY_SELF, struct xy_command *command);
xy_status audit_command_message(XY_SELF, struct xy_command *command);
xy_status audit_command_growth(XY_SELF, struct xy_command *command);

#endif
