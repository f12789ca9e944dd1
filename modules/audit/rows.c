/* SPDX-License-Identifier: MIT */
/*
 * The tables of the log. The database itself refuses to change or delete a record or a head:
 * not against who owns it, but so that no mistake of ours or a script's does it quietly.
 */
#include "audit.h"

#define SAID AUDIT_SAID
#define HEAD "select size, at, root, chain, peaks, key, next, signature from audit_head "

static const struct xy_statement add_waiting =
    XY_SQL("insert into audit_waiting (" SAID ") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
static const struct xy_statement read_waiting =
    XY_SQL("select id, " SAID " from audit_waiting order by id limit ?");
static const struct xy_statement drop_waiting =
    XY_SQL("delete from audit_waiting where id <= ?");
static const struct xy_statement add_record =
    XY_SQL("insert into audit_record (seq, " SAID
           ", previous, hash) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
static const struct xy_statement add_head =
    XY_SQL("insert into audit_head (size, at, root, chain, peaks, key, next, signature)"
           " values (?, ?, ?, ?, ?, ?, ?, ?)");
static const struct xy_statement read_newest_head = XY_SQL(HEAD "order by size desc limit 1");
static const struct xy_statement read_head_at = XY_SQL(HEAD "where size = ?");
static const struct xy_statement read_heads =
    XY_SQL(HEAD "where size > ? and size <= ? order by size");
static const struct xy_statement read_records =
    XY_SQL(AUDIT_RECORD_WHERE "seq > ? order by seq limit ?");
static const struct xy_statement read_hashes = XY_SQL(
    "select seq, hash from audit_record where seq > ? and seq <= ? order by seq limit ?");
static const struct xy_statement read_operation =
    XY_SQL(AUDIT_RECORD_WHERE "operation = ? and kind = ? order by seq limit 1");
static const struct xy_statement read_note =
    XY_SQL("select value from audit_note where name = ?");
static const struct xy_statement drop_note = XY_SQL("delete from audit_note where name = ?");
static const struct xy_statement add_note =
    XY_SQL("insert into audit_note (name, value) values (?, ?)");
static const struct xy_statement add_batch = XY_SQL(
    "insert into audit_batch (after, last, count, root, operation) values (?, ?, ?, ?, ?)");
static const struct xy_statement read_last_batch =
    XY_SQL("select last from audit_batch order by after desc limit 1");
static const struct xy_statement find_batch =
    XY_SQL("select after, last, count, root, operation from audit_batch where after < ?"
           " order by after desc limit 1");

const struct xy_statement *const audit_statements[AUDIT_STATEMENTS] = {
    &add_waiting,       &read_waiting,      &drop_waiting,      &add_record,
    &add_head,          &read_newest_head,  &read_head_at,      &read_heads,
    &read_records,      &read_hashes,       &read_operation,    &read_note,
    &drop_note,         &add_note,          &add_batch,         &read_last_batch,
    &find_batch,        &audit_searches[0], &audit_searches[1], &audit_searches[2],
    &audit_searches[3], &audit_searches[4], &audit_searches[5], &audit_searches[6],
};

/* ---- records ----------------------------------------------------------------------------- */

#define SAID_VALUES(said)                                                         \
    XY_TEXT((said)->operation), XY_TEXT((said)->actor), XY_TEXT((said)->kind),    \
        XY_INT((said)->message), XY_TEXT((said)->account), XY_TEXT((said)->room), \
        XY_TEXT((said)->reason), XY_TEXT((said)->words), XY_TEXT((said)->details)

void
audit_add_waiting(struct xy_txn *txn, const struct xy_audit_record *said, int64_t at)
{
    xy_txn_add(txn, &add_waiting, XY_INT(at), SAID_VALUES(said));
}

void
audit_add_record(struct xy_txn *txn, const struct record *record)
{
    xy_txn_add(txn, &add_record, XY_INT(record->seq), XY_INT(record->at),
               SAID_VALUES(&record->said), XY_BYTES(hash_str(&record->previous)),
               XY_BYTES(hash_str(&record->hash)));
}

/* Fails when somebody else has taken some of them. */
void
audit_drop_waiting(struct xy_txn *txn, int64_t last, int64_t count)
{
    xy_txn_add(txn, &drop_waiting, XY_INT(last));
    xy_txn_expect(txn, count);
}

/* A column of another size was tampered with: then it is no hash of anything. */
static void
get_bytes(const struct xy_rows *row, unsigned column, void *out, size_t size)
{
    struct xy_str bytes = xy_rows_text(row, column);
    memset(out, 0, size);
    if (bytes.len == size)
        memcpy(out, bytes.at, size);
}

static void
get_record(const struct xy_rows *row, struct record *record)
{
    record->seq = xy_rows_int(row, 0);
    record->at = xy_rows_int(row, 1);
    record->said = (struct xy_audit_record){
        .operation = xy_rows_text(row, 2),
        .actor = xy_rows_text(row, 3),
        .kind = xy_rows_text(row, 4),
        .message = xy_rows_int(row, 5),
        .account = xy_rows_text(row, 6),
        .room = xy_rows_text(row, 7),
        .reason = xy_rows_text(row, 8),
        .words = xy_rows_text(row, 9),
        .details = xy_rows_text(row, 10),
    };
}

void
audit_get_records(struct xy_rows *rows, bool chained, struct record **at, size_t *count)
{
    *at = xy_temp_alloc((xy_rows_count(rows) + 2) * sizeof(**at));
    for (*count = 0; xy_rows_next(rows); ++*count) {
        struct record *record = &(*at)[*count];
        get_record(rows, record);
        if (!chained)
            continue;
        get_bytes(rows, 11, record->previous.at, HASH);
        get_bytes(rows, 12, record->hash.at, HASH);
    }
}

xy_status
audit_read_waiting(struct record **at, size_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_waiting, &rows, XY_INT(LOT));
    if (status == XY_OK)
        audit_get_records(rows, false, at, count);
    return status;
}

xy_status
audit_read_records(int64_t after, int64_t limit, struct record **at, size_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_records, &rows, XY_INT(after), XY_INT(limit));
    if (status == XY_OK)
        audit_get_records(rows, true, at, count);
    return status;
}

xy_status
audit_find_operation(struct xy_str operation, const char *kind, struct record *record)
{
    struct xy_rows *rows;
    struct record *found;
    size_t count;
    xy_status status =
        xy_sql_read(&read_operation, &rows, XY_TEXT(operation), XY_TEXT(xy_str_from(kind)));
    if (status != XY_OK)
        return status;
    audit_get_records(rows, true, &found, &count);
    if (count)
        *record = found[0];
    return count ? XY_OK : XY_ABSENT;
}

static xy_status
read_hash_page(int64_t after, int64_t last, struct tree *tree, int64_t *next)
{
    struct xy_rows *rows;
    xy_status status =
        xy_sql_read(&read_hashes, &rows, XY_INT(after), XY_INT(last), XY_INT(10 * PAGE));
    *next = after;
    while (status == XY_OK && xy_rows_next(rows)) {
        struct xy_str bytes = xy_rows_text(rows, 1);
        struct hash leaf = tree_leaf(bytes.at ? bytes.at : "", bytes.len);
        if (xy_rows_int(rows, 0) != ++*next)
            return XY_ABSENT;
        tree_add(tree, &leaf);
    }
    return status;
}

xy_status
audit_read_root(struct tree_range range, struct hash *root)
{
    struct tree tree = {0};
    xy_status status = XY_OK;
    for (int64_t at = range.low, next; at < range.high && status == XY_OK; at = next) {
        xy_temp_open();
        status = read_hash_page(at, range.high, &tree, &next);
        xy_temp_close();
        if (status == XY_OK && next == at)
            return XY_ABSENT;
    }
    *root = tree_root(&tree);
    return status;
}

/* ---- heads ------------------------------------------------------------------------------- */

void
audit_add_head(struct xy_txn *txn, const struct head *head)
{
    struct xy_str peaks = xy_str_of((const char *)head->tree.peak,
                                    tree_peaks(head->tree.size) * sizeof(struct hash));
    xy_txn_add(txn, &add_head, XY_INT(head->tree.size), XY_INT(head->at),
               XY_BYTES(hash_str(&head->root)), XY_BYTES(hash_str(&head->chain)),
               XY_BYTES(peaks), XY_BYTES(key_str(head->key)), XY_BYTES(key_str(head->next)),
               XY_BYTES(xy_str_of((const char *)head->signature, SIGNATURE)));
}

static void
get_head(const struct xy_rows *row, struct head *head)
{
    *head = (struct head){.at = xy_rows_int(row, 1)};
    head->tree.size = xy_rows_int(row, 0);
    get_bytes(row, 2, head->root.at, HASH);
    get_bytes(row, 3, head->chain.at, HASH);
    get_bytes(row, 4, head->tree.peak, tree_peaks(head->tree.size) * sizeof(struct hash));
    get_bytes(row, 5, head->key, KEY);
    get_bytes(row, 6, head->next, KEY);
    get_bytes(row, 7, head->signature, SIGNATURE);
}

xy_status
audit_read_head(struct head *head)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_newest_head, &rows);
    *head = (struct head){.at = 0};
    if (status == XY_OK && xy_rows_next(rows))
        get_head(rows, head);
    return status;
}

xy_status
audit_read_head_at(int64_t size, struct head *head)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_head_at, &rows, XY_INT(size));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    get_head(rows, head);
    return XY_OK;
}

xy_status
audit_read_heads(int64_t after, int64_t last, struct head **at, size_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_heads, &rows, XY_INT(after), XY_INT(last));
    if (status != XY_OK)
        return status;
    *at = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**at));
    for (*count = 0; xy_rows_next(rows); ++*count)
        get_head(rows, &(*at)[*count]);
    return XY_OK;
}

/* ---- notes and batches ------------------------------------------------------------------- */

xy_status
audit_read_note(const char *name, struct xy_str *text)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_note, &rows, XY_TEXT(xy_str_from(name)));
    if (status != XY_OK)
        return status;
    *text = xy_rows_next(rows) ? xy_rows_text(rows, 0) : XY_NO_STR;
    return text->at ? XY_OK : XY_ABSENT;
}

void
audit_set_note(struct xy_txn *txn, const char *name, struct xy_str text)
{
    xy_txn_add(txn, &drop_note, XY_TEXT(xy_str_from(name)));
    xy_txn_add(txn, &add_note, XY_TEXT(xy_str_from(name)), XY_TEXT(text));
}

void
audit_add_batch(struct xy_txn *txn, const struct batch *batch)
{
    xy_txn_add(txn, &add_batch, XY_INT(batch->after), XY_INT(batch->last), XY_INT(batch->count),
               XY_BYTES(hash_str(&batch->root)), XY_TEXT(batch->operation));
}

xy_status
audit_read_last_batch(int64_t *last)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_last_batch, &rows);
    *last = status == XY_OK && xy_rows_next(rows) ? xy_rows_int(rows, 0) : 0;
    return status;
}

xy_status
audit_find_batch(int64_t message, struct batch *batch)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find_batch, &rows, XY_INT(message));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows) || xy_rows_int(rows, 1) < message)
        return XY_ABSENT;
    batch->after = xy_rows_int(rows, 0);
    batch->last = xy_rows_int(rows, 1);
    batch->count = xy_rows_int(rows, 2);
    get_bytes(rows, 3, batch->root.at, HASH);
    batch->operation = xy_rows_text(rows, 4);
    return XY_OK;
}
