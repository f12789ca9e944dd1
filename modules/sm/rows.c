/* SPDX-License-Identifier: MIT */
/*
 * Table sm_session: what lets a client resume after a restart, and, once that is too late,
 * tells it what was handled. A live session's row knows how many stanzas are handled, written
 * with each message; one that lost its connection knows all. Statements commit in the order
 * they were submitted, so the row follows the session without locks.
 */
#include "modules/sm/sm.h"

enum state {
    LIVE,    /* connected; a row of a run that has ended cannot be resumed */
    WAITING, /* without a connection, complete */
    BROKEN,  /* without a connection; something waits that only memory knows */
    ENDED,
};

/* Modulo 2^32, and never back: what commits later may have been counted earlier. */
#define HANDLED "handled = case when (? - handled + 4294967296) % 4294967296 < 2147483648 "

static const struct xy_statement replace =
    XY_SQL("update sm_session set state = 3, expires = ? where owner = ? and resource = ? and "
           "state = 1");
static const struct xy_statement add =
    XY_SQL("insert into sm_session (id, owner, host, resource, device, max_ms, state, expires, "
           "handled, sent, acknowledged) values (?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)");
static const struct xy_statement handle =
    XY_SQL("update sm_session set handled = ? where id = ?");
static const struct xy_statement detach =
    XY_SQL("update sm_session set state = ?, expires = ?, handled = ?, sent = ?, "
           "acknowledged = ?, presence = ?, queue = ?, notes = ? where id = ? and state <> 3");
static const struct xy_statement attach =
    XY_SQL("update sm_session set state = 0, expires = 0, presence = null, queue = null, "
           "notes = null where id = ? and state <> 3");
static const struct xy_statement end =
    XY_SQL("update sm_session set " HANDLED "then ? else handled end, state = 3, expires = ?, "
           "presence = null, queue = null, notes = null where id = ?");
static const struct xy_statement claim =
    XY_SQL("update sm_session set state = 0, expires = 0 "
           "where id = ? and owner = ? and state = 1 and expires > ?");
static const struct xy_statement find = XY_SQL(
    "select resource, device, max_ms, handled, sent, acknowledged, presence, queue, notes "
    "from sm_session where id = ? and owner = ?");
static const struct xy_statement orphan =
    XY_SQL("update sm_session set state = 3, expires = ? where host = ? and state = 0");
static const struct xy_statement sweep =
    XY_SQL("delete from sm_session where host = ? and state <> 0 and expires < ?");
static const struct xy_statement drop = XY_SQL("delete from sm_session where owner = ?");

const struct xy_statement *const sm_statements[SM_STATEMENTS] = {
    &replace, &add, &handle, &detach, &attach, &end, &claim, &find, &orphan, &sweep, &drop,
};

static void
warn(xy_status status)
{
    if (status != XY_OK)
        xy_warn("sm.not_saved", "what lets a client resume after a restart is out of date",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

int64_t
sm_row_id(struct xy_str token)
{
    unsigned char digest[XY_HASH_MAX];
    int64_t id;
    xy_hash_digest(XY_SHA256, token, digest);
    memcpy(&id, digest, sizeof(id));
    id &= INT64_MAX;
    return id ? id : 1;
}

static struct xy_value
host_value(const struct xy_host *host)
{
    return XY_TEXT(xy_jid_text(xy_host_jid(host)));
}

xy_status
sm_row_add(struct xy_session *session, int64_t id, int64_t max_ms)
{
    xy_owner owner = xy_user_owner(xy_session_user(session));
    struct xy_str resource = xy_jid_resource(xy_session_jid(session));
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &replace, XY_INT(xy_now_ms()), XY_INT(owner), XY_TEXT(resource));
    xy_txn_add(txn, &add, XY_INT(id), XY_INT(owner), host_value(xy_session_host(session)),
               XY_TEXT(resource), XY_INT(xy_session_device(session)), XY_INT(max_ms));
    return xy_txn_commit(txn);
}

void
sm_row_handled(struct xy_txn *txn, int64_t id, uint32_t handled)
{
    xy_txn_add(txn, &handle, XY_INT(handled), XY_INT(id));
}

void
sm_row_detach(struct xy_session *session)
{
    struct managed *note = managed(session);
    bool complete;
    struct xy_str queue = sm_queue_save(session, &complete);
    const struct xy_stanza *presence = xy_session_presence(session);
    note->stale = false;
    note->broken = !complete;
    warn(xy_sql_write(
        &detach, XY_INT(complete ? WAITING : BROKEN), XY_INT(xy_now_ms() + note->max_ms),
        XY_INT(xy_session_handled(session)), XY_INT(xy_session_sent(session)),
        XY_INT(xy_session_acknowledged(session)),
        XY_TEXT(presence ? xy_stanza_text(presence) : XY_NO_STR),
        XY_BYTES(complete ? queue : XY_NO_STR),
        XY_BYTES(complete ? xy_session_notes(session) : XY_NO_STR), XY_INT(note->id)));
}

void
sm_row_attach(struct xy_session *session)
{
    warn(xy_sql_write(&attach, XY_INT(managed(session)->id)));
}

void
sm_row_end(int64_t id, uint32_t handled)
{
    warn(xy_sql_write(&end, XY_INT(handled), XY_INT(handled), XY_INT(xy_now_ms()), XY_INT(id)));
}

static void
fill(struct sm_row *row, const struct xy_rows *found)
{
    row->resource = xy_rows_text(found, 0);
    row->device = xy_rows_int(found, 1);
    row->max_ms = xy_rows_int(found, 2);
    row->handled = (uint32_t)xy_rows_int(found, 3);
    row->sent = (uint32_t)xy_rows_int(found, 4);
    row->acknowledged = (uint32_t)xy_rows_int(found, 5);
    row->presence = xy_rows_text(found, 6);
    row->queue = xy_rows_text(found, 7);
    row->notes = xy_rows_text(found, 8);
}

/* The write comes first: it is in order behind all that was submitted for the row. */
xy_status
sm_row_claim(int64_t id, xy_owner owner, struct sm_row *row)
{
    struct xy_rows *found;
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &claim, XY_INT(id), XY_INT(owner), XY_INT(xy_now_ms()));
    xy_status status = xy_txn_commit(txn);
    bool claimed = status == XY_OK && xy_txn_changed(txn, 0) == 1;
    if (status == XY_OK)
        status = xy_sql_read(&find, &found, XY_INT(id), XY_INT(owner));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(found))
        return XY_ABSENT;
    fill(row, found);
    return claimed ? XY_OK : XY_GONE;
}

void
sm_rows_orphan(const struct xy_host *host)
{
    warn(xy_sql_write(&orphan, XY_INT(xy_now_ms()), host_value(host)));
}

void
sm_rows_sweep(const struct xy_host *host)
{
    warn(xy_sql_write(&sweep, host_value(host), XY_INT(xy_now_ms() - REMEMBER_MS)));
}

xy_status
sm_rows_drop(xy_owner owner)
{
    return xy_sql_write(&drop, XY_INT(owner));
}
