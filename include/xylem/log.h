/* SPDX-License-Identifier: MIT */
/*
 * Log lines have a stable event id, words, then typed fields:
 *
 *     xy_warn("offline.full", "quota reached, message bounced", XY_F_INT(quota), XY_F_STR(account));
 *
 * The running fiber adds module, host and stream by itself. The one who handles an error logs it,
 * nobody else. Message bodies and secrets are never logged.
 */
#ifndef XYLEM_LOG_H
#define XYLEM_LOG_H

#include <xylem/str.h>

enum xy_level { XY_LEVEL_DEBUG, XY_LEVEL_INFO, XY_LEVEL_NOTICE, XY_LEVEL_WARN, XY_LEVEL_ERROR };

struct xy_field {
    const char *name;
    enum { XY_FIELD_INT, XY_FIELD_STR, XY_FIELD_BOOL } type;
    union {
        int64_t integer;
        struct xy_str text;
    };
};

/* The field's name is the variable's; the _AS forms name it otherwise. */
#define XY_F_INT(variable)        XY_F_INT_AS(#variable, variable)
#define XY_F_STR(variable)        XY_F_STR_AS(#variable, variable)
#define XY_F_INT_AS(label, value) ((struct xy_field){.name = label, .type = XY_FIELD_INT, .integer = (int64_t)(value)})
#define XY_F_STR_AS(label, value) ((struct xy_field){.name = label, .type = XY_FIELD_STR, .text = (value)})
#define XY_F_CSTR_AS(label, value) XY_F_STR_AS(label, xy_str_from(value))

XY_API bool xy_log_wants(enum xy_level level);
XY_API void xy_log_fields(enum xy_level level, const char *event, const char *words,
                          const struct xy_field *fields, size_t count);

#define xy_log(level, event, words, ...)                                                           \
    do {                                                                                           \
        if (xy_log_wants(level)) {                                                                 \
            const struct xy_field xy_fields_[] = {{0} __VA_OPT__(, ) __VA_ARGS__};                 \
            xy_log_fields(level, event, words, xy_fields_ + 1,                                     \
                          sizeof(xy_fields_) / sizeof(xy_fields_[0]) - 1);                         \
        }                                                                                          \
    } while (0)
#define xy_debug(event, words, ...)  xy_log(XY_LEVEL_DEBUG, event, words __VA_OPT__(, ) __VA_ARGS__)
#define xy_info(event, words, ...)   xy_log(XY_LEVEL_INFO, event, words __VA_OPT__(, ) __VA_ARGS__)
#define xy_notice(event, words, ...) xy_log(XY_LEVEL_NOTICE, event, words __VA_OPT__(, ) __VA_ARGS__)
#define xy_warn(event, words, ...)   xy_log(XY_LEVEL_WARN, event, words __VA_OPT__(, ) __VA_ARGS__)
#define xy_error(event, words, ...)  xy_log(XY_LEVEL_ERROR, event, words __VA_OPT__(, ) __VA_ARGS__)

#endif
