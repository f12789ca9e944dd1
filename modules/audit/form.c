/* SPDX-License-Identifier: MIT */
/*
 * The canonical forms: what of a record is hashed, what of a head is signed. Every field that
 * may vary in length stands behind its length, so no two records have the same form. Whoever
 * changes a form gives it another name in its first bytes, and docs/audit.md and
 * scripts/xylem-verify the same change.
 */
#include "audit.h"

#include <endian.h>
#include <nettle/eddsa.h>
#include <nettle/sha2.h>

static const char record_form[] = "xylem-audit-record-1", head_form[] = "xylem-audit-head-1";

/* ---- records ----------------------------------------------------------------------------- */

static bool
fits(struct xy_str text, size_t most)
{
    return text.len <= most && (!text.len || !memchr(text.at, '\0', text.len)) &&
           xy_str_is_utf8(text);
}

static bool
is_word(struct xy_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return text.len <= 32;
}

/* What puts a key in force. Nobody else may say what the log says about itself. */
static bool
is_of_keys(struct xy_str kind)
{
    return xy_str_is(kind, "begin") || xy_str_is(kind, "key_change") ||
           xy_str_is(kind, "key_lost");
}

xy_status
audit_check(const struct xy_audit_record *said)
{
    bool good = said->actor.len && said->kind.len && !is_of_keys(said->kind) &&
                fits(said->operation, 64) && fits(said->actor, 3071) && is_word(said->kind) &&
                is_word(said->reason) && fits(said->account, 3071) && fits(said->room, 3071) &&
                fits(said->words, 4096) && fits(said->details, 65536);
    return good ? XY_OK : XY_INVALID;
}

static void
put_number(struct sha256_ctx *sha, int64_t number)
{
    uint64_t bytes = htobe64((uint64_t)number);
    sha256_update(sha, sizeof(bytes), (const uint8_t *)&bytes);
}

static void
put_text(struct sha256_ctx *sha, struct xy_str text)
{
    uint32_t len = htobe32((uint32_t)text.len);
    sha256_update(sha, sizeof(len), (const uint8_t *)&len);
    sha256_update(sha, text.len, (const uint8_t *)text.at);
}

struct hash
audit_record_hash(const struct record *record)
{
    const struct xy_audit_record *said = &record->said;
    const struct xy_str texts[] = {said->operation, said->actor,  said->kind,  said->account,
                                   said->room,      said->reason, said->words, said->details};
    struct hash hash;
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, sizeof(record_form), (const uint8_t *)record_form); /* with its NUL */
    put_number(&sha, record->seq);
    put_number(&sha, record->at);
    put_number(&sha, said->message);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        put_text(&sha, texts[i]);
    sha256_update(&sha, HASH, record->previous.at);
    sha256_digest(&sha, HASH, hash.at);
    return hash;
}

struct xy_str
audit_detail(struct xy_str details, const char *key)
{
    size_t len = strlen(key);
    while (details.len) {
        struct xy_str line = xy_str_cut(&details, '\n');
        if (line.len > len && memcmp(line.at, key, len) == 0 && line.at[len] == '=')
            return xy_str_of(line.at + len + 1, line.len - len - 1);
    }
    return XY_NO_STR;
}

static int
digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
audit_unhex(struct xy_str hex, void *out, size_t size)
{
    unsigned char *to = out;
    if (hex.len != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit(hex.at[2 * i]), low = digit(hex.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

bool
audit_is_key_record(const struct record *record, unsigned char key[KEY])
{
    return is_of_keys(record->said.kind) &&
           audit_unhex(audit_detail(record->said.details, "key"), key, KEY);
}

/* ---- heads ------------------------------------------------------------------------------- */

struct xy_str
audit_head_bytes(const struct head *head)
{
    uint64_t numbers[] = {htobe64((uint64_t)head->tree.size), htobe64((uint64_t)head->at)};
    struct xy_buffer bytes = {0};
    xy_buffer_add(&bytes, xy_str_of(head_form, sizeof(head_form))); /* with its NUL */
    xy_buffer_add(&bytes, xy_str_of((const char *)numbers, sizeof(numbers)));
    xy_buffer_add(&bytes, hash_str(&head->root));
    xy_buffer_add(&bytes, hash_str(&head->chain));
    return xy_buffer_str(&bytes);
}

bool
audit_head_is_signed(const struct head *head)
{
    struct xy_str bytes = audit_head_bytes(head);
    return ed25519_sha512_verify(head->key, bytes.len, (const uint8_t *)bytes.at,
                                 head->signature);
}
