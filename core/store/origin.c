/* SPDX-License-Identifier: MIT */
/*
 * Where a message came from (requirement S0-2): who wrote it to whom, in which session, and how
 * and from what kind of address that session came. Invariant: whatever becomes of content and
 * row, evidence and login stay until the person is erased (forget.c). A login is written in the
 * transaction of the first message that names it: sessions that write nothing leave nothing.
 */
#include <xylem/evidence.h>
#include "core/store/parts.h"

static const struct xy_statement add_login =
    XY_SQL("insert into login (id, jid, resource, path, source) values (?, ?, ?, ?, ?)"
           " on conflict (id) do nothing");
static const struct xy_statement read_provenance =
    XY_SQL("select e.commitment, e.salt, e.class, a.text, r.text, e.login, j.text, l.resource,"
           " l.path, l.source, m.id,"
           " (select count(*) from held h where h.message = e.message),"
           " x.state, x.operation, x.by_jid, x.actor, x.reason, x.at, x.purged"
           " from evidence e left join jid a on a.id = e.author"
           " left join jid r on r.id = e.addressee left join login l on l.id = e.login"
           " left join jid j on j.id = l.jid left join message m on m.id = e.message"
           " left join removal x on x.message = e.message where e.message = ?");

const struct xyi_planned xyi_origin_planned[] = {
    XYI_PLANNED(read_provenance, "i"),
    {.statement = NULL},
};

void
xyi_login_add(struct xy_txn *txn, const struct xyi_login_row *row)
{
    xy_txn_add(txn, &add_login, XY_INT(row->id), XY_INT(row->jid), XY_TEXT(row->resource),
               XY_INT(row->path), XY_INT(row->source));
}

/* ---- reading ----------------------------------------------------------------------------- */

static const struct xy_jid *
jid_at(const struct xy_rows *row, size_t column)
{
    struct xy_str text = xy_rows_text(row, column);
    return text.len ? xy_jid_parse(text) : NULL;
}

static const struct xy_jid *
session_of(const struct xy_rows *row)
{
    const struct xy_jid *account = jid_at(row, 6);
    return account ? xy_jid_make(xy_jid_local(account), xy_jid_domain(account),
                                 xy_rows_text(row, 7))
                   : NULL;
}

static void
fill_removal(const struct xy_rows *row, struct xy_provenance *to)
{
    to->removed = !xy_rows_is_null(row, 12);
    to->state = (enum xy_message_state)xy_rows_int(row, 12);
    to->operation = xy_rows_text(row, 13);
    to->by = xy_rows_text(row, 14);
    to->actor = xy_rows_text(row, 15);
    to->reason = xy_rows_text(row, 16);
    to->removed_ms = xy_rows_int(row, 17);
    to->purged = xy_rows_int(row, 18);
}

xy_status
xy_message_provenance(xy_message_id id, struct xy_provenance *to)
{
    struct xy_rows *row;
    xy_status status = xy_sql_read(&read_provenance, &row, XY_INT(id));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(row))
        return XY_ABSENT;
    *to = (struct xy_provenance){
        .id = id,
        .at_ms = xy_message_id_ms(id),
        .commitment = xy_rows_text(row, 0),
        .provable = !xy_rows_is_null(row, 1),
        .has_class = !xy_rows_is_null(row, 2),
        .class = (enum xy_message_class)xy_rows_int(row, 2),
        .author = jid_at(row, 3),
        .addressee = jid_at(row, 4),
        .login = xy_rows_int(row, 5),
        .session = session_of(row),
        .path = (enum xy_login_path)xy_rows_int(row, 8),
        .source = (enum xy_source)xy_rows_int(row, 9),
        .stored = !xy_rows_is_null(row, 10),
        .held = xy_rows_int(row, 11) > 0,
    };
    fill_removal(row, to);
    return XY_OK;
}
