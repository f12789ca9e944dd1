/* SPDX-License-Identifier: MIT */
/*
 * Text made comparable: nameprep (RFC 3491) folds case and width in every script Unicode 3.2
 * knew. What it refuses, such as a private use character, is folded as ASCII. No state: any
 * thread.
 */
#include <stringprep.h>

#include <xylem/jid.h>
#include <xylem/memory.h>

/* Whether there was nothing but ASCII. */
static bool
fold_ascii(char *text, size_t len)
{
    bool plain = true;
    for (size_t i = 0; i < len; i++) {
        plain = plain && (unsigned char)text[i] < 0x80;
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    }
    return plain;
}

/* One character may become four of up to four bytes. */
struct xy_str
xy_temp_fold(struct xy_str text)
{
    char *out = xy_temp_alloc(text.len + 1);
    memcpy(out, text.len ? text.at : "", text.len);
    if (fold_ascii(out, text.len) || memchr(out, '\0', text.len))
        return xy_str_of(out, text.len);
    size_t room = text.len * 8 + 64;
    char *prepared = xy_temp_alloc(room);
    memcpy(prepared, text.at, text.len);
    if (stringprep(prepared, room, 0, stringprep_nameprep) == STRINGPREP_OK)
        return xy_str_from(prepared);
    return xy_str_of(out, text.len);
}
