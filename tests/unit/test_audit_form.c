/* SPDX-License-Identifier: MIT */
/*
 * What the audit log hashes and signs: the documented bytes, written out by hand, so that a
 * change of the form is a change of this test; and that no two different records have the same
 * form.
 */
#include <nettle/eddsa.h>
#include <nettle/sha2.h>
#include "core/base/base.h"
#include "tests/unit/harness.h"

/* a module exports nothing else */
#include "modules/audit/form.c"
#include "modules/audit/json.c"
#include "modules/audit/tree.c"

static const struct record sample = {
    .seq = 258,
    .at = 0x0102030405060708,
    .said = {.operation = {"op", 2},
             .actor = {"a@b", 3},
             .kind = {"retract", 7},
             .message = -1 & 0x7fffffffffffffff,
             .account = {"c@d", 3},
             .reason = {"author", 6},
             .words = {"w\"\n", 3},
             .details = {"k=v\nkey=x\n", 10}},
};

static void
with_memory(void (*work)(void))
{
    struct xyi_arena *arena = xyi_arena_new(4096);
    xyi_temp_set(arena);
    work();
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
}

static void
hash_sample(void)
{
    static const char form[] =
        "xylem-audit-record-1\0"
        "\0\0\0\0\0\0\1\2"
        "\1\2\3\4\5\6\7\x08"
        "\x7f\xff\xff\xff\xff\xff\xff\xff"
        "\0\0\0\2op\0\0\0\3a@b\0\0\0\7retract\0\0\0\3c@d\0\0\0\0\0\0\0\6author\0\0\0\3w\"\n"
        "\0\0\0\nk=v\nkey=x\n"
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    struct hash expected, got = audit_record_hash(&sample);
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, sizeof(form) - 1, (const uint8_t *)form);
    sha256_digest(&sha, HASH, expected.at);
    CHECK(memcmp(expected.at, got.at, HASH) == 0);
}

TEST(the_form_of_a_record_is_the_documented_one)
{
    with_memory(hash_sample);
}

static bool
differs(const struct record *other)
{
    struct hash a = audit_record_hash(&sample), b = audit_record_hash(other);
    return memcmp(a.at, b.at, HASH) != 0;
}

static void
change_each(void)
{
    struct record other = sample;
    CHECK(!differs(&other));
    other.seq++;
    CHECK(differs(&other));
    other = sample;
    other.at--;
    CHECK(differs(&other));
    other = sample;
    other.said.message--;
    CHECK(differs(&other));
    other = sample;
    other.previous.at[31] = 1;
    CHECK(differs(&other));
    other = sample; /* the same bytes, parted otherwise */
    other.said.account = XY_STR("c@");
    other.said.room = XY_STR("d");
    CHECK(differs(&other));
    other = sample;
    other.said.account = XY_NO_STR;
    other.said.room = XY_STR("c@d");
    CHECK(differs(&other));
    other = sample;
    other.said.details = XY_STR("k=v\nkey=y\n");
    CHECK(differs(&other));
}

TEST(every_field_counts)
{
    with_memory(change_each);
}

static void
read_details(void)
{
    struct xy_buffer details = {0};
    xy_audit_detail(&details, "name", XY_STR("a\nb\\c"));
    xy_audit_detail(&details, "key", XY_STR("00ff"));
    CHECK_STR(xy_buffer_str(&details), "name=a\\nb\\\\c\nkey=00ff\n");
    CHECK_STR(audit_detail(xy_buffer_str(&details), "key"), "00ff");
    CHECK(!audit_detail(xy_buffer_str(&details), "ke").at);
    CHECK(!audit_detail(xy_buffer_str(&details), "keys").at);
    unsigned char bytes[2];
    CHECK(audit_unhex(XY_STR("00ff"), bytes, 2) && bytes[0] == 0 && bytes[1] == 0xff);
    CHECK(!audit_unhex(XY_STR("00f"), bytes, 2));
    CHECK(!audit_unhex(XY_STR("00FF"), bytes, 2));
    CHECK(!audit_unhex(XY_STR("00fg"), bytes, 2));
    CHECK(!audit_unhex(XY_STR("00ff00"), bytes, 2));
}

TEST(details_are_lines_whatever_is_in_them)
{
    with_memory(read_details);
}

static void
check_texts(void)
{
    char *long_text = xy_temp_alloc(70000);
    memset(long_text, 'x', 70000);
    struct xy_audit_record good = {.actor = XY_STR("server"), .kind = XY_STR("key_found")};
    CHECK_EQ(audit_check(&good), XY_OK);
    struct xy_audit_record bad = good;
    bad.kind = XY_STR("key_change"); /* only the log itself says that */
    CHECK_EQ(audit_check(&bad), XY_INVALID);
    bad = good;
    bad.actor = XY_NO_STR;
    CHECK_EQ(audit_check(&bad), XY_INVALID);
    bad = good;
    bad.kind = XY_STR("Remove");
    CHECK_EQ(audit_check(&bad), XY_INVALID);
    bad = good;
    bad.kind = xy_str_of(long_text, 33);
    CHECK_EQ(audit_check(&bad), XY_INVALID);
    bad = good;
    bad.words = xy_str_of("a\0b", 3);
    CHECK_EQ(audit_check(&bad), XY_INVALID);
    bad.words = xy_str_of(long_text, 4096);
    CHECK_EQ(audit_check(&bad), XY_OK);
    bad.words.len++;
    CHECK_EQ(audit_check(&bad), XY_INVALID);
    bad = good;
    bad.details = xy_str_of(long_text, 65537);
    CHECK_EQ(audit_check(&bad), XY_INVALID);
}

TEST(what_fits_no_record_is_refused)
{
    with_memory(check_texts);
}

static void
sign_head(void)
{
    struct head head = {.at = 5, .tree = {.size = 3}};
    uint8_t seed[KEY] = {1};
    memset(head.root.at, 0xaa, HASH);
    memset(head.chain.at, 0xbb, HASH);
    struct xy_str bytes = audit_head_bytes(&head);
    CHECK_EQ(bytes.len, 19 + 8 + 8 + 32 + 32);
    CHECK(memcmp(bytes.at, "xylem-audit-head-1\0\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\5\xaa", 36) ==
          0);
    ed25519_sha512_public_key(head.key, seed);
    ed25519_sha512_sign(head.key, seed, bytes.len, (const uint8_t *)bytes.at, head.signature);
    CHECK(audit_head_is_signed(&head));
    head.at++;
    CHECK(!audit_head_is_signed(&head));
    head.at--;
    head.signature[63] ^= 1;
    CHECK(!audit_head_is_signed(&head));
}

TEST(a_signature_is_over_the_documented_bytes)
{
    with_memory(sign_head);
}

static void
find_keys(void)
{
    unsigned char key[KEY];
    struct record record = {.said = {.kind = XY_STR("key_change")}};
    CHECK(!audit_is_key_record(&record, key));
    record.said.details = xy_temp_printf("key=%064d\n", 7);
    CHECK(audit_is_key_record(&record, key) && key[31] == 7);
    record.said.kind = XY_STR("remove"); /* whoever writes such a line puts no key in force */
    CHECK(!audit_is_key_record(&record, key));
}

TEST(only_records_of_the_log_itself_change_keys)
{
    with_memory(find_keys);
}

static void
write_json(void)
{
    struct xy_buffer text = {0};
    audit_json_text(&text, xy_str_of("a\"\\\n\1\xc3\xa9", 7));
    CHECK_STR(xy_buffer_str(&text), "\"a\\\"\\\\\\u000a\\u0001\xc3\xa9\"");
    struct xy_buffer line = {0};
    audit_json_record(&line, &sample);
    CHECK(memmem(line.text, line.len, "\"message\": 9223372036854775807,", 31));
    CHECK(!memchr(line.text, '\n', line.len));
}

TEST(json_is_one_line_of_the_same_bytes)
{
    with_memory(write_json);
}

END_TESTS
