/* SPDX-License-Identifier: MIT */
/*
 * Strings are slices: two words passed by value, never NUL-dependent, never owned by the slice.
 * An absent string is { NULL, 0 }; it can be passed on without a check and equals the empty one.
 */
#ifndef XYLEM_STR_H
#define XYLEM_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <xylem/status.h>

struct xy_str {
    const char *at;
    size_t len;
};

#define XY_STR(literal)      ((struct xy_str){"" literal, sizeof(literal) - 1})
#define XY_STR_INIT(literal) {"" literal, sizeof(literal) - 1} /* for static tables */
#define XY_NO_STR            ((struct xy_str){NULL, 0})
#define XY_FMT               "%.*s"
#define XY_ARG(str)          (int)(str).len, (str).at ? (str).at : ""

static inline struct xy_str
xy_str_from(const char *text) /* NULL gives the absent string */
{
    return (struct xy_str){text, text ? strlen(text) : 0};
}

static inline struct xy_str
xy_str_of(const char *at, size_t len)
{
    return (struct xy_str){at, len};
}

static inline bool
xy_str_equal(struct xy_str a, struct xy_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Compares with a literal; the length is known at compile time. */
#define xy_str_is(str, literal) xy_str_equal((str), XY_STR(literal))

static inline bool
xy_str_starts(struct xy_str s, struct xy_str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

static inline bool
xy_str_ends(struct xy_str s, struct xy_str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.at + s.len - suffix.len, suffix.at, suffix.len) == 0);
}

/* Cuts at the first `by`: returns what stands before it and moves *rest behind it. Without one,
 * returns all of *rest and leaves it absent. */
static inline struct xy_str
xy_str_cut(struct xy_str *rest, char by)
{
    struct xy_str whole = *rest;
    const char *at = whole.len ? memchr(whole.at, by, whole.len) : NULL;
    if (!at) {
        *rest = XY_NO_STR;
        return whole;
    }
    size_t before = (size_t)(at - whole.at);
    *rest = xy_str_of(at + 1, whole.len - before - 1);
    return xy_str_of(whole.at, before);
}

/* White space off both ends (space, tab, CR, LF). */
XY_API struct xy_str xy_str_trim(struct xy_str s);

/* Byte order, shorter first on a tie: <0, 0, >0 as memcmp. */
XY_API int xy_str_compare(struct xy_str a, struct xy_str b);
/* And nothing else: no surrogates, no overlong forms. */
XY_API bool xy_str_is_utf8(struct xy_str s);

/* A decimal integer and nothing else, within [min, max]. */
XY_API XY_CHECK xy_status xy_str_to_int(struct xy_str s, int64_t min, int64_t max, int64_t *out);

#endif
