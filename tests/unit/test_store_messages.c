/* SPDX-License-Identifier: MIT */
/* Message ids, rows, pending queues, evidence, partitions and plans. */
#include <endian.h>
#include <nettle/hmac.h>
#include <xylem/evidence.h>
#include "tests/unit/store_fixture.h"

#define NOW_MS INT64_C(1795000000000) /* 2026-11-18 */

static const int64_t anybody = 0;

static struct xyi_message_row
row_for(xy_owner owner, const char *stanza)
{
    return (struct xyi_message_row){.id = xyi_message_next_id(),
                                    .sender = 7,
                                    .recipient = 8,
                                    .waits_for = owner,
                                    .devices = &anybody,
                                    .device_count = 1,
                                    .origin_id = XY_STR("abc"),
                                    .stanza = xy_str_from(stanza)};
}

static xy_message_id
store(xy_owner owner, const char *stanza)
{
    struct xyi_message_row row = row_for(owner, stanza);
    struct xy_txn *txn = xy_txn_begin();
    xyi_message_add(txn, &row);
    CHECK_OK(xy_txn_commit(txn));
    return row.id;
}

static void
discard(xy_owner owner, xy_message_id before)
{
    struct xy_txn *txn = xy_txn_begin();
    xyi_pending_discard(txn, owner, 0, before);
    CHECK_OK(xy_txn_commit(txn));
}

static int64_t
pending(xy_owner owner)
{
    int64_t count = -1;
    CHECK_OK(xyi_pending_count(owner, &count));
    return count;
}

/* ---- ids --------------------------------------------------------------------------------- */

BOTH(ids_carry_their_time)
{
    xyi_clock_freeze(NOW_MS);
    xy_message_id id = xyi_message_next_id();
    CHECK(xy_message_id_ms(id) == NOW_MS);
    CHECK(id >= xy_message_id_at(NOW_MS) && id < xy_message_id_at(NOW_MS + 1));
    CHECK_EQ(xy_message_id_at(0), 0);
    CHECK_EQ(id >> 8 & 15, 0);
    CHECK(id < INT64_C(1) << 53);
}

BOTH(ids_rise_whatever_the_clock_does)
{
    xyi_clock_freeze(NOW_MS);
    xy_message_id last = 0;
    static const int64_t steps[] = {0, 1, 0, -5000, 0, 60000, -3600000, 0, 1};
    for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
        if (steps[s] < 0)
            xyi_clock_freeze(xy_now_ms() + steps[s]);
        else
            xyi_clock_advance(steps[s]);
        for (int i = 0; i < 1000; i++) { /* more than a millisecond's counter holds */
            xy_message_id id = xyi_message_next_id();
            CHECK(id > last);
            CHECK_EQ(id >> 8 & 15, 0);
            last = id;
        }
    }
}

BOTH(ids_bear_the_node)
{
    xyi_store_close();
    fixture.config.node = 11;
    open_store();
    xyi_clock_freeze(NOW_MS);
    for (int i = 0; i < 600; i++)
        CHECK_EQ(xyi_message_next_id() >> 8 & 15, 11);
    fixture.config.node = 0;
}

BOTH(a_restart_goes_on_above_the_last_id)
{
    xyi_clock_freeze(NOW_MS);
    xy_message_id last = 0;
    for (int i = 0; i < 10; i++)
        last = xyi_message_next_id();
    reopen_store();
    xy_message_id next = xyi_message_next_id();
    /* nothing is wasted by a clean stop: the next millisecond at most */
    CHECK(next > last && xy_message_id_ms(next) <= NOW_MS + 1);
    xyi_clock_freeze(NOW_MS - 86400000);
    reopen_store();
    CHECK(xyi_message_next_id() > next);
}

/* A crash: the mark stays where it was reserved, and nothing is written at the end. */
static void
crash(void)
{
    static const struct xy_statement get =
        XY_SQL("select value from xylem_meta where name = 'message.mark'");
    static const struct xy_statement set =
        XY_SQL("update xylem_meta set value = ? where name = 'message.mark'");
    struct xy_rows *rows;
    CHECK_OK(xy_txn_commit(xy_txn_begin())); /* reservations on their way arrive */
    CHECK_OK(xy_sql_read(&get, &rows));
    CHECK(xy_rows_next(rows));
    reopen_store();
    CHECK_OK(xy_sql_write(&set, XY_BYTES(xy_rows_text(rows, 0))));
    CHECK_OK(xyi_message_ids_start(0));
}

BOTH(a_crash_repeats_no_id)
{
    int64_t begin = xy_now_ms() + 86400000; /* later than anything this store has seen */
    xyi_clock_freeze(begin);
    xy_message_id last = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 2000; i++) {
            xy_message_id id = xyi_message_next_id();
            CHECK(id > last);
            last = id;
            if (i % 100 == 0)
                xyi_clock_advance(200);
        }
        crash();
        xyi_clock_freeze(xy_now_ms() - 60000); /* and the clock came up wrong */
    }
    /* each crash costs the reserve, not more */
    int64_t ahead_ms = xy_message_id_ms(xyi_message_next_id()) - begin;
    CHECK(ahead_ms > 5 * 5000 && ahead_ms < 4000 + 5 * 10100);
}

BOTH(stored_ids_alone_keep_the_next_one_above)
{
    xyi_clock_freeze(NOW_MS);
    xy_message_id id = store(1, "<message/>");
    discard(1, INT64_MAX); /* evidence stays */
    CHECK_OK(WRITE("delete from xylem_meta where name = 'message.mark'"));
    xyi_clock_freeze(NOW_MS - 86400000);
    CHECK_OK(xyi_message_ids_start(0));
    CHECK(xyi_message_next_id() > id);
}

/* ---- interned JIDs ----------------------------------------------------------------------- */

static int64_t jid_ids[40];

static void
intern(unsigned at)
{
    struct xy_str text = xy_temp_printf("user%u@example.org", at % 4);
    CHECK_OK(xyi_jid_id(xy_jid_parse(text), &jid_ids[at]));
}

BOTH(jids_have_one_number_each)
{
    in_parallel(40, intern);
    for (int i = 0; i < 40; i++)
        CHECK(jid_ids[i] > 0 && jid_ids[i] == jid_ids[i % 4]);
    for (int i = 1; i < 4; i++)
        CHECK(jid_ids[i] != jid_ids[0]);
    CHECK_EQ(NUMBER("select count(*) from jid"), 4);
    reopen_store();
    int64_t id;
    CHECK_OK(xyi_jid_id(xy_jid_parse(XY_STR("user2@example.org")), &id));
    CHECK_EQ(id, jid_ids[2]);
}

/* ---- pending ----------------------------------------------------------------------------- */

BOTH(messages_wait_in_order)
{
    xy_message_id ids[10];
    for (int i = 0; i < 10; i++) {
        ids[i] = store(1, xy_temp_printf("<message n='%d'/>", i).at);
        store(2, "<message n='other'/>");
    }
    CHECK_EQ(pending(1), 10);
    CHECK_EQ(pending(3), 0);
    struct xy_rows *rows;
    CHECK_OK(xyi_pending_read(1, 0, 0, INT64_MAX, 4, &rows));
    CHECK_EQ(xy_rows_count(rows), 4);
    CHECK_OK(xyi_pending_read(1, 0, ids[3], INT64_MAX, 100, &rows));
    CHECK_EQ(xy_rows_count(rows), 6);
    for (int i = 4; i < 10; i++) {
        CHECK(xy_rows_next(rows));
        CHECK(xy_rows_int(rows, 0) == ids[i]);
        CHECK(xy_str_equal(xy_rows_text(rows, 1), xy_temp_printf("<message n='%d'/>", i)));
    }
    CHECK_OK(xyi_pending_read(1, 0, ids[9], INT64_MAX, 100, &rows));
    CHECK_EQ(xy_rows_count(rows), 0);
}

static void
receive(xy_owner owner, int64_t device, xy_message_id id, bool archived)
{
    struct xy_txn *txn = xy_txn_begin();
    xyi_pending_receive(txn, owner, device, id, archived);
    CHECK_OK(xy_txn_commit(txn));
}

BOTH(what_is_acknowledged_goes_and_nothing_else)
{
    xy_message_id ids[6];
    for (int i = 0; i < 6; i++)
        ids[i] = store(1, "<message/>");
    xy_message_id other = store(2, "<message/>");
    receive(1, 0, ids[1], false);
    receive(1, 0, ids[2], false);
    receive(1, 0, ids[3], false);
    CHECK_EQ(pending(1), 3);
    CHECK_EQ(NUMBER("select count(*) from message"), 4);
    CHECK_EQ(NUMBER("select count(*) from message where id in (?, ?, ?, ?)", XY_INT(ids[0]),
                    XY_INT(ids[4]), XY_INT(ids[5]), XY_INT(other)),
             4);
    receive(1, 0, ids[3], false); /* again: nothing */
    receive(2, 0, ids[0], false); /* not theirs */
    receive(1, 9, ids[0], false); /* not that device's */
    struct xy_txn *txn = xy_txn_begin();
    xyi_pending_remove(txn, 1, ids[4]);
    xyi_pending_remove(txn, 2, ids[5]); /* not theirs */
    CHECK_OK(xy_txn_commit(txn));
    CHECK_EQ(pending(1), 2);
    CHECK_EQ(pending(2), 1);
    discard(1, INT64_MAX);
    discard(2, INT64_MAX);
    CHECK_EQ(NUMBER("select count(*) from message") + NUMBER("select count(*) from pending"),
             0);
    CHECK_EQ(NUMBER("select count(*) from evidence"), 7);
}

BOTH(what_somebody_needs_stays)
{
    xy_message_id shared = store(1, "<message/>"), archived = store(1, "<message/>"),
                  device = store(1, "<message/>");
    /* a second owner waits for the first */
    CHECK_OK(
        WRITE("insert into pending (owner, device, message) values (2, 0, ?)", XY_INT(shared)));
    CHECK_OK(WRITE("update message set archived = 2 where id = ?", XY_INT(archived)));
    CHECK_OK(
        WRITE("insert into pending (owner, device, message) values (1, 5, ?)", XY_INT(device)));
    discard(1, INT64_MAX);
    CHECK_EQ(pending(1), 1);
    CHECK_EQ(NUMBER("select count(*) from message"), 3);
    discard(2, INT64_MAX);
    CHECK_EQ(NUMBER("select count(*) from message"), 2);
    CHECK_EQ(NUMBER("select count(*) from message where id = ?", XY_INT(shared)), 0);
}

BOTH(what_was_removed_is_not_read)
{
    xy_message_id id = store(1, "<message/>");
    store(1, "<message n='2'/>");
    CHECK_OK(WRITE("update message set state = 1 where id = ?", XY_INT(id)));
    struct xy_rows *rows;
    CHECK_OK(xyi_pending_read(1, 0, 0, INT64_MAX, 10, &rows));
    CHECK_EQ(xy_rows_count(rows), 1);
    CHECK(xy_rows_next(rows));
    CHECK_STR(xy_rows_text(rows, 1), "<message n='2'/>");
}

BOTH(old_ones_are_found_by_host)
{
    xyi_clock_freeze(NOW_MS);
    struct xyi_keys keys;
    CHECK_OK(xyi_keys_make(XY_STR("p"), 16, &keys));
    xy_owner here, there;
    CHECK_OK(xyi_account_insert(xy_jid_parse(XY_STR("a@here.org")), &keys, &here));
    CHECK_OK(xyi_account_insert(xy_jid_parse(XY_STR("a@there.org")), &keys, &there));
    xy_message_id ids[6];
    for (int i = 0; i < 6; i++) {
        ids[i] = store(i % 2 ? there : here, "<message/>");
        xyi_clock_advance(1000);
    }
    struct xy_rows *rows;
    CHECK_OK(xyi_pending_older(XY_STR("here.org"), xy_message_id_at(NOW_MS + 3000), 10, &rows));
    CHECK_EQ(xy_rows_count(rows), 2);
    for (int i = 0; i < 4; i += 2) {
        CHECK(xy_rows_next(rows));
        CHECK(xy_rows_int(rows, 0) == here && xy_rows_int(rows, 1) == ids[i]);
    }
    CHECK_OK(xyi_pending_older(XY_STR("there.org"), INT64_MAX, 2, &rows));
    CHECK_EQ(xy_rows_count(rows), 2);
    CHECK_OK(xyi_pending_older(XY_STR("nowhere.org"), INT64_MAX, 2, &rows));
    CHECK_EQ(xy_rows_count(rows), 0);
}

static unsigned answered_at;
static unsigned answers[500];

static void
note(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    CHECK_OK(status);
    answers[answered_at++] = (unsigned)(uintptr_t)argument;
}

/* Messages that share commits with other work, and one that repeats an id: it alone fails. */
BOTH(messages_in_groups)
{
    struct xyi_message_row first = row_for(1, "<message/>");
    for (unsigned i = 0; i < 500; i++) {
        struct xyi_message_row row = i ? row_for(1 + i % 3, "<message/>") : first;
        struct xy_txn *txn = xyi_txn_detached();
        xyi_message_add(txn, &row);
        if (i % 7 == 0) {
            struct xyi_message_row copy = row_for(9, "<message/>");
            xyi_pending_remove(txn, row.waits_for, row.id);
            xyi_message_add(txn, &copy);
        }
        xyi_txn_submit(txn, note, (void *)(uintptr_t)i);
    }
    struct xy_txn *again = xy_txn_begin();
    xyi_message_add(again, &(struct xyi_message_row){
                               .id = first.id, .sent_to = 5, .stanza = XY_STR("<x/>")});
    CHECK_EQ(xy_txn_commit(again), XY_CONFLICT);
    CHECK_EQ(answered_at, 500);
    for (unsigned i = 0; i < 500; i++)
        CHECK_EQ(answers[i], i);
    CHECK_EQ(NUMBER("select count(*) from message"), 500);
    CHECK_EQ(NUMBER("select count(*) from evidence"), 572);
    CHECK_EQ(pending(9), 72);
    CHECK_EQ(pending(1) + pending(2) + pending(3), 428);
}

/* ---- evidence ---------------------------------------------------------------------------- */

BOTH(evidence_proves_the_text_and_no_other)
{
    struct xyi_message_row row =
        row_for(1, "<message to='juliet@example.org'><body>art thou</body></message>");
    struct xy_txn *txn = xy_txn_begin();
    xyi_message_add(txn, &row);
    CHECK_OK(xy_txn_commit(txn));
    discard(1, INT64_MAX);
    static const struct xy_statement get =
        XY_SQL("select commitment, salt from evidence where message = ?");
    struct xy_rows *rows;
    CHECK_OK(xy_sql_read(&get, &rows, XY_INT(row.id)));
    CHECK(xy_rows_next(rows));
    struct xy_str stored = xy_rows_text(rows, 0), salt = xy_rows_text(rows, 1);
    CHECK_EQ(salt.len, 16);
    CHECK_EQ(stored.len, 32);

    /* the form as documented, written out by hand */
    struct hmac_sha256_ctx hmac;
    unsigned char expected[32], got[32];
    uint64_t id = htobe64((uint64_t)row.id), sender = htobe64(7), recipient = htobe64(8);
    hmac_sha256_set_key(&hmac, 16, (const uint8_t *)salt.at);
    hmac_sha256_update(&hmac, 8, (const uint8_t *)&id);
    hmac_sha256_update(&hmac, 8, (const uint8_t *)&sender);
    hmac_sha256_update(&hmac, 8, (const uint8_t *)&recipient);
    hmac_sha256_update(&hmac, row.stanza.len, (const uint8_t *)row.stanza.at);
    hmac_sha256_digest(&hmac, 32, expected);
    CHECK(memcmp(expected, stored.at, 32) == 0);

    row.stanza = XY_STR("<message to='juliet@example.org'><body>art thoU</body></message>");
    xyi_message_commitment(&row, (const unsigned char *)salt.at, got);
    CHECK(memcmp(got, stored.at, 32) != 0);

    xy_message_id second = store(1, "<message/>");
    CHECK_OK(xy_sql_read(&get, &rows, XY_INT(second)));
    CHECK(xy_rows_next(rows));
    CHECK(!xy_str_equal(xy_rows_text(rows, 1), salt));
}

BOTH(evidence_confirms_what_was_said)
{
    struct xyi_message_row row = row_for(1, "<message/>");
    row.author = XY_STR("romeo@example.org");
    row.addressee = XY_STR("juliet@example.org");
    row.body = XY_STR("art thou");
    struct xy_txn *txn = xy_txn_begin();
    xyi_message_add(txn, &row);
    CHECK_OK(xy_txn_commit(txn));
    discard(1, INT64_MAX); /* the content goes */

    const struct xy_jid *romeo = xy_jid_parse(XY_STR("romeo@example.org/orchard"));
    const struct xy_jid *juliet = xy_jid_parse(XY_STR("juliet@example.org"));
    struct xy_evidence evidence;
    CHECK_OK(xy_evidence_find(row.id, &evidence));
    CHECK_EQ(evidence.commitment.len, 64);
    CHECK_OK(xy_evidence_confirms(&evidence, romeo, juliet, XY_STR("art thou")));
    CHECK_EQ(xy_evidence_confirms(&evidence, romeo, juliet, XY_STR("art thoU")), XY_DENIED);
    CHECK_EQ(xy_evidence_confirms(&evidence, romeo, juliet, XY_NO_STR), XY_DENIED);
    CHECK_EQ(xy_evidence_confirms(&evidence, juliet, romeo, XY_STR("art thou")), XY_DENIED);
    evidence.message++;
    CHECK_EQ(xy_evidence_confirms(&evidence, romeo, juliet, XY_STR("art thou")), XY_DENIED);

    /* the form as documented, written out by hand */
    struct hmac_sha256_ctx hmac;
    unsigned char expected[32];
    uint64_t id = htobe64((uint64_t)row.id);
    hmac_sha256_set_key(&hmac, 16, (const uint8_t *)evidence.salt.at);
    hmac_sha256_update(&hmac, 1, (const uint8_t *)"\xff");
    hmac_sha256_update(&hmac, 8, (const uint8_t *)&id);
    hmac_sha256_update(&hmac, 4, (const uint8_t *)"\0\0\0\x11");
    hmac_sha256_update(&hmac, 17, (const uint8_t *)"romeo@example.org");
    hmac_sha256_update(&hmac, 4, (const uint8_t *)"\0\0\0\x12");
    hmac_sha256_update(&hmac, 18, (const uint8_t *)"juliet@example.org");
    hmac_sha256_update(&hmac, 8, (const uint8_t *)"art thou");
    hmac_sha256_digest(&hmac, 32, expected);
    CHECK(memcmp(expected, evidence.commitment.at + 32, 32) == 0);

    CHECK_OK(WRITE("update evidence set salt = null"));
    CHECK_OK(xy_evidence_find(row.id, &evidence));
    CHECK_EQ(xy_evidence_confirms(&evidence, romeo, juliet, XY_STR("art thou")), XY_GONE);
    CHECK_OK(xy_evidence_find(store(1, "<message/>"), &evidence));
    CHECK_EQ(xy_evidence_confirms(&evidence, romeo, juliet, XY_STR("art thou")),
             XY_UNSUPPORTED);
    CHECK_EQ(xy_evidence_find(row.id - 1, &evidence), XY_ABSENT);

    struct xy_evidence *all;
    size_t count;
    CHECK_OK(xy_evidence_read(0, 1, &all, &count));
    CHECK(count == 1 && all[0].message == row.id && !all[0].salt.len);
    CHECK_OK(xy_evidence_read(row.id, 9, &all, &count));
    CHECK(count == 1 && all[0].message > row.id && all[0].salt.len == 16);
}

BOTH(origins_are_found_and_keyed)
{
    xy_message_id id = store(1, "<message/>");
    int64_t origin = xyi_message_origin(7, 8, XY_STR("abc"));
    CHECK(NUMBER("select id from message where origin = ? and sender = 7", XY_INT(origin)) ==
          id);
    CHECK(origin != xyi_message_origin(8, 7, XY_STR("abc")));
    CHECK(origin != xyi_message_origin(7, 8, XY_STR("abd")));
    reopen_store();
    CHECK(origin == xyi_message_origin(7, 8, XY_STR("abc")));
    CHECK_OK(WRITE("delete from xylem_meta where name = 'message.origin'"));
    reopen_store();
    CHECK(origin != xyi_message_origin(7, 8, XY_STR("abc")));
}

/* ---- partitions -------------------------------------------------------------------------- */

static struct xy_str
partition_of(xy_message_id id)
{
    static const struct xy_statement which =
        XY_SQL("select tableoid::regclass::text from message where id = ?");
    struct xy_rows *rows;
    CHECK_OK(xy_sql_read(&which, &rows, XY_INT(id)));
    CHECK(xy_rows_next(rows));
    return xy_rows_text(rows, 0);
}

ON_PGSQL(partitions_are_made_ahead)
{
    xyi_clock_freeze(INT64_C(1798761595000)); /* 2026-12-31T23:59:55Z */
    reopen_store();
    CHECK_STR(partition_of(store(1, "<message/>")), "message_2026_12");
    xyi_clock_advance(6000);
    CHECK_STR(partition_of(store(1, "<message/>")), "message_2027_01");
    CHECK_EQ(NUMBER("select count(*) from pg_class where relname in ('message_2027_02', "
                    "'entry_2027_02')"),
             2);
    CHECK_EQ(NUMBER("select count(*) from pg_class where relname = 'message_2027_03'"), 0);
    /* the clock jumps over many months at once */
    xyi_clock_freeze(INT64_C(1830000000000)); /* 2027-12-28 */
    CHECK_STR(partition_of(store(1, "<message/>")), "message_2027_12");
    reopen_store();
    CHECK_EQ(pending(1), 3);
    discard(1, INT64_MAX);
    CHECK_EQ(NUMBER("select count(*) from message"), 0);
}

ON_PGSQL(a_message_without_a_partition_is_kept_too)
{
    CHECK_OK(WRITE("insert into message (id, sender, rcpt, class, origin, stanza) values (5, "
                   "1, 1, 0, 0, '')"));
    CHECK_STR(partition_of(5), "message_rest");
}

END_STORE_TESTS
