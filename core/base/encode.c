/* SPDX-License-Identifier: MIT */
/*
 * Base64 (RFC 4648 section 4) and hexadecimal text in the fiber's memory. Decoding is strict:
 * no white space, full padding, no stray bits, so that one value has one text.
 */
#include "core/base/base.h"

static const char standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct xy_str
encode(struct xy_str bytes, const char *alphabet, bool padded)
{
    char *text = xy_temp_alloc((bytes.len + 2) / 3 * 4 + 1), *to = text;
    const unsigned char *from = (const unsigned char *)bytes.at;
    for (size_t left = bytes.len; left; left -= left < 3 ? left : 3, from += 3) {
        uint32_t group = (uint32_t)from[0] << 16;
        group |= left > 1 ? (uint32_t)from[1] << 8 : 0;
        group |= left > 2 ? from[2] : 0;
        size_t digits = left < 3 ? left + 1 : 4;
        for (size_t i = 0; i < digits; i++)
            *to++ = alphabet[group >> (18 - 6 * i) & 63];
        for (size_t i = digits; padded && i < 4; i++)
            *to++ = '=';
    }
    return xy_str_of(text, (size_t)(to - text));
}

struct xy_str
xy_temp_base64(struct xy_str bytes)
{
    return encode(bytes, standard, true);
}

struct xy_str
xyi_random_token(size_t bytes)
{
    char *secret = xy_temp_alloc(bytes);
    xyi_random(secret, bytes);
    return encode(xy_str_of(secret, bytes), url_safe, false);
}

static int
digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters of which `padding` are '=': 3 - padding bytes. */
static bool
decode_group(const char *from, unsigned padding, char *to)
{
    uint32_t group = 0;
    for (unsigned i = 0; i < 4; i++) {
        int value = i < 4 - padding ? digit_value(from[i]) : 0;
        if (value < 0)
            return false;
        group = group << 6 | (uint32_t)value;
    }
    if (group & ((1u << 8 * padding) - 1))
        return false; /* bits that no byte takes */
    for (unsigned i = 0; i < 3 - padding; i++)
        to[i] = (char)(group >> (16 - 8 * i) & 255);
    return true;
}

xy_status
xy_temp_unbase64(struct xy_str text, struct xy_str *out)
{
    if (text.len % 4)
        return XY_INVALID;
    char *bytes = xy_temp_alloc(text.len / 4 * 3 + 1);
    size_t len = 0;
    for (size_t at = 0; at < text.len; at += 4) {
        unsigned padding = 0;
        if (at + 4 == text.len && text.at[at + 3] == '=')
            padding = text.at[at + 2] == '=' ? 2 : 1;
        if (!decode_group(text.at + at, padding, bytes + len))
            return XY_INVALID;
        len += 3 - padding;
    }
    *out = xy_str_of(bytes, len);
    return XY_OK;
}

struct xy_str
xy_temp_hex(struct xy_str bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *text = xy_temp_alloc(bytes.len * 2 + 1);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.at[i];
        text[2 * i] = digits[byte >> 4];
        text[2 * i + 1] = digits[byte & 15];
    }
    return xy_str_of(text, bytes.len * 2);
}
