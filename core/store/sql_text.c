/* SPDX-License-Identifier: MIT */
/*
 * SQL as text: ? becomes $1, $2 … for PostgreSQL, except within quotes, comments and dollar
 * quotes.
 */
#include "core/store/driver.h"
#include <ctype.h>
#include <stdio.h>

static const char *
behind(const char *at, const char *end)
{
    const char *found = strstr(at, end);
    return found ? found + strlen(end) : at + strlen(at);
}

/* $tag$ … $tag$, where the tag may be empty; `at` itself when it is none. */
static const char *
behind_dollar_quote(const char *at)
{
    size_t tag = 1;
    while (isalnum((unsigned char)at[tag]) || at[tag] == '_')
        tag++;
    if (at[tag++] != '$')
        return at;
    for (const char *end = at + tag; (end = strchr(end, '$')); end++)
        if (strncmp(end, at, tag) == 0)
            return end + tag;
    return at + strlen(at);
}

/* Behind what cannot hold a parameter, or `at` itself. */
static const char *
behind_opaque(const char *at)
{
    if (*at == '\'' || *at == '"') {
        const char end[] = {*at, '\0'};
        return behind(at + 1, end);
    }
    if (at[0] == '-' && at[1] == '-')
        return behind(at, "\n");
    if (at[0] == '/' && at[1] == '*')
        return behind(at + 2, "*/");
    return *at == '$' ? behind_dollar_quote(at) : at;
}

struct xy_str
xyi_sql_numbered(struct xyi_arena *arena, const char *sql)
{
    size_t parameters = 0;
    for (const char *at = sql; *at; at++)
        parameters += *at == '?';
    char *text = xyi_arena_alloc(arena, strlen(sql) + parameters * 10 + 1), *to = text;
    unsigned number = 0;
    while (*sql) {
        const char *next = behind_opaque(sql);
        if (next == sql && *sql == '?') {
            to += sprintf(to, "$%u", ++number);
            sql++;
            continue;
        }
        next += next == sql;
        to = mempcpy(to, sql, (size_t)(next - sql));
        sql = next;
    }
    return xy_str_of(text, (size_t)(to - text));
}
