/* SPDX-License-Identifier: MIT */
/*
 * Erasing a person (requirement N2): the account with its entries and credentials, then the
 * salts of what he wrote, so that nobody can prove or refute it any more. What others have of
 * it stays theirs unless `governance: minimal` destroys it. Invariant: the wish is durable
 * before anything is destroyed, so a crash leaves nothing half erased; messages under a hold
 * keep salt and content until it is released, then the rest is done. Who registers the address
 * meanwhile is somebody else.
 */
#include "modules/retention/retention.h"

enum { LOT = 1000 };
/* Column done: AGAIN goes once more through what waited for a hold. */
enum stage { BEGUN, DONE, WAITS, AGAIN };

const struct xy_statement retention_erasure_add = XY_SQL(
    "insert into retention_erasure (jid, owner, operation, actor, words, minimal, after,"
    " before, forgotten, held, done) values (?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)"
    " on conflict (jid) do update set owner = excluded.owner,"
    " operation = excluded.operation, actor = excluded.actor, words = excluded.words,"
    " minimal = excluded.minimal, after = 0, before = 0, forgotten = 0, held = 0, done = 0");
const struct xy_statement retention_erasure_read = XY_SQL(
    "select jid, owner, operation, actor, words, minimal, after, before, forgotten, held,"
    " done from retention_erasure where done in (0, 3)"
    " and (cast(? as text) = '' or jid = ?) order by jid limit 1");
const struct xy_statement retention_erasure_step =
    XY_SQL("update retention_erasure set after = ?, before = ?, forgotten = ?, held = ?"
           " where jid = ?");
const struct xy_statement retention_erasure_end =
    XY_SQL("update retention_erasure set done = ?, words = '' where jid = ?");
const struct xy_statement retention_erasure_again =
    XY_SQL("update retention_erasure set done = 3, after = 0, forgotten = 0, held = 0"
           " where done = 2");

struct erasure {
    const struct xy_jid *jid;
    xy_owner owner; /* 0: there was no account */
    struct xy_audit_record record;
    bool minimal, again;
    xy_message_id after, before; /* before 0: the account is not known to be gone yet */
    int64_t forgotten, held, expired;
};

/* Of `jid`; absent: any. */
static xy_status
read_next(struct xy_str jid, struct erasure *erasure)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&retention_erasure_read, &rows, XY_TEXT(jid), XY_TEXT(jid));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    *erasure = (struct erasure){
        .jid = xy_jid_parse(xy_rows_text(rows, 0)),
        .owner = xy_rows_int(rows, 1),
        .record = {.operation = xy_rows_text(rows, 2),
                   .actor = xy_rows_text(rows, 3),
                   .kind = XY_STR("erase"),
                   .account = xy_rows_text(rows, 0),
                   .words = xy_rows_text(rows, 4)},
        .minimal = xy_rows_int(rows, 5),
        .after = xy_rows_int(rows, 6),
        .before = xy_rows_int(rows, 7),
        .forgotten = xy_rows_int(rows, 8),
        .held = xy_rows_int(rows, 9),
        .again = xy_rows_int(rows, 10) == AGAIN,
    };
    return erasure->jid ? XY_OK : XY_BROKEN;
}

static void
add_step(struct xy_txn *txn, const struct erasure *erasure)
{
    xy_txn_add(txn, &retention_erasure_step, XY_INT(erasure->after), XY_INT(erasure->before),
               XY_INT(erasure->forgotten), XY_INT(erasure->held),
               XY_TEXT(xy_jid_text(erasure->jid)));
    xy_txn_expect(txn, 1);
}

/* The same account as was meant, not one of the same name, which may be there while the archive
 * of the former is still going: what is written since is somebody else's. */
static xy_status
delete_account(struct erasure *erasure)
{
    struct xy_account account;
    xy_status status = xy_account_find(erasure->jid, &account);
    if (status == XY_OK && account.owner == erasure->owner) {
        status = xy_account_delete(erasure->jid);
        if (status == XY_OK)
            status = xy_account_find(erasure->jid, &account);
    }
    if (status != XY_OK && status != XY_ABSENT)
        return status;
    erasure->before =
        status == XY_OK ? xy_message_id_at(account.created_ms) : xy_message_id_end();
    struct xy_txn *txn = xy_txn_begin();
    add_step(txn, erasure);
    return xy_txn_commit(txn);
}

static xy_status
forget_lot(struct erasure *erasure, bool *more)
{
    int64_t forgotten, held;
    xy_message_id through;
    struct xy_txn *txn = xy_txn_begin();
    xy_status status = xy_evidence_forget(txn, erasure->jid, erasure->after, erasure->before,
                                          LOT, &through, &forgotten, &held);
    *more = through != 0;
    if (status != XY_OK || !through)
        return status;
    erasure->after = through;
    erasure->forgotten += forgotten;
    erasure->held += held;
    add_step(txn, erasure);
    return xy_txn_commit(txn);
}

/* What a hold keeps is erased when it is released. */
static xy_status
end(struct erasure *erasure)
{
    struct xy_buffer details = {0};
    xy_buffer_printf(&details, "salts=%lld\nheld=%lld\nmessages=%lld\n",
                     (long long)erasure->forgotten, (long long)erasure->held,
                     (long long)erasure->expired);
    erasure->record.details = xy_buffer_str(&details);
    erasure->record.reason = erasure->again ? XY_STR("released") : XY_STR("done");
    erasure->record.words = XY_NO_STR;
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &retention_erasure_end, XY_INT(erasure->held ? WAITS : DONE),
               XY_TEXT(xy_jid_text(erasure->jid)));
    bool nothing = erasure->again && !erasure->forgotten && erasure->held;
    xy_status status = nothing ? XY_OK : xy_run_audit_add(NULL, txn, &erasure->record);
    return status == XY_OK ? xy_txn_commit(txn) : status;
}

static xy_status
finish(XY_SELF, struct erasure *erasure)
{
    xy_status status = end(erasure);
    if (status != XY_OK)
        return status;
    if (!erasure->again)
        xy_count(&self->erased);
    self->unscrubbed = true;
    xy_notice("retention.erased", "a person was erased",
              XY_F_STR_AS("account", xy_jid_text(erasure->jid)),
              XY_F_INT_AS("salts", erasure->forgotten), XY_F_INT_AS("held", erasure->held));
    return XY_OK;
}

static xy_status
erase(XY_SELF, struct erasure *erasure)
{
    bool more = true;
    xy_status status = erasure->before ? XY_OK : delete_account(erasure);
    if (status == XY_OK && erasure->minimal && !erasure->again) {
        struct xy_audit_record record = erasure->record;
        record.kind = XY_STR("expire");
        record.reason = XY_STR("erased");
        status = retention_expire_author(self, erasure->jid, erasure->before, &record,
                                         &erasure->expired);
    }
    while (status == XY_OK && more) {
        xy_temp_open();
        status = forget_lot(erasure, &more);
        xy_temp_close();
    }
    return status == XY_OK ? finish(self, erasure) : status;
}

void
retention_erase_left(XY_SELF)
{
    struct erasure erasure;
    xy_status status = XY_OK;
    if (self->released)
        status = xy_sql_write(&retention_erasure_again);
    if (status == XY_OK)
        self->released = false;
    while (status == XY_OK && (status = read_next(XY_NO_STR, &erasure)) == XY_OK)
        status = erase(self, &erasure);
    if (status != XY_OK && status != XY_ABSENT)
        xy_warn("retention.not_erased", "a person is not wholly erased yet; tried again soon",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

/* ---- asked for --------------------------------------------------------------------------- */

static bool
any_minimal(void)
{
    for (unsigned class = XY_USER_MESSAGE; class <= XY_INTEGRATION_MESSAGE; class ++)
        if (xy_governance(class) == XY_MINIMAL)
            return true;
    return false;
}

static xy_status
begin(struct xy_command *command, const struct xy_jid *jid, const struct xy_account *account)
{
    struct xy_approval approval;
    struct xy_buffer details = {0};
    struct xy_txn *txn = xy_txn_begin();
    const struct xy_act act = {
        .kind = XY_ACT_ERASE,
        .facts = xy_temp_printf("account=%lld\n", (long long)account->owner),
    };
    xy_status status = xy_approved(command, &act, txn, &approval);
    if (status != XY_OK)
        return status;
    xy_approval_put(&details, &approval);
    const struct xy_audit_record record = {.operation = approval.operation,
                                           .actor = xy_command_actor(command),
                                           .kind = XY_STR("erase"),
                                           .account = xy_jid_text(jid),
                                           .reason = XY_STR("requested"),
                                           .words = xy_arg(command, "reason"),
                                           .details = xy_buffer_str(&details)};
    xy_txn_add(txn, &retention_erasure_add, XY_TEXT(record.account), XY_INT(account->owner),
               XY_TEXT(record.operation), XY_TEXT(record.actor), XY_TEXT(record.words),
               XY_INT(any_minimal()));
    status = xy_run_audit_add(NULL, txn, &record);
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    return status == XY_OK ? status
                           : xy_fail(command, status, "not erased: %s", xy_status_name(status));
}

static xy_status
run(XY_SELF, struct xy_command *command, const struct xy_jid *jid)
{
    struct erasure erasure;
    xy_status status = read_next(xy_jid_text(jid), &erasure);
    if (status == XY_OK)
        status = erase(self, &erasure);
    if (status != XY_OK)
        return xy_fail(command, status,
                       "the erasure is recorded and goes on by itself; it met: %s",
                       xy_status_name(status));
    retention_scrub(self);
    xy_put_str(command, "erased", xy_jid_text(erasure.jid));
    xy_put_int(command, "salts", erasure.forgotten);
    xy_put_int(command, "messages", erasure.expired);
    xy_put_int(command, "held", erasure.held);
    if (erasure.held)
        xy_say(command, "what is held keeps its content and its proof until the holds are "
                        "released; then it follows by itself");
    return XY_OK;
}

xy_status
retention_command_erase(XY_SELF, struct xy_command *command)
{
    struct xy_str text = xy_arg(command, "JID");
    const struct xy_jid *jid = xy_jid_parse(text);
    struct xy_account account = {.owner = 0};
    if (!jid || !xy_jid_is_bare(jid) || !xy_jid_local(jid).len || !xy_host_find(jid))
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is not a bare JID of a host here",
                       XY_ARG(text));
    if (!xy_arg(command, "reason").len)
        return xy_fail(command, XY_INVALID, "--reason: why?");
    if (!xy_flag(command, "yes"))
        return xy_fail(command, XY_INVALID,
                       "this cannot be taken back; say --yes if you mean it");
    if (self->busy)
        return xy_fail(command, XY_CONFLICT, "retention is at work; try again in a moment");
    xy_status status = xy_account_find(jid, &account);
    if (status != XY_OK && status != XY_ABSENT)
        return xy_fail(command, status, "the database does not answer");
    self->busy = true;
    status = begin(command, jid, &account);
    if (status == XY_OK)
        status = run(self, command, jid);
    retention_rest(self);
    return status;
}
