/* SPDX-License-Identifier: MIT */
/*
 * Text made comparable: the mappings of nameprep (RFC 3491: case, width, compositions, in every
 * script Unicode 3.2 knew) without what it refuses, because people write everything. Then what
 * Turkish and direction marks would hide. No state: any thread.
 */
#include <stringprep.h>

#include <xylem/jid.h>
#include <xylem/memory.h>

enum { STEPS = 8 };

/* What is not seen; the dot that is left over from a large dotted i, and the dotless one. In
 * order. */
static const Stringprep_table_element ours[] = {
    {0x0131, 0x0131, {0x69}}, {0x0307, 0x0307, {0}},   {0x061C, 0x061C, {0}},
    {0x200E, 0x200F, {0}},    {0x202A, 0x202E, {0}},   {0x2061, 0x2064, {0}},
    {0x2066, 0x206F, {0}},    {0xE0000, 0xE0FFF, {0}}, {0, 0, {0}},
};

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

/* The mappings of nameprep, and ours. */
static void
make_profile(Stringprep_profile steps[STEPS])
{
    size_t count = 0;
    for (const Stringprep_profile *at = stringprep_nameprep; at->operation; at++)
        if (at->operation == STRINGPREP_MAP_TABLE || at->operation == STRINGPREP_NFKC) {
            xy_assert(count < STEPS - 2);
            steps[count++] = *at;
        }
    steps[count++] = (Stringprep_profile){.operation = STRINGPREP_MAP_TABLE,
                                          .table = ours,
                                          .table_size = sizeof(ours) / sizeof(ours[0]) - 1};
    steps[count] = (Stringprep_profile){.operation = 0};
}

/* Three bytes (U+FDFA) become thirty-three at most. */
struct xy_str
xy_temp_fold(struct xy_str text)
{
    char *out = xy_temp_alloc(text.len + 1);
    memcpy(out, text.len ? text.at : "", text.len);
    if (fold_ascii(out, text.len) || memchr(out, '\0', text.len))
        return xy_str_of(out, text.len);
    size_t room = text.len * 12 + 64;
    char *prepared = xy_temp_alloc(room);
    Stringprep_profile folding[STEPS];
    make_profile(folding);
    memcpy(prepared, text.at, text.len);
    if (stringprep(prepared, room, 0, folding) == STRINGPREP_OK)
        return xy_str_from(prepared);
    return xy_str_of(out, text.len);
}
