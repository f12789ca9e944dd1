/* SPDX-License-Identifier: MIT */
/*
 * Public ids of archived messages (XEP-0359): one block of AES-128 over
 *     message id 64 | owner 48 | zeros 16
 * most significant byte first, as url-safe base64 behind one letter that names the key. 48 bits
 * number more accounts than there will be; what they save, and the 11 bits a message id does
 * not use, stay check bits. A guess passes for one owner with a chance of 2^-64, so forged and
 * foreign ids end here and never reach the database; the ids of one message in two archives
 * show no relation, and no id shows when it was made. Nothing is stored and there is no index.
 *
 * Clients keep these ids: the key is drawn once for a store. Another key would take another
 * letter, and this one would go on being read.
 */
#include <endian.h>
#include <nettle/aes.h>
#include <nettle/base64.h>
#include <xylem/archive.h>
#include "core/store/parts.h"

enum { TEXT = BASE64_ENCODE_RAW_LENGTH(AES_BLOCK_SIZE) - 2 }; /* without the two '=' */
static const char key_letter = 'a';

static struct {
    struct aes128_ctx encrypt, decrypt;
} key; /* logic thread */

struct block {
    uint64_t id, owner; /* big-endian; the owner above 16 zeros */
};
_Static_assert(sizeof(struct block) == AES_BLOCK_SIZE, "one block");

xy_status
xyi_stanza_ids_start(void)
{
    uint8_t secret[AES128_KEY_SIZE];
    xy_status status = xy_store_secret("stanza_id.a", secret, sizeof(secret));
    if (status != XY_OK)
        return status;
    aes128_set_encrypt_key(&key.encrypt, secret);
    aes128_set_decrypt_key(&key.decrypt, secret);
    explicit_bzero(secret, sizeof(secret));
    return XY_OK;
}

struct xy_str
xy_stanza_id_make(xy_owner owner, xy_message_id id)
{
    xy_assert(owner > 0 && owner < INT64_C(1) << 48);
    struct block block = {htobe64((uint64_t)id), htobe64((uint64_t)owner << 16)};
    uint8_t bytes[AES_BLOCK_SIZE];
    char text[1 + BASE64_ENCODE_RAW_LENGTH(AES_BLOCK_SIZE)];
    struct base64_encode_ctx encoder;
    aes128_encrypt(&key.encrypt, sizeof(bytes), bytes, (const uint8_t *)&block);
    base64url_encode_init(&encoder);
    text[0] = key_letter;
    size_t len = base64_encode_update(&encoder, text + 1, sizeof(bytes), bytes);
    (void)base64_encode_final(&encoder, text + 1 + len);
    return xy_temp_str(xy_str_of(text, 1 + TEXT));
}

static bool
decode(struct xy_str text, uint8_t bytes[AES_BLOCK_SIZE])
{
    char padded[TEXT + 2];
    uint8_t out[BASE64_DECODE_LENGTH(sizeof(padded))];
    struct base64_decode_ctx decoder;
    size_t len = sizeof(out);
    if (text.len != 1 + TEXT || text.at[0] != key_letter)
        return false;
    memcpy(padded, text.at + 1, TEXT);
    memcpy(padded + TEXT, "==", 2);
    base64url_decode_init(&decoder);
    if (!base64_decode_update(&decoder, &len, out, sizeof(padded), padded) ||
        !base64_decode_final(&decoder) || len != AES_BLOCK_SIZE)
        return false;
    memcpy(bytes, out, AES_BLOCK_SIZE);
    return true;
}

xy_status
xy_stanza_id_open(struct xy_str text, xy_owner *owner, xy_message_id *id)
{
    uint8_t bytes[AES_BLOCK_SIZE];
    struct block block;
    if (!decode(text, bytes))
        return XY_ABSENT;
    aes128_decrypt(&key.decrypt, sizeof(bytes), (uint8_t *)&block, bytes);
    uint64_t padded = be64toh(block.owner);
    *id = (xy_message_id)be64toh(block.id);
    *owner = (xy_owner)(padded >> 16);
    if ((padded & 0xffff) || *owner <= 0 || *id <= 0)
        return XY_ABSENT;
    /* base64 has spare bits and takes white space: an id has one text */
    return xy_str_equal(text, xy_stanza_id_make(*owner, *id)) ? XY_OK : XY_ABSENT;
}

xy_status
xy_stanza_id_parse(xy_owner owner, struct xy_str text, xy_message_id *id)
{
    xy_owner of;
    xy_status status = xy_stanza_id_open(text, &of, id);
    return status == XY_OK && of != owner ? XY_ABSENT : status;
}
