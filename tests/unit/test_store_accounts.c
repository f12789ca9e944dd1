/* SPDX-License-Identifier: MIT */
/* Accounts, their SCRAM keys and answers that do not show who exists. */
#include <nettle/memxor.h>
#include "core/store/hash.h"
#include "tests/unit/store_fixture.h"

static const struct xy_jid *
jid(const char *text)
{
    return xy_jid_parse(xy_str_from(text));
}

static xy_owner
create(const char *bare, const char *password)
{
    struct xyi_keys keys;
    xy_owner owner;
    CHECK_OK(xyi_keys_make(xy_str_from(password), 64, &keys));
    CHECK_OK(xyi_account_insert(jid(bare), &keys, &owner));
    return owner;
}

static xy_status
check(const char *bare, const char *password)
{
    return xy_account_check_password(jid(bare), xy_str_from(password));
}

/* ---- rows -------------------------------------------------------------------------------- */

BOTH(an_account_lives)
{
    xyi_clock_freeze(1800000000000);
    xy_owner romeo = create("romeo@example.org", "juliet1");
    struct xy_account account;
    CHECK_OK(xy_account_find(jid("romeo@example.org"), &account));
    CHECK(account.owner == romeo && romeo > 0);
    CHECK_EQ(account.state, XY_ACCOUNT_ACTIVE);
    CHECK_EQ(account.created_ms, 1800000000000);
    CHECK_EQ(account.last_login_ms, 0);
    CHECK_STR(xy_jid_text(account.jid), "romeo@example.org");
    CHECK_EQ(xy_account_find(jid("juliet@example.org"), &account), XY_ABSENT);

    CHECK_OK(check("romeo@example.org", "juliet1"));
    CHECK_EQ(check("romeo@example.org", "juliet2"), XY_DENIED);
    CHECK_EQ(check("romeo@example.org", ""), XY_DENIED);

    struct xyi_keys keys;
    CHECK_OK(xyi_keys_make(XY_STR("rosaline"), 64, &keys));
    CHECK_OK(xyi_account_update_keys(romeo, &keys));
    CHECK_EQ(check("romeo@example.org", "juliet1"), XY_DENIED);
    CHECK_OK(check("romeo@example.org", "rosaline"));

    CHECK_OK(xyi_account_update_state(romeo, XY_ACCOUNT_DISABLED));
    CHECK_EQ(check("romeo@example.org", "rosaline"), XY_GONE);
    CHECK_EQ(check("romeo@example.org", "juliet1"), XY_DENIED);
    CHECK_OK(xy_account_find(jid("romeo@example.org"), &account));
    CHECK_EQ(account.state, XY_ACCOUNT_DISABLED);
    CHECK_OK(xyi_account_update_state(romeo, XY_ACCOUNT_ACTIVE));
    CHECK_OK(check("romeo@example.org", "rosaline"));

    xyi_account_touch(romeo, 1800000012345);
    reopen_store();
    CHECK_OK(xy_account_find(jid("romeo@example.org"), &account));
    CHECK_EQ(account.last_login_ms, 1800000012345);
}

static struct xy_account
found(const char *bare)
{
    struct xy_account account = {0};
    CHECK_OK(xy_account_find(jid(bare), &account));
    return account;
}

BOTH(an_epoch_ends_with_a_password_and_when_disabled)
{
    xy_owner romeo = create("romeo@example.org", "juliet1");
    create("juliet@example.org", "romeo1");
    struct xyi_keys keys;
    struct xy_account was = found("romeo@example.org"), other = found("juliet@example.org");
    CHECK_OK(xyi_keys_make(XY_STR("rosaline"), 64, &keys));
    CHECK_OK(xyi_account_update_keys(romeo, &keys));
    struct xy_account is = found("romeo@example.org");
    CHECK(is.passwords == was.passwords + 1 && is.epoch > was.epoch);

    CHECK_OK(xyi_account_update_state(romeo, XY_ACCOUNT_DISABLED));
    CHECK_OK(xyi_account_update_state(romeo, XY_ACCOUNT_ACTIVE));
    was = is;
    reopen_store();
    is = found("romeo@example.org");
    CHECK(is.passwords == was.passwords && is.epoch == was.epoch + 1);
    CHECK_EQ(found("juliet@example.org").epoch, other.epoch);
}

BOTH(an_account_is_created_once)
{
    create("romeo@example.org", "juliet1");
    struct xyi_keys keys;
    xy_owner owner;
    CHECK_OK(xyi_keys_make(XY_STR("other"), 64, &keys));
    CHECK_EQ(xyi_account_insert(jid("romeo@example.org"), &keys, &owner), XY_CONFLICT);
    CHECK_OK(check("romeo@example.org", "juliet1"));
    CHECK_EQ(NUMBER("select count(*) from scram where owner <> 0"), 3);
}

BOTH(owner_numbers_are_never_used_again)
{
    xy_owner first = create("romeo@example.org", "a");
    CHECK_OK(xyi_account_remove(first, XY_NO_STR));
    xy_owner second = create("romeo@example.org", "b");
    CHECK(second > first);
    CHECK_OK(xyi_account_remove(second, XY_NO_STR));
    reopen_store();
    CHECK_EQ(NUMBER("select count(*) from account"), 0);
    CHECK(create("romeo@example.org", "c") > second);
}

BOTH(removing_takes_everything_along)
{
    xy_owner romeo = create("romeo@example.org", "a"),
             juliet = create("juliet@example.org", "b");
    static const int64_t anybody = 0;
    struct xyi_message_row row = {.sender = 1,
                                  .recipient = 2,
                                  .devices = &anybody,
                                  .device_count = 1,
                                  .stanza = XY_STR("<message/>")};
    struct xy_txn *txn = xy_txn_begin();
    for (int i = 0; i < 6; i++) {
        row.id = xyi_message_next_id();
        row.waits_for = i % 2 ? romeo : juliet;
        xyi_message_add(txn, &row);
    }
    CHECK_OK(xy_txn_commit(txn));
    CHECK_OK(xyi_account_remove(romeo, XY_NO_STR));
    CHECK_OK(xyi_account_erase(romeo));
    CHECK_EQ(NUMBER("select count(*) from scram where owner = ?", XY_INT(romeo)), 0);
    CHECK_EQ(NUMBER("select count(*) from pending where owner = ?", XY_INT(romeo)), 0);
    CHECK_EQ(NUMBER("select count(*) from entry where owner = ?", XY_INT(romeo)), 0);
    CHECK_EQ(NUMBER("select count(*) from message"), 3);
    int64_t count;
    CHECK_OK(xyi_pending_count(juliet, &count));
    CHECK_EQ(count, 3);
    CHECK_OK(check("juliet@example.org", "b"));

    struct xyi_keys keys;
    CHECK_OK(xyi_keys_make(XY_STR("x"), 64, &keys));
    CHECK_EQ(xyi_account_remove(romeo, XY_NO_STR), XY_ABSENT);
    CHECK_EQ(xyi_account_update_state(romeo, XY_ACCOUNT_DISABLED), XY_ABSENT);
    CHECK_EQ(xyi_account_update_keys(romeo, &keys), XY_ABSENT);
    CHECK_EQ(NUMBER("select count(*) from scram where owner = ?", XY_INT(romeo)), 0);
}

BOTH(accounts_are_listed_in_byte_order)
{
    static const char *const names[] = {"b@x.org", "a@x.org",        "a-b@x.org",
                                        "z@a.org", "\xc3\xa4@x.org", "_@x.org"};
    static const char *const in_order[] = {"_@x.org", "a-b@x.org", "a@x.org",
                                           "b@x.org", "z@a.org",   "\xc3\xa4@x.org"};
    for (size_t i = 0; i < 6; i++)
        create(names[i], "p");
    struct xy_rows *rows;
    CHECK_OK(xyi_account_list(XY_NO_STR, XY_NO_STR, 100, &rows));
    for (size_t i = 0; i < 6; i++) {
        CHECK(xy_rows_next(rows));
        CHECK_STR(xy_rows_text(rows, 0), in_order[i]);
        CHECK(xy_rows_int(rows, 1) > 0);
    }
    CHECK_OK(xyi_account_list(XY_STR("x.org"), XY_STR("a@x.org"), 2, &rows));
    CHECK_EQ(xy_rows_count(rows), 2);
    CHECK(xy_rows_next(rows));
    CHECK_STR(xy_rows_text(rows, 0), "b@x.org");
    CHECK(xy_rows_next(rows));
    CHECK_STR(xy_rows_text(rows, 0), "\xc3\xa4@x.org");
    CHECK_OK(xyi_account_list(XY_STR("nowhere.org"), XY_NO_STR, 2, &rows));
    CHECK_EQ(xy_rows_count(rows), 0);
}

/* of core/bus/internal.h, which does not go together with core/store/driver.h */
struct xy_host *xyi_host_get(const struct xy_jid *jid);

BOTH(modules_list_the_accounts_of_a_host)
{
    struct xy_host *host = xyi_host_get(jid("x.org"));
    xy_owner a = create("a@x.org", "p"), b = create("b@x.org", "p");
    create("a@y.org", "p");
    struct xy_rows *rows;
    CHECK_OK(xy_account_list(host, XY_NO_STR, 9, &rows));
    CHECK_EQ(xy_rows_count(rows), 2);
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 1) == a);
    CHECK_OK(xy_account_list(host, XY_STR("a@x.org"), 9, &rows));
    CHECK_EQ(xy_rows_count(rows), 1);
    CHECK(xy_rows_next(rows) && xy_rows_int(rows, 1) == b);
    CHECK_STR(xy_rows_text(rows, 0), "b@x.org");
    CHECK_OK(xy_account_list(host, XY_NO_STR, 1, &rows));
    CHECK_EQ(xy_rows_count(rows), 1);
}

static void
create_one(unsigned at)
{
    create(xy_temp_printf("user%u@example.org", at).at, "password");
}

BOTH(many_are_created_at_once)
{
    in_parallel(60, create_one);
    CHECK_EQ(NUMBER("select count(*) from account"), 60);
    CHECK_EQ(NUMBER("select count(*) from scram where owner <> 0"), 180);
    CHECK_OK(check("user59@example.org", "password"));
}

/* ---- nobody knows who exists ------------------------------------------------------------- */

static struct xy_scram_keys
keys_of(const char *bare, enum xy_hash hash)
{
    struct xy_scram_keys keys;
    CHECK_OK(xy_account_scram(jid(bare), hash, &keys));
    return keys;
}

static bool
same_keys(const struct xy_scram_keys *a, const struct xy_scram_keys *b)
{
    return xy_str_equal(a->salt, b->salt) && a->iterations == b->iterations &&
           a->size == b->size && memcmp(a->stored_key, b->stored_key, a->size) == 0 &&
           memcmp(a->server_key, b->server_key, a->size) == 0;
}

BOTH(made_up_keys_look_real_and_last)
{
    xyi_account_iterations = 64;
    create("romeo@example.org", "a");
    struct xy_scram_keys before[XY_HASHES];
    for (unsigned hash = 0; hash < XY_HASHES; hash++) {
        struct xy_scram_keys real = keys_of("romeo@example.org", hash);
        struct xy_scram_keys made_up = keys_of("ghost@example.org", hash);
        struct xy_scram_keys another = keys_of("ghost2@example.org", hash);
        CHECK(real.real && !made_up.real && !another.real);
        CHECK(real.salt.len == made_up.salt.len && real.iterations == made_up.iterations &&
              real.size == made_up.size);
        CHECK(!xy_str_equal(made_up.salt, another.salt));
        before[hash] = made_up;
    }
    CHECK(!xy_str_equal(before[XY_SHA1].salt, before[XY_SHA256].salt));
    struct xy_str salts[XY_HASHES];
    for (unsigned hash = 0; hash < XY_HASHES; hash++)
        before[hash].salt = salts[hash] = xy_temp_str(before[hash].salt);
    reopen_store();
    for (unsigned hash = 0; hash < XY_HASHES; hash++) {
        struct xy_scram_keys again = keys_of("ghost@example.org", hash);
        CHECK(same_keys(&again, &before[hash]));
    }
}

/* Whether an account is disabled shows to nobody but who knows the password. */
BOTH(a_disabled_account_shows_only_behind_its_password)
{
    xy_owner romeo = create("romeo@example.org", "a");
    struct xy_scram_keys active = keys_of("romeo@example.org", XY_SHA256);
    CHECK_OK(xyi_account_update_state(romeo, XY_ACCOUNT_DISABLED));
    struct xy_scram_keys disabled = keys_of("romeo@example.org", XY_SHA256);
    CHECK(active.real && disabled.real && same_keys(&active, &disabled));
    CHECK(active.state == XY_ACCOUNT_ACTIVE && disabled.state == XY_ACCOUNT_DISABLED);
    CHECK_OK(xyi_account_remove(romeo, XY_NO_STR));
    struct xy_scram_keys gone = keys_of("romeo@example.org", XY_SHA256);
    CHECK(!gone.real && gone.state == XY_ACCOUNT_ACTIVE && !same_keys(&disabled, &gone));
}

struct work {
    uint64_t derived, reads, transactions;
};

static struct work
work_of(const char *bare, const char *password)
{
    struct xyi_store_counts before, after;
    uint64_t derived = xyi_scram_derived();
    xyi_store_counts(&before);
    xy_status status = check(bare, password);
    CHECK(status == XY_OK || status == XY_DENIED || status == XY_GONE);
    xyi_store_counts(&after);
    return (struct work){xyi_scram_derived() - derived, after.reads - before.reads,
                         after.transactions - before.transactions};
}

BOTH(every_answer_costs_the_same_work)
{
    create("romeo@example.org", "right");
    CHECK_OK(xyi_account_update_state(create("old@example.org", "right"), XY_ACCOUNT_DISABLED));
    static const char *const names[] = {"romeo@example.org", "romeo@example.org",
                                        "old@example.org", "old@example.org",
                                        "ghost@example.org"};
    static const char *const passwords[] = {"right", "wrong", "right", "wrong", "wrong"};
    for (size_t i = 0; i < 5; i++) {
        struct work work = work_of(names[i], passwords[i]);
        CHECK_EQ(work.derived, 1);
        CHECK_EQ(work.reads, 1);
        CHECK_EQ(work.transactions, 0);
    }
}

BOTH(a_database_that_is_away_is_said_so)
{
    xyi_store_close();
    struct xy_scram_keys keys;
    CHECK_EQ(xy_account_scram(jid("romeo@example.org"), XY_SHA1, &keys), XY_BROKEN);
    CHECK_EQ(check("romeo@example.org", "x"), XY_BROKEN);
    open_store();
}

/* ---- accounts from elsewhere, with some keys only ---------------------------------------- */

enum { SHA1_BIT = 1 << XY_SHA1, SHA256_BIT = 1 << XY_SHA256, SHA512_BIT = 1 << XY_SHA512 };

static struct xyi_key_set
set_of(enum xy_hash hash, const char *password)
{
    struct xyi_key_set set = {.hash = hash, .salt = XY_STR("another's salt"), .iterations = 32};
    xyi_scram_derive(hash, xy_str_from(password), set.salt, set.iterations, set.stored_key,
                     set.server_key);
    return set;
}

static xy_owner
move_in(const char *bare, const char *password, enum xy_hash hash)
{
    struct xyi_key_set set = set_of(hash, password);
    xy_owner owner;
    CHECK_OK(xyi_account_import(jid(bare), &set, 1, &owner));
    return owner;
}

static unsigned
hashes(const char *bare)
{
    unsigned found;
    CHECK_OK(xy_account_hashes(bare ? jid(bare) : NULL, &found));
    return found;
}

BOTH(an_account_moves_in_with_its_keys)
{
    create("juliet@example.org", "a");
    xy_owner romeo = move_in("romeo@example.org", "right", XY_SHA1);
    CHECK_EQ(hashes("romeo@example.org"), SHA1_BIT);
    CHECK_EQ(hashes("juliet@example.org"), XYI_ALL_HASHES);
    CHECK_EQ(hashes(NULL), SHA1_BIT);
    struct xy_scram_keys keys = keys_of("romeo@example.org", XY_SHA1);
    CHECK(keys.real && keys.iterations == 32);
    CHECK_STR(keys.salt, "another's salt");
    CHECK(!keys_of("romeo@example.org", XY_SHA256).real);
    struct xyi_key_set again = set_of(XY_SHA256, "x");
    CHECK_EQ(xyi_account_import(jid("romeo@example.org"), &again, 1, &romeo), XY_CONFLICT);
    CHECK_EQ(hashes("romeo@example.org"), SHA1_BIT);
}

BOTH(the_right_password_adds_what_is_lacking)
{
    xyi_account_iterations = 64;
    move_in("romeo@example.org", "right", XY_SHA512);
    CHECK_EQ(check("romeo@example.org", "wrong"), XY_DENIED);
    CHECK_EQ(hashes("romeo@example.org"), SHA512_BIT);
    CHECK_OK(check("romeo@example.org", "right"));
    CHECK_EQ(hashes("romeo@example.org"), XYI_ALL_HASHES);
    CHECK_EQ(hashes(NULL), XYI_ALL_HASHES);
    CHECK_EQ(keys_of("romeo@example.org", XY_SHA512).iterations, 32);
    CHECK_EQ(keys_of("romeo@example.org", XY_SHA256).iterations, 64);
    CHECK_EQ(check("romeo@example.org", "wrong"), XY_DENIED);
    CHECK_OK(check("romeo@example.org", "right"));
}

BOTH(a_client_adds_what_is_lacking)
{
    xy_owner romeo = move_in("romeo@example.org", "right", XY_SHA1);
    unsigned char salted[XY_HASH_MAX] = {1, 2, 3}, stored_key[XY_HASH_MAX],
                  server_key[XY_HASH_MAX];
    struct xy_str bytes = xy_str_of((const char *)salted, 32);
    CHECK_OK(xy_account_add_keys(romeo, XY_SHA256, XY_STR("salt"), 77, bytes));
    xyi_scram_keys(XY_SHA256, salted, stored_key, server_key);
    struct xy_scram_keys keys = keys_of("romeo@example.org", XY_SHA256);
    CHECK(keys.real && keys.iterations == 77);
    CHECK_STR(keys.salt, "salt");
    CHECK(memcmp(keys.stored_key, stored_key, 32) == 0);
    CHECK(memcmp(keys.server_key, server_key, 32) == 0);
    CHECK_EQ(hashes("romeo@example.org"), SHA1_BIT | SHA256_BIT);

    CHECK_EQ(xy_account_add_keys(romeo, XY_SHA256, XY_STR("other"), 78, bytes), XY_CONFLICT);
    CHECK_EQ(xy_account_add_keys(romeo, XY_SHA1, XY_STR("other"), 78,
                                 xy_str_of((const char *)salted, 20)),
             XY_CONFLICT);
    CHECK_EQ(xy_account_add_keys(romeo, XY_SHA512, XY_STR("other"), 78, bytes), XY_INVALID);
    CHECK_STR(keys_of("romeo@example.org", XY_SHA256).salt, "salt");
    CHECK_EQ(hashes("romeo@example.org"), SHA1_BIT | SHA256_BIT);
    CHECK_OK(xyi_account_remove(romeo, XY_NO_STR));
    CHECK_EQ(hashes(NULL), XYI_ALL_HASHES);
    create("juliet@example.org", "a");
    move_in("nurse@example.org", "a", XY_SHA1); /* so that somebody lacks any */
    bytes.len = 64;
    CHECK_EQ(xy_account_add_keys(romeo, XY_SHA512, XY_STR("other"), 78, bytes), XY_ABSENT);
    CHECK_EQ(NUMBER("select count(*) from scram where owner = ?", XY_INT(romeo)), 0);
}

BOTH(a_new_password_has_all_keys)
{
    xy_owner romeo = move_in("romeo@example.org", "old", XY_SHA256);
    struct xyi_keys keys;
    CHECK_OK(xyi_keys_make(XY_STR("new"), 64, &keys));
    CHECK_OK(xyi_account_update_keys(romeo, &keys));
    CHECK_EQ(hashes("romeo@example.org"), XYI_ALL_HASHES);
    CHECK_EQ(hashes(NULL), XYI_ALL_HASHES);
    CHECK_OK(check("romeo@example.org", "new"));
    CHECK_EQ(check("romeo@example.org", "old"), XY_DENIED);
    reopen_store();
    CHECK_EQ(hashes(NULL), XYI_ALL_HASHES);
}

/* What an unknown name is offered is drawn by lot, as often as accounts have it, and lasts. */
BOTH(unknown_names_are_answered_as_accounts_are)
{
    for (unsigned at = 0; at < 30; at++)
        create(xy_temp_printf("full%u@example.org", at).at, "a");
    for (unsigned at = 0; at < 10; at++)
        move_in(xy_temp_printf("old%u@example.org", at).at, "a", XY_SHA1);
    unsigned before[200], old = 0;
    for (unsigned at = 0; at < 200; at++) {
        before[at] = hashes(xy_temp_printf("ghost%u@example.org", at).at);
        CHECK(before[at] == SHA1_BIT || before[at] == XYI_ALL_HASHES);
        old += before[at] == SHA1_BIT;
    }
    CHECK(old > 20 && old < 80); /* a quarter: 50, give or take five sigma */
    reopen_store();
    for (unsigned at = 0; at < 200; at++)
        CHECK_EQ(hashes(xy_temp_printf("ghost%u@example.org", at).at), before[at]);
    /* when one of ten completes, no name goes the other way */
    CHECK_OK(check("old3@example.org", "a"));
    for (unsigned at = 0; at < 200; at++) {
        unsigned now = hashes(xy_temp_printf("ghost%u@example.org", at).at);
        CHECK(now == before[at] || now == XYI_ALL_HASHES);
    }
}

BOTH(every_answer_costs_the_same_work_with_such_accounts)
{
    create("romeo@example.org", "right");
    for (unsigned at = 0; at < 5; at++)
        move_in(xy_temp_printf("old%u@example.org", at).at, "right", XY_SHA1);
    static const char *const names[] = {"romeo@example.org", "romeo@example.org",
                                        "old1@example.org", "ghost@example.org",
                                        "ghost2@example.org"};
    static const char *const passwords[] = {"right", "wrong", "wrong", "wrong", "right"};
    for (size_t i = 0; i < 5; i++) {
        struct work work = work_of(names[i], passwords[i]);
        CHECK_EQ(work.derived, 1);
        CHECK_EQ(work.reads, 2);
        CHECK_EQ(work.transactions, 0);
    }
}

BOTH(keys_as_text)
{
    struct xyi_key_set set;
    /* SCRAM-SHA-1 of RFC 5802's user "user", password "pencil" */
    CHECK_OK(xyi_key_set_parse(
        XY_STR("SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y="
               ":D+CSWLOshSulAsxiupA+qs2/fTE="),
        &set));
    struct xyi_key_set made = {.hash = XY_SHA1};
    xyi_scram_derive(XY_SHA1, XY_STR("pencil"), set.salt, set.iterations, made.stored_key,
                     made.server_key);
    CHECK(set.hash == XY_SHA1 && set.iterations == 4096 && set.salt.len == 12);
    CHECK(memcmp(set.stored_key, made.stored_key, 20) == 0);
    CHECK(memcmp(set.server_key, made.server_key, 20) == 0);
    static const char *const wrong[] = {
        "",
        "SCRAM-SHA-1",
        "SCRAM-SHA-1$",
        "SCRAM-SHA-1$4096",
        "SCRAM-SHA-1$4096:",
        "$4096:QQ==$QQ==:QQ==",
        "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=",
        "SCRAM-SHA-1$:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/"
        "fTE=",
        "SCRAM-SHA-1$0:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/"
        "fTE=",
        "SCRAM-SHA-1$10000001:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+"
        "CSWLOshSulAsxiupA+qs2/fTE=",
        "SCRAM-SHA-1$4096:$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=",
        "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf9$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/"
        "fTE=",
        "SCRAM-SHA-256$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+"
        "qs2/fTE=",
        "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+"
        "qs2/fTE=x",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK_EQ(xyi_key_set_parse(xy_str_from(wrong[i]), &set), XY_INVALID);
}

/* ---- SCRAM ------------------------------------------------------------------------------- */

static struct xy_str
unbase64(const char *text)
{
    struct xy_str bytes;
    CHECK_OK(xy_temp_unbase64(xy_str_from(text), &bytes));
    return bytes;
}

struct exchange {
    enum xy_hash hash;
    const char *salt, *auth_message, *proof, *signature;
};

/* The proof and the signature of the RFC must follow from the keys we would store. */
static void
check_exchange(const struct exchange *exchange)
{
    unsigned char stored_key[XY_HASH_MAX], server_key[XY_HASH_MAX], client_key[XY_HASH_MAX],
        out[XY_HASH_MAX];
    enum xy_hash hash = exchange->hash;
    size_t size = xy_hash_size(hash);
    struct xy_str message = xy_str_from(exchange->auth_message),
                  proof = unbase64(exchange->proof);
    xyi_scram_derive(hash, XY_STR("pencil"), unbase64(exchange->salt), 4096, stored_key,
                     server_key);
    xy_hash_hmac(hash, xy_str_of((char *)server_key, size), message, out);
    CHECK(xy_str_equal(xy_str_of((char *)out, size), unbase64(exchange->signature)));
    xy_hash_hmac(hash, xy_str_of((char *)stored_key, size), message, client_key);
    CHECK_EQ(proof.len, size);
    memxor(client_key, proof.at, size);
    xy_hash_digest(hash, xy_str_of((char *)client_key, size), out);
    CHECK(memcmp(out, stored_key, size) == 0);
}

static void
with_arena(void (*run)(void))
{
    struct xyi_arena *arena = xyi_arena_new(1024);
    xyi_temp_set(arena);
    run();
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
}

static void
check_exchanges(void)
{
    static const struct exchange exchanges[] = {
        {XY_SHA1, "QSXCR+Q6sek8bf92",
         "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
         "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
         "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
         "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
        {XY_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==",
         "n=user,r=rOprNGfwEbeRWgbNEkqO,"
         "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i="
         "4096,"
         "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
         "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
         "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
    };
    check_exchange(&exchanges[0]);
    check_exchange(&exchanges[1]);
}

TEST(the_exchanges_of_rfc_5802_and_rfc_7677)
{
    with_arena(check_exchanges);
}

static void
check_sha512(void)
{
    unsigned char stored_key[XY_HASH_MAX], server_key[XY_HASH_MAX];
    xyi_scram_derive(XY_SHA512, XY_STR("pencil"), XY_STR("0123456789abcdef"), 4096, stored_key,
                     server_key);
    /* by another implementation (Python's hashlib) */
    CHECK_STR(xy_temp_base64(xy_str_of((char *)stored_key, 64)),
              "50q+37QH8XpaNkNxjgBGkxqXkoXVH2Lh3lHJ07g7AOGVlU4FcOi+wjKQc80F"
              "l2VeSw/SniKUPcJigYjLk6Y/2w==");
    CHECK_STR(xy_temp_base64(xy_str_of((char *)server_key, 64)),
              "fgiGfVDf7076b3mVdGf4ced4bUxY4L8AjpHsD8KRzbGOujkLSpj40lrcb9Iv"
              "GqJ4Uv3dBiyDgUgoQnoVamua2Q==");
}

TEST(sha512_agrees_with_another_implementation)
{
    with_arena(check_sha512);
}

/* ---- SASLprep ---------------------------------------------------------------------------- */

static void
prepares(const char *password, const char *expected)
{
    struct xy_str out;
    CHECK_OK(xyi_password_prepare(xy_str_from(password), true, &out));
    CHECK_STR(out, expected);
    xyi_password_free(out);
}

static xy_status
refused(struct xy_str password, bool stored)
{
    struct xy_str out = XY_NO_STR;
    xy_status status = xyi_password_prepare(password, stored, &out);
    if (status == XY_OK)
        xyi_password_free(out);
    return status;
}

TEST(the_examples_of_rfc_4013)
{
    prepares("I\xc2\xadX", "IX");
    prepares("user", "user");
    prepares("USER", "USER");
    prepares("\xc2\xaa", "a");
    prepares("\xe2\x85\xa8", "IX");
    prepares("a\xc2\xa0z", "a z");
    CHECK_EQ(refused(XY_STR("\x07"), true), XY_INVALID);
    CHECK_EQ(refused(XY_STR("\xd8\xa7\x31"), true), XY_INVALID);
}

TEST(what_is_no_password)
{
    CHECK_EQ(refused(XY_NO_STR, true), XY_INVALID);
    CHECK_EQ(refused(XY_STR("\xc2\xad"), true), XY_INVALID); /* nothing is left */
    CHECK_EQ(refused(XY_STR("a\0b"), true), XY_INVALID);
    CHECK_EQ(refused(XY_STR("\xff\xfe"), true), XY_INVALID);
    CHECK_EQ(refused(XY_STR("\xc8\xa1"), true),
             XY_INVALID); /* U+0221, unassigned in Unicode 3.2 */
    CHECK_OK(refused(XY_STR("\xc8\xa1"), false));
    char long_one[2000];
    memset(long_one, 'x', sizeof(long_one));
    CHECK_EQ(refused(xy_str_of(long_one, sizeof(long_one)), true), XY_INVALID);
}

END_STORE_TESTS
