/* SPDX-License-Identifier: MIT */
/* Which SQL texts reach into the message store (requirements S1-7, N11). */
#include "core/store/store.h"
#include "tests/unit/harness.h"

static bool
reaches(const char *sql, const char *table)
{
    struct xy_str found = xyi_sql_own_table(xy_str_from(sql));
    return table ? xy_str_equal(found, xy_str_from(table)) : !found.len;
}

TEST(reads_and_writes_are_found)
{
    CHECK(reaches("select stanza from message where id = ?", "message"));
    CHECK(reaches("SELECT stanza\n FROM Message", "message"));
    CHECK(reaches("select 1 from \"message\"", "message"));
    CHECK(reaches("select 1 from main.message m", "message"));
    CHECK(reaches("select 1 from public . \"entry\"", "entry"));
    CHECK(reaches("select 1 from muc_room r, message m where m.id = r.id", "message"));
    CHECK(
        reaches("select 1 from muc_room r left join pending p on p.message = r.id", "pending"));
    CHECK(reaches("select 1 from t where x in (select id from archive)", "archive"));
    CHECK(reaches("with w as (select 1 from held) select * from w", "held"));
    CHECK(reaches("insert into evidence (message) values (?)", "evidence"));
    CHECK(reaches("update removal set purged = 1", "removal"));
    CHECK(reaches("delete from entry_new", "entry_new"));
    CHECK(reaches("create view mine as select stanza from message", "message"));
    CHECK(reaches("create table a (x integer); drop table login", "login"));
}

TEST(other_tables_and_texts_are_not)
{
    CHECK(reaches("select message from retract_muc where owner = ?", NULL));
    CHECK(reaches("insert into hold_item (hold, message) values (?, ?)", NULL));
    CHECK(reaches("update t set message = ?, entry = ? where held = 0", NULL));
    CHECK(reaches("select a.x, message from t a, u b where b.y = 1", NULL));
    CHECK(reaches("select 1 from t on conflict (owner, message) do update set message = 1",
                  NULL));
    CHECK(reaches("select x from messages", NULL));
    CHECK(reaches("select x from message_mine join my_message", NULL));
    CHECK(reaches("delete from t where message in (select message from u order by pending)",
                  NULL));
    CHECK(reaches("What is read from message archives", NULL));
    CHECK(reaches("selected from message", NULL));
    CHECK(reaches("", NULL));
    CHECK(reaches("select from", NULL));
}

END_TESTS
