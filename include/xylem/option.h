/* SPDX-License-Identifier: MIT */
/*
 * Options: one row says it all. The row names a field of the module's state; the field's type is
 * the option's. The default is text, read by the same parser as the file, so the manual shows it
 * as an operator would write it. Fields are filled before start() and, for XY_LIVE rows, again by
 * a reload; declare them const and module code cannot assign them.
 */
#ifndef XYLEM_OPTION_H
#define XYLEM_OPTION_H

#include <xylem/jid.h>
#include <xylem/str.h>

/* Field types with a meaning. Text and lists live as long as the configuration they came from,
 * which the instance holds. */
typedef struct { int64_t ms; } xy_duration;      /* "30 s", "5 min", "2 h", "90 days", "200 ms" */
typedef struct { int64_t bytes; } xy_size;       /* "10 KiB", "1 MB", "262144" */
typedef struct { int64_t per_second_milli; int64_t burst; } xy_rate; /* "25/s", "100/min", "25/s burst 200" */
typedef struct { int index; } xy_choice;         /* one of .choices, by position */
typedef struct { struct xy_str text; } xy_secret; /* shown as (set) */
typedef struct { struct xy_str path; } xy_path;   /* made absolute, relative to the configuration file */
typedef struct { const struct xy_str *at; size_t count; } xy_list; /* a list of texts, or one text */
/* bool: on/off, true/false, yes/no. int64_t: an integer. struct xy_str: text. const struct xy_jid *: a JID. */

static inline bool
xy_list_has(const xy_list *list, struct xy_str text)
{
    for (size_t i = 0; i < list->count; i++)
        if (xy_str_equal(list->at[i], text))
            return true;
    return false;
}

#define XY_NONE (-1) /* what an integer, duration, size or rate holds when .none is set and `none` is given */

enum xy_option_type {
    XY_OPTION_BOOL, XY_OPTION_INT, XY_OPTION_TEXT, XY_OPTION_DURATION, XY_OPTION_SIZE,
    XY_OPTION_RATE, XY_OPTION_CHOICE, XY_OPTION_SECRET, XY_OPTION_PATH, XY_OPTION_LIST,
    XY_OPTION_JID,
    XY_OPTION_GROUP, /* a map of options: see XY_OPTION_GROUP_ROW */
};

enum xy_effect {
    XY_LIVE,      /* a reload changes it in place */
    XY_REPLACE,   /* a reload replaces the instance: start, adopt, stop */
    XY_RECONNECT, /* connections made after the reload see it */
    XY_RESTART,   /* takes a restart; a reload that changes it is refused */
};

struct xy_option {
    const char *name;
    enum xy_option_type type;
    size_t offset;
    const char *initial; /* NULL: required */
    const char *doc;     /* one or two full sentences */
    const char *choices; /* XY_OPTION_CHOICE: "always|never|roster" */
    int64_t min, max;    /* in the field's unit (ms, bytes); both 0: unbounded (not negative) */
    bool none;           /* `none` is allowed */
    enum xy_effect effect;
};

#define XY_OPTION_TYPE_(field)                                                                     \
    _Generic((field), bool: XY_OPTION_BOOL, int64_t: XY_OPTION_INT,                                \
             struct xy_str: XY_OPTION_TEXT, xy_duration: XY_OPTION_DURATION,                       \
             xy_size: XY_OPTION_SIZE, xy_rate: XY_OPTION_RATE, xy_choice: XY_OPTION_CHOICE,        \
             xy_secret: XY_OPTION_SECRET, xy_path: XY_OPTION_PATH, xy_list: XY_OPTION_LIST,        \
             const struct xy_jid *: XY_OPTION_JID)

/* For a struct of any name; XY_OPTION for the module's state. */
#define XY_OPTION_IN(state, field, ...)                                                            \
    {                                                                                              \
        .name = #field, .type = XY_OPTION_TYPE_(((struct state *)0)->field),                       \
        .offset = offsetof(struct state, field) __VA_OPT__(, ) __VA_ARGS__                         \
    }
/* A map within the map: the rows that follow and whose names begin with that of the group and a dot
 * are its members. A member's field is one of a struct within the state:
 *     XY_OPTION_GROUP_ROW("default_config", "What new rooms are set to."),
 *     XY_OPTION(default_config.persistent, .initial = "off", .doc = "…"), */
#define XY_OPTION_GROUP_ROW(label, about) {.name = (label), .type = XY_OPTION_GROUP, .initial = "", .doc = (about)}
#define XY_OPTION(field, ...) XY_OPTION_IN_(XY_STATE, field, __VA_ARGS__)
#define XY_OPTION_IN_(state, field, ...) XY_OPTION_IN(state, field, __VA_ARGS__)

/* "30 s" and the like, as in the file; on failure *error is a sentence in the fiber's memory. And back,
 * in the largest unit that divides it. For arguments of commands. */
XY_API XY_CHECK xy_status xy_duration_parse(struct xy_str text, int64_t *ms, struct xy_str *error);
XY_API struct xy_str xy_duration_text(int64_t ms);

/* Where a module's .check reports cross-field errors; they come out as file:line:column: text. */
struct xy_diagnostics;
XY_API void xy_complain(struct xy_diagnostics *to, const char *option, const char *format, ...)
    XY_PRINTF(3, 4);
/* A configuration that is legal and unwise. */
XY_API void xy_caution(struct xy_diagnostics *to, const char *option, const char *format, ...)
    XY_PRINTF(3, 4);

#endif
