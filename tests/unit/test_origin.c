/* SPDX-License-Identifier: MIT */
/* Where messages came from: what evidence says whatever becomes of the row, what erasing leaves
 * of it, and which login a session has that goes on elsewhere. */
#include <arpa/inet.h>
#include <xylem/evidence.h>
#include "core/net/net_internal.h"
#include "core/route/objects.h"
#include "tests/unit/store_fixture.h"

#define ROMEO  "romeo@example.org"
#define JULIET "juliet@example.org"

static const struct xy_jid *
jid(const char *text)
{
    return xy_jid_parse(xy_str_from(text));
}

static int64_t
jid_number(const char *bare)
{
    int64_t id;
    CHECK_OK(xyi_jid_id(jid(bare), &id));
    return id;
}

static void
add_login(struct xy_txn *txn, xy_message_id id, const char *bare, const char *resource)
{
    xyi_login_add(txn, &(struct xyi_login_row){.id = id,
                                               .jid = jid_number(bare),
                                               .resource = xy_str_from(resource),
                                               .path = XY_LOGIN_SASL2_BIND2,
                                               .source = XY_SOURCE_PUBLIC});
}

/* `login` 0: of none. */
static xy_message_id
write_message(const char *from, const char *to, xy_message_id login, const char *resource)
{
    struct xyi_message_row row = {.id = xyi_message_next_id(),
                                  .sender = jid_number(from),
                                  .recipient = jid_number(to),
                                  .class = XY_SERVICE_MESSAGE,
                                  .author = xy_str_from(from),
                                  .addressee = xy_str_from(to),
                                  .stanza = XY_STR("<message><body>x</body></message>"),
                                  .body = XY_STR("x"),
                                  .login = login};
    struct xy_txn *txn = xy_txn_begin();
    if (login)
        add_login(txn, login, from, resource);
    xyi_message_add(txn, &row);
    CHECK_OK(xy_txn_commit(txn));
    return row.id;
}

static struct xy_provenance
told(xy_message_id id)
{
    struct xy_provenance said;
    CHECK_OK(xy_message_provenance(id, &said));
    return said;
}

static void
drop_row(xy_message_id id)
{
    static const struct xy_statement drop = XY_SQL("delete from message where id = ?");
    CHECK_OK(xy_sql_write(&drop, XY_INT(id)));
}

/* ---- what evidence says ------------------------------------------------------------------ */

BOTH(it_outlives_the_row)
{
    xy_message_id login = xyi_message_next_id();
    xy_message_id id = write_message(ROMEO, JULIET, login, "balcony");
    for (int i = 0; i < 2; i++) {
        struct xy_provenance said = told(id);
        CHECK(said.author == jid(ROMEO) && said.addressee == jid(JULIET));
        CHECK(said.session == jid(ROMEO "/balcony"));
        CHECK_EQ(said.login, login);
        CHECK_EQ(said.path, XY_LOGIN_SASL2_BIND2);
        CHECK_EQ(said.source, XY_SOURCE_PUBLIC);
        CHECK_EQ(said.at_ms, xy_message_id_ms(id));
        CHECK(said.has_class && said.class == XY_SERVICE_MESSAGE && said.provable);
        CHECK_EQ(said.commitment.len, 64);
        CHECK(said.stored == !i && !said.removed && !said.held);
        drop_row(id);
    }
    struct xy_provenance said;
    CHECK_EQ(xy_message_provenance(id + 1, &said), XY_ABSENT);
}

BOTH(a_login_is_written_once_and_never_changed)
{
    xy_message_id login = xyi_message_next_id();
    xy_message_id first = write_message(ROMEO, JULIET, login, "balcony");
    xy_message_id second = write_message(ROMEO, JULIET, login, "forged");
    CHECK_EQ(NUMBER("select count(*) from login"), 1);
    CHECK(told(first).session == told(second).session);
}

BOTH(what_no_session_wrote_names_none)
{
    struct xy_provenance said = told(write_message("example.org", JULIET, 0, NULL));
    CHECK(!said.login && !said.session && said.author == jid("example.org"));
}

BOTH(a_former_release_wrote_less)
{
    static const struct xy_statement add =
        XY_SQL("insert into evidence (message, commitment, salt) values (?, ?, ?)");
    CHECK_OK(xy_sql_write(&add, XY_INT(4096), XY_BYTES(XY_STR("c")), XY_BYTES(XY_STR("s"))));
    struct xy_provenance said = told(4096);
    CHECK(!said.author && !said.addressee && !said.login && !said.has_class && said.provable);
    CHECK_EQ(said.commitment.len, 1);
}

BOTH(what_was_taken_back_says_by_whom)
{
    xy_message_id id = write_message(ROMEO, JULIET, 0, NULL);
    struct xy_txn *txn = xy_txn_begin();
    xy_removal_add(txn, &(struct xy_removal){.message = id,
                                             .state = XY_MESSAGE_MODERATED,
                                             .operation = XY_STR("op"),
                                             .actor = XY_STR(ROMEO "/balcony"),
                                             .by = XY_STR("hall/nick"),
                                             .reason = XY_STR("why"),
                                             .purge_ms = XY_NONE});
    CHECK_OK(xy_txn_commit(txn));
    for (int i = 0; i < 2; i++) {
        struct xy_provenance said = told(id);
        CHECK(said.removed && said.state == XY_MESSAGE_MODERATED && !said.purged);
        CHECK(xy_str_is(said.operation, "op") && xy_str_is(said.by, "hall/nick"));
        CHECK(xy_str_is(said.reason, "why") && xy_str_is(said.actor, ROMEO "/balcony"));
        drop_row(id);
    }
}

/* ---- erasing ----------------------------------------------------------------------------- */

static void
forget(const char *author, xy_message_id before)
{
    xy_message_id after = 0;
    int64_t forgotten, held;
    do {
        struct xy_txn *txn = xy_txn_begin();
        xy_message_id through;
        CHECK_OK(xy_evidence_forget(txn, jid(author), after, before, 2, &through, &forgotten,
                                    &held));
        CHECK_OK(xy_txn_commit(txn));
        after = through;
    } while (after);
}

BOTH(erasing_forgets_names_and_logins_but_not_what_is_held)
{
    static const struct xy_statement hold =
        XY_SQL("insert into held (message, hold) values (?, 1)");
    xy_message_id first = xyi_message_next_id(), second = xyi_message_next_id(),
                  hers = xyi_message_next_id();
    xy_message_id a = write_message(ROMEO, JULIET, first, "a");
    xy_message_id b = write_message(JULIET, ROMEO, hers, "chamber");
    xy_message_id c = write_message(ROMEO, ROMEO, second, "c");
    xy_message_id kept = write_message(ROMEO, JULIET, second, "c");
    xy_message_id to_him = write_message(JULIET, ROMEO, hers, "chamber");
    CHECK_OK(xy_sql_write(&hold, XY_INT(kept)));
    CHECK_OK(xy_sql_write(&hold, XY_INT(to_him)));
    xy_message_id end = xyi_message_next_id();
    xy_message_id later = write_message(ROMEO, JULIET, xyi_message_next_id(), "another");
    forget(ROMEO, end);
    struct xy_provenance said = told(a);
    CHECK(!said.author && !said.login && !said.session && !said.provable);
    CHECK(said.addressee == jid(JULIET)); /* hers */
    said = told(b);
    CHECK(said.author == jid(JULIET) && said.session == jid(JULIET "/chamber") &&
          said.provable);
    CHECK(!said.addressee);
    said = told(c);
    CHECK(!said.author && !said.addressee && !said.login);
    said = told(kept);
    CHECK(said.author == jid(ROMEO) && said.session == jid(ROMEO "/c") && said.provable);
    CHECK(told(to_him).addressee == jid(ROMEO));
    CHECK(told(later).session == jid(ROMEO "/another")); /* who has the address since */
    CHECK_EQ(NUMBER("select count(*) from login where id = ?", XY_INT(first)), 0);
    CHECK_EQ(NUMBER("select count(*) from login"), 3);
}

/* ---- a session that goes on elsewhere ---------------------------------------------------- */

struct scene {
    struct xyi_link link;
    struct xy_stream stream;
    struct xy_session session;
};

static void
come_from(struct scene *scene, const char *address)
{
    CHECK_EQ(inet_pton(AF_INET6, address, &scene->link.address), 1);
    snprintf(scene->link.peer, sizeof(scene->link.peer), "%s", address);
}

static void
open_session(struct scene *scene)
{
    come_from(scene, "::ffff:203.0.114.1");
    scene->stream.link = &scene->link;
    scene->session.stream = &scene->stream;
    scene->session.jid = jid(ROMEO "/balcony");
    scene->session.login = xyi_login_new(&scene->stream, scene->session.jid, XY_LOGIN_FAST);
}

BOTH(a_resumed_session_keeps_its_login_unless_it_comes_from_elsewhere)
{
    static struct scene scene;
    open_session(&scene);
    int64_t login = xy_session_login(&scene.session);
    come_from(&scene, "2a00::1");
    xyi_login_resumed(&scene.session);
    CHECK_EQ(xy_session_login(&scene.session), login);
    come_from(&scene, "fd00::1");
    xyi_login_resumed(&scene.session);
    CHECK(xy_session_login(&scene.session) > login);
    struct xyi_login_record record = xyi_login_save(scene.session.login);
    CHECK_EQ(record.path, XY_LOGIN_RESUMED);
    CHECK_EQ(record.source, XY_SOURCE_PRIVATE);
    xyi_login_drop(scene.session.login);
}

BOTH(a_login_lives_on_in_the_notes_of_its_session)
{
    static struct scene scene, next;
    open_session(&scene);
    open_session(&next); /* of a later run */
    int64_t login = xy_session_login(&scene.session);
    CHECK(xy_session_login(&next.session) != login);
    struct xy_str notes = xy_session_notes(&scene.session);
    xyi_login_written(scene.session.login);
    struct xy_str later = xy_session_notes(&scene.session);
    xyi_login_drop(scene.session.login);
    CHECK_OK(xy_session_set_notes(&next.session, notes));
    CHECK_EQ(xy_session_login(&next.session), login);
    CHECK_EQ(xyi_login_save(next.session.login).path, XY_LOGIN_FAST);
    struct xyi_login *unwritten = xyi_login_to_write(login);
    CHECK(unwritten == next.session.login);
    xyi_login_drop(unwritten);
    xyi_login_drop(next.session.login);
    open_session(&next);
    CHECK_OK(xy_session_set_notes(&next.session, later));
    CHECK_EQ(xy_session_login(&next.session), login);
    CHECK(!xyi_login_to_write(login));
    xyi_login_drop(next.session.login);
}

BOTH(the_row_is_due_until_one_of_its_messages_is_committed)
{
    static struct scene scene;
    open_session(&scene);
    struct xyi_login *login = xyi_login_to_write(xy_session_login(&scene.session));
    CHECK(login);
    CHECK_OK(xyi_login_identify(login));
    for (int i = 0; i < 2; i++) { /* the first of them may have failed */
        struct xy_txn *txn = xy_txn_begin();
        xyi_login_write(login, txn);
        CHECK_OK(xy_txn_commit(txn));
    }
    CHECK_EQ(NUMBER("select count(*) from login where resource = 'balcony' and source = ?",
                    XY_INT(XY_SOURCE_PUBLIC)),
             1);
    xyi_login_written(login);
    CHECK(!xyi_login_to_write(xy_session_login(&scene.session)));
    CHECK(!xyi_login_to_write(0));
    xyi_login_drop(login);
    xyi_login_drop(scene.session.login);
    CHECK(!xyi_login_to_write(xy_message_id_at(1)));
}

END_STORE_TESTS
