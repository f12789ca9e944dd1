/* SPDX-License-Identifier: MIT */
/* What waits for which device: queues per device, devices that come and go, and the count of
 * all rows that can be trusted. */
#include "tests/unit/store_fixture.h"

#define NOW_MS INT64_C(1795000000000) /* 2026-11-18 */

static struct xyi_message_row
row_for(xy_owner owner, const int64_t *devices, size_t count)
{
    return (struct xyi_message_row){.id = xyi_message_next_id(),
                                    .sender = 7,
                                    .recipient = 8,
                                    .waits_for = owner,
                                    .devices = devices,
                                    .device_count = count,
                                    .stanza = XY_STR("<message/>")};
}

#define DEVICES(...) \
    (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

static xy_message_id
store(xy_owner owner, const int64_t *devices, size_t count)
{
    struct xyi_message_row row = row_for(owner, devices, count);
    struct xy_txn *txn = xy_txn_begin();
    xyi_message_add(txn, &row);
    CHECK_OK(xy_txn_commit(txn));
    return row.id;
}

#define IN_TXN(...)                          \
    do {                                     \
        struct xy_txn *txn = xy_txn_begin(); \
        __VA_ARGS__;                         \
        CHECK_OK(xy_txn_commit(txn));        \
    } while (0)

static int64_t
waiting(xy_owner owner, int64_t device)
{
    struct xy_rows *rows;
    CHECK_OK(xyi_pending_read(owner, device, 0, INT64_MAX, 1000, &rows));
    return (int64_t)xy_rows_count(rows);
}

static int64_t
messages(void)
{
    return NUMBER("select count(*) from message");
}

/* ---- several devices --------------------------------------------------------------------- */

BOTH(each_device_has_its_own_queue)
{
    xy_message_id first = store(1, DEVICES(5, 6, 0)), second = store(1, DEVICES(6));
    CHECK_EQ(waiting(1, 5), 1);
    CHECK_EQ(waiting(1, 6), 2);
    CHECK_EQ(waiting(1, 0), 1);
    CHECK_EQ(waiting(2, 5), 0);
    int64_t count;
    CHECK_OK(xyi_pending_count(1, &count));
    CHECK_EQ(count, 2);
    CHECK_OK(xyi_pending_count(2, &count));
    CHECK_EQ(count, 0);
    IN_TXN(xyi_pending_receive(txn, 1, 6, first, false));
    IN_TXN(xyi_pending_receive(txn, 1, 6, second, false));
    CHECK_EQ(messages(), 1);
    IN_TXN(xyi_pending_receive(txn, 1, 0, first, false));
    CHECK_EQ(messages(), 1);
    IN_TXN(xyi_pending_receive(txn, 1, 5, first, false));
    CHECK_EQ(messages(), 0);
    CHECK_OK(xyi_pending_count(1, &count));
    CHECK_EQ(count, 0);
}

BOTH(a_queue_is_read_between_bounds)
{
    xy_message_id ids[6];
    for (int i = 0; i < 6; i++)
        ids[i] = store(1, DEVICES(5));
    struct xy_rows *rows;
    CHECK_OK(xyi_pending_read(1, 5, ids[0], ids[5], 9, &rows));
    CHECK_EQ(xy_rows_count(rows), 4);
    for (int i = 1; i < 5; i++)
        CHECK(xy_rows_next(rows) && xy_rows_int(rows, 0) == ids[i] && !xy_rows_int(rows, 2));
    CHECK_OK(xyi_pending_read(1, 5, ids[0], ids[5], 2, &rows));
    CHECK_EQ(xy_rows_count(rows), 2);
}

/* `archived` says that content need not be looked at; without it, it is, and stays all the
 * same. */
BOTH(an_archive_keeps_what_was_received)
{
    for (int told = 0; told < 2; told++) {
        struct xyi_message_row row = row_for(1, DEVICES(5));
        row.sent_to = 1;
        IN_TXN(xyi_message_add(txn, &row));
        IN_TXN(xyi_pending_receive(txn, 1, 5, row.id, told));
        CHECK_EQ(NUMBER("select count(*) from message where id = ?", XY_INT(row.id)), 1);
        CHECK_EQ(NUMBER("select count(*) from pending"), 0);
    }
}

BOTH(one_more_device_may_wait)
{
    xy_message_id id = store(1, DEVICES(5));
    IN_TXN(xyi_pending_add(txn, 1, 6, id));
    IN_TXN(xyi_pending_add(txn, 1, 6, id)); /* it does already */
    CHECK_EQ(waiting(1, 6), 1);
    CHECK_EQ(NUMBER("select count(*) from pending"), 2);
    IN_TXN(xyi_pending_receive(txn, 1, 5, id, false);
           xyi_pending_receive(txn, 1, 6, id, false));
    CHECK_EQ(messages(), 0);
    IN_TXN(
        xyi_pending_add(txn, 1, 6, id)); /* too late: a row for nothing would stay for ever */
    CHECK_EQ(NUMBER("select count(*) from pending"), 0);
}

BOTH(some_are_forgotten_and_others_not)
{
    xy_message_id ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = store(1, DEVICES(5, 6));
    xy_message_id theirs = store(2, DEVICES(5));
    IN_TXN(xyi_pending_discard(txn, 1, 5, ids[2]));
    CHECK_EQ(waiting(1, 5), 2);
    CHECK_EQ(waiting(1, 6), 4);
    CHECK_EQ(messages(), 5);
    IN_TXN(xyi_pending_remove(txn, 1, ids[3]); xyi_pending_remove(txn, 1, theirs));
    CHECK_EQ(waiting(1, 5), 1);
    CHECK_EQ(waiting(1, 6), 3);
    CHECK_EQ(waiting(2, 5), 1);
    CHECK_EQ(messages(), 4);
    IN_TXN(xyi_pending_discard(txn, 1, 6, INT64_MAX));
    CHECK_EQ(messages(), 2); /* ids[2] for 5, and theirs */
    IN_TXN(xyi_pending_discard(txn, 1, 5, INT64_MAX));
    CHECK_EQ(messages(), 1);
}

/* ---- devices that come and go ------------------------------------------------------------ */

BOTH(the_first_device_takes_what_waited_for_nobody)
{
    store(1, DEVICES(0));
    store(1, DEVICES(0));
    store(2, DEVICES(0));
    IN_TXN(xyi_device_seen(txn, 1, 77, NOW_MS));
    CHECK_EQ(waiting(1, 77), 2);
    CHECK_EQ(waiting(1, 0), 0);
    CHECK_EQ(waiting(2, 0), 1);
    /* the second one gets a copy of the first one's */
    IN_TXN(xyi_device_seen(txn, 1, 78, NOW_MS));
    CHECK_EQ(waiting(1, 77), 2);
    CHECK_EQ(waiting(1, 78), 2);
    struct xy_rows *rows;
    CHECK_OK(xyi_devices_read(1, &rows));
    CHECK_EQ(xy_rows_count(rows), 2);
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 0) == 77 && xy_rows_int(rows, 1) == NOW_MS);
}

BOTH(device_0_may_be_one_of_them)
{
    xy_message_id id = store(1, DEVICES(0));
    IN_TXN(xyi_device_seen(txn, 1, 0, NOW_MS));
    CHECK_EQ(waiting(1, 0), 1);
    IN_TXN(xyi_device_seen(txn, 1, 77, NOW_MS));
    CHECK_EQ(waiting(1, 0), 1); /* known, so it stays */
    CHECK_EQ(waiting(1, 77), 1);
    IN_TXN(xyi_pending_receive(txn, 1, 0, id, false));
    CHECK_EQ(waiting(1, 77), 1);
    IN_TXN(xyi_device_seen(txn, 2, 77, NOW_MS));
    store(2, DEVICES(77));
    IN_TXN(xyi_device_seen(txn, 2, 0, NOW_MS));
    CHECK_EQ(waiting(2, 0), 1);
}

BOTH(a_known_device_gets_nothing_twice)
{
    IN_TXN(xyi_device_seen(txn, 1, 5, NOW_MS); xyi_device_seen(txn, 1, 6, NOW_MS));
    xy_message_id id = store(1, DEVICES(5, 6));
    IN_TXN(xyi_pending_receive(txn, 1, 5, id, false));
    IN_TXN(xyi_device_seen(txn, 1, 5, NOW_MS + 1000));
    CHECK_EQ(waiting(1, 5), 0);
    CHECK_EQ(waiting(1, 6), 1);
    CHECK_EQ(NUMBER("select last_seen from device where id = 5"), NOW_MS + 1000);
}

/* What a former release, which knows no devices, has stored meanwhile. */
BOTH(what_waits_for_an_unknown_device_0_goes_to_all_known)
{
    IN_TXN(xyi_device_seen(txn, 1, 5, NOW_MS); xyi_device_seen(txn, 1, 6, NOW_MS));
    store(1, DEVICES(0));
    IN_TXN(xyi_device_seen(txn, 1, 5, NOW_MS));
    CHECK_EQ(waiting(1, 0), 0);
    CHECK_EQ(waiting(1, 5), 1);
    CHECK_EQ(waiting(1, 6), 1);
}

BOTH(a_forgotten_device_takes_its_rows_along)
{
    IN_TXN(xyi_device_seen(txn, 1, 5, NOW_MS); xyi_device_seen(txn, 1, 6, NOW_MS));
    store(1, DEVICES(5, 6));
    store(1, DEVICES(5));
    IN_TXN(xyi_device_forget(txn, 1, 5));
    CHECK_EQ(messages(), 1);
    CHECK_EQ(waiting(1, 6), 1);
    CHECK_EQ(NUMBER("select count(*) from device"), 1);
    IN_TXN(xyi_device_seen(txn, 1, 5, NOW_MS)); /* new again */
    CHECK_EQ(waiting(1, 5), 1);
}

BOTH(old_devices_are_found_where_another_is_not)
{
    struct xyi_keys keys;
    xy_owner here, alone, there;
    CHECK_OK(xyi_keys_make(XY_STR("p"), 16, &keys));
    CHECK_OK(xyi_account_insert(xy_jid_parse(XY_STR("a@here.org")), &keys, &here));
    CHECK_OK(xyi_account_insert(xy_jid_parse(XY_STR("b@here.org")), &keys, &alone));
    CHECK_OK(xyi_account_insert(xy_jid_parse(XY_STR("a@there.org")), &keys, &there));
    IN_TXN(xyi_device_seen(txn, here, 1, NOW_MS - 2000); xyi_device_seen(txn, here, 2, NOW_MS);
           xyi_device_seen(txn, here, 3, NOW_MS - 3000);
           xyi_device_seen(txn, alone, 1, NOW_MS - 9000);
           xyi_device_seen(txn, there, 1, NOW_MS - 9000);
           xyi_device_seen(txn, there, 2, NOW_MS));
    struct xy_rows *rows;
    CHECK_OK(xyi_devices_older(XY_STR("here.org"), NOW_MS - 1000, 9, &rows));
    CHECK_EQ(xy_rows_count(rows), 2);
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 0) == here && xy_rows_int(rows, 1) == 3);
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 1) == 1);
    CHECK_OK(xyi_devices_older(XY_STR("here.org"), NOW_MS - 1000, 1, &rows));
    CHECK_EQ(xy_rows_count(rows), 1);
    CHECK_OK(xyi_devices_older(XY_STR("here.org"), NOW_MS + 1, 9, &rows));
    CHECK_EQ(xy_rows_count(rows), 0); /* none has been seen since */
}

BOTH(old_messages_are_found_once_for_all_devices)
{
    struct xyi_keys keys;
    xy_owner here;
    CHECK_OK(xyi_keys_make(XY_STR("p"), 16, &keys));
    CHECK_OK(xyi_account_insert(xy_jid_parse(XY_STR("a@here.org")), &keys, &here));
    xy_message_id first = store(here, DEVICES(1, 2, 3)), second = store(here, DEVICES(2));
    struct xy_rows *rows;
    CHECK_OK(xyi_pending_older(XY_STR("here.org"), INT64_MAX, 9, &rows));
    CHECK_EQ(xy_rows_count(rows), 2);
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 0) == here && xy_rows_int(rows, 1) == first);
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 1) == second);
}

/* ---- many in one commit ------------------------------------------------------------------ */

static unsigned wrong;

static void
note(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)argument;
    (void)txn;
    wrong += status != XY_OK;
}

/* While the writer is busy everything else becomes one commit. */
static void
submit(struct xy_txn *txn)
{
    xyi_txn_submit(txn, note, NULL);
}

static void
add_later(const struct xyi_message_row *row)
{
    struct xy_txn *txn = xyi_txn_detached();
    xyi_message_add(txn, row);
    submit(txn);
}

static void
receive_later(xy_owner owner, int64_t device, xy_message_id id)
{
    struct xy_txn *txn = xyi_txn_detached();
    xyi_pending_receive(txn, owner, device, id, false);
    submit(txn);
}

/* Acknowledgements come before later messages and after their own; what stands between (a
 * module's statement, a fence) changes nothing. */
BOTH(one_commit_does_all_in_an_order_that_is_right)
{
    migrate("create table t (x integer)", NULL);
    struct xyi_message_row rows[60];
    for (int i = 0; i < 60; i++) {
        rows[i] = row_for(1, DEVICES(5, 6));
        add_later(&rows[i]);
        struct xy_txn *txn = xyi_txn_detached();
        static const struct xy_statement other = XY_SQL("insert into t values (?)");
        xy_txn_add(txn, &other, XY_INT(i));
        submit(txn);
        if (i >= 1)
            receive_later(1, 5, rows[i - 1].id);
        if (i >= 2)
            receive_later(1, 6, rows[i - 2].id);
        if (i == 30) {
            txn = xyi_txn_detached();
            xyi_pending_discard(txn, 1, 6, rows[20].id); /* gone already */
            xyi_device_seen(txn, 1, 9, NOW_MS);          /* copies what is there: 28, 29, 30 */
            submit(txn);
        }
        if (i == 40) {
            txn = xyi_txn_detached();
            xyi_pending_remove(txn, 1, rows[40].id);
            submit(txn);
        }
    }
    CHECK_OK(xy_txn_commit(xy_txn_begin()));
    CHECK_EQ(wrong, 0);
    CHECK_EQ(NUMBER("select count(*) from t"), 60);
    CHECK_EQ(waiting(1, 5), 1);
    CHECK_EQ(waiting(1, 6), 2);
    CHECK_EQ(waiting(1, 9), 2);
    CHECK_EQ(messages(), 4);
    struct xy_rows *got;
    CHECK_OK(xyi_pending_read(1, 9, 0, INT64_MAX, 9, &got));
    CHECK(xy_rows_next(got) && xy_rows_int(got, 0) == rows[29].id);
    CHECK(xy_rows_next(got) && xy_rows_int(got, 0) == rows[30].id);
}

/* ---- the count that can be trusted ------------------------------------------------------- */

static struct census {
    int64_t begin, rows;
    unsigned answers;
} census;

static void
counted(void *argument, xy_status status, int64_t rows)
{
    (void)argument;
    struct xyi_store_counts counts;
    CHECK_OK(status);
    xyi_store_counts(&counts);
    CHECK_EQ(counts.unknown, 0);
    int64_t expected = census.begin + (int64_t)counts.pending_added;
    for (size_t why = 0; why < XYI_REMOVALS; why++)
        expected -= (int64_t)counts.pending_removed[why];
    CHECK_EQ(rows, expected);
    census.rows = rows;
    census.answers++;
}

static uint32_t
draw(uint32_t below)
{
    static uint64_t turn = 1;
    turn = turn * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(turn >> 33) % below;
}

static void
change_something(const xy_message_id *ids, int count)
{
    struct xy_txn *txn = xyi_txn_detached();
    xy_message_id id = ids[draw((uint32_t)count)];
    xy_owner owner = 1 + draw(3);
    int64_t device = draw(4);
    switch (draw(12)) {
    case 0:
        xyi_pending_add(txn, owner, device, id);
        break;
    case 1:
        xyi_pending_discard(txn, owner, device, id);
        break;
    case 2:
        xyi_pending_remove(txn, owner, id);
        break;
    case 3:
        xyi_device_seen(txn, owner, device, NOW_MS);
        break;
    case 4:
        xyi_device_forget(txn, owner, device);
        break;
    case 5: /* as a whole it fails: nothing of it counts */
        xyi_pending_receive(txn, owner, device, id, false);
        xyi_message_add(txn, &(struct xyi_message_row){.id = id, .stanza = XY_STR("x")});
        break;
    default:
        xyi_pending_receive(txn, owner, device, id, draw(2));
        break;
    }
    submit(txn);
}

BOTH(counts_of_pending_rows_are_exact)
{
    enum { ROUNDS = 1500 };
    static xy_message_id ids[ROUNDS];
    store(1, DEVICES(0, 1, 2)); /* of an earlier run */
    reopen_store();
    census.begin = 3;
    xyi_pending_census(counted, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct xyi_message_row row = row_for(1 + draw(3), DEVICES(0, 1, 2, 3));
        row.device_count = draw(5);
        ids[i] = row.id;
        add_later(&row);
        change_something(ids + (i < 40 ? 0 : i - 40), i < 40 ? i + 1 : 41);
        if (i % 9 == 0)
            xyi_pending_census(counted, NULL);
        if (i % 300 == 299)
            CHECK_OK(xy_txn_commit(xy_txn_begin()));
    }
    xyi_pending_census(counted, NULL);
    CHECK_OK(xy_txn_commit(xy_txn_begin()));
    CHECK_EQ(census.answers, 2 + (ROUNDS + 8) / 9);
    CHECK_EQ(census.rows, NUMBER("select count(*) from pending"));
    CHECK(census.rows > 0 && wrong > 0);
    /* and no content is without a view, no view without content */
    CHECK_EQ(NUMBER("select count(*) from pending p where not exists"
                    " (select 1 from message m where m.id = p.message)"),
             0);
}

END_STORE_TESTS
