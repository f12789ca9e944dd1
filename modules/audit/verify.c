/* SPDX-License-Identifier: MIT */
/*
 * Verifying the whole log against itself: numbers without gaps, each record's hash and the link
 * to the one before, every head's root, chain and signature, and that the key changed only
 * where the log says so. The first record that is wrong is named. What no verification of a log
 * by its owner can show, that its end was cut off together with the heads over it, is shown by
 * any older head kept elsewhere (xylem-verify).
 */
#include "audit.h"

#include <stdio.h>

struct walk {
    const struct audit *self;
    struct verdict *verdict;
    struct tree tree;
    struct hash last;        /* of the last record */
    unsigned char key[KEY];  /* signs the heads over the last record */
    unsigned char next[KEY]; /* and those that follow */
    int64_t signed_size;     /* of the last head that was right */
    bool changes;            /* the last record named another key */
    bool evidence;           /* look at the evidence of messages as well */
    xy_message_id sealed;    /* up to there evidence has roots */
};

static void wrong(struct walk *walk, int64_t record, const char *format, ...) XY_PRINTF(3, 4);

/* The first only. */
static void
wrong(struct walk *walk, int64_t record, const char *format, ...)
{
    va_list arguments;
    if (walk->verdict->bad)
        return;
    walk->verdict->bad = record;
    va_start(arguments, format);
    vsnprintf(walk->verdict->text, sizeof(walk->verdict->text), format, arguments);
    va_end(arguments);
}

/* ---- records ----------------------------------------------------------------------------- */

/* Else whoever has some key of his own could begin at any record. */
static void
look_at_change(struct walk *walk, int64_t expected)
{
    if (walk->changes && walk->signed_size != expected - 1)
        wrong(walk, expected - 1, "it names another key and the former one did not sign it");
    walk->changes = false;
}

static void
follow_key(struct walk *walk, const struct record *record)
{
    unsigned char key[KEY];
    memcpy(walk->key, walk->next, KEY);
    if (!audit_is_key_record(record, key))
        return;
    walk->changes = xy_str_is(record->said.kind, "key_change");
    if (xy_str_is(record->said.kind, "key_lost") && !audit_is_lost(walk->self, walk->next))
        wrong(walk, record->seq,
              "the key was replaced without a signature of the former one, which lost_key does "
              "not name");
    memcpy(walk->next, key, KEY);
    if (!walk->changes) /* nobody is left to sign for the former */
        memcpy(walk->key, key, KEY);
}

/* A root of evidence, and the row of the table that is looked up for it. */
static xy_status
look_at_root(struct walk *walk, const struct record *record)
{
    const char *problem = NULL;
    if (!xy_str_is(record->said.kind, "evidence_root") || walk->verdict->bad)
        return XY_OK;
    xy_status status = audit_check_root(record, &walk->sealed, walk->evidence, &problem);
    if (problem)
        wrong(walk, record->seq, "%s", problem);
    return status;
}

static void
look_at_record(struct walk *walk, const struct record *record)
{
    int64_t expected = walk->tree.size + 1;
    struct hash hash = audit_record_hash(record), leaf = tree_leaf(record->hash.at, HASH);
    if (record->seq != expected)
        wrong(walk, expected, "it is missing");
    else if ((expected == 1) != xy_str_is(record->said.kind, "begin"))
        wrong(walk, expected, "the log must begin with its first record, and only there");
    else if (memcmp(hash.at, record->hash.at, HASH) != 0)
        wrong(walk, expected, "its content is not what was hashed");
    else if (memcmp(record->previous.at, walk->last.at, HASH) != 0)
        wrong(walk, expected > 1 ? expected - 1 : 1,
              "the record behind it was chained to another one");
    look_at_change(walk, expected);
    follow_key(walk, record);
    tree_add(&walk->tree, &leaf);
    walk->last = record->hash;
}

/* ---- heads ------------------------------------------------------------------------------- */

static void
look_at_head(struct walk *walk, const struct head *head)
{
    struct hash root = tree_root(&walk->tree);
    int64_t size = head->tree.size, first = walk->signed_size + 1;
    walk->verdict->heads++;
    if (memcmp(head->key, walk->key, KEY) != 0)
        wrong(walk, size, "the head over it is by a key that the log does not name");
    else if (memcmp(head->next, walk->next, KEY) != 0)
        wrong(walk, size, "the head over it names another key for what follows");
    else if (!audit_head_is_signed(head))
        wrong(walk, size, "the signature of the head over it is wrong");
    else if (memcmp(head->chain.at, walk->last.at, HASH) != 0 ||
             memcmp(head->root.at, root.at, HASH) != 0)
        wrong(walk, first, "a record from here to %lld is not what was signed",
              (long long)size);
    walk->signed_size = size;
}

static xy_status
look_at_page(struct walk *walk, int64_t last)
{
    struct record *records;
    struct head *heads;
    size_t count, heads_count, next_head = 0;
    int64_t after = walk->tree.size, limit = last - after < PAGE ? last - after : PAGE;
    xy_status status = audit_read_records(after, limit, &records, &count);
    if (status == XY_OK)
        status = audit_read_heads(after, after + limit, &heads, &heads_count);
    if (status != XY_OK)
        return status;
    if (!count)
        wrong(walk, after + 1, "it is missing: a head was signed over %lld records",
              (long long)last);
    for (size_t i = 0; i < count && status == XY_OK && !walk->verdict->bad; i++) {
        look_at_record(walk, &records[i]);
        status = look_at_root(walk, &records[i]);
        while (next_head < heads_count && !walk->verdict->bad &&
               heads[next_head].tree.size <= walk->tree.size)
            look_at_head(walk, &heads[next_head++]);
    }
    return status;
}

/* ---- all --------------------------------------------------------------------------------- */

/* Records are committed with a head over them. */
static xy_status
look_behind(struct walk *walk)
{
    struct record *beyond;
    struct head newest;
    size_t count;
    xy_status status = audit_read_records(walk->tree.size, 1, &beyond, &count);
    if (status == XY_OK)
        status = audit_read_head(&newest);
    if (status == XY_OK && count && newest.tree.size < beyond->seq)
        wrong(walk, beyond->seq, "no head was signed over it");
    return status;
}

xy_status
audit_verify(XY_SELF, bool evidence, struct verdict *verdict)
{
    struct walk walk = {.self = self, .verdict = verdict, .evidence = evidence};
    struct head newest;
    xy_message_id sealed;
    int64_t known;
    *verdict = (struct verdict){0};
    xy_status status = audit_read_last_batch(&sealed);
    if (status == XY_OK) /* a log that is broken is verified as well */
        verdict->settled = audit_settle(self, &known);
    if (status == XY_OK)
        status = audit_read_head(&newest);
    while (status == XY_OK && !verdict->bad && walk.tree.size < newest.tree.size) {
        xy_temp_open();
        status = look_at_page(&walk, newest.tree.size);
        xy_temp_close();
    }
    if (status == XY_OK && !verdict->bad)
        status = look_behind(&walk);
    if (status == XY_OK && sealed > walk.sealed)
        wrong(&walk, walk.tree.size + 1, "it is missing: messages up to %lld had a root",
              (long long)sealed);
    verdict->records = walk.tree.size;
    verdict->root = tree_root(&walk.tree);
    if (status == XY_OK && newest.tree.size < known)
        wrong(&walk, newest.tree.size + 1, "it is missing: there were %lld records",
              (long long)known);
    if (status == XY_OK && walk.tree.size && memcmp(walk.next, self->signer.public, KEY) != 0)
        wrong(&walk, 1, "the log goes on with a key that is not ours");
    return status;
}
