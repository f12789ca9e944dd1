/* SPDX-License-Identifier: MIT */
/* Rooms as owners of archives: numbers, lists, who really wrote what, what removal leaves. */
#include <xylem/archive.h>
#include "tests/unit/store_fixture.h"

#define ROMEO  "romeo@example.org"
#define JULIET "juliet@example.org"

static const struct xy_jid *
jid(const char *text)
{
    return xy_jid_parse(xy_str_from(text));
}

static xy_owner
room(const char *bare)
{
    xy_owner owner;
    CHECK_OK(xyi_room_add(jid(bare), jid("example.org"), &owner));
    CHECK(xyi_owner_is_room(owner));
    return owner;
}

static xy_message_id
post(xy_owner owner, const char *author, const char *nick, const char *content)
{
    struct xyi_message_row row = {
        .id = xyi_message_next_id(),
        .sent_to = owner,
        .stanza = xy_temp_printf("<message from='hall@rooms.example.org/%s'"
                                 " to='hall@rooms.example.org' id='i' type='groupchat'>"
                                 "%s<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o-%s'/>"
                                 "</message>",
                                 nick, content, nick)};
    CHECK_OK(xyi_jid_id(jid(author), &row.sender));
    CHECK_OK(xyi_jid_id(jid("hall@rooms.example.org"), &row.recipient));
    struct xy_txn *txn = xy_txn_begin();
    xyi_message_add(txn, &row);
    CHECK_OK(xy_txn_commit(txn));
    return row.id;
}

static struct xy_archive_page
page_of(struct xy_archive_query query)
{
    struct xy_archive_page page;
    CHECK_OK(xy_archive_read(&query, &page));
    CHECK_OK(xy_archive_authors(&page));
    return page;
}

static struct xy_str
occupant_id(const struct xy_archived *archived)
{
    return xy_node_attr(xy_stanza_child(archived->stanza, XY_STR("urn:xmpp:occupant-id:0"),
                                        XY_STR("occupant-id")),
                        "id");
}

/* ---- numbers ----------------------------------------------------------------------------- */

BOTH(a_room_has_a_number_no_other_ever_has)
{
    xy_owner none, again;
    CHECK_EQ(xyi_room_find(jid("hall@rooms.example.org"), &none), XY_ABSENT);
    CHECK_EQ(none, 0);
    xy_owner hall = room("hall@rooms.example.org"), yard = room("yard@rooms.example.org");
    CHECK(hall != yard && !xyi_owner_is_room(1));
    CHECK_EQ(room("hall@rooms.example.org"), hall);
    reopen_store();
    CHECK_OK(xyi_room_find(jid("hall@rooms.example.org"), &again));
    CHECK_EQ(again, hall);
    CHECK_OK(xyi_room_remove(yard));
    CHECK_EQ(xyi_room_find(jid("yard@rooms.example.org"), &again), XY_ABSENT);
    CHECK(room("yard@rooms.example.org") > yard);
    xy_message_id id;
    CHECK_OK(xy_stanza_id_parse(hall, xy_stanza_id_make(hall, 4096), &id));
    CHECK_EQ(id, 4096);
    CHECK_EQ(xy_stanza_id_parse(yard, xy_stanza_id_make(hall, 4096), &id), XY_ABSENT);
}

static void
make_hall(unsigned at)
{
    (void)at;
    (void)room("hall@rooms.example.org");
}

BOTH(many_at_once_make_one_number)
{
    in_parallel(20, make_hall);
    CHECK_EQ(NUMBER("select count(*) from room"), 1);
}

BOTH(rooms_are_listed_by_host_and_name)
{
    char name[64];
    xy_owner owners[10], other;
    for (int i = 9; i >= 0; i--) {
        snprintf(name, sizeof(name), "r%d@rooms.example.org", i);
        owners[i] = room(name);
    }
    CHECK_OK(xyi_room_add(jid("r5@rooms.example.net"), jid("example.net"), &other));
    struct xy_rows *rows;
    struct xy_str after = XY_NO_STR;
    int seen = 0;
    for (size_t got = 4; got == 4;) {
        CHECK_OK(xyi_room_list(jid("example.org"), after, 4, &rows));
        got = xy_rows_count(rows);
        while (xy_rows_next(rows)) {
            after = xy_rows_text(rows, 0);
            CHECK_EQ(xy_rows_int(rows, 1), owners[seen++]);
        }
    }
    CHECK_EQ(seen, 10);
    CHECK_OK(xyi_room_list(jid("example.net"), XY_NO_STR, 4, &rows));
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 1) == other && !xy_rows_next(rows));
}

/* ---- who wrote it ------------------------------------------------------------------------ */

BOTH(one_row_and_one_entry_whoever_wrote)
{
    xy_owner hall = room("hall@rooms.example.org");
    for (int i = 0; i < 10; i++)
        post(hall, i % 2 ? ROMEO : JULIET, i % 3 ? "Nick" : "Other", "<body>b</body>");
    CHECK_EQ(NUMBER("select count(*) from message"), 10);
    CHECK_EQ(NUMBER("select count(*) from archive where owner <> ?", XY_INT(hall)), 0);
    struct xy_archive_page page = page_of((struct xy_archive_query){.owner = hall, .limit = 9});
    CHECK(page.count == 9 && page.more);
    for (size_t i = 0; i < page.count; i++) {
        CHECK(page.at[i].author == jid(i % 2 ? ROMEO : JULIET));
        CHECK(!page.at[i].outgoing && page.at[i].state == XY_MESSAGE_LIVE);
    }
}

static size_t
count_with(xy_owner owner, const char *with)
{
    struct xy_archive_query query = {.owner = owner, .with = jid(with), .limit = 100};
    return page_of(query).count;
}

BOTH(occupants_are_found_by_nick_and_people_by_their_address)
{
    xy_owner hall = room("hall@rooms.example.org");
    for (int i = 0; i < 250; i++)
        post(hall, i % 2 ? ROMEO : JULIET, i % 5 ? "Nick" : "Other", "<body>b</body>");
    CHECK_EQ(count_with(hall, "hall@rooms.example.org/Other"), 50);
    CHECK_EQ(count_with(hall, "hall@rooms.example.org/Nobody"), 0);
    CHECK_EQ(count_with(hall, ROMEO), 100); /* the limit */
    CHECK_EQ(count_with(hall, "nobody@example.org"), 0);
    struct xy_archive_query query = {
        .owner = hall, .with = jid("hall@rooms.example.org/Other"), .limit = 7, .newest = true};
    struct xy_archive_page page = page_of(query);
    CHECK(page.count == 7 && page.more);
    for (size_t i = 0; i < page.count; i++)
        CHECK(xy_stanza_from(page.at[i].stanza) == query.with);
}

BOTH(authors_of_nothing_are_none)
{
    struct xy_archive_page page =
        page_of((struct xy_archive_query){.owner = room("hall@rooms.example.org"), .limit = 9});
    CHECK(!page.count && !page.more);
}

/* ---- what removal leaves ----------------------------------------------------------------- */

static void
check_tombstone(const struct xy_archived *at, xy_message_id id)
{
    CHECK(at->state != XY_MESSAGE_LIVE && at->id == id);
    CHECK(xy_stanza_from(at->stanza) == jid("hall@rooms.example.org/Romeo"));
    CHECK(xy_str_is(xy_stanza_id(at->stanza), "i"));
    CHECK(xy_str_is(xy_stanza_type(at->stanza), "groupchat"));
    CHECK(xy_str_is(occupant_id(at), "o-Romeo"));
    const struct xy_node *first = xy_node_first(xy_stanza_root(at->stanza));
    CHECK(first && !xy_node_next(first) && !xy_node_first(first));
    CHECK(!xy_node_text(xy_stanza_root(at->stanza)).len);
}

BOTH(a_removed_message_keeps_its_occupant)
{
    xy_owner hall = room("hall@rooms.example.org");
    for (int64_t state = 1; state <= 4; state++) {
        xy_message_id id = post(hall, ROMEO, "Romeo",
                                "<body>secret</body><x xmlns='urn:test:x'>secret</x>"
                                "<occupant-id xmlns='urn:test:x' id='secret'/>"),
                      notice = post(hall, JULIET, "Juliet",
                                    "<retract xmlns='urn:xmpp:message-retract:1' id='s'/>");
        CHECK_OK(WRITE("update message set state = ? where id = ?", XY_INT(state), XY_INT(id)));
        struct xy_archive_query query = {.owner = hall, .after = id - 1, .limit = 9};
        struct xy_archive_page page = page_of(query);
        CHECK_EQ(page.count, 2);
        check_tombstone(&page.at[0], id);
        CHECK(page.at[0].author == jid(ROMEO));
        CHECK(page.at[1].id == notice && page.at[1].state == XY_MESSAGE_LIVE);
        CHECK(xy_stanza_child(page.at[1].stanza, XY_NO_STR, XY_STR("retract")));
        CHECK_OK(xy_archive_read_ids(hall, &id, 1, &page));
        CHECK_EQ(page.count, 1);
        check_tombstone(&page.at[0], id);
        CHECK(xy_str_equal(page.at[0].stanza_id, xy_stanza_id_make(hall, id)));
        CHECK_OK(xy_archive_has(hall, id));
    }
    CHECK_EQ(count_with(hall, "hall@rooms.example.org/Romeo"), 4);
    CHECK_EQ(count_with(hall, ROMEO), 4);
}

/* ---- going ------------------------------------------------------------------------------- */

BOTH(content_goes_with_the_room)
{
    xy_owner hall = room("hall@rooms.example.org"), yard = room("yard@rooms.example.org");
    for (int i = 0; i < 250; i++) {
        post(hall, ROMEO, "Nick", "<body>b</body>");
        post(yard, ROMEO, "Nick", "<body>b</body>");
    }
    int64_t removed;
    CHECK_OK(xy_archive_trim(hall, INT64_MAX, 50, &removed));
    CHECK_EQ(removed, 50);
    CHECK_EQ(NUMBER("select count(*) from message"), 450);
    CHECK_OK(xyi_room_remove(hall));
    CHECK_EQ(NUMBER("select count(*) from message"), 250);
    CHECK_EQ(NUMBER("select count(*) from archive where owner = ?", XY_INT(hall)), 0);
    CHECK_EQ(NUMBER("select count(*) from room"), 1);
    CHECK_EQ(NUMBER("select count(*) from evidence"), 500);
}

BOTH(an_interrupted_removal_ends_at_the_next_start)
{
    xy_owner hall = room("hall@rooms.example.org");
    post(hall, ROMEO, "Nick", "<body>b</body>");
    struct xy_txn *txn = xy_txn_begin();
    xyi_erase_mark(txn, hall, XY_NO_STR);
    CHECK_OK(xy_txn_commit(txn));
    reopen_store();
    CHECK_EQ(NUMBER("select count(*) from message"), 0);
    CHECK_EQ(NUMBER("select count(*) from archive"), 0);
}

END_STORE_TESTS
