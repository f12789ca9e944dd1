/* SPDX-License-Identifier: MIT */
/* Archives: public ids, pages, filters, tombstones, retention, erasing. */
#include <xylem/archive.h>
#include "tests/unit/store_fixture.h"

#define NOW_MS INT64_C(1795000000000) /* 2026-11-18 */

enum { ROMEO = 1, JULIET = 2, NURSE = 3 }; /* owners; their jid numbers are looked up */
static const char *const people[] = {"", "romeo@example.org", "juliet@example.org",
                                     "nurse@example.org"};

static const struct xy_jid *
jid(const char *text)
{
    return xy_jid_parse(xy_str_from(text));
}

static int64_t
number(xy_owner owner)
{
    int64_t id;
    CHECK_OK(xyi_jid_id(jid(people[owner]), &id));
    return id;
}

static struct xyi_message_row
row_of(xy_owner from, xy_owner to, const char *body)
{
    return (struct xyi_message_row){
        .id = xyi_message_next_id(),
        .sender = number(from),
        .recipient = number(to),
        .sent_by = from,
        .sent_to = to,
        .origin_id = XY_STR("abc"),
        .stanza = xy_temp_printf("<message from='%s/a' to='%s' id='i' type='chat'>"
                                 "<body>%s</body></message>",
                                 people[from], people[to], body),
    };
}

static xy_message_id
add(const struct xyi_message_row *row)
{
    struct xy_txn *txn = xy_txn_begin();
    xyi_message_add(txn, row);
    CHECK_OK(xy_txn_commit(txn));
    return row->id;
}

static xy_message_id
say_to(xy_owner from, xy_owner to, const char *body)
{
    struct xyi_message_row row = row_of(from, to, body);
    return add(&row);
}

static struct xy_archive_page
page_of(struct xy_archive_query query)
{
    struct xy_archive_page page;
    CHECK_OK(xy_archive_read(&query, &page));
    for (size_t i = 1; i < page.count; i++)
        CHECK(page.at[i].id > page.at[i - 1].id);
    return page;
}

static struct xy_str
body_of(const struct xy_archived *archived)
{
    return xy_node_text(xy_stanza_child(archived->stanza, XY_NO_STR, XY_STR("body")));
}

/* Of an owner; 0: of all. On SQLite there are two tables. */
static int64_t
entries(xy_owner owner)
{
    struct xy_value whose = XY_INT(owner);
    int64_t count = NUMBER("select count(*) from entry where ? in (0, owner)", whose);
    return on_pgsql()
               ? count
               : count + NUMBER("select count(*) from entry_new where ? in (0, owner)", whose);
}

static int64_t
rows_in_all(void)
{
    return NUMBER("select (select count(*) from message)"
                  " + (select count(*) from pending) + (select count(*) from device)") +
           entries(0);
}

/* ---- public ids -------------------------------------------------------------------------- */

BOTH(public_ids_come_back_to_their_owner_alone)
{
    xy_message_id last = 0;
    for (int i = 0; i < 1000; i++) {
        xy_message_id id = xyi_message_next_id(), found;
        struct xy_str mine = xy_stanza_id_make(ROMEO, id), hers = xy_stanza_id_make(JULIET, id);
        CHECK_OK(xy_stanza_id_parse(ROMEO, mine, &found));
        CHECK(found == id && id > last);
        CHECK_EQ(xy_stanza_id_parse(JULIET, mine, &found), XY_ABSENT);
        CHECK_EQ(xy_stanza_id_parse(ROMEO, hers, &found), XY_ABSENT);
        CHECK_EQ(mine.len, 23);
        last = id;
    }
    static const xy_owner owners[] = {1, 65535, 65536, (INT64_C(1) << 48) - 1};
    for (size_t i = 0; i < 4; i++) {
        xy_message_id id;
        CHECK_OK(xy_stanza_id_parse(owners[i], xy_stanza_id_make(owners[i], INT64_MAX), &id));
        CHECK(id == INT64_MAX);
    }
}

BOTH(public_ids_last)
{
    struct xy_str before = xy_stanza_id_make(ROMEO, 4096);
    reopen_store();
    CHECK(xy_str_equal(before, xy_stanza_id_make(ROMEO, 4096)));
    CHECK_OK(WRITE("delete from xylem_meta where name = 'stanza_id.a'"));
    reopen_store();
    CHECK(!xy_str_equal(before, xy_stanza_id_make(ROMEO, 4096)));
}

BOTH(what_is_no_public_id)
{
    struct xy_str good = xy_stanza_id_make(ROMEO, 123456789);
    xy_message_id id;
    CHECK_OK(xy_stanza_id_parse(ROMEO, good, &id));
    static const char *const bad[] = {"",
                                      "a",
                                      "aAAAAAAAAAAAAAAAAAAAAAA",
                                      "123",
                                      "a======================",
                                      "a \t\n                   "};
    struct xyi_store_counts before, after;
    xyi_store_counts(&before);
    CHECK_EQ(xy_stanza_id_parse(ROMEO, XY_NO_STR, &id), XY_ABSENT);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(xy_stanza_id_parse(ROMEO, xy_str_from(bad[i]), &id), XY_ABSENT);
    /* one character for every other, at every place: none stands for the same id */
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n\xff";
    for (size_t at = 0; at < good.len; at++)
        for (size_t c = 0; c < sizeof(alphabet); c++) {
            char text[32];
            memcpy(text, good.at, good.len);
            if (text[at] == alphabet[c])
                continue;
            text[at] = alphabet[c];
            CHECK_EQ(xy_stanza_id_parse(ROMEO, xy_str_of(text, good.len), &id), XY_ABSENT);
        }
    CHECK_EQ(xy_stanza_id_parse(ROMEO, xy_str_of(good.at, good.len - 1), &id), XY_ABSENT);
    CHECK_EQ(xy_stanza_id_parse(ROMEO, xy_temp_printf(XY_FMT "A", XY_ARG(good)), &id),
             XY_ABSENT);
    xyi_store_counts(&after);
    CHECK_EQ(before.reads, after.reads); /* the database was not asked */
}

/* ---- views ------------------------------------------------------------------------------- */

BOTH(each_archive_shows_its_own)
{
    xy_message_id both = say_to(ROMEO, JULIET, "both");
    struct xyi_message_row row = row_of(ROMEO, JULIET, "his alone");
    row.sent_to = 0;
    xy_message_id his = add(&row);
    row = row_of(ROMEO, JULIET, "hers alone");
    row.sent_by = 0;
    xy_message_id hers = add(&row);
    row = row_of(ROMEO, JULIET, "nobody's");
    static const int64_t devices[] = {0};
    row.sent_by = row.sent_to = 0;
    row.waits_for = JULIET;
    row.devices = devices;
    row.device_count = 1;
    xy_message_id queued = add(&row);

    struct xy_archive_page page =
        page_of((struct xy_archive_query){.owner = ROMEO, .limit = 9});
    CHECK_EQ(page.count, 2);
    CHECK(page.at[0].id == both && page.at[1].id == his && !page.more);
    CHECK(page.at[0].outgoing && page.at[1].outgoing);
    page = page_of((struct xy_archive_query){.owner = JULIET, .limit = 9});
    CHECK_EQ(page.count, 2);
    CHECK(page.at[0].id == both && page.at[1].id == hers);
    CHECK(!page.at[0].outgoing && !page.at[1].outgoing);
    CHECK_STR(body_of(&page.at[1]), "hers alone");
    CHECK_EQ(page_of((struct xy_archive_query){.owner = NURSE, .limit = 9}).count, 0);
    CHECK_EQ(NUMBER("select archived from message where id = ?", XY_INT(both)), 3);
    CHECK_EQ(NUMBER("select archived from message where id = ?", XY_INT(his)), 1);
    CHECK_EQ(NUMBER("select archived from message where id = ?", XY_INT(hers)), 2);
    CHECK_EQ(NUMBER("select archived from message where id = ?", XY_INT(queued)), 0);
    CHECK_OK(xy_archive_has(ROMEO, both));
    CHECK_EQ(xy_archive_has(ROMEO, hers), XY_ABSENT);
    CHECK_EQ(xy_archive_has(JULIET, queued), XY_ABSENT);
}

BOTH(a_message_to_oneself_is_there_once)
{
    xy_message_id id = say_to(ROMEO, ROMEO, "note");
    CHECK_EQ(entries(0), 1);
    struct xy_rows *rows;
    static const struct xy_statement flags = {.sql = "select flags from entry_new",
                                              .pgsql = "select flags from entry"};
    CHECK_OK(xy_sql_read(&flags, &rows));
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 0) == 3);
    CHECK_EQ(NUMBER("select archived from message"), 3);
    struct xy_archive_page page = page_of(
        (struct xy_archive_query){.owner = ROMEO, .limit = 9, .with = jid(people[ROMEO])});
    CHECK_EQ(page.count, 1);
    CHECK(page.at[0].id == id && page.at[0].outgoing);
    int64_t removed;
    CHECK_OK(xy_archive_trim(ROMEO, INT64_MAX, 10, &removed));
    CHECK_EQ(removed, 1);
    CHECK_EQ(rows_in_all(), 0);
}

/* An entry of a former release, which had one for what waited. */
BOTH(what_only_waited_is_not_shown)
{
    xy_message_id id = say_to(ROMEO, JULIET, "x");
    CHECK_OK(on_pgsql() ? WRITE("update entry set flags = 0 where owner = 2")
                        : WRITE("update entry_new set flags = 0 where owner = 2"));
    xy_message_id oldest, newest;
    CHECK_EQ(page_of((struct xy_archive_query){.owner = JULIET, .limit = 9}).count, 0);
    CHECK_EQ(xy_archive_has(JULIET, id), XY_ABSENT);
    CHECK_OK(xy_archive_bounds(JULIET, 0, &oldest, &newest));
    CHECK(!oldest && !newest);
}

/* ---- pages ------------------------------------------------------------------------------- */

/* Every page of every size in both directions against a plain list. */
static void
walk(const xy_message_id *ids, size_t count, int64_t limit, bool newest,
     const struct xy_jid *with)
{
    struct xy_archive_query query = {
        .owner = ROMEO, .limit = limit, .newest = newest, .with = with};
    size_t seen = 0;
    for (bool more = true; more;) {
        struct xy_archive_page page = page_of(query);
        CHECK(page.count == (size_t)limit || !page.more);
        for (size_t i = 0; i < page.count; i++) {
            size_t at = newest ? count - seen - page.count + i : seen + i;
            CHECK(at < count && page.at[i].id == ids[at]);
        }
        seen += page.count;
        more = page.more;
        CHECK(more == (seen < count));
        if (page.count && newest)
            query.before = page.at[0].id;
        else if (page.count)
            query.after = page.at[page.count - 1].id;
    }
    CHECK_EQ(seen, count);
}

BOTH(pages_have_no_gap_and_know_whether_there_is_more)
{
    xy_message_id all[40], juliet[40], none[1] = {0};
    size_t hers = 0;
    for (int i = 0; i < 40; i++) {
        bool nurse = i % 3 == 1;
        all[i] = i % 2 ? say_to(ROMEO, nurse ? NURSE : JULIET, "x")
                       : say_to(nurse ? NURSE : JULIET, ROMEO, "x");
        if (!nurse)
            juliet[hers++] = all[i];
        say_to(JULIET, NURSE, "not his");
    }
    static const int64_t limits[] = {1, 2, 3, 7, 13, 39, 40, 41, 1000};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        for (int newest = 0; newest < 2; newest++) {
            walk(all, 40, limits[i], newest, NULL);
            walk(juliet, hers, limits[i], newest, jid(people[JULIET]));
            walk(none, 0, limits[i], newest, jid("stranger@example.org"));
            walk(none, 0, limits[i], newest, jid(people[ROMEO]));
        }
    CHECK_EQ(NUMBER("select count(*) from jid where text like 'stranger%'"), 0);
}

BOTH(bounds_are_exclusive)
{
    xy_message_id ids[10];
    for (int i = 0; i < 10; i++)
        ids[i] = say_to(i % 2 ? ROMEO : JULIET, i % 2 ? JULIET : ROMEO, "x");
    for (int from = -1; from < 10; from++)
        for (int to = from + 1; to <= 10; to++)
            for (int newest = 0; newest < 2; newest++) {
                struct xy_archive_query query = {.owner = ROMEO,
                                                 .after = from < 0 ? 0 : ids[from],
                                                 .before = to == 10 ? 0 : ids[to],
                                                 .limit = 3,
                                                 .newest = newest};
                struct xy_archive_page page = page_of(query);
                size_t there = (size_t)(to - from - 1), first = (size_t)from + 1;
                CHECK_EQ(page.count, there < 3 ? there : 3);
                CHECK_EQ(page.more, there > 3);
                for (size_t i = 0; i < page.count; i++)
                    CHECK(page.at[i].id ==
                          ids[newest ? (size_t)to - page.count + i : first + i]);
            }
    xy_message_id oldest, newest;
    CHECK_OK(xy_archive_bounds(ROMEO, 0, &oldest, &newest));
    CHECK(oldest == ids[0] && newest == ids[9]);
    CHECK_OK(xy_archive_bounds(ROMEO, ids[5], &oldest, &newest));
    CHECK(oldest == ids[0] && newest == ids[4]);
    CHECK_OK(xy_archive_bounds(ROMEO, ids[0], &oldest, &newest));
    CHECK(!oldest && !newest);
    xy_message_id id;
    CHECK_OK(xy_archive_nth(ROMEO, 0, &id));
    CHECK(id == ids[9]);
    CHECK_OK(xy_archive_nth(ROMEO, 9, &id));
    CHECK(id == ids[0]);
    CHECK_OK(xy_archive_nth(ROMEO, 10, &id));
    CHECK_EQ(id, 0);
}

BOTH(some_are_read_by_their_ids)
{
    xy_message_id ids[5];
    for (int i = 0; i < 5; i++)
        ids[i] = say_to(ROMEO, i == 3 ? NURSE : JULIET, "x");
    xy_message_id wanted[] = {ids[4], ids[0], 77, ids[3], ids[0], INT64_MAX, ids[1]};
    struct xy_archive_page page;
    CHECK_OK(xy_archive_read_ids(JULIET, wanted, 7, &page));
    CHECK_EQ(page.count, 3);
    CHECK(page.at[0].id == ids[0] && page.at[1].id == ids[1] && page.at[2].id == ids[4]);
    CHECK(!page.more);
    CHECK_OK(xy_archive_read_ids(JULIET, wanted, 0, &page));
    CHECK_EQ(page.count, 0);
    xy_message_id *many = xy_temp_alloc(3000 * sizeof(*many));
    for (int i = 0; i < 3000; i++)
        many[i] = ids[i % 5];
    CHECK_OK(xy_archive_read_ids(ROMEO, many, 3000, &page));
    CHECK_EQ(page.count, 5);
}

/* ---- full JIDs --------------------------------------------------------------------------- */

static xy_message_id
from_resource(const char *resource)
{
    struct xyi_message_row row = row_of(JULIET, ROMEO, "x");
    row.stanza = xy_temp_printf("<message from='%s/%s' to='%s'><body>x</body></message>",
                                people[JULIET], resource, people[ROMEO]);
    return add(&row);
}

static void
check_full_jids(void)
{
    xy_message_id balcony[40];
    size_t count = 0;
    for (int i = 0; i < 450; i++) { /* several steps without any, then some together */
        bool there = i == 0 || (i > 230 && i < 240) || i == 449;
        xy_message_id id = from_resource(there ? "balcony" : "chamber");
        if (there)
            balcony[count++] = id;
    }
    const struct xy_jid *with = jid("juliet@example.org/balcony");
    static const int64_t limits[] = {1, 2, 5, 11, 12, 500};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        for (int newest = 0; newest < 2; newest++)
            walk(balcony, count, limits[i], newest, with);
    walk(balcony, 0, 5, false, jid("juliet@example.org/tomb"));
    walk(balcony, 0, 5, false, jid("juliet@example.org/Balcony"));
}

BOTH(full_jids_find_their_resource)
{
    check_full_jids();
}

/* ---- tombstones -------------------------------------------------------------------------- */

BOTH(a_removed_message_leaves_its_frame)
{
    struct xyi_message_row row = row_of(ROMEO, JULIET, "");
    row.stanza = XY_STR("<message from='romeo@example.org/a' to='juliet@example.org' id='x1'"
                        " type='chat' xml:lang='en'><body>secret</body><x xmlns='secret'/>"
                        "</message>");
    xy_message_id id = add(&row);
    CHECK_OK(WRITE("update message set state = 2 where id = ?", XY_INT(id)));
    struct xy_archive_page page =
        page_of((struct xy_archive_query){.owner = ROMEO, .limit = 1});
    CHECK_EQ(page.count, 1);
    CHECK_STR(
        xy_stanza_text(page.at[0].stanza),
        "<message to='juliet@example.org' from='romeo@example.org/a' id='x1' type='chat'/>");
    CHECK_OK(xy_archive_read_ids(JULIET, &id, 1, &page));
    CHECK_EQ(page.count, 1);
    CHECK(!xy_node_first(xy_stanza_root(page.at[0].stanza)));
    struct xy_rows *rows;
    CHECK_OK(xyi_message_read(&id, 1, &rows));
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 0) == id && xy_rows_is_null(rows, 1));
}

BOTH(an_unreadable_row_stops_no_page)
{
    xy_message_id id = say_to(ROMEO, JULIET, "x");
    say_to(ROMEO, JULIET, "y");
    CHECK_OK(WRITE("update message set stanza = ? where id = ?", XY_BYTES(XY_STR("<mess")),
                   XY_INT(id)));
    struct xy_archive_page page =
        page_of((struct xy_archive_query){.owner = ROMEO, .limit = 9});
    CHECK_EQ(page.count, 2);
    CHECK(!xy_node_first(xy_stanza_root(page.at[0].stanza)));
    CHECK_STR(body_of(&page.at[1]), "y");
    page = page_of((struct xy_archive_query){
        .owner = ROMEO, .limit = 9, .with = jid("juliet@example.org/b")});
    CHECK_EQ(page.count, 0);
}

BOTH(a_huge_stanza_comes_back_whole)
{
    size_t size = 3 << 20;
    char *body = xy_temp_alloc(size + 1);
    memset(body, 'x', size);
    xy_message_id id = say_to(ROMEO, JULIET, body);
    struct xy_archive_page page =
        page_of((struct xy_archive_query){.owner = JULIET, .limit = 1});
    CHECK(page.at[0].id == id && body_of(&page.at[0]).len == size);
}

/* ---- staged entries (SQLite) ---------------------------------------------------------------
 */

static int64_t
staged(void)
{
    return NUMBER("select count(*) from entry_new");
}

/* Until the writer has nothing more to move. */
static void
move_all(void)
{
    xyi_staging_most = 1;
    say_to(NURSE, JULIET, "last");
    for (int64_t before = -1, left = staged(); left > 1 && left != before; left = staged()) {
        before = left;
        CHECK_OK(xy_txn_commit(xy_txn_begin()));
        CHECK_OK(xy_txn_commit(xy_txn_begin()));
    }
    xyi_staging_most = 200000;
}

/* Each entry in one of the two tables, whatever has been moved. */
static void
check_none_twice(int64_t expected)
{
    CHECK_EQ(entries(0), expected);
    CHECK_EQ(NUMBER("select count(*) from entry e, entry_new n where e.owner = n.owner"
                    " and e.message = n.message"),
             0);
}

ON_SQLITE(pages_are_the_same_wherever_entries_are)
{
    enum { COUNT = 60 };
    xy_message_id all[COUNT], juliet[COUNT];
    size_t hers = 0;
    for (int i = 0; i < COUNT; i++) {
        bool nurse = i % 3 == 1;
        all[i] = i % 2 ? say_to(ROMEO, nurse ? NURSE : JULIET, "x")
                       : say_to(nurse ? NURSE : JULIET, ROMEO, "x");
        if (!nurse)
            juliet[hers++] = all[i];
        if (i == 20)
            move_all();
        if (i ==
            40) { /* some of the owner's are moved, others not, older and newer ones mixed */
            struct xy_txn *txn = xy_txn_begin();
            CHECK_EQ(xyi_staged_move(txn, ROMEO, all[30]), 2);
            CHECK_OK(xy_txn_commit(txn));
        }
    }
    CHECK(staged() > 0 && NUMBER("select count(*) from entry") > 0);
    CHECK_OK(WRITE("insert into entry_new select * from entry where owner = 1 and message = ?",
                   XY_INT(all[3])));
    CHECK_OK(WRITE("delete from entry where owner = 1 and message = ?", XY_INT(all[3])));
    for (int64_t limit = 1; limit < 70; limit += 9)
        for (int newest = 0; newest < 2; newest++) {
            walk(all, COUNT, limit, newest, NULL);
            walk(juliet, hers, limit, newest, jid(people[JULIET]));
        }
    xy_message_id oldest, newest, nth;
    CHECK_OK(xy_archive_bounds(ROMEO, 0, &oldest, &newest));
    CHECK(oldest == all[0] && newest == all[COUNT - 1]);
    for (int i = 0; i < COUNT; i++) {
        CHECK_OK(xy_archive_nth(ROMEO, i, &nth));
        CHECK(nth == all[COUNT - 1 - i]);
        CHECK_OK(xy_archive_has(ROMEO, all[i]));
    }
    struct xy_archive_page page;
    CHECK_OK(xy_archive_read_ids(ROMEO, all, COUNT, &page));
    CHECK_EQ(page.count, COUNT);
    for (int i = 0; i < COUNT; i++)
        CHECK(page.at[i].id == all[i]);
    int64_t removed;
    CHECK_OK(xy_archive_trim(ROMEO, all[50], INT64_MAX, &removed));
    CHECK_EQ(removed, 50);
    walk(all + 50, 10, 3, true, NULL);
}

ON_SQLITE(full_jids_are_found_in_both_tables)
{
    xyi_staging_most = 100;
    check_full_jids();
    xyi_staging_most = 200000;
    CHECK(NUMBER("select count(*) from entry") > 0);
}

static void
read_while_moving(unsigned at)
{
    for (int i = 0; i < 40; i++) {
        struct xy_archive_page page =
            page_of((struct xy_archive_query){.owner = at % 2 ? ROMEO : JULIET, .limit = 9000});
        CHECK_EQ(page.count, 6000);
    }
}

static void
write_6000(void)
{
    for (int lot = 0; lot < 6; lot++) {
        struct xy_txn *txn = xy_txn_begin();
        for (int i = 0; i < 1000; i++) {
            struct xyi_message_row row = row_of(ROMEO, JULIET, "x");
            xyi_message_add(txn, &row);
        }
        CHECK_OK(xy_txn_commit(txn));
    }
}

ON_SQLITE(readers_see_every_entry_once_while_they_are_moved)
{
    write_6000();
    CHECK_EQ(staged(), 12000);
    xyi_staging_most = 1;
    say_to(NURSE, NURSE, "go");
    xyi_staging_most = 200000;
    in_parallel(2, read_while_moving);
    for (int i = 0; i < 20 && staged(); i++)
        CHECK_OK(xy_txn_commit(xy_txn_begin()));
    CHECK_EQ(staged(), 0);
    check_none_twice(12001);
}

/* What a power cut leaves is what a copy of the files at any moment between two commits is. */
ON_SQLITE(a_crash_between_two_lots_loses_and_doubles_nothing)
{
    write_6000();
    xyi_staging_most = 1;
    say_to(NURSE, NURSE, "go");
    xyi_staging_most = 200000;
    bool halfway = false;
    for (int i = 0; i < 8; i++) {
        struct visitor visitor = visit_same(); /* a snapshot of its own */
        CHECK_EQ(system(xy_temp_printf("rm -f %s/copy.db", fixture.dir).at), 0);
        say(&visitor, xy_temp_printf("vacuum into '%s/copy.db'", fixture.dir).at);
        leave(&visitor);
        struct visitor copy = visit("sqlite", xy_temp_printf("%s/copy.db", fixture.dir).at);
        struct xyi_fault fault;
        struct xy_rows *rows;
        static const struct xy_statement counts =
            XY_SQL("select (select count(*) from entry), (select count(*) from entry_new),"
                   " (select count(*) from entry e join entry_new n using (owner, message))");
        CHECK_OK(copy.driver->run(copy.connection, &counts, XY_VALUES(), INT64_MAX, xyi_temp(),
                                  &rows, &fault));
        CHECK(xy_rows_next(rows));
        CHECK_EQ(xy_rows_int(rows, 0) + xy_rows_int(rows, 1), 12001);
        CHECK_EQ(xy_rows_int(rows, 2), 0);
        halfway |= xy_rows_int(rows, 0) > 0 && xy_rows_int(rows, 1) > 0;
        leave(&copy);
        CHECK_OK(xy_txn_commit(xy_txn_begin()));
    }
    CHECK(halfway);
    check_none_twice(12001);
}

ON_SQLITE(a_start_goes_on_moving)
{
    write_6000();
    xyi_staging_most = 1000;
    reopen_store();
    xyi_staging_most = 200000;
    for (int i = 0; i < 20 && staged(); i++)
        CHECK_OK(xy_txn_commit(xy_txn_begin()));
    CHECK_EQ(staged(), 0);
    check_none_twice(12000);
    xyi_staging_most = 1;
    say_to(ROMEO, JULIET, "and closing in the middle is fine");
    xyi_staging_most = 200000;
    reopen_store();
    check_none_twice(12002);
}

/* ---- retention --------------------------------------------------------------------------- */

BOTH(content_goes_with_the_last_view)
{
    xy_message_id id = say_to(ROMEO, JULIET, "x");
    int64_t removed;
    CHECK_OK(xy_archive_trim(ROMEO, id, 10, &removed)); /* below it: nothing */
    CHECK_EQ(removed, 0);
    CHECK_OK(xy_archive_trim(ROMEO, id + 1, 10, &removed));
    CHECK_EQ(removed, 1);
    CHECK_EQ(NUMBER("select archived from message"), 2);
    CHECK_EQ(xy_archive_has(ROMEO, id), XY_ABSENT);
    CHECK_EQ(page_of((struct xy_archive_query){.owner = JULIET, .limit = 9}).count, 1);
    CHECK_OK(xy_archive_trim(JULIET, INT64_MAX, 10, &removed));
    CHECK_EQ(removed, 1);
    CHECK_EQ(rows_in_all(), 0);
    CHECK_EQ(NUMBER("select count(*) from evidence"), 1);
    bool exists = false;
    CHECK_OK(xyi_message_exists(id, &exists));
    CHECK(exists);
    CHECK_OK(xyi_message_exists(id + 1, &exists));
    CHECK(!exists);
}

BOTH(what_waits_stays_when_no_archive_has_it)
{
    static const int64_t devices[] = {5, 6};
    struct xyi_message_row row = row_of(ROMEO, JULIET, "x");
    row.waits_for = JULIET;
    row.devices = devices;
    row.device_count = 2;
    xy_message_id id = add(&row);
    int64_t removed;
    struct xy_rows *rows;
    CHECK_OK(xyi_pending_read(JULIET, 5, 0, INT64_MAX, 9, &rows));
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 2) == 1);
    CHECK_OK(xy_archive_trim(JULIET, INT64_MAX, 10, &removed));
    CHECK_OK(xyi_pending_read(JULIET, 5, 0, INT64_MAX, 9, &rows));
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 2) == 0);
    CHECK_OK(xy_archive_trim(ROMEO, INT64_MAX, 10, &removed));
    CHECK_EQ(NUMBER("select archived from message"), 0);
    CHECK_EQ(NUMBER("select count(*) from pending"), 2);
    struct xy_txn *txn = xy_txn_begin();
    xyi_pending_receive(txn, JULIET, 5, id, false);
    CHECK_OK(xy_txn_commit(txn));
    CHECK_EQ(NUMBER("select count(*) from message"), 1);
    txn = xy_txn_begin();
    xyi_pending_receive(txn, JULIET, 6, id, false);
    CHECK_OK(xy_txn_commit(txn));
    CHECK_EQ(rows_in_all(), 0);
}

BOTH(retention_goes_in_lots_and_stops_where_told)
{
    xy_message_id ids[330];
    struct xy_txn *txn = xy_txn_begin();
    for (int i = 0; i < 330; i++) {
        struct xyi_message_row row =
            row_of(i % 2 ? ROMEO : JULIET, i % 2 ? JULIET : ROMEO, "x");
        if (i % 10 == 0)
            row.sent_to = 0; /* Juliet's alone */
        xyi_message_add(txn, &row);
        ids[i] = row.id;
    }
    CHECK_OK(xy_txn_commit(txn));
    int64_t removed;
    struct xyi_store_counts before, after;
    xyi_store_counts(&before);
    CHECK_OK(xy_archive_trim(JULIET, ids[300], 250, &removed));
    xyi_store_counts(&after);
    CHECK_EQ(removed, 250);
    CHECK_EQ(after.transactions - before.transactions, 3);
    CHECK_EQ(entries(2), 80);
    CHECK_EQ(NUMBER("select count(*) from message"), 305); /* 25 were hers alone */
    CHECK_OK(xy_archive_trim(JULIET, ids[300], 250, &removed));
    CHECK_EQ(removed, 50);
    CHECK_OK(xy_archive_trim(JULIET, ids[300], 250, &removed));
    CHECK_EQ(removed, 0);
    CHECK_OK(xy_archive_has(JULIET, ids[300]));
    CHECK_EQ(xy_archive_has(JULIET, ids[299]), XY_ABSENT);
    CHECK_EQ(entries(1), 297);
    CHECK_OK(xy_archive_trim(ROMEO, INT64_MAX, INT64_MAX, &removed));
    CHECK_EQ(removed, 297);
    CHECK_EQ(NUMBER("select count(*) from message"), 30);
    CHECK_OK(xy_archive_trim(JULIET, INT64_MAX, 100, &removed));
    CHECK_EQ(removed, 30);
    CHECK_EQ(rows_in_all(), 0);
}

/* ---- erasing ----------------------------------------------------------------------------- */

static xy_owner
create(const char *bare)
{
    struct xyi_keys keys;
    xy_owner owner;
    CHECK_OK(xyi_keys_make(XY_STR("p"), 16, &keys));
    CHECK_OK(xyi_account_insert(jid(bare), &keys, &owner));
    return owner;
}

static void
three_people(void)
{
    CHECK_EQ(create(people[ROMEO]), ROMEO);
    CHECK_EQ(create(people[JULIET]), JULIET);
    CHECK_EQ(create(people[NURSE]), NURSE);
    static const int64_t devices[] = {0, 7};
    struct xy_txn *txn = xy_txn_begin();
    for (int i = 0; i < 240; i++) {
        xy_owner other = i % 2 ? JULIET : NURSE;
        struct xyi_message_row row = row_of(i % 3 ? ROMEO : other, i % 3 ? other : ROMEO, "x");
        row.waits_for = i % 3 ? other : ROMEO;
        row.devices = devices;
        row.device_count = 1 + i % 2;
        if (i % 4 == 0)
            row.sent_by = row.sent_to = 0;
        xyi_message_add(txn, &row);
    }
    xyi_device_seen(txn, ROMEO, 7, NOW_MS);
    CHECK_OK(xy_txn_commit(txn));
}

static void
check_that_only_romeo_has_gone(void)
{
    CHECK_EQ(entries(1), 0);
    CHECK_EQ(NUMBER("select count(*) from pending where owner = 1"), 0);
    CHECK_EQ(NUMBER("select count(*) from device where owner = 1"), 0);
    CHECK_EQ(entries(2), 120);
    CHECK_EQ(entries(3), 60);
    CHECK_EQ(NUMBER("select count(*) from pending where owner = 2"), 160);
    CHECK_EQ(NUMBER("select count(*) from pending where owner = 3"), 80);
    /* all but what only waited for him: every twelfth */
    CHECK_EQ(NUMBER("select count(*) from message"), 220);
    CHECK_EQ(NUMBER("select coalesce(sum(archived % 2 + archived / 2), 0) from message"),
             entries(0));
    CHECK_EQ(NUMBER("select count(*) from xylem_meta where name like 'erase%'"), 0);
}

BOTH(erasing_leaves_what_is_others)
{
    three_people();
    CHECK_OK(xyi_account_remove(ROMEO, XY_NO_STR));
    CHECK_EQ(NUMBER("select count(*) from account where owner = 1"), 0);
    CHECK_OK(xyi_account_erase(ROMEO));
    check_that_only_romeo_has_gone();
    CHECK_OK(xyi_account_erase(ROMEO)); /* again: nothing */
    check_that_only_romeo_has_gone();
    CHECK_OK(xyi_account_remove(JULIET, XY_NO_STR));
    CHECK_OK(xyi_account_erase(JULIET));
    CHECK_OK(xyi_account_remove(NURSE, XY_NO_STR));
    CHECK_OK(xyi_account_erase(NURSE));
    CHECK_EQ(rows_in_all(), 0);
    CHECK_EQ(NUMBER("select count(*) from evidence"), 240);
}

BOTH(an_interrupted_erasing_is_finished_at_the_next_start)
{
    three_people();
    CHECK_OK(xyi_account_remove(ROMEO, XY_NO_STR));
    int64_t removed;
    CHECK_OK(xy_archive_trim(ROMEO, INT64_MAX, 100, &removed)); /* so far it came */
    reopen_store();
    check_that_only_romeo_has_gone();
}

END_STORE_TESTS
