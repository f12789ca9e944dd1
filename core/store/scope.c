/* SPDX-License-Identifier: MIT */
/*
 * Whether a message that is being stored is in a scope.
 */
#include "core/store/scope.h"
#include <xylem/namespaces.h>
#include <xylem/xylem.h>

bool
xyi_scope_has_words(const struct xy_message_scope *scope, const struct xy_stanza *message)
{
    if (!scope->keyword.len)
        return true;
    bool found = false;
    xy_temp_open();
    struct xy_str word = xy_temp_fold(scope->keyword);
    for (const struct xy_node *node = xy_node_first(xy_stanza_root(message)); node && !found;
         node = xy_node_next(node)) {
        if (!xy_node_is(node, XY_STR(XY_NS_CLIENT), XY_STR("body")))
            continue;
        struct xy_str body = xy_temp_fold(xy_node_text(node));
        found = word.len && body.len && memmem(body.at, body.len, word.at, word.len);
    }
    xy_temp_close();
    return found;
}

/* A message of a room comes from room/nick and goes to the room or to nobody; one through a
 * room, to an occupant alone, comes from a person to room/nick, or from room/nick to a person.
 */
static enum xyi_scope_verdict
judge_people(const struct xy_message_scope *scope, const struct xy_stanza *message)
{
    const struct xy_jid *from = xy_jid_bare(xy_stanza_from(message)),
                        *to = xy_stanza_to(message) ? xy_jid_bare(xy_stanza_to(message)) : from;
    bool in_room = xy_str_is(xy_stanza_type(message), "groupchat");
    if (in_room && scope->with)
        return XYI_OUT_OF_SCOPE;
    if (scope->room && from != scope->room && to != scope->room)
        return XYI_OUT_OF_SCOPE;
    if (!scope->person)
        return XYI_IN_SCOPE;
    if (in_room)
        return XYI_IF_WRITTEN_BY;
    if (from != scope->person && to != scope->person)
        return XYI_OUT_OF_SCOPE;
    const struct xy_jid *other = from == scope->person ? to : from;
    return !scope->with || other == scope->with ? XYI_IN_SCOPE : XYI_OUT_OF_SCOPE;
}

enum xyi_scope_verdict
xyi_scope_judge(const struct xy_message_scope *scope, const struct xy_stanza *message,
                xy_message_id id)
{
    if (id <= scope->after || (scope->before && id >= scope->before))
        return XYI_OUT_OF_SCOPE;
    enum xyi_scope_verdict verdict = judge_people(scope, message);
    return verdict == XYI_OUT_OF_SCOPE || xyi_scope_has_words(scope, message)
               ? verdict
               : XYI_OUT_OF_SCOPE;
}
