/* SPDX-License-Identifier: MIT */
/* JIDs: preparation, one object per address, references from two threads, reclaim. */
#include <pthread.h>

#include "core/xml/jid_prepare.h"
#include "xml_fixture.h"

static void
check_parse(const char *text, const char *prepared)
{
    const struct xy_jid *jid = xy_jid_parse(xy_str_from(text));
    struct xy_str again;
    if (!jid)
        fprintf(stderr, "'%s' was refused\n", text);
    CHECK(jid);
    CHECK_STR(xy_jid_text(jid), prepared);
    CHECK(xy_jid_text(jid).at[strlen(prepared)] == '\0');
    CHECK(xy_jid_parse(xy_str_from(prepared)) == jid);
    CHECK_EQ(xyi_jid_normalize(xy_str_from(text), &again), XY_OK);
    CHECK_STR(again, prepared);
}

static void
check_malformed(const char *text)
{
    struct xy_str raw = xy_str_from(text), prepared;
    if (xy_jid_parse(raw))
        fprintf(stderr, "'" XY_FMT "' was taken\n", XY_ARG(raw));
    CHECK(!xy_jid_parse(raw));
    CHECK_EQ(xyi_jid_normalize(raw, &prepared), XY_INVALID);
}

TEST(texts_fold_in_all_scripts)
{
    logic_begin();
    static const char *const same[][2] = {
        {"Xylem Users", "xylem users"},
        {"\xd0\x9a\xd0\xbe\xd0\xbc\xd0\xbd\xd0\xb0\xd1\x82\xd0\xb0",
         "\xd0\xba\xd0\x9e\xd0\xbc\xd0\x9d\xd0\xb0\xd1\x82\xd0\xb0"}, /* Cyrillic */
        {"Stra\xc3\x9f"
         "e",
         "STRASSE"},
        {"\xef\xbc\xa1", "a"},                              /* full width A */
        {"\xee\x80\x80 \xc3\x84", "\xee\x80\x80 \xc3\xa4"}, /* private use: no name has it */
        {"\xc3\x84\xe2\x80\x8e", "\xc3\xa4"},               /* a direction mark */
        {"A\xcc\x88", "\xc3\xa4"},                          /* decomposed */
        {"\xc4\xb0I", "\xc4\xb1i"},                         /* dots, and none */
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        CHECK_STR(xy_temp_fold(xy_str_from(same[i][0])),
                  xy_temp_fold(xy_str_from(same[i][1])).at);
    CHECK_STR(xy_temp_fold(XY_STR("A b-C")), "a b-c");
    CHECK_EQ(
        xy_temp_fold(XY_STR("\xef\xb7\xba\xef\xb7\xba\xef\xb7\xba\xef\xb7\xba\xef\xb7\xba"
                            "\xef\xb7\xba\xef\xb7\xba\xef\xb7\xba\xef\xb7\xba\xef\xb7\xba"))
            .len,
        330); /* U+FDFA grows most */
    CHECK_EQ(xy_temp_fold(XY_STR("\xc3\x84\xff"
                                 "B"))
                 .len,
             4); /* no UTF-8 */
    CHECK(!xy_temp_fold(XY_NO_STR).len);
    logic_end();
}

TEST(parts_of_a_full_jid)
{
    logic_begin();
    const struct xy_jid *jid = xy_jid_parse(XY_STR("romeo@example.org/balcony"));
    CHECK_STR(xy_jid_text(jid), "romeo@example.org/balcony");
    CHECK_STR(xy_jid_local(jid), "romeo");
    CHECK_STR(xy_jid_domain(jid), "example.org");
    CHECK_STR(xy_jid_resource(jid), "balcony");
    CHECK(!xy_jid_is_bare(jid));
    const struct xy_jid *bare = xy_jid_bare(jid), *host = xy_jid_host(jid);
    CHECK_STR(xy_jid_text(bare), "romeo@example.org");
    CHECK(xy_jid_is_bare(bare));
    CHECK(xy_jid_bare(bare) == bare);
    CHECK(!xy_jid_resource(bare).at);
    CHECK_STR(xy_jid_local(bare), "romeo");
    CHECK_STR(xy_jid_text(host), "example.org");
    CHECK(xy_jid_is_bare(host));
    CHECK(xy_jid_host(host) == host && xy_jid_host(bare) == host);
    CHECK(!xy_jid_local(host).at);
    CHECK(bare == xy_jid_parse(XY_STR("romeo@example.org")));
    CHECK(host == xy_jid_parse(XY_STR("example.org")));
    const struct xy_jid *of_host = xy_jid_parse(XY_STR("example.org/node"));
    CHECK(xy_jid_bare(of_host) == host && xy_jid_host(of_host) == host);
    CHECK_STR(xy_jid_resource(of_host), "node");
    CHECK(!xy_jid_local(of_host).at);
    /* NUL behind every slice */
    CHECK(xy_jid_local(jid).at[5] == '\0' && xy_jid_domain(jid).at[11] == '\0');
    CHECK(xy_jid_resource(jid).at[7] == '\0' && xy_jid_local(bare).at[5] == '\0');
    logic_end();
}

TEST(null_is_passed_on)
{
    CHECK(!xy_jid_text(NULL).at && !xy_jid_local(NULL).at && !xy_jid_domain(NULL).at);
    CHECK(!xy_jid_resource(NULL).at && !xy_jid_bare(NULL) && !xy_jid_host(NULL));
    CHECK(!xy_jid_keep(NULL) && !xy_jid_is_bare(NULL));
    xy_jid_drop(NULL);
}

TEST(case_and_width_are_one_account)
{
    logic_begin();
    check_parse("Romeo@EXAMPLE.org", "romeo@example.org");
    check_parse("\xEF\xBC\xB2omeo@example.org", "romeo@example.org"); /* fullwidth R */
    check_parse("stra\xC3\x9F\x65@example.org", "strasse@example.org");
    check_parse("\xCE\xA3@example.org/\xCE\xA3", "\xCF\x83@example.org/\xCE\xA3");
    check_parse("romeo@example.org/Balcony", "romeo@example.org/Balcony");
    check_parse("romeo@example.org/a@b/c d", "romeo@example.org/a@b/c d");
    check_parse("a\xC2\xADz@example.org", "az@example.org"); /* soft hyphen: nothing */
    check_parse("romeo@example.org/\xF0\x9F\x90\xB1", "romeo@example.org/\xF0\x9F\x90\xB1");
    logic_end();
}

TEST(domains)
{
    logic_begin();
    check_parse("example.org.", "example.org");
    check_parse("B\xC3\x9C\x43HER.example", "b\xC3\xBC\x63her.example");
    check_parse("xn--bcher-kva.example", "b\xC3\xBC\x63her.example");
    check_parse("XN--BCHER-KVA.example", "b\xC3\xBC\x63her.example");
    check_parse("xn--strae-oqa.example", "xn--strae-oqa.example"); /* no IDNA2003 name */
    check_parse("a\xE3\x80\x82z", "a.z");                          /* ideographic full stop */
    check_parse("127.0.0.1", "127.0.0.1");
    check_parse("[::1]", "[::1]");
    check_parse("u@[2001:DB8:0:0::1]/r", "u@[2001:db8::1]/r");
    check_parse("localhost", "localhost");
    static const char *const bad[] = {
        "",      ".",      "a..b",        ".a",           "-a",
        "a-",    "a.-b",   "under_score", "a b",          "ex\xC3\x28",
        "[",     "[]",     "[::1",        "[1.2.3.4]",    "[::1%lo]",
        "[::g]", "a:5222", "a\tb",        "\xEF\xBC\x8F", "xn--a.\xE3\x80\x82",
        "a\x01",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_malformed(bad[i]);
    char label[80];
    memset(label, 'a', sizeof(label));
    label[63] = '\0';
    check_parse(label, label);
    label[63] = 'a';
    label[64] = '\0';
    check_malformed(label);
    logic_end();
}

TEST(malformed)
{
    logic_begin();
    static const char *const bad[] = {
        "@example.org",
        "romeo@",
        "romeo@example.org/",
        "/r",
        "@",
        "/",
        "@/",
        "a@b@c",
        "ro meo@example.org",
        "ro\"meo@example.org",
        "a&b@example.org",
        "a'b@example.org",
        "a:b@example.org",
        "a<b@example.org",
        "a>b@example.org",
        "r\x7F@example.org",
        "r@example.org/\x01",
        "r@example.org/\xFF",
        "\xC0\x80@example.org",
        "\xED\xA0\x80@example.org",
        "\xC2\xAD@example.org",     /* nothing is left of it */
        "\xEF\xBC\xA0@example.org", /* a fullwidth @ */
        "r@example.org/\xC2\x80",
        "\xD7\x90z@example.org", /* right-to-left and left */
        "r@example.org/\xE2\x80\xAE",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_malformed(bad[i]);
    CHECK(!xy_jid_parse(XY_STR("ro\0meo@example.org")));
    CHECK(!xy_jid_parse(XY_STR("r@exam\0ple.org")));
    CHECK(!xy_jid_parse(XY_STR("r@example.org/\0")));
    CHECK(!xy_jid_parse(XY_NO_STR));
    logic_end();
}

TEST(parts_have_1023_bytes)
{
    logic_begin();
    char part[1025];
    memset(part, 'a', sizeof(part));
    for (size_t i = 50; i < sizeof(part); i += 51)
        part[i] = '.'; /* so that it does for a domain too */
    part[1023] = 'z';
    const struct xy_str fits = {part, 1023}, over = {part, 1024};
    const struct xy_str host = XY_STR("example.org"), none = XY_NO_STR;
    const struct xy_jid *longest = xy_jid_make(fits, fits, fits);
    CHECK(longest);
    CHECK_EQ(xy_jid_text(longest).len, 3 * 1023 + 2);
    CHECK(xy_jid_parse(xy_jid_text(longest)) == longest);
    CHECK(!xy_jid_make(over, host, none));
    CHECK(!xy_jid_make(none, over, none));
    CHECK(!xy_jid_make(none, host, over));
    part[0] = 'A'; /* and by the long way */
    CHECK(xy_jid_make(fits, host, none));
    CHECK(!xy_jid_make(over, host, none));
    logic_end();
}

TEST(make_from_parts)
{
    logic_begin();
    const struct xy_jid *jid = xy_jid_make(XY_STR("Romeo"), XY_STR("Example.ORG"), XY_STR("X"));
    CHECK(jid == xy_jid_parse(XY_STR("romeo@example.org/X")));
    CHECK(xy_jid_make(XY_NO_STR, XY_STR("example.org"), XY_NO_STR) == xy_jid_host(jid));
    CHECK(xy_jid_make(XY_STR(""), XY_STR("example.org"), XY_STR("")) == xy_jid_host(jid));
    CHECK(xy_jid_make(XY_STR("Romeo"), XY_STR("example.org"), XY_NO_STR) == xy_jid_bare(jid));
    CHECK(!xy_jid_make(XY_STR("a@b"), XY_STR("example.org"), XY_NO_STR));
    CHECK(!xy_jid_make(XY_STR("a"), XY_STR("example.org/r"), XY_NO_STR));
    CHECK(!xy_jid_make(XY_STR("a"), XY_NO_STR, XY_NO_STR));
    logic_end();
}

TEST(domain_alone)
{
    logic_begin();
    struct xy_str prepared;
    CHECK_EQ(xyi_jid_prepare(XY_STR("Example.ORG"), &prepared), XY_OK);
    CHECK_STR(prepared, "example.org");
    CHECK_EQ(xyi_jid_prepare(XY_STR("a@example.org"), &prepared), XY_INVALID);
    CHECK_EQ(xyi_jid_prepare(XY_STR("example.org/a"), &prepared), XY_INVALID);
    CHECK_EQ(xyi_jid_prepare(XY_NO_STR, &prepared), XY_INVALID);
    logic_end();
}

/* Texts of few, telling characters: separators, capitals, punctuation, some that are not ASCII.
 */
static size_t
random_part(uint64_t *state, char out[64])
{
    static const char *const pieces[] = {
        "a",        "z",
        "q",        "0",
        "9",        "-",
        ".",        "A",
        "Q",        " ",
        "@",        "/",
        "'",        "\"",
        "&",        ":",
        "<",        ">",
        "_",        "~",
        "!",        "[",
        "]",        "xn--",
        "\x7F",     "\x1F",
        "\xC3\x9F", "\xC3\xBC",
        "\xC2\xAD", "\xE3\x80\x82",
        "\xFF",     "\xF0\x9F\x90\xB1",
    };
    size_t len = 0, count = random_below(state, 8);
    bool ascii = random_below(state, 4) != 0;
    for (size_t i = 0; i < count; i++) {
        const char *piece =
            pieces[random_below(state, ascii ? 24 : sizeof(pieces) / sizeof(pieces[0]))];
        memcpy(out + len, piece, strlen(piece));
        len += strlen(piece);
    }
    return len;
}

/* The short cut for plain ASCII answers as libidn does. */
TEST(short_cut_equals_libidn)
{
    logic_begin();
    uint64_t state = 0x9E3779B97F4A7C15u;
    unsigned taken = 0;
    for (int i = 0; i < 60000; i++) {
        char part[64], slow[XYI_PART_MOST + 1];
        char which = "ldr"[random_below(&state, 3)];
        struct xy_str raw = xy_str_of(part, random_part(&state, part));
        size_t len = 0;
        bool good = xyi_jid_part_slow(which, raw, slow, &len);
        struct xyi_jid_raw jid = {.domain = XY_STR("d")};
        struct xyi_jid_text made;
        *(which == 'l' ? &jid.local : which == 'd' ? &jid.domain : &jid.resource) = raw;
        if (raw.len == 0)
            continue;
        CHECK_EQ(xyi_jid_compose(&jid, &made), good);
        taken += good;
        if (!good)
            continue;
        struct xy_str fast = which == 'l'   ? xy_str_of(made.text, made.domain_at - 1)
                             : which == 'd' ? xy_str_of(made.text, made.len)
                                            : xy_str_of(made.text + 2, made.len - 2);
        CHECK(xy_str_equal(fast, xy_str_of(slow, len)));
    }
    CHECK(taken > 10000);
    logic_end();
}

TEST(every_ascii_character)
{
    logic_begin();
    for (int c = 1; c < 128; c++) {
        for (const char *which = "ldr"; *which; which++) {
            char text[4] = {'a', (char)c, 'b', '\0'}, slow[XYI_PART_MOST + 1];
            struct xyi_jid_raw jid = {.domain = XY_STR("d")};
            struct xyi_jid_text made;
            size_t len;
            *(*which == 'l'   ? &jid.local
              : *which == 'd' ? &jid.domain
                              : &jid.resource) = xy_str_from(text);
            bool good = xyi_jid_part_slow(*which, xy_str_from(text), slow, &len);
            CHECK_EQ(xyi_jid_compose(&jid, &made), good);
            if (good)
                CHECK(memmem(made.text, made.len, slow, len));
        }
    }
    logic_end();
}

/* ---- the table -----------------------------------------------------------------------------
 */

TEST(borrowed_until_the_fiber_ends)
{
    logic_begin();
    size_t before = xyi_jids_count();
    const struct xy_jid *jid = xy_jid_parse(XY_STR("romeo@example.org/balcony"));
    CHECK_EQ(xyi_jids_count(), before + 3);
    for (int i = 0; i < 10; i++)
        logic_turn();
    CHECK_STR(xy_jid_text(jid), "romeo@example.org/balcony");
    CHECK_EQ(xyi_jids_count(), before + 3);
    fiber_end();
    for (int i = 0; i < 10; i++)
        logic_turn();
    CHECK_EQ(xyi_jids_count(), before);
    fiber_begin();
    logic_end();
}

TEST(kept_beyond_the_fiber)
{
    logic_begin();
    const struct xy_jid *jid = xy_jid_keep(xy_jid_parse(XY_STR("romeo@example.org/balcony")));
    fiber_end();
    for (int i = 0; i < 10; i++)
        logic_turn();
    fiber_begin();
    CHECK_STR(xy_jid_text(jid), "romeo@example.org/balcony");
    CHECK(xy_jid_parse(XY_STR("romeo@example.org/balcony")) == jid);
    const struct xy_jid *bare = xy_jid_keep(xy_jid_bare(jid));
    xy_jid_drop(jid);
    fiber_end();
    for (int i = 0; i < 10; i++)
        logic_turn();
    fiber_begin();
    CHECK_EQ(xyi_jids_count(), 2);
    CHECK_STR(xy_jid_text(bare), "romeo@example.org");
    CHECK_STR(xy_jid_text(xy_jid_host(bare)), "example.org");
    xy_jid_drop(bare);
    logic_end();
}

/* A parse that finds a JID whose reclaim is under way holds it for its own fiber. */
TEST(parse_revives)
{
    logic_begin();
    const struct xy_jid *jid = xy_jid_parse(XY_STR("romeo@example.org"));
    xyi_epoch_sweep();
    uint64_t second =
        xyi_epoch_enter(); /* it can not have borrowed the JID when it was retired */
    const struct xy_jid *again = xy_jid_parse(XY_STR("romeo@example.org"));
    CHECK(again == jid);
    fiber_end();
    for (int i = 0; i < 10; i++)
        logic_turn();
    CHECK_EQ(xyi_jids_count(), 2);
    CHECK_STR(xy_jid_text(again), "romeo@example.org");
    xyi_epoch_leave(second);
    for (int i = 0; i < 10; i++)
        logic_turn();
    CHECK_EQ(xyi_jids_count(), 0);
    fiber_begin();
    logic_end();
}

/* Kept while its reclaim was under way, dropped again before that came: freed once. */
TEST(keep_and_drop_during_reclaim)
{
    logic_begin();
    for (int i = 0; i < 100; i++) {
        const struct xy_jid *jid = xy_jid_keep(xy_jid_parse(XY_STR("romeo@example.org")));
        fiber_end();
        if (i % 3 == 0)
            logic_turn();
        fiber_begin();
        xy_jid_drop(jid);
        if (i % 2)
            jid = xy_jid_parse(XY_STR("romeo@example.org"));
        CHECK_STR(xy_jid_text(jid), "romeo@example.org");
    }
    logic_end();
}

TEST(spellings_are_remembered_and_forgotten)
{
    logic_begin();
    const struct xy_jid *jid = xy_jid_parse(XY_STR("romeo@example.org"));
    for (int i = 0; i < 3; i++) {
        CHECK(xy_jid_parse(XY_STR("Romeo@Example.Org")) == jid);
        CHECK(xy_jid_parse(XY_STR("ROMEO@example.org")) == jid);
    }
    fiber_end();
    for (int i = 0; i < 10; i++)
        logic_turn();
    CHECK_EQ(xyi_jids_count(), 0);
    fiber_begin();
    CHECK_STR(xy_jid_text(xy_jid_parse(XY_STR("Romeo@Example.Org"))), "romeo@example.org");
    /* Many spellings push each other out. */
    for (int i = 0; i < 2000; i++) {
        struct xy_str text = xy_temp_printf("User%d@example.org", i);
        struct xy_str expected = xy_temp_printf("user%d@example.org", i);
        CHECK(xy_str_equal(xy_jid_text(xy_jid_parse(text)), expected));
        CHECK(xy_jid_parse(text) == xy_jid_parse(expected));
    }
    logic_end();
}

TEST(many)
{
    logic_begin();
    const struct xy_jid **jids = xy_temp_alloc(10000 * sizeof(*jids));
    for (int i = 0; i < 10000; i++)
        jids[i] = xy_jid_keep(xy_jid_parse(xy_temp_printf("user%d@example.org/r", i)));
    CHECK_EQ(xyi_jids_count(), 20001);
    for (int i = 0; i < 10000; i++)
        CHECK(xy_jid_parse(xy_temp_printf("user%d@example.org/r", i)) == jids[i]);
    for (int i = 0; i < 10000; i++)
        xy_jid_drop(jids[i]);
    logic_end();
}

/* ---- two threads ---------------------------------------------------------------------------
 */

enum { HANDED = 20000, RING = 64 };
static struct {
    _Atomic(const struct xy_jid *) slot[RING];
} ring;

static void *
drop_all(void *argument)
{
    (void)argument;
    for (int i = 0; i < HANDED; i++) {
        const struct xy_jid *jid;
        while (!(jid = atomic_exchange(&ring.slot[i % RING], NULL)))
            sched_yield();
        CHECK(xy_jid_text(jid).len > 0);
        xy_jid_drop(jid);
    }
    return NULL;
}

/* The last reference goes on another thread while this one parses the same address again. */
TEST(dropped_on_another_thread)
{
    logic_begin();
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, drop_all, NULL), 0);
    for (int i = 0; i < HANDED; i++) {
        fiber_end();
        if (i % 4 == 0)
            logic_turn();
        fiber_begin();
        const struct xy_jid *jid = xy_jid_parse(xy_temp_printf("user%d@example.org/r", i % 7));
        xy_jid_keep(jid);
        while (atomic_load(&ring.slot[i % RING]))
            sched_yield();
        atomic_store(&ring.slot[i % RING], jid);
        CHECK_STR(xy_jid_domain(jid), "example.org"); /* borrowed still */
    }
    pthread_join(thread, NULL);
    logic_end();
}

END_TESTS
