/* SPDX-License-Identifier: MIT */
/* Slices and status names: what does not fit into the header's inline functions. */
#include "core/base/base.h"

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct xy_str
xy_str_trim(struct xy_str s)
{
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    while (s.len && is_space(*s.at)) {
        s.at++;
        s.len--;
    }
    return s;
}

int
xy_str_compare(struct xy_str a, struct xy_str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.at, b.at, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

xy_status
xy_str_to_int(struct xy_str s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = s.len && s.at[0] == '-';
    if (s.len == (size_t)negative)
        return XY_INVALID;
    int64_t value = 0; /* built below zero, where there is one more */
    for (size_t i = negative; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.at[i] - '0', &value))
            return XY_INVALID;
    }
    if (!negative && __builtin_sub_overflow(0, value, &value))
        return XY_INVALID;
    if (value < min || value > max)
        return XY_INVALID;
    *out = value;
    return XY_OK;
}

const char *
xy_status_name(xy_status status)
{
    static const char *const names[] = {
        [XY_OK] = "ok",
        [XY_ABSENT] = "absent",
        [XY_FULL] = "full",
        [XY_GONE] = "gone",
        [XY_DENIED] = "denied",
        [XY_INVALID] = "invalid",
        [XY_CONFLICT] = "conflict",
        [XY_CANCELLED] = "cancelled",
        [XY_TIMEOUT] = "timeout",
        [XY_BROKEN] = "broken",
        [XY_UNKNOWN] = "unknown",
        [XY_UNSUPPORTED] = "unsupported",
    };
    return (size_t)status < sizeof(names) / sizeof(*names) ? names[status] : "no such status";
}
