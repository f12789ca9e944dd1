/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of core/conf only: places, the value parsers, the YAML writer of scalars.
 */
#ifndef XYI_CONF_INTERNAL_H
#define XYI_CONF_INTERNAL_H

#include "core/conf/conf.h"

/* ---- places
 * ------------------------------------------------------------------------------------ */
struct xyi_place {
    struct xy_str file; /* absent: the file being read */
    int line, column;   /* line 0: the file as a whole */
};
struct xyi_place xyi_place_of(const struct xyi_yaml *at);
struct xyi_place xyi_place_of_key(const struct xyi_yaml *at);
void xyi_complain_place(struct xy_diagnostics *to, struct xyi_place place, const char *format,
                        ...) XY_PRINTF(3, 4);
void xyi_diagnostics_add(struct xy_diagnostics *to, bool is_caution, struct xyi_place place,
                         const char *option, const char *format, va_list arguments)
    XY_PRINTF(5, 0);
/* The file that diagnostics without a place belong to; the first one stays. */
void xyi_diagnostics_file(struct xy_diagnostics *to, struct xy_str file);

/* ---- values: text to number and back
 * ---------------------------------------------------------- */
/* On failure *error is a sentence in xyi_temp(). */
XY_CHECK xy_status xyi_size_parse(struct xy_str text, int64_t *bytes, struct xy_str *error);
XY_CHECK xy_status xyi_rate_parse(struct xy_str text, xy_rate *rate, struct xy_str *error);
struct xy_str xyi_size_text(int64_t bytes);
struct xy_str xyi_rate_text(xy_rate rate);

/* Appends `text` as a YAML scalar that reads back as itself: plain where possible, else quoted.
 */
void xyi_yaml_write(struct xy_buffer *to, struct xy_str text);
/* A value of any kind, for defaults written in tables. NULL: not YAML. */
struct xyi_yaml *xyi_yaml_value(struct xyi_arena *arena, struct xy_str text);

/* Name number `at` of a "a|b|c" list; absent behind the last. */
struct xy_str xyi_choice_name(const char *choices, int at);

#endif
