/* SPDX-License-Identifier: MIT */
/*
 * What stands between the storage threads and an engine: transactions and results as both see
 * them, and the one constant table a driver exports as `xyi_driver`. A connection belongs to
 * one thread. Drivers never log and never retry: they say what became of a request, and the
 * threads decide.
 */
#ifndef XYI_DRIVER_H
#define XYI_DRIVER_H

#include "core/store/store.h"

/* ---- requests: to a storage thread by its queue, back to the logic thread as mail -------- */
struct xyi_store_thread;
struct xyi_fault;

struct xyi_request {
    struct xyi_mail mail; /* first; its link also serves the queue */
    /* NULL: a transaction, for the writer's group commit. */
    xy_status (*run)(struct xyi_request *request, struct xyi_store_thread *thread,
                     struct xyi_fault *fault);
    struct xyi_fault *fault;           /* for the details of a failure; NULL: it is logged */
    int64_t submitted_us, deadline_us; /* xyi_clock_real_us() */
    xy_status status;
    unsigned batch; /* of the first transaction of a commit: how many shared it; else 0 */
    int64_t took_us;
};

/* ---- transactions ------------------------------------------------------------------------ */
/* PostgreSQL runs all statements of one array rank in a commit as one, whatever stands between
 * them, and the ranks in this order: `pgsql` then takes an array per parameter. So they must not
 * care who comes first within a rank, and of two ranks it must be the lower. Only the core's
 * message tables are touched like this, and whatever else touches those is a fence: what was
 * added before it has run, and nothing behind it. */
enum xyi_rank {
    XYI_ALONE,
    XYI_FENCE,
    XYI_ADDS_MESSAGE,
    XYI_ADDS_PENDING,
    XYI_REMOVES_PENDING,
    XYI_REMOVES_MESSAGE,
    XYI_RANKS
};

struct xyi_txn_statement {
    struct xyi_txn_statement *next;
    const struct xy_statement *statement;
    struct xy_values values;
    int64_t expect; /* rows it must change, or XYI_ANY_ROWS */
    int64_t changed;
    enum xyi_rank rank;
    signed char pending; /* the rows it changes are pending rows: 1 added, -1 removed */
};
#define XYI_ANY_ROWS (-1)

struct xy_txn {
    struct xyi_request request;
    struct xyi_arena *arena;
    bool detached; /* owns the arena, answers by done() */
    bool submitted;
    enum xyi_removal removes;
    xy_message_id *removed; /* what it takes back */
    size_t removed_count;
    struct xyi_txn_statement *first, *newest, **last;
    size_t count, bytes;
    struct xyi_wait wait;
    void (*done)(void *argument, xy_status status, const struct xy_txn *txn);
    void *argument;
};
/* `pending`: see struct xyi_txn_statement. xy_txn_changed() of an array rank is 0, or the sum of
 * all that ran as one. */
void xyi_txn_add_ranked(struct xy_txn *txn, const struct xy_statement *statement,
                        enum xyi_rank rank, int pending, struct xy_values values);

/* ---- results ----------------------------------------------------------------------------- */
struct xyi_row {
    struct xyi_row *next;
    struct xy_value cell[];
};
struct xy_rows *xyi_rows_new(struct xyi_arena *arena, size_t columns);
struct xyi_row *xyi_rows_add(struct xy_rows *rows); /* all NULL; fill its cells */

/* ---- drivers ----------------------------------------------------------------------------- */
struct xyi_connection;

struct xyi_fault {
    size_t at;       /* apply(): the transaction to blame, or XYI_NOBODY */
    int64_t ticket;  /* apply() with XY_UNKNOWN: what resolve() needs; 0: it cannot help */
    const char *sql; /* the statement, NULL: none in particular */
    char text[256];  /* what the engine said; no values of parameters */
};
#define XYI_NOBODY ((size_t)-1)

struct xyi_driver_options {
    const char *place; /* path or URL */
    bool durable, writer;
    int64_t timeout_ms;
    unsigned node;
};

/* Statuses: XY_TIMEOUT means nothing was done and the same may be tried again (busy, connection
 * lost: see usable()); XY_CONFLICT a constraint or expectation; XY_FULL; XY_UNKNOWN only from
 * apply(); everything else is XY_BROKEN. */
struct xyi_driver {
    uint32_t abi; /* XYI_DRIVER_ABI */
    const char *name;
    const char *begin_migration; /* opens a transaction that only one server is in at a time */
    struct xyi_connection *(*open)(const struct xyi_driver_options *options,
                                   struct xyi_fault *fault);
    void (*close)(struct xyi_connection *connection);
    bool (*usable)(const struct xyi_connection *connection); /* false: close it, open another */
    /* One statement outside or inside an open transaction; the result goes to `arena`. */
    xy_status (*run)(struct xyi_connection *connection, const struct xy_statement *statement,
                     struct xy_values values, int64_t deadline_us, struct xyi_arena *arena,
                     struct xy_rows **rows, struct xyi_fault *fault);
    xy_status (*prepare)(struct xyi_connection *connection,
                         const struct xy_statement *statement, struct xyi_fault *fault);
    /* Several statements without parameters. No time limit. */
    xy_status (*script)(struct xyi_connection *connection, const char *sql,
                        struct xyi_fault *fault);
    /* All of them in one database transaction, or nothing; fills `changed`. */
    xy_status (*apply)(struct xyi_connection *connection, struct xy_txn *const *txns,
                       size_t count, struct xyi_fault *fault);
    /* After XY_UNKNOWN, on a new connection: XY_OK it is durable, XY_ABSENT it never happened,
     * XY_TIMEOUT not known yet. NULL: cannot tell. */
    xy_status (*resolve)(struct xyi_connection *connection, int64_t ticket);
};
#define XYI_DRIVER_ABI 2u
extern const struct xyi_driver xyi_driver;

void xyi_fault_say(struct xyi_fault *fault, const char *sql,
                   const char *text); /* one line of it */

/* PostgreSQL's $1, $2 … for each ? outside quotes and comments. */
struct xy_str xyi_sql_numbered(struct xyi_arena *arena, const char *sql);

/* Finds a connection's prepared statement without hashing its text. Only valid within one call
 * of the driver: later the address may belong to another module's statement. */
struct xyi_memo {
    struct {
        const struct xy_statement *statement;
        void *prepared;
    } at[16];
};
static inline void **
xyi_memo_slot(struct xyi_memo *memo, const struct xy_statement *statement)
{
    size_t at = ((uintptr_t)statement / sizeof(*statement)) % 16;
    if (memo->at[at].statement != statement) {
        memo->at[at].statement = statement;
        memo->at[at].prepared = NULL;
    }
    return &memo->at[at].prepared;
}

#endif
