/* SPDX-License-Identifier: MIT */
/*
 * Interned JIDs: the numbers that stand for bare JIDs in the message tables. They never change,
 * so whatever is in the cache is right.
 */
#include "core/store/parts.h"
#include "core/store/thread.h"

enum { MOST_CACHED = 100000 };

static struct {
    struct xy_map *ids;
    size_t count;
} cache; /* logic thread */

static const struct xy_statement find = XY_SQL("select id from jid where text = ?");
static const struct xy_statement add =
    XY_SQL("insert into jid (text) values (?) on conflict (text) do nothing");

static void
remember(struct xy_str text, int64_t id)
{
    if (cache.count >= MOST_CACHED)
        xyi_jid_ids_stop();
    if (!cache.ids)
        cache.ids = xyi_map_new();
    cache.count += xy_map_put(cache.ids, text, (void *)(intptr_t)id) == NULL;
}

static xy_status
look_up(struct xy_str text, int64_t *id)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find, &rows, XY_TEXT(text));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    *id = xy_rows_int(rows, 0);
    return XY_OK;
}

xy_status
xyi_jid_known_id(const struct xy_jid *bare, int64_t *id)
{
    struct xy_str text = xy_jid_text(bare);
    void *known = cache.ids ? xy_map_get(cache.ids, text) : NULL;
    if (known) {
        *id = (intptr_t)known;
        return XY_OK;
    }
    xy_status status = look_up(text, id);
    if (status == XY_OK)
        remember(text, *id);
    return status;
}

xy_status
xyi_jid_id(const struct xy_jid *bare, int64_t *id)
{
    xy_status status = xyi_jid_known_id(bare, id);
    if (status != XY_ABSENT)
        return status;
    status = xy_sql_write(&add, XY_TEXT(xy_jid_text(bare)));
    return status == XY_OK ? xyi_jid_known_id(bare, id) : status;
}

void
xyi_jid_ids_stop(void)
{
    if (cache.ids)
        xy_map_free(cache.ids);
    cache.ids = NULL;
    cache.count = 0;
}
