/* SPDX-License-Identifier: MIT */
/*
 * What readers see of a message that was taken back. Invariant: nothing of its content gets
 * into a tombstone, because it is built anew from a list of what may.
 */
#include "core/store/tombstone.h"
#include <xylem/namespaces.h>
#include <xylem/removal.h>
#include "core/store/parts.h"

#define NS_RETRACT  "urn:xmpp:message-retract:1"
#define NS_MODERATE "urn:xmpp:message-moderate:1"

static const struct xy_statement read_removals = {
    .sql = "select x.message, x.state, x.at, x.by_jid, x.reason, x.notice_id"
           " from json_each(?) r cross join removal x where x.message = r.value",
    .pgsql = "select x.message, x.state, x.at, x.by_jid, x.reason, x.notice_id"
             " from json_array_elements_text(?::json) r cross join removal x"
             " where x.message = r.value::bigint"};

const struct xyi_planned xyi_tombstone_planned[] = {XYI_PLANNED(read_removals, "t"),
                                                    {.statement = NULL}};

struct xy_stanza *
xyi_tombstone(const struct xy_stanza *message)
{
    struct xy_stanza *empty = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_from(empty, xy_stanza_from(message));
    xy_stanza_set_to(empty, xy_stanza_to(message));
    xy_stanza_set_id(empty, xy_stanza_id(message));
    xy_stanza_set_type(empty, xy_stanza_type(message));
    bool in_room = xy_str_is(xy_stanza_type(message), "groupchat");
    const struct xy_node *occupant =
        xy_stanza_child(message, XY_STR(XY_NS_OCCUPANT_ID), XY_STR("occupant-id"));
    if (in_room && occupant)
        xy_node_set(
            xy_node_add(xy_stanza_top(empty), XY_STR(XY_NS_OCCUPANT_ID), XY_STR("occupant-id")),
            "id", xy_node_attr(occupant, "id"));
    return empty;
}

static void
sign(struct xy_archived *at, const struct xy_rows *removal)
{
    bool others = xy_rows_int(removal, 1) != XY_MESSAGE_RETRACTED;
    struct xy_str by = xy_rows_text(removal, 3), reason = xy_rows_text(removal, 4);
    struct xy_node *retracted =
        xy_node_add(xy_stanza_top(at->stanza), XY_STR(NS_RETRACT), XY_STR("retracted"));
    xy_node_set(retracted, "stamp", xy_time_format(xy_rows_int(removal, 2)));
    if (xy_rows_text(removal, 5).len)
        xy_node_set(retracted, "id", xy_rows_text(removal, 5));
    if (others) {
        struct xy_node *moderated =
            xy_node_add(retracted, XY_STR(NS_MODERATE), XY_STR("moderated"));
        if (by.len)
            xy_node_set(moderated, "by", by);
    }
    if (reason.len)
        xy_node_add_text(xy_node_add(retracted, XY_NO_STR, XY_STR("reason")), reason);
}

xy_status
xyi_tombstones_sign(const struct xy_archive_page *page)
{
    struct xy_rows *rows;
    size_t count = 0;
    xy_message_id *ids = xy_temp_alloc((page->count + 1) * sizeof(*ids));
    for (size_t i = 0; i < page->count; i++)
        if (page->at[i].state != XY_MESSAGE_LIVE)
            ids[count++] = page->at[i].id;
    if (!count)
        return XY_OK;
    xy_status status =
        xy_sql_read(&read_removals, &rows, XY_TEXT(xyi_message_id_list(ids, count)));
    while (status == XY_OK && xy_rows_next(rows))
        for (size_t i = 0; i < page->count; i++)
            if (page->at[i].id == xy_rows_int(rows, 0))
                sign(&page->at[i], rows);
    return status;
}
