/* SPDX-License-Identifier: MIT */
/* xylem/sql.h on both engines: values, transactions, group commit, order, reads, checks. */
#include "tests/unit/store_fixture.h"

static void
make_table(void)
{
    migrate("create table t (id integer primary key, n bigint, s text, b bytea)",
            "create table t (id bigint primary key, n bigint, s text, b bytea)");
}

static const struct xy_statement add =
    XY_SQL("insert into t (id, n, s, b) values (?, ?, ?, ?)");
static const struct xy_statement get = XY_SQL("select n, s, b from t where id = ?");
static const struct xy_statement put = XY_SQL("insert into t (id, n) values (?, ?)");
static const struct xy_statement bump = XY_SQL("update t set n = n + 1 where id = ? and n = ?");

/* ---- values ------------------------------------------------------------------------------ */

static struct xy_rows *
round_trip(int64_t id, struct xy_value n, struct xy_value s, struct xy_value b)
{
    CHECK_OK(xy_sql_write(&add, XY_INT(id), n, s, b));
    struct xy_rows *rows;
    CHECK_OK(xy_sql_read(&get, &rows, XY_INT(id)));
    CHECK_EQ(xy_rows_count(rows), 1);
    CHECK(xy_rows_next(rows));
    return rows;
}

BOTH(values_come_back)
{
    make_table();
    static const int64_t numbers[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1LL << 53};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct xy_rows *rows = round_trip((int64_t)i, XY_INT(numbers[i]), XY_NULL, XY_NULL);
        CHECK(xy_rows_int(rows, 0) == numbers[i]);
        CHECK(!xy_rows_is_null(rows, 0) && xy_rows_is_null(rows, 1));
        CHECK(!xy_rows_text(rows, 1).at && xy_rows_int(rows, 1) == 0);
    }
    struct xy_str text = XY_STR("it's \"quoted\"; -- \\ ? $1 \xe2\x9c\x93 \xf0\x9f\x98\x80");
    struct xy_str bytes = XY_STR("\0\x01\xff'\\x\0\0");
    struct xy_rows *rows = round_trip(10, XY_NULL, XY_TEXT(text), XY_BYTES(bytes));
    CHECK(xy_rows_is_null(rows, 0) && xy_rows_int(rows, 0) == 0);
    CHECK(xy_str_equal(xy_rows_text(rows, 1), text));
    CHECK(xy_str_equal(xy_rows_text(rows, 2), bytes));
    CHECK(!xy_rows_next(rows) && !xy_rows_next(rows));
}

BOTH(empty_is_not_null)
{
    make_table();
    struct xy_rows *rows = round_trip(1, XY_NULL, XY_TEXT(XY_STR("")), XY_BYTES(XY_STR("")));
    CHECK(!xy_rows_is_null(rows, 1) && xy_rows_text(rows, 1).len == 0);
    CHECK(!xy_rows_is_null(rows, 2) && xy_rows_text(rows, 2).len == 0);
    rows = round_trip(2, XY_NULL, XY_TEXT(XY_NO_STR), XY_BYTES(XY_NO_STR));
    CHECK(!xy_rows_is_null(rows, 1) && !xy_rows_is_null(rows, 2));
}

BOTH(big_values_come_back)
{
    make_table();
    size_t size = 3 << 20;
    char *big = xy_temp_alloc(size);
    for (size_t i = 0; i < size; i++)
        big[i] = (char)(i * 7 >> 3);
    struct xy_str bytes = xy_str_of(big, size);
    CHECK(
        xy_str_equal(xy_rows_text(round_trip(1, XY_NULL, XY_NULL, XY_BYTES(bytes)), 2), bytes));
}

BOTH(aggregates_are_integers)
{
    make_table();
    for (int i = 1; i <= 4; i++)
        CHECK_OK(xy_sql_write(&put, XY_INT(i), XY_INT(INT64_C(1) << 60)));
    CHECK(NUMBER("select sum(n) from t where id < 4") == 3 * (INT64_C(1) << 60));
    CHECK_EQ(NUMBER("select sum(-id) from t"), -10);
    CHECK_EQ(NUMBER("select sum(id * 100000) from t"), 1000000);
    CHECK_EQ(NUMBER("select count(*) from t where id > ?", XY_INT(2)), 2);
    CHECK_EQ(NUMBER("select coalesce(sum(n), 0) from t where id > 10"), 0);
}

BOTH(a_large_integer_against_a_small_column_is_no_match)
{
    migrate("create table t (small smallint)", NULL);
    CHECK_OK(WRITE("insert into t values (?)", XY_INT(7)));
    CHECK_EQ(NUMBER("select count(*) from t where small = ?", XY_INT(INT64_C(1) << 40)), 0);
    CHECK_EQ(NUMBER("select count(*) from t where small = ?", XY_INT(7)), 1);
    CHECK_EQ(NUMBER("select count(*) from t where small <> 7 or small = ?", XY_NULL), 0);
}

BOTH(many_rows_come_in_order)
{
    make_table();
    struct xy_txn *txn = xy_txn_begin();
    for (int i = 0; i < 5000; i++)
        xy_txn_add(txn, &put, XY_INT(4999 - i), XY_INT(i));
    CHECK_OK(xy_txn_commit(txn));
    static const struct xy_statement all = XY_SQL("select id, n from t order by id");
    struct xy_rows *rows;
    CHECK_OK(xy_sql_read(&all, &rows));
    CHECK_EQ(xy_rows_count(rows), 5000);
    for (int i = 0; i < 5000; i++) {
        CHECK(xy_rows_next(rows));
        CHECK_EQ(xy_rows_int(rows, 0), i);
        CHECK_EQ(xy_rows_int(rows, 1), 4999 - i);
    }
    CHECK(!xy_rows_next(rows));
}

BOTH(another_text_for_pgsql)
{
    static const struct xy_statement which = {.sql = "select 'sqlite'",
                                              .pgsql = "select 'pgsql'::text"};
    struct xy_rows *rows;
    CHECK_OK(xy_sql_read(&which, &rows));
    CHECK(xy_rows_next(rows));
    CHECK(xy_str_equal(xy_rows_text(rows, 0), fixture.config.driver));
}

/* ---- transactions ------------------------------------------------------------------------ */

BOTH(a_transaction_is_whole)
{
    make_table();
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &put, XY_INT(1), XY_INT(1));
    xy_txn_add(txn, &put, XY_INT(2), XY_INT(1));
    xy_txn_add(txn, &put, XY_INT(1), XY_INT(1)); /* a duplicate */
    CHECK_EQ(xy_txn_commit(txn), XY_CONFLICT);
    CHECK_EQ(NUMBER("select count(*) from t"), 0);
}

BOTH(parameters_are_copied_when_added)
{
    make_table();
    char text[] = "before";
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &add, XY_INT(1), XY_NULL, XY_TEXT(xy_str_from(text)), XY_NULL);
    memcpy(text, "after!", sizeof(text));
    CHECK_OK(xy_txn_commit(txn));
    struct xy_rows *rows;
    CHECK_OK(xy_sql_read(&get, &rows, XY_INT(1)));
    CHECK(xy_rows_next(rows));
    CHECK_STR(xy_rows_text(rows, 1), "before");
}

BOTH(expectations_and_counts)
{
    make_table();
    CHECK_OK(xy_sql_write(&put, XY_INT(1), XY_INT(5)));
    CHECK_OK(xy_sql_write(&put, XY_INT(2), XY_INT(5)));
    struct xy_txn *stale = xy_txn_begin();
    xy_txn_add(stale, &put, XY_INT(3), XY_INT(0));
    xy_txn_add(stale, &bump, XY_INT(1), XY_INT(4));
    xy_txn_expect(stale, 1);
    CHECK_EQ(xy_txn_commit(stale), XY_CONFLICT);
    CHECK_EQ(NUMBER("select count(*) from t"), 2);

    static const struct xy_statement bump_all = XY_SQL("update t set n = n + 1 where n >= ?");
    struct xy_txn *fresh = xy_txn_begin();
    xy_txn_add(fresh, &bump, XY_INT(1), XY_INT(5));
    xy_txn_expect(fresh, 1);
    xy_txn_add(fresh, &bump_all, XY_INT(0));
    xy_txn_expect(fresh, 2);
    xy_txn_add(fresh, &bump, XY_INT(99), XY_INT(0));
    xy_txn_add(fresh, &put, XY_INT(9), XY_INT(9));
    CHECK_OK(xy_txn_commit(fresh));
    CHECK_EQ(xy_txn_changed(fresh, 0), 1);
    CHECK_EQ(xy_txn_changed(fresh, 1), 2);
    CHECK_EQ(xy_txn_changed(fresh, 2), 0);
    CHECK_EQ(xy_txn_changed(fresh, 3), 1);
    CHECK_EQ(NUMBER("select n from t where id = 1"), 7);
}

BOTH(an_empty_transaction_commits)
{
    CHECK_OK(xy_txn_commit(xy_txn_begin()));
}

BOTH(a_wrong_statement_breaks_only_itself)
{
    make_table();
    CHECK_EQ(WRITE("insert into nowhere values (1)"), XY_BROKEN);
    CHECK_EQ(WRITE("insert into t (id) values (?)"), XY_BROKEN); /* a parameter is missing */
    static const struct xy_statement wrong = XY_SQL("select nothing from t");
    struct xy_rows *rows;
    CHECK_EQ(xy_sql_read(&wrong, &rows), XY_BROKEN);
    CHECK_OK(xy_sql_write(&put, XY_INT(1), XY_INT(1)));
    CHECK_EQ(NUMBER("select count(*) from t"), 1);
}

/* ---- group commit ------------------------------------------------------------------------ */

/* Holds the writer until the visitor lets go, so that what is submitted meanwhile is one group.
 */
static struct visitor
hold_writer(void)
{
    struct visitor visitor = visit_same();
    say(&visitor, on_pgsql() ? "begin; lock table t in exclusive mode" : "begin immediate");
    static const struct xy_statement first = XY_SQL("insert into t (id, n) values (-1, 0)");
    struct xy_txn *txn = xyi_txn_detached();
    xy_txn_add(txn, &first);
    xyi_txn_submit(txn, NULL, NULL);
    while (xyi_queue_length(xyi_store_queue(true)))
        CHECK_OK(xy_sleep(1));
    return visitor;
}

static void
let_go(struct visitor *visitor)
{
    say(visitor, "commit");
    leave(visitor);
}

static struct {
    int order[400];
    xy_status status[400];
    int count;
} heard;

static void
note(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    heard.order[heard.count] = (int)(intptr_t)argument;
    heard.status[heard.count++] = status;
}

static void
wait_for_answers(int count)
{
    while (heard.count < count)
        CHECK_OK(xy_sleep(1));
}

static void
submit_put(int64_t id, int number)
{
    struct xy_txn *txn = xyi_txn_detached();
    xy_txn_add(txn, &put, XY_INT(id), XY_INT(number));
    xyi_txn_submit(txn, note, (void *)(intptr_t)number);
}

BOTH(one_bad_transaction_among_fifty)
{
    make_table();
    struct visitor visitor = hold_writer();
    for (int i = 0; i < 50; i++)
        submit_put(i == 31 ? 7 : i, i); /* 31 repeats the key of 7 */
    struct xyi_store_counts before, after;
    xyi_store_counts(&before);
    let_go(&visitor);
    wait_for_answers(50);
    xyi_store_counts(&after);
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(heard.order[i], i);
        CHECK_EQ(heard.status[i], i == 31 ? XY_CONFLICT : XY_OK);
    }
    CHECK_EQ(NUMBER("select count(*) from t where id >= 0"), 49);
    CHECK_EQ(NUMBER("select n from t where id = 7"), 7);
    /* the held one, those before the bad one, those behind it */
    CHECK_EQ(after.commits - before.commits, 3);
}

BOTH(several_bad_ones_and_expectations)
{
    make_table();
    struct visitor visitor = hold_writer();
    for (int i = 0; i < 100; i++) {
        struct xy_txn *txn = xyi_txn_detached();
        xy_txn_add(txn, &put, XY_INT(i), XY_INT(i));
        if (i % 10 == 3) { /* nothing to change yet: the row comes later */
            xy_txn_add(txn, &bump, XY_INT(i + 1), XY_INT(i + 1));
            xy_txn_expect(txn, 1);
        }
        if (i % 10 == 7) { /* sees what an earlier one of the group did */
            xy_txn_add(txn, &bump, XY_INT(i - 1), XY_INT(i - 1));
            xy_txn_expect(txn, 1);
        }
        xyi_txn_submit(txn, note, (void *)(intptr_t)i);
    }
    let_go(&visitor);
    wait_for_answers(100);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(heard.order[i], i);
        CHECK_EQ(heard.status[i], i % 10 == 3 ? XY_CONFLICT : XY_OK);
    }
    CHECK_EQ(NUMBER("select count(*) from t where id >= 0"), 90);
    CHECK_EQ(NUMBER("select count(*) from t where n = id + 1 and id >= 0"), 10);
}

BOTH(more_than_one_group)
{
    make_table();
    struct visitor visitor = hold_writer();
    for (int i = 0; i < 400; i++)
        submit_put(i, i);
    let_go(&visitor);
    wait_for_answers(400);
    for (int i = 0; i < 400; i++)
        CHECK(heard.order[i] == i && heard.status[i] == XY_OK);
    CHECK_EQ(NUMBER("select count(*) from t where id >= 0"), 400);
}

/* ---- many fibers ------------------------------------------------------------------------- */

static void
increment(unsigned at)
{
    (void)at;
    for (;;) {
        int64_t n = NUMBER("select n from t where id = 1");
        struct xy_txn *txn = xy_txn_begin();
        xy_txn_add(txn, &bump, XY_INT(1), XY_INT(n));
        xy_txn_expect(txn, 1);
        xy_status status = xy_txn_commit(txn);
        if (status == XY_OK)
            return;
        CHECK_EQ(status, XY_CONFLICT);
    }
}

BOTH(no_increment_is_lost)
{
    make_table();
    CHECK_OK(xy_sql_write(&put, XY_INT(1), XY_INT(0)));
    in_parallel(30, increment);
    CHECK_EQ(NUMBER("select n from t where id = 1"), 30);
}

static void
write_then_read(unsigned at)
{
    for (int i = 0; i < 20; i++) {
        int64_t id = (int64_t)at * 1000 + i;
        CHECK_OK(xy_sql_write(&put, XY_INT(id), XY_INT(i)));
        CHECK_EQ(NUMBER("select count(*) from t where id = ?", XY_INT(id)), 1);
    }
}

BOTH(a_read_sees_what_was_committed_before)
{
    make_table();
    in_parallel(50, write_then_read);
    CHECK_EQ(NUMBER("select count(*) from t"), 1000);
    struct xyi_store_counts counts;
    xyi_store_counts(&counts);
    CHECK(counts.transactions >= 1000 && counts.reads >= 1000 && counts.failures == 0);
    CHECK(counts.commits < counts.transactions); /* they did share commits */
}

BOTH(closing_commits_what_was_submitted)
{
    make_table();
    for (int i = 0; i < 300; i++)
        submit_put(i, i);
    reopen_store();
    CHECK_EQ(heard.count, 300); /* and was answered */
    CHECK_EQ(NUMBER("select count(*) from t"), 300);
}

BOTH(a_closed_store_refuses)
{
    make_table();
    xyi_store_close();
    struct xy_rows *rows;
    CHECK_EQ(xy_sql_read(&get, &rows, XY_INT(1)), XY_BROKEN);
    CHECK_EQ(xy_sql_write(&put, XY_INT(1), XY_INT(1)), XY_BROKEN);
    open_store();
    CHECK_EQ(NUMBER("select count(*) from t"), 0);
}

/* ---- checks ------------------------------------------------------------------------------ */

BOTH(checking_statements)
{
    make_table();
    static const struct xy_statement wrong = XY_SQL("select n from tt where id = ?");
    static const struct xy_statement copy =
        XY_SQL("insert into t (id, b) select id + 1, ? from t where id = ?");
    const struct xy_statement *good[] = {&add, &get, &put, &bump, &copy},
                              *bad[] = {&get, &wrong, &put};
    struct xy_str error = XY_NO_STR;
    CHECK_OK(xyi_store_check(good, 5, &error));
    CHECK_EQ(xyi_store_check(bad, 3, &error), XY_BROKEN);
    CHECK(strstr(error.at, "select n from tt") && strstr(error.at, ": "));
}

END_STORE_TESTS
