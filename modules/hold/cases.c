/* SPDX-License-Identifier: MIT */
/*
 * The cases in memory, and each message that commits held against them. Invariant: a case is
 * here before its row is there, and until nothing can come under it or leave it.
 */
#include "modules/hold/hold.h"

static xy_status
keep_jid(struct xy_str text, const struct xy_jid **jid)
{
    const struct xy_jid *parsed = text.len ? xy_jid_parse(text) : NULL;
    if (text.len && !parsed)
        return XY_BROKEN;
    *jid = parsed ? xy_jid_keep(parsed) : NULL;
    return XY_OK;
}

void
hold_forget(XY_SELF, struct legal_case *legal)
{
    for (struct legal_case **at = &self->first; *at; at = &(*at)->next)
        if (*at == legal) {
            *at = legal->next;
            break;
        }
    const struct xy_jid *jids[] = {legal->person, legal->with, legal->room};
    for (size_t i = 0; i < 3; i++)
        if (jids[i])
            xy_jid_drop(jids[i]);
    xy_keep_free(self, legal->scope.keyword.at);
    xy_keep_free(self, legal->name.at);
    xy_keep_free(self, legal);
}

xy_status
hold_know(XY_SELF, const struct case_row *row, struct legal_case **known)
{
    struct legal_case *legal = xy_keep_alloc(self, sizeof(*legal));
    legal->next = self->first;
    self->first = legal;
    legal->id = row->id;
    legal->phase = row->phase;
    legal->cursor = row->cursor;
    legal->released_ms = row->released_ms;
    legal->name = xy_keep_str(self, row->name);
    xy_status status = keep_jid(row->person, &legal->person);
    if (status == XY_OK)
        status = keep_jid(row->with, &legal->with);
    if (status == XY_OK)
        status = keep_jid(row->room, &legal->room);
    legal->scope = (struct xy_message_scope){
        .person = legal->person,
        .with = legal->with,
        .room = legal->room,
        .after = row->since_ms ? xy_message_id_at(row->since_ms) - 1 : 0,
        .before = row->until_ms ? xy_message_id_at(row->until_ms) : 0,
        .keyword = row->keyword.len ? xy_keep_str(self, row->keyword) : XY_NO_STR,
    };
    *known = legal;
    if (status != XY_OK)
        hold_forget(self, legal);
    return status;
}

struct legal_case *
hold_find(const struct hold *self, int64_t id)
{
    struct legal_case *at = self->first;
    while (at && at->id != id)
        at = at->next;
    return at;
}

xy_status
hold_load(XY_SELF)
{
    struct case_row *rows;
    struct legal_case *legal;
    size_t count;
    xy_status status = hold_read_all(&rows, &count);
    for (size_t i = 0; status == XY_OK && i < count; i++) {
        if (rows[i].phase == ENDED || hold_find(self, rows[i].id))
            continue;
        if (rows[i].phase == COMPLETE) /* what came while nobody looked */
            rows[i].phase = GATHERING;
        status = hold_know(self, &rows[i], &legal);
    }
    return status;
}

void
hold_on_committing(XY_SELF, const struct xy_stanza *message, xy_message_id id,
                   struct xy_txn *txn)
{
    for (const struct legal_case *at = self->first; at; at = at->next)
        if (at->phase < RELEASING)
            xy_hold_consider(txn, at->id, &at->scope, message, id);
}
