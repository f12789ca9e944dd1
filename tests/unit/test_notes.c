/* SPDX-License-Identifier: MIT */
/* Notes of sessions as bytes: they mean the same in a later run, and broken ones change
 * nothing. */
#include "core/route/objects.h"
#include "tests/unit/harness.h"

static const struct xy_note first = {"test.first", 1, 8}, second = {"test.second", 1, 0},
                            newer = {"test.first", 2, 8}, empty = {"test.empty", 1, 0};

static void
fill(struct xy_session *session)
{
    memcpy(xy_session_note(session, &first), "12345678", 8);
    memcpy(xy_session_note_resize(session, &second, 5), "hello", 5);
    (void)xy_session_note_resize(session, &empty, 0);
}

static void
check(struct xy_session *session)
{
    CHECK(memcmp(xy_session_note_find(session, &first), "12345678", 8) == 0);
    CHECK(xy_session_note_size(session, &second) == 5);
    CHECK(memcmp(xy_session_note_find(session, &second), "hello", 5) == 0);
    CHECK(xy_session_note_find(session, &empty) && !xy_session_note_size(session, &empty));
    CHECK(!xy_session_note_find(session, &newer));
}

static void
begin(void)
{
    xyi_temp_set(xyi_arena_new(4096));
}

static void
end(struct xy_session *one, struct xy_session *other)
{
    xyi_notes_free(&one->notes);
    xyi_notes_free(&other->notes);
    xyi_arena_free(xyi_temp());
    xyi_temp_set(NULL);
}

TEST(notes_are_the_same_in_another_session)
{
    struct xy_session before = {0}, after = {0};
    begin();
    fill(&before);
    CHECK(xy_session_set_notes(&after, xy_session_notes(&before)) == XY_OK);
    check(&before);
    check(&after);
    end(&before, &after);
}

TEST(notes_that_are_there_are_replaced_or_stay)
{
    struct xy_session before = {0}, after = {0};
    begin();
    fill(&before);
    memcpy(xy_session_note_resize(&after, &second, 9), "good-bye!", 9);
    memcpy(xy_session_note(&after, &newer), "abcdefgh", 8);
    CHECK(xy_session_set_notes(&after, xy_session_notes(&before)) == XY_OK);
    CHECK_EQ(xy_session_note_size(&after, &second), 5);
    CHECK(memcmp(xy_session_note_find(&after, &second), "hello", 5) == 0);
    CHECK(memcmp(xy_session_note_find(&after, &newer), "abcdefgh", 8) == 0);
    end(&before, &after);
}

TEST(no_notes_are_no_bytes)
{
    struct xy_session before = {0}, after = {0};
    begin();
    CHECK_EQ(xy_session_notes(&before).len, 0);
    CHECK(xy_session_set_notes(&after, XY_NO_STR) == XY_OK);
    CHECK(!after.notes);
    end(&before, &after);
}

TEST(broken_bytes_change_nothing)
{
    struct xy_session before = {0}, after = {0};
    begin();
    fill(&before);
    struct xy_str bytes = xy_session_notes(&before);
    for (size_t len = 1; len < bytes.len; len++) {
        xy_status status = xy_session_set_notes(&after, xy_str_of(bytes.at, len));
        CHECK(status == XY_INVALID ? !after.notes : after.notes != NULL); /* cut between two */
        xyi_notes_free(&after.notes);
    }
    end(&before, &after);
}

END_TESTS
