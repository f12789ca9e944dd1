/* SPDX-License-Identifier: MIT */
/* Removals in the store: what takes part in a transaction, what must not be (xy_removal_flaws)
 * and its mending, and public ids, which open to what they were made of and to nothing else. */
#include <xylem/archive.h>
#include <xylem/removal.h>
#include "tests/unit/store_fixture.h"

#define NEVER XY_NONE

static xy_message_id
store_as(const char *stanza)
{
    struct xyi_message_row row = {.id = xyi_message_next_id(),
                                  .sender = 7,
                                  .recipient = 8,
                                  .sent_to = 1,
                                  .waits_for = 1,
                                  .devices = (const int64_t[]){5},
                                  .device_count = 1,
                                  .stanza = xy_str_from(stanza)};
    struct xy_txn *txn = xy_txn_begin();
    xyi_message_add(txn, &row);
    CHECK_OK(xy_txn_commit(txn));
    return row.id;
}

static xy_message_id
store(void)
{
    return store_as(
        "<message xmlns='jabber:client' id='a' from='a@b/c'><body>words</body></message>");
}

static xy_status
take_back(xy_message_id id, int64_t purge_ms)
{
    struct xy_txn *txn = xy_txn_begin();
    xyi_removal_add(txn, &(struct xy_removal){.message = id,
                                              .state = XY_MESSAGE_REMOVED,
                                              .operation = XY_STR("op"),
                                              .actor = XY_STR("me"),
                                              .notice_id = XY_STR("n"),
                                              .purge_ms = purge_ms});
    return xy_txn_commit(txn);
}

static size_t
flaws(enum xy_removal_flaw flaw)
{
    xy_message_id after = 0, *ids;
    size_t count, all = 0;
    do {
        CHECK_OK(xy_removal_flaws(flaw, &after, 2, &ids, &count));
        all += count;
    } while (after);
    return all;
}

static void
mend(enum xy_removal_flaw flaw, xy_message_id id)
{
    struct xy_txn *txn = xy_txn_begin();
    CHECK_OK(xy_removal_mend(txn, flaw, id, XY_STR("repair"), NEVER));
    CHECK_OK(xy_txn_commit(txn));
}

static void
no_flaws(void)
{
    for (int flaw = XY_FLAW_UNMARKED; flaw < XY_FLAW_UNRECORDED; flaw++)
        CHECK_EQ(flaws((enum xy_removal_flaw)flaw), 0);
}

/* ---- in a transaction -------------------------------------------------------------------- */

BOTH(a_message_is_taken_back_once)
{
    xy_message_id id = store();
    CHECK_OK(take_back(id, NEVER));
    CHECK_EQ(NUMBER("select state from message"), XY_MESSAGE_REMOVED);
    CHECK_EQ(NUMBER("select count(*) from pending"), 0);
    CHECK_EQ(take_back(id, NEVER), XY_CONFLICT);
    CHECK_EQ(NUMBER("select count(*) from removal"), 1);
    CHECK_EQ(take_back(id + 1, NEVER), XY_CONFLICT);
    no_flaws();
}

BOTH(a_notice_is_stored_with_its_effect_or_not)
{
    xy_message_id id = store();
    struct xyi_message_row notice = {.id = xyi_message_next_id(),
                                     .sender = 7,
                                     .recipient = 8,
                                     .sent_to = 1,
                                     .stanza = XY_STR("<message/>")};
    struct xy_txn *alone = xy_txn_begin();
    xyi_message_add(alone, &notice);
    xyi_removal_demand(alone);
    CHECK_EQ(xy_txn_commit(alone), XY_CONFLICT);
    CHECK_EQ(NUMBER("select count(*) from message"), 1);
    struct xy_txn *both = xy_txn_begin();
    xyi_message_add(both, &notice);
    xyi_removal_add(both, &(struct xy_removal){.message = id,
                                               .state = XY_MESSAGE_RETRACTED,
                                               .operation = XY_STR("op"),
                                               .actor = XY_STR("me"),
                                               .purge_ms = NEVER});
    xyi_removal_demand(both);
    CHECK_OK(xy_txn_commit(both));
    CHECK_EQ(NUMBER("select count(*) from message where state = 1"), 1);
}

/* ---- what must not be -------------------------------------------------------------------- */

BOTH(a_removal_whose_message_is_shown_is_found_and_mended)
{
    xy_message_id ids[5];
    for (int i = 0; i < 5; i++) {
        ids[i] = store();
        CHECK_OK(take_back(ids[i], NEVER));
    }
    CHECK_OK(WRITE("update message set state = 0"));
    CHECK_EQ(flaws(XY_FLAW_UNMARKED), 5);
    for (int i = 0; i < 5; i++)
        mend(XY_FLAW_UNMARKED, ids[i]);
    CHECK_EQ(NUMBER("select count(*) from message where state = 3"), 5);
    no_flaws();
}

BOTH(what_waits_although_it_was_taken_back_is_found_and_mended)
{
    xy_message_id id = store(), other = store();
    CHECK_OK(take_back(id, NEVER));
    CHECK_OK(WRITE(
        "insert into pending (owner, device, message) select 1, 9, message from removal"));
    CHECK_EQ(flaws(XY_FLAW_WAITING), 1);
    mend(XY_FLAW_WAITING, id);
    no_flaws();
    CHECK_EQ(NUMBER("select count(*) from pending"), 1); /* the other's */
    mend(XY_FLAW_WAITING,
         other); /* mending takes only from queues, nothing is taken back by it */
    CHECK_EQ(NUMBER("select count(*) from message where state = 0"), 1);
}

BOTH(what_is_purged_and_has_content_is_found_and_mended)
{
    xy_message_id id = store();
    CHECK_OK(take_back(id, NEVER));
    CHECK_OK(WRITE("update removal set purged = 1"));
    CHECK_EQ(flaws(XY_FLAW_UNPURGED), 1);
    mend(XY_FLAW_UNPURGED, id);
    no_flaws();
    struct xy_stanza *stanza;
    CHECK_EQ(xy_privileged_read(id, XY_STR("test"), &stanza), XY_GONE);
}

BOTH(what_is_due_is_found_and_purged_but_what_is_held)
{
    xy_message_id due = store(), held = store();
    CHECK_OK(take_back(due, 1));
    CHECK_OK(take_back(held, 1));
    CHECK_OK(WRITE("insert into held (message, hold) select max(message), 1 from removal"));
    CHECK_EQ(flaws(XY_FLAW_OVERDUE), 1);
    struct xy_txn *txn;
    xy_message_id *ids;
    size_t count;
    CHECK_OK(xy_purge_prepare(xy_now_ms(), 10, &txn, &ids, &count));
    CHECK_EQ(count, 1);
    CHECK_EQ(ids[0], due);
    CHECK_OK(xy_txn_commit(txn));
    no_flaws();
    struct xy_stanza *stanza;
    CHECK_EQ(xy_privileged_read(due, XY_STR("test"), &stanza), XY_GONE);
    CHECK_OK(xy_privileged_read(held, XY_STR("test"), &stanza));
    CHECK_EQ(xy_privileged_read(held, XY_NO_STR, &stanza), XY_INVALID);
}

BOTH(what_is_marked_without_a_record_gets_one)
{
    xy_message_id id = store();
    CHECK_OK(WRITE("update message set state = 1"));
    mend(XY_FLAW_UNRECORDED, id);
    CHECK_EQ(NUMBER("select count(*) from removal where state = 1 and operation = 'repair'"),
             1);
    CHECK_EQ(NUMBER("select count(*) from pending"), 0);
    no_flaws();
}

/* ---- what goes with what ----------------------------------------------------------------- */

static const struct xy_stanza *
said(const char *inner)
{
    return xy_stanza_parse(
        xy_temp_printf("<message xmlns='jabber:client'>%s</message>", inner));
}

#define REACTIONS    "<reactions xmlns='urn:xmpp:reactions:0' id='x'/>"
#define REPLACE      "<replace xmlns='urn:xmpp:message-correct:0' id='x'/>"
#define RETRACT      "<retract xmlns='urn:xmpp:message-retract:1' id='y'/>"
#define FALLBACK(of) "<body>+1</body><fallback xmlns='urn:xmpp:fallback:0' " of "/>"

BOTH(what_a_message_goes_with)
{
    CHECK(xy_str_is(xy_stanza_reacts_to(said(REACTIONS)), "x"));
    CHECK(xy_str_is(xy_stanza_reacts_to(said(REACTIONS FALLBACK("for='urn:xmpp:reactions:0'"))),
                    "x"));
    CHECK(xy_str_is(xy_stanza_reacts_to(said(REACTIONS FALLBACK(""))), "x"));
    CHECK(!xy_stanza_reacts_to(said(REACTIONS FALLBACK("for='urn:xmpp:reply:0'"))).len);
    CHECK(!xy_stanza_reacts_to(said(REACTIONS "<body>own words</body>")).len);
    CHECK(!xy_stanza_reacts_to(said(REACTIONS RETRACT)).len);
    CHECK(xy_str_is(xy_stanza_corrects(said(REPLACE "<body>better</body>")), "x"));
    CHECK(!xy_stanza_corrects(said(REPLACE RETRACT)).len);
    CHECK(xy_stanza_is_notice(said(RETRACT)) && !xy_stanza_is_notice(said(REPLACE)));
}

/* ---- public ids -------------------------------------------------------------------------- */

BOTH(a_public_id_opens_to_what_it_was_made_of)
{
    xy_owner owner;
    xy_message_id id, of = xyi_message_next_id();
    struct xy_str text = xy_stanza_id_make(42, of);
    CHECK_OK(xy_stanza_id_open(text, &owner, &id));
    CHECK(owner == 42 && id == of);
    CHECK_OK(xy_stanza_id_parse(42, text, &id));
    CHECK_EQ(xy_stanza_id_parse(43, text, &id), XY_ABSENT);
}

BOTH(nothing_else_opens)
{
    static const char *const alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    xy_owner owner;
    xy_message_id id;
    struct xy_str text = xy_stanza_id_make(42, xyi_message_next_id());
    for (size_t at = 0; at < text.len; at++)
        for (const char *c = alphabet; *c; c++) {
            char changed[64];
            memcpy(changed, text.at, text.len);
            if (changed[at] == *c)
                continue;
            changed[at] = *c;
            CHECK_EQ(xy_stanza_id_open(xy_str_of(changed, text.len), &owner, &id), XY_ABSENT);
        }
    CHECK_EQ(xy_stanza_id_open(XY_NO_STR, &owner, &id), XY_ABSENT);
    CHECK_EQ(xy_stanza_id_open(xy_str_of(text.at, text.len - 1), &owner, &id), XY_ABSENT);
    CHECK_EQ(xy_stanza_id_open(xy_temp_printf(XY_FMT "=", XY_ARG(text)), &owner, &id),
             XY_ABSENT);
    CHECK_EQ(xy_stanza_id_open(xy_temp_printf(" " XY_FMT, XY_ARG(text)), &owner, &id),
             XY_ABSENT);
}

END_STORE_TESTS
