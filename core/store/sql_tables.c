/* SPDX-License-Identifier: MIT */
/*
 * Which SQL texts reach into the tables of the message store: content is read through the
 * readers that apply its state, so a module whose file has such a text is not loaded
 * (requirements S1-7, N11).
 */
#include <ctype.h>

#include "core/store/parts.h"

static const struct xy_str tables[] = {
    XY_STR_INIT("message"),   XY_STR_INIT("entry"),   XY_STR_INIT("entry_new"),
    XY_STR_INIT("archive"),   XY_STR_INIT("pending"), XY_STR_INIT("evidence"),
    XY_STR_INIT("removal"),   XY_STR_INIT("held"),    XY_STR_INIT("login"),
    XY_STR_INIT("withdrawn"),
};

static bool
is_one_of(struct xy_str word, const char *const *words)
{
    while (*words &&
           !(strlen(*words) == word.len && strncasecmp(*words, word.at, word.len) == 0))
        words++;
    return *words != NULL;
}

static bool
is_of_word(char letter)
{
    return isalnum((unsigned char)letter) || letter == '_';
}

/* The next word, or one other character; spaces and quotes around names are skipped. Absent:
 * the end. */
static struct xy_str
next_word(struct xy_str *rest)
{
    const char *at = rest->at, *end = rest->at + rest->len;
    while (at < end && (isspace((unsigned char)*at) || *at == '"'))
        at++;
    const char *from = at;
    while (at < end && is_of_word(*at))
        at++;
    at += at == from && at < end;
    *rest = xy_str_of(at, (size_t)(end - at));
    return xy_str_of(from, (size_t)(at - from));
}

static const struct xy_str *
own_table(struct xy_str word)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (word.len == tables[i].len && strncasecmp(word.at, tables[i].at, word.len) == 0)
            return &tables[i];
    return NULL;
}

/* A name is next behind these; in the list behind `from` also behind a comma. */
struct xy_str
xyi_sql_own_table(struct xy_str sql)
{
    static const char *const first[] = {"select",  "insert",   "update", "delete",
                                        "with",    "create",   "drop",   "alter",
                                        "replace", "truncate", NULL};
    static const char *const before[] = {"from", "join", "into", "update", "table", NULL};
    static const char *const ends[] = {"where", "set", "values", "select", "order",
                                       "group", ")",   "on",     NULL};
    bool table = false, listed = false;
    struct xy_str word = next_word(&sql);
    if (!is_one_of(word, first))
        return XY_NO_STR;
    for (; word.len; word = next_word(&sql)) {
        const struct xy_str *own = table ? own_table(word) : NULL;
        struct xy_str rest = sql;
        bool is_schema = xy_str_is(next_word(&rest), "."); /* main.message */
        if (own && !is_schema)
            return *own;
        listed = (listed || xy_str_is(word, "from")) && !is_one_of(word, ends);
        table = is_one_of(word, before) || (listed && word.at[0] == ',') ||
                (table && (is_schema || word.at[0] == '.'));
    }
    return XY_NO_STR;
}
