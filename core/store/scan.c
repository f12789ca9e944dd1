/* SPDX-License-Identifier: MIT */
/*
 * Walking through all messages, for holds and retention: by the primary key, a page at a time.
 * Content is looked at only for its words, and nothing of it is handed out.
 */
#include "core/store/driver.h"
#include "core/store/parts.h"
#include "core/store/scope.h"
#include <stdlib.h>

#define COLUMNS                                                  \
    "select m.id, s.text, r.text, m.class, m.state, m.archived," \
    " (select 1 from pending q where q.message = m.id limit 1)," \
    " (select count(*) from held k where k.message = m.id), x.purge_at, x.purged"
#define NAMES                                                              \
    " left join jid s on s.id = m.sender left join jid r on r.id = m.rcpt" \
    " left join removal x on x.message = m.id"
static const struct xy_statement read_page = XY_SQL(
    COLUMNS " from message m" NAMES " where m.id > ? and m.id < ? order by m.id limit ?");
static const struct xy_statement read_held =
    XY_SQL(COLUMNS " from held h join message m on m.id = h.message" NAMES
                   " where h.hold = ? and h.message > ? order by h.message limit ?");
static const struct xy_statement read_content = {
    .sql =
        "select m.id, m.stanza from json_each(?) r cross join message m where m.id = r.value",
    .pgsql = "select m.id, m.stanza from json_array_elements_text(?::json) r"
             " cross join message m where m.id = r.value::bigint"};

const struct xyi_planned xyi_scan_planned[] = {
    XYI_PLANNED(read_page, "iii"),
    XYI_PLANNED(read_held, "iii"),
    XYI_PLANNED(read_content, "t"),
    {.statement = NULL},
};

static struct xy_message_found
found_in(const struct xy_rows *row)
{
    return (struct xy_message_found){
        .id = xy_rows_int(row, 0),
        .author = xy_rows_text(row, 1),
        .addressee = xy_rows_text(row, 2),
        .class = (enum xy_message_class)xy_rows_int(row, 3),
        .state = (enum xy_message_state)xy_rows_int(row, 4),
        .archived = xy_rows_int(row, 5) != 0,
        .waits = xy_rows_int(row, 6) != 0,
        .holds = xy_rows_int(row, 7),
        .held = xy_rows_int(row, 7) != 0,
        .purge_ms = xy_rows_is_null(row, 8) ? XY_NONE : xy_rows_int(row, 8),
        .purged = xy_rows_int(row, 9) != 0,
    };
}

static bool
is(struct xy_str text, const struct xy_jid *jid)
{
    return xy_str_equal(text, xy_jid_text(jid));
}

static bool
is_between(const struct xy_message_scope *scope, const struct xy_message_found *found)
{
    if (scope->room && !is(found->addressee, scope->room) && !is(found->author, scope->room))
        return false;
    if (!scope->person)
        return true;
    bool wrote = is(found->author, scope->person), got = is(found->addressee, scope->person);
    struct xy_str other = wrote ? found->addressee : found->author;
    return (wrote || got) && (!scope->with || is(other, scope->with));
}

static int
compare(const void *left, const void *right)
{
    xy_message_id a = ((const struct xy_message_found *)left)->id;
    xy_message_id b = ((const struct xy_message_found *)right)->id;
    return (a > b) - (a < b);
}

/* Keeps those of `at` that have the words; the rows may come in any order. */
static xy_status
keep_with_words(const struct xy_message_scope *scope, struct xy_message_found *at,
                size_t *count)
{
    struct xy_rows *rows;
    size_t kept = 0;
    xy_message_id *ids = xy_temp_alloc((*count + 1) * sizeof(*ids));
    for (size_t i = 0; i < *count; i++)
        ids[i] = at[i].id;
    xy_status status =
        xy_sql_read(&read_content, &rows, XY_TEXT(xyi_message_id_list(ids, *count)));
    while (status == XY_OK && xy_rows_next(rows)) {
        const struct xy_stanza *stanza = xy_stanza_parse(xy_rows_text(rows, 1));
        if (!stanza || !xyi_scope_has_words(scope, stanza))
            continue;
        for (size_t i = kept; i < *count; i++) {
            struct xy_message_found found = at[i];
            if (found.id != xy_rows_int(rows, 0))
                continue;
            at[i] = at[kept];
            at[kept++] = found;
            break;
        }
    }
    qsort(at, kept, sizeof(*at), compare);
    *count = kept;
    return status;
}

xy_status
xy_scope_read(const struct xy_message_scope *scope, int64_t most, struct xy_message_found **at,
              size_t *count, xy_message_id *through)
{
    struct xy_rows *rows;
    *count = 0;
    xy_status status =
        xy_sql_read(&read_page, &rows, XY_INT(scope->after),
                    XY_INT(scope->before ? scope->before : INT64_MAX), XY_INT(most));
    if (status != XY_OK)
        return status;
    *at = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**at));
    *through = 0;
    while (xy_rows_next(rows)) {
        struct xy_message_found found = found_in(rows);
        *through = found.id;
        if (is_between(scope, &found))
            (*at)[(*count)++] = found;
    }
    if ((int64_t)xy_rows_count(rows) < most)
        *through = 0;
    return scope->keyword.len && *count ? keep_with_words(scope, *at, count) : XY_OK;
}

xy_status
xy_hold_read(int64_t hold, xy_message_id after, int64_t limit, struct xy_message_found **at,
             size_t *count)
{
    struct xy_rows *rows;
    *count = 0;
    xy_status status =
        xy_sql_read(&read_held, &rows, XY_INT(hold), XY_INT(after), XY_INT(limit));
    if (status != XY_OK)
        return status;
    *at = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**at));
    while (xy_rows_next(rows))
        (*at)[(*count)++] = found_in(rows);
    return XY_OK;
}
