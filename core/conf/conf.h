/* SPDX-License-Identifier: MIT */
/*
 * YAML with places, option tables, diagnostics.
 */
#ifndef XYI_CONF_H
#define XYI_CONF_H

#include <xylem/option.h>
#include "core/base/base.h"

/* ---- the tree: libyaml events with marks kept ---------------------------------------------------------- */
enum xyi_yaml_kind { XYI_YAML_NONE, XYI_YAML_SCALAR, XYI_YAML_LIST, XYI_YAML_MAP };
struct xyi_yaml {
    enum xyi_yaml_kind kind;
    struct xy_str text;        /* of a scalar */
    bool quoted;
    struct xy_str file;        /* where it stands */
    int line, column;          /* 1-based */
    struct xy_str key;         /* in its map */
    int key_line, key_column;
    struct xyi_yaml *first, *next, *parent;
};

/* ---- diagnostics: every error at once, as file:line:column: text ----------------------------------------- */
struct xy_diagnostics; /* collects; of an arena */
struct xyi_diagnostic {
    struct xyi_diagnostic *next;
    bool is_caution;
    struct xy_str where; /* "file:line:column" or the file */
    struct xy_str text;
};
struct xy_diagnostics *xyi_diagnostics_new(struct xyi_arena *arena);
void xyi_complain_at(struct xy_diagnostics *to, const struct xyi_yaml *at, const char *format, ...) XY_PRINTF(3, 4);
void xyi_caution_at(struct xy_diagnostics *to, const struct xyi_yaml *at, const char *format, ...) XY_PRINTF(3, 4);
/* At the key rather than its value. */
void xyi_complain_key(struct xy_diagnostics *to, const struct xyi_yaml *at, const char *format, ...) XY_PRINTF(3, 4);
size_t xyi_errors(const struct xy_diagnostics *of);
const struct xyi_diagnostic *xyi_diagnostics_first(const struct xy_diagnostics *of);
/* All of them as lines "file:line:column: text", cautions marked, in xyi_temp(). */
struct xy_str xyi_diagnostics_text(const struct xy_diagnostics *of);
/* Where xy_complain() finds an option: the map the options were read from
 * (or the scalar `on`); NULL: the file. */
void xyi_diagnostics_aim(struct xy_diagnostics *to, const struct xyi_yaml *map);

/* ---- reading ------------------------------------------------------------------------------------------------ */
/* The file plus conf.d/ *.yaml beside it in order of name, merged: later files may add keys and list
 * entries, a scalar set twice is an error. Everything lives in `arena`. NULL when a file cannot be read
 * or is no YAML; other errors are complained of and leave a tree. */
struct xyi_yaml *xyi_yaml_read(struct xyi_arena *arena, struct xy_str path, struct xy_diagnostics *to);
struct xyi_yaml *xyi_yaml_parse(struct xyi_arena *arena, struct xy_str name, struct xy_str text, struct xy_diagnostics *to);
struct xyi_yaml *xyi_yaml_get(const struct xyi_yaml *map, struct xy_str key); /* NULL: absent */

/* Fills the fields of `into` from `map` (NULL: all defaults). Unknown keys, wrong types, ranges and
 * required ones are complained of with "did you mean". `known` (may be NULL) names further keys that
 * somebody else reads. Relative paths are made absolute from `base`. */
struct xyi_option_table {
    const struct xy_option *rows;
    size_t count;
};
void xyi_options_read(struct xyi_option_table table, const struct xyi_yaml *map, const char *const *known,
                      struct xy_str base, struct xyi_arena *arena, void *into, struct xy_diagnostics *to);
/* What stands for the option of that name, which may be a member of a group ("group.member");
 * NULL: nothing does. */
struct xyi_yaml *xyi_option_at(const struct xyi_yaml *map, struct xy_str name);
/* Lets go of what the fields of a filled struct hold outside their arena (JIDs). */
void xyi_options_release(struct xyi_option_table table, void *from);
/* One value of one row as text, as an operator would write it; secrets give "(set)". */
struct xy_str xyi_option_text(const struct xy_option *row, const void *from);
/* Whether two filled structs differ in a row, and the strongest effect among those that do:
 * XY_LIVE, XY_RECONNECT, XY_REPLACE, XY_RESTART in rising order. */
bool xyi_options_differ(struct xyi_option_table table, const void *a, const void *b, enum xy_effect *effect);
/* on/off, true/false, yes/no in any case of letters. */
XY_CHECK xy_status xyi_bool_parse(struct xy_str text, bool *value);
/* "did you mean" for any list of words: the nearest within distance 2, or absent. */
struct xy_str xyi_did_you_mean(struct xy_str word, const struct xy_str *known, size_t count);

/* ---- documents made from the same rows -------------------------------------------------------------------- */
/* A complete commented YAML map of the table, indented by `indent`. */
struct xy_str xyi_options_defaults(struct xyi_option_table table, unsigned indent);
struct xy_str xyi_options_man(struct xyi_option_table table);    /* roff list */
struct xy_str xyi_options_schema(struct xyi_option_table table); /* JSON Schema object */

#endif
