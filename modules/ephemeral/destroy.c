/* SPDX-License-Identifier: MIT */
/*
 * What bears a timer is destroyed when that is over, by the time the server received it.
 * Invariants: the row that says when is written with the message; the record, the end of the
 * message and the end of its row are one transaction, so that a crash leaves all of it to do or
 * nothing; a legal hold keeps the content and nobody notices.
 */
#include "modules/ephemeral/ephemeral.h"
#include <xylem/removal.h>

enum { LOT = 50, TICK_MS = 60 * 1000, PAUSE_MS = 1000 };

const struct xy_migration ephemeral_schema[1] = {
    {1,
     "create table ephemeral_due (message bigint primary key, host text not null,"
     " due bigint not null, author text not null, addressee text not null);"
     "create index ephemeral_due_at on ephemeral_due (host, due)",
     NULL},
};
static const struct xy_statement add =
    XY_SQL("insert into ephemeral_due (message, host, due, author, addressee)"
           " values (?, ?, ?, ?, ?)");
static const struct xy_statement drop = XY_SQL("delete from ephemeral_due where message = ?");
static const struct xy_statement read_due =
    XY_SQL("select message from ephemeral_due where host = ? and due <= ?"
           " order by due limit ?");
static const struct xy_statement read_next = XY_SQL(
    "select min(due), count(*) from ephemeral_due where host = ?"
    " and (? = '' or ? in (author, addressee)) and (? = '' or ? in (author, addressee))");
const struct xy_statement *const ephemeral_statements[EPHEMERAL_STATEMENTS] = {
    &add, &drop, &read_due, &read_next};

static struct xy_str
host_of(XY_SELF)
{
    return xy_jid_text(xy_host_jid(xy_host_of(self)));
}

xy_status
ephemeral_next(XY_SELF, const struct xy_jid *of, const struct xy_jid *with, int64_t *next_ms,
               int64_t *count)
{
    struct xy_rows *rows;
    struct xy_value a = XY_TEXT(of ? xy_jid_text(of) : XY_NO_STR),
                    b = XY_TEXT(with ? xy_jid_text(with) : XY_NO_STR);
    *next_ms = XY_NONE;
    *count = 0;
    xy_status status = xy_sql_read(&read_next, &rows, XY_TEXT(host_of(self)), a, a, b, b);
    if (status != XY_OK || !xy_rows_next(rows) || xy_rows_is_null(rows, 0))
        return status;
    *next_ms = xy_rows_int(rows, 0);
    *count = xy_rows_int(rows, 1);
    return XY_OK;
}

/* ---- destroying -------------------------------------------------------------------------- */

struct lot {
    struct xy_message_found at[LOT];
    size_t count;
};

/* One that has gone by itself, with its archive or its account, only loses its row. */
static xy_status
take(struct lot *lot, struct xy_txn *txn, xy_message_id id)
{
    struct xy_message_record record;
    xy_status status = xy_message_look(id, &record);
    if (status == XY_OK) {
        lot->at[lot->count++] =
            (struct xy_message_found){.id = id,
                                      .author = xy_jid_text(record.author),
                                      .addressee = xy_jid_text(record.addressee),
                                      .held = record.held};
    }
    if (status == XY_OK || status == XY_ABSENT)
        xy_txn_add(txn, &drop, XY_INT(id));
    return status == XY_ABSENT ? XY_OK : status;
}

static xy_status
add_records(const struct lot *lot, const struct xy_audit_record *common, struct xy_txn *txn)
{
    struct xy_audit_record record = *common;
    xy_status status = XY_OK;
    for (size_t i = 0; status == XY_OK && i < lot->count; i++) {
        record.message = lot->at[i].id;
        record.details = lot->at[i].held ? XY_STR("held=1\n") : XY_NO_STR;
        status = xy_run_audit_add(NULL, txn, &record);
    }
    return status;
}

/* Nothing of them is sent any more. */
static void
tell(struct xy_message_record *gone, size_t count, const struct xy_audit_record *common)
{
    for (size_t i = 0; i < count; i++) {
        gone[i].operation = common->operation;
        gone[i].actor = common->actor;
        gone[i].reason = common->reason;
    }
    xy_removal_tell(gone, count);
}

static xy_status
destroy(XY_SELF, struct xy_rows *rows)
{
    const struct xy_audit_record common = {.operation = xy_audit_operation(),
                                           .actor = XY_STR("server"),
                                           .kind = XY_STR("expire"),
                                           .reason = XY_STR("ephemeral")};
    struct xy_message_record *gone = NULL;
    size_t count = 0;
    struct lot *lot = xy_temp_alloc(sizeof(*lot));
    struct xy_txn *txn = xy_txn_begin();
    xy_status status = XY_OK;
    while (status == XY_OK && xy_rows_next(rows))
        status = take(lot, txn, xy_rows_int(rows, 0));
    if (status == XY_OK && lot->count)
        status = xy_message_expire(txn, lot->at, lot->count, &gone, &count);
    if (status == XY_OK)
        status = add_records(lot, &common, txn);
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    if (status != XY_OK || !lot->count)
        return status;
    xy_count_by(&self->destroyed, lot->count);
    self->unscrubbed = true;
    tell(gone, count, &common);
    return XY_OK;
}

static xy_status
destroy_due(XY_SELF)
{
    xy_status status = XY_OK;
    for (bool more = true; status == XY_OK && more;) {
        struct xy_rows *rows;
        xy_temp_open();
        status = xy_sql_read(&read_due, &rows, XY_TEXT(host_of(self)), XY_INT(xy_now_ms()),
                             XY_INT(LOT));
        more = status == XY_OK && xy_rows_count(rows) > 0;
        if (more)
            status = destroy(self, rows);
        xy_temp_close();
    }
    return status;
}

static void
scrub(XY_SELF)
{
    if (!self->unscrubbed)
        return;
    xy_status status = xy_store_scrub();
    self->unscrubbed = status != XY_OK;
    if (status != XY_OK)
        xy_warn("ephemeral.not_scrubbed", "bytes of what was destroyed may still be in files",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

/* ---- when -------------------------------------------------------------------------------- */

static void work(void *instance, void *argument); /* a task */

/* The clock may be set, and a commit takes its time: never later than a tick. */
static void
plan(XY_SELF, int64_t due_ms)
{
    int64_t now = xy_now_ms(), at = due_ms;
    if (self->worked_ms && at < self->worked_ms + PAUSE_MS)
        at = self->worked_ms + PAUSE_MS;
    if (due_ms == XY_NONE || at > now + TICK_MS)
        at = now + TICK_MS;
    if (self->timer && self->wake_ms <= at)
        return;
    if (self->timer)
        xy_timer_stop(self->timer);
    self->wake_ms = at;
    self->timer = xy_after(self, at > now ? at - now : 0, work, NULL);
}

static void
work(void *instance, void *argument)
{
    struct ephemeral *self = instance;
    int64_t next = XY_NONE, count;
    (void)argument;
    self->timer = NULL;
    if (self->busy)
        return; /* that one plans the next */
    self->busy = true;
    self->worked_ms = xy_now_ms();
    xy_status status = destroy_due(self);
    scrub(self);
    if (status == XY_OK)
        status = ephemeral_next(self, NULL, NULL, &next, &count);
    self->busy = false;
    if (status != XY_OK) {
        next = XY_NONE;
        xy_count(&self->failures);
        xy_warn("ephemeral.failed", "what is due is still there; tried again in a minute",
                XY_F_CSTR_AS("status", xy_status_name(status)));
    }
    plan(self, next);
}

void
ephemeral_begin(XY_SELF)
{
    self->unscrubbed = true; /* by whoever was here before */
    plan(self, 0);
}

/* A client's timer is within bounds already. */
static int64_t
bounded(const struct ephemeral *self, int64_t ms)
{
    if (ms < self->least.ms)
        return self->least.ms;
    return self->most.ms != XY_NONE && ms > self->most.ms ? self->most.ms : ms;
}

/* Of a message of a room: the room, and nobody. */
static struct xy_str
bare_text(const struct xy_jid *jid)
{
    return jid ? xy_jid_text(xy_jid_bare(jid)) : XY_NO_STR;
}

void
ephemeral_note(XY_SELF, const struct xy_stanza *message, xy_message_id id, struct xy_txn *txn)
{
    int64_t ms;
    if (ephemeral_timer(message, &ms) != TIMER_FOUND || !ephemeral_has_content(message))
        return;
    int64_t due = xy_message_id_ms(id) + bounded(self, ms);
    xy_txn_add(txn, &add, XY_INT(id), XY_TEXT(host_of(self)), XY_INT(due),
               XY_TEXT(bare_text(xy_stanza_from(message))),
               XY_TEXT(bare_text(xy_stanza_to(message))));
    plan(self, due);
}
