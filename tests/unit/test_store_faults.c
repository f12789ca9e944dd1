/* SPDX-License-Identifier: MIT */
/* What the store does when the database is locked, slow, full, away or lost in a commit. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "tests/unit/store_fixture.h"

static void
make_table(void)
{
    migrate("create table t (id integer primary key, b bytea)",
            "create table t (id bigint primary key, b bytea)");
}

static const struct xy_statement put = XY_SQL("insert into t (id, b) values (?, ?)");
static const struct xy_statement get = XY_SQL("select b from t where id = ?");

static xy_status
put_bytes(int64_t id, size_t size)
{
    return xy_sql_write(&put, XY_INT(id), XY_BYTES(xy_str_of(xy_temp_alloc(size + 1), size)));
}

static void
limit_patience(int64_t ms)
{
    xyi_store_close();
    fixture.config.timeout_ms = ms;
    open_store();
}

static struct {
    xy_status status[1000];
    int count;
} heard;

static void
note(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    heard.status[(intptr_t)argument] = status;
    heard.count++;
}

static void
submit_put(int64_t id)
{
    struct xy_txn *txn = xyi_txn_detached();
    xy_txn_add(txn, &put, XY_INT(id), XY_NULL);
    xyi_txn_submit(txn, note, (void *)(intptr_t)id);
}

static void
wait_for_answers(int count)
{
    while (heard.count < count)
        CHECK_OK(xy_sleep(1));
}

/* ---- locked ------------------------------------------------------------------------------ */

static void
lock(struct visitor *visitor)
{
    say(visitor,
        on_pgsql() ? "begin; lock table t in access exclusive mode" : "begin immediate");
}

BOTH(a_lock_of_another_process_is_waited_for)
{
    make_table();
    struct visitor visitor = visit_same();
    lock(&visitor);
    for (int i = 0; i < 20; i++)
        submit_put(i);
    CHECK_OK(xy_sleep(300));
    CHECK_EQ(heard.count, 0);
    say(&visitor, "commit");
    wait_for_answers(20);
    for (int i = 0; i < 20; i++)
        CHECK_OK(heard.status[i]);
    leave(&visitor);
}

BOTH(a_lock_for_too_long_breaks_writes_and_nothing_else)
{
    make_table();
    limit_patience(400);
    struct visitor visitor = visit_same();
    lock(&visitor);
    CHECK_EQ(put_bytes(1, 1), XY_BROKEN);
    say(&visitor, "commit");
    CHECK_OK(put_bytes(2, 1));
    CHECK_EQ(NUMBER("select count(*) from t"), 1); /* the first was not done later */
    leave(&visitor);
}

/* ---- slow -------------------------------------------------------------------------------- */

static const struct xy_statement slow = {
    .sql =
        "with recursive c (n) as (select 1 union all select n + 1 from c where n < 500000000)"
        " select count(*) from c",
    .pgsql = "select 1 from pg_sleep(30)"};

BOTH(a_slow_read_ends_at_its_time_limit)
{
    make_table();
    limit_patience(300);
    struct xy_rows *rows;
    int64_t before = xyi_clock_real_us();
    CHECK_EQ(xy_sql_read(&slow, &rows), XY_TIMEOUT);
    CHECK(xyi_clock_real_us() - before < 5000000);
    /* the readers are free again */
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(xy_sql_read(&slow, &rows), XY_TIMEOUT);
        CHECK_OK(xy_sql_read(&get, &rows, XY_INT(1)));
    }
}

static void
read_slowly(unsigned at)
{
    (void)at;
    struct xy_rows *rows;
    CHECK_EQ(xy_sql_read(&slow, &rows), XY_CANCELLED);
}

static void
cancel(struct xyi_timer *timer)
{
    (void)timer;
    xyi_cancel_all();
}

BOTH(a_cancelled_read_leaves_nothing_behind)
{
    make_table();
    limit_patience(5000);
    static struct xyi_timer soon;
    xyi_timer_set(&soon, 100, cancel);
    in_parallel(10, read_slowly);
    /* this fiber is cancelled too: reads are refused, commits are not */
    struct xy_rows *rows;
    CHECK_EQ(xy_sql_read(&get, &rows, XY_INT(1)), XY_CANCELLED);
    CHECK_OK(put_bytes(1, 1));
} /* closing joins the readers, whose late answers must find no fiber (sanitizers tell) */

/* ---- full -------------------------------------------------------------------------------- */

ON_SQLITE(a_full_disk_is_survived)
{
    make_table();
    CHECK_OK(put_bytes(1, 10));
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit, former;
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &former), 0);
    limit = former;
    limit.rlim_cur = 1 << 20;
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK_EQ(put_bytes(2, 4 << 20), XY_FULL);
    CHECK_EQ(put_bytes(3, 4 << 20), XY_FULL);
    CHECK_OK(put_bytes(4, 10)); /* what fits still goes */
    CHECK_EQ(NUMBER("select count(*) from t"), 2);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &former), 0);
    CHECK_OK(put_bytes(5, 4 << 20));
    reopen_store();
    CHECK_EQ(NUMBER("select count(*) from t"), 3);
}

ON_SQLITE(a_full_database_fails_only_what_does_not_fit)
{
    make_table();
    static const struct xy_statement shrink = XY_SQL("pragma max_page_count = 60");
    struct visitor visitor = visit_same();
    say(&visitor, "begin immediate");
    struct xy_txn *first =
        xyi_txn_detached(); /* the pragma is the connection's: by the writer */
    xy_txn_add(first, &shrink);
    xyi_txn_submit(first, NULL, NULL);
    for (int i = 0; i < 40; i++) {
        struct xy_txn *txn = xyi_txn_detached();
        size_t size = i % 10 == 5 ? 1 << 20 : 10;
        xy_txn_add(txn, &put, XY_INT(i), XY_BYTES(xy_str_of(xy_temp_alloc(size), size)));
        xyi_txn_submit(txn, note, (void *)(intptr_t)i);
    }
    say(&visitor, "commit");
    leave(&visitor);
    wait_for_answers(40);
    for (int i = 0; i < 40; i++)
        CHECK_EQ(heard.status[i], i % 10 == 5 ? XY_FULL : XY_OK);
    CHECK_EQ(NUMBER("select count(*) from t"), 36);
}

/* ---- PostgreSQL away --------------------------------------------------------------------- */

/* A server of this case alone, to be killed. */
static char url[256];

static void
move_to_own_server(void)
{
    CHECK(postgres("start", fixture.second, url, sizeof(url)));
    xyi_store_close();
    create_database(url);
    fixture.config.url = xy_str_from(fixture.url);
    open_store();
    make_table();
}

static void
kill_server(void)
{
    postgres("kill", fixture.second, NULL, 0);
}

static void
start_server(void)
{
    postgres("start", fixture.second, url, sizeof(url));
}

static void
remove_own_server(void)
{
    xyi_store_close();
    postgres("remove", fixture.second, NULL, 0);
}

static void
write_and_read(unsigned at)
{
    for (int i = 0; i < 40; i++) {
        int64_t id = (int64_t)at * 100 + i;
        CHECK_OK(put_bytes(id, 20));
        CHECK_EQ(NUMBER("select count(*) from t where id = ?", XY_INT(id)), 1);
    }
}

static void
restart_under_load(unsigned at)
{
    if (at < 20) {
        write_and_read(at);
        return;
    }
    for (int i = 0; i < 3; i++) {
        CHECK_OK(xy_sleep(30));
        kill_server();
        start_server();
    }
}

ON_PGSQL(requests_wait_while_the_server_restarts)
{
    move_to_own_server();
    in_parallel(21, restart_under_load);
    /* nothing lost, nothing done twice: a repetition would have met its own key */
    CHECK_EQ(NUMBER("select count(*) from t"), 20 * 40);
    remove_own_server();
}

ON_PGSQL(requests_fail_when_the_server_stays_away)
{
    move_to_own_server();
    limit_patience(500);
    kill_server();
    struct xy_rows *rows;
    int64_t before = xyi_clock_real_us();
    CHECK_EQ(put_bytes(1, 1), XY_BROKEN);
    xy_status status = xy_sql_read(&get, &rows, XY_INT(1));
    CHECK(status == XY_TIMEOUT || status == XY_BROKEN);
    CHECK(xyi_clock_real_us() - before < 10000000);
    start_server();
    xyi_store_close();
    fixture.config.timeout_ms = 20000;
    open_store();
    CHECK_OK(put_bytes(2, 1));
    CHECK_EQ(NUMBER("select count(*) from t"), 1);
    remove_own_server();
}

/* A commit that takes as long as we like: a deferred trigger waits for a lock the visitor has.
 */
static struct visitor
make_commits_hang(void)
{
    struct visitor visitor = visit_same();
    say(&visitor,
        "create function hang() returns trigger language plpgsql as $$ begin"
        " perform pg_advisory_xact_lock(4711); return null; end $$;"
        "create constraint trigger hang after insert on t deferrable initially deferred"
        " for each row execute function hang();");
    say(&visitor, "begin; select pg_advisory_xact_lock(4711)");
    return visitor;
}

static void
wait_for_hanging_commit(struct visitor *visitor)
{
    static const struct xy_statement hanging =
        XY_SQL("select count(*) from pg_locks where locktype = 'advisory' and not granted");
    for (;;) {
        struct xyi_arena *arena = xyi_arena_new(512);
        struct xy_rows *rows;
        struct xyi_fault fault;
        CHECK_OK(visitor->driver->run(visitor->connection, &hanging, XY_VALUES(), INT64_MAX,
                                      arena, &rows, &fault));
        CHECK(xy_rows_next(rows));
        bool hangs = xy_rows_int(rows, 0) == 1;
        xyi_arena_free(arena);
        if (hangs)
            return;
        CHECK_OK(xy_sleep(5));
    }
}

ON_PGSQL(a_commit_that_is_lost_with_the_server_is_unknown)
{
    move_to_own_server();
    limit_patience(1500);
    struct visitor visitor = make_commits_hang();
    submit_put(1);
    wait_for_hanging_commit(&visitor);
    kill_server();
    leave(&visitor);
    wait_for_answers(1);
    CHECK_EQ(heard.status[1], XY_UNKNOWN);
    start_server();
    remove_own_server();
}

ON_PGSQL(a_commit_that_was_lost_is_done_again)
{
    move_to_own_server();
    struct visitor visitor = make_commits_hang();
    submit_put(1);
    submit_put(2);
    wait_for_hanging_commit(&visitor);
    kill_server(); /* the transaction never happened */
    leave(&visitor);
    start_server();
    wait_for_answers(2);
    CHECK_OK(heard.status[1]);
    CHECK_OK(heard.status[2]);
    CHECK_EQ(NUMBER("select count(*) from t"), 2);
    remove_own_server();
}

static int sockets[64], sockets_count;

static void
remember_connections(void)
{
    for (int fd = 3; fd < 64; fd++) {
        struct sockaddr_un peer;
        socklen_t size = sizeof(peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0)
            sockets[sockets_count++] = fd;
    }
    CHECK(sockets_count > 0);
}

static void
cut_connections(void)
{
    for (int i = 0; i < sockets_count; i++)
        CHECK_EQ(shutdown(sockets[i], SHUT_RDWR), 0);
}

/* The answer of the commit is lost, not the commit: our process is cut off while it hangs, then
 * the lock is given free and the server commits. */
ON_PGSQL(a_commit_whose_answer_was_lost_is_not_done_again)
{
    move_to_own_server();
    remember_connections();
    struct visitor visitor = make_commits_hang();
    submit_put(1);
    wait_for_hanging_commit(&visitor);
    cut_connections();
    CHECK_OK(xy_sleep(200)); /* the writer asks, and waits for the old server process */
    CHECK_EQ(heard.count, 0);
    say(&visitor, "commit");
    leave(&visitor);
    wait_for_answers(1);
    CHECK_OK(heard.status[1]);
    CHECK_EQ(NUMBER("select count(*) from t"), 1);
    remove_own_server();
}

END_STORE_TESTS
