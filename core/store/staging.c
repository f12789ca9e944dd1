/* SPDX-License-Identifier: MIT */
/*
 * Entries on their way into the archive, on SQLite. A message's two entries belong into two
 * places of two large trees, and each place is a page to be logged and written again: at a
 * million messages that is most of what a commit costs. So entries are added to a small table,
 * entry_new, and put in their place later: many at once, in the order of the large table, in
 * transactions small enough for others to get between. It has no index by peer: who asks for
 * one looks at what its owner has there.
 *
 * Invariant: an entry is in exactly one of the two tables, in every snapshot; moving it is one
 * transaction, so neither a reader nor a crash finds it in both or in none. Readers merge the
 * two (archive_rows.c); what removes entries moves them first.
 *
 * The writer thread moves them; the logic thread counts, and asks for the next lot.
 */
#include "core/store/driver.h"
#include "core/store/parts.h"
#include "core/store/thread.h"

enum { LOT = 2000 };
int64_t xyi_staging_most = 200000;

static struct {
    int64_t count; /* about: what was added and not committed counts too */
    bool moving;
} staged; /* logic thread */

static const struct xy_statement add = {
    .sql = "insert into entry_new (owner, message, peer, flags) values (?, ?, ?, ?)"};
#define MOVE                                                    \
    "insert into entry (owner, message, peer, flags, resource)" \
    " select owner, message, peer, flags, resource from entry_new "
#define OF_OWNER "where owner = ? and message > 0 and message <= ?"
#define OF_LOT   "where (owner, message) > (?, ?) and (owner, message) <= (?, ?)"
static const struct xy_statement move_owner = {.sql = MOVE OF_OWNER " order by message"};
static const struct xy_statement drop_owner = {.sql = "delete from entry_new " OF_OWNER};
static const struct xy_statement find_end = {
    .sql = "select owner, message from entry_new where (owner, message) > (?, ?)"
           " order by owner, message limit 1 offset ?"};
static const struct xy_statement move_lot = {.sql = MOVE OF_LOT " order by owner, message"};
static const struct xy_statement drop_lot = {.sql = "delete from entry_new " OF_LOT};
static const struct xy_statement count_all = {.sql = "select count(*) from entry_new"};

/* Nothing of this is for PostgreSQL. */
const struct xyi_planned xyi_staging_planned[] = {
    XYI_PLANNED(move_owner, "ii"),
    XYI_PLANNED(drop_owner, "ii"),
    XYI_PLANNED_BY(find_end, "iii", "PRIMARY KEY ((owner,message)>(?,?))", NULL),
    XYI_PLANNED(move_lot, "iiii"),
    XYI_PLANNED(drop_lot, "iiii"),
    {.statement = NULL},
};

static bool
is_used(void)
{
    return strcmp(xyi_store_driver(), "sqlite") == 0;
}

size_t
xyi_staged_move(struct xy_txn *txn, xy_owner owner, xy_message_id last)
{
    if (!is_used())
        return 0;
    xy_txn_add(txn, &move_owner, XY_INT(owner), XY_INT(last));
    xy_txn_add(txn, &drop_owner, XY_INT(owner), XY_INT(last));
    return 2;
}

/* ---- lots, on the writer thread ---------------------------------------------------------- */

struct key { /* of the table: all up to here are in their place */
    int64_t owner, message;
};
struct lot {
    struct xyi_request request;
    struct xyi_arena *arena; /* of this lot */
    struct key after, through;
    bool last;
};

static xy_status
run(struct xyi_store_thread *thread, struct lot *lot, const struct xy_statement *statement,
    struct xy_values values, struct xy_rows **rows, struct xyi_fault *fault)
{
    return thread->driver->run(thread->connection, statement, values, INT64_MAX, lot->arena,
                               rows, fault);
}

static xy_status
move(struct xyi_store_thread *thread, struct lot *lot, struct xyi_fault *fault)
{
    struct xy_rows *rows;
    struct xy_value owner = XY_INT(lot->after.owner), message = XY_INT(lot->after.message);
    xy_status status =
        run(thread, lot, &find_end, XY_VALUES(owner, message, XY_INT(LOT - 1)), &rows, fault);
    if (status != XY_OK)
        return status;
    lot->last = !xy_rows_next(rows);
    lot->through = lot->last ? (struct key){INT64_MAX, INT64_MAX}
                             : (struct key){xy_rows_int(rows, 0), xy_rows_int(rows, 1)};
    struct xy_values range =
        XY_VALUES(owner, message, XY_INT(lot->through.owner), XY_INT(lot->through.message));
    status = run(thread, lot, &move_lot, range, &rows, fault);
    if (status == XY_OK)
        status = run(thread, lot, &drop_lot, range, &rows, fault);
    return status;
}

static xy_status
move_in_transaction(struct xyi_request *request, struct xyi_store_thread *thread,
                    struct xyi_fault *fault)
{
    struct lot *lot = (struct lot *)(void *)request;
    const struct xyi_driver *driver = thread->driver;
    xy_status status = driver->script(thread->connection, "begin immediate", fault);
    if (status != XY_OK)
        return status;
    status = move(thread, lot, fault);
    if (status == XY_OK)
        status = driver->script(thread->connection, "commit", fault);
    struct xyi_fault second;
    if (status != XY_OK && driver->script(thread->connection, "rollback", &second) != XY_OK) {
        driver->close(thread->connection); /* the next request connects anew */
        thread->connection = NULL;
    }
    return status;
}

/* ---- asking for them, on the logic thread ------------------------------------------------ */

static void ask(struct key after);

static void
moved(struct xyi_mail *mail)
{
    struct lot *lot = (struct lot *)(void *)mail;
    xy_status status = lot->request.status;
    struct key through = lot->through;
    bool last = lot->last;
    xyi_arena_free(lot->arena);
    staged.moving = false;
    if (status != XY_OK) { /* they are as good where they are; the next message asks again */
        if (xyi_store_is_open())
            xy_warn("store.not_moved", "archived messages stay where they are read slower",
                    XY_F_CSTR_AS("status", xy_status_name(status)));
        return;
    }
    staged.count -= staged.count < LOT ? staged.count : LOT;
    if (!last && xyi_store_is_open())
        ask(through);
}

static void
ask(struct key after)
{
    struct xyi_arena *arena = xyi_arena_new(1024);
    struct lot *lot = xyi_arena_alloc(arena, sizeof(*lot));
    lot->arena = arena;
    lot->after = after;
    lot->request.run = move_in_transaction;
    lot->request.mail.open = moved;
    staged.moving = true;
    xyi_store_submit(&lot->request, true);
}

static void
ask_if_many(void)
{
    if (staged.count >= xyi_staging_most && !staged.moving)
        ask((struct key){0, 0});
}

void
xyi_entry_add(struct xy_txn *txn, xy_owner owner, xy_message_id id, int64_t peer, int64_t flags)
{
    xy_txn_add(txn, &add, XY_INT(owner), XY_INT(id), XY_INT(peer), XY_INT(flags));
    staged.count++;
    ask_if_many();
}

xy_status
xyi_staging_start(void)
{
    struct xy_rows *rows;
    staged.count = 0;
    staged.moving = false;
    if (!is_used())
        return XY_OK;
    xy_status status = xy_sql_read(&count_all, &rows);
    if (status == XY_OK && xy_rows_next(rows))
        staged.count = xy_rows_int(rows, 0);
    ask_if_many();
    return status;
}
