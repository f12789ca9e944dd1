/* SPDX-License-Identifier: MIT */
/*
 * What refers to the messages of a plan. What corrects or reacts goes with a message; a reply
 * or a quote is somebody's own and is only listed (requirement S1-17). Clients choose the ids
 * of their messages, so a correction counts by its author, and a reaction in a room by the id
 * the room gave.
 */
#include "modules/retract_admin/survey.h"

#define NS_REPLY XY_STR("urn:xmpp:reply:0")

/* ---- remembering ----------------------------------------------------------------------------
 */

struct xy_str
talk_of(const struct xy_jid *author, const struct xy_jid *addressee)
{
    struct xy_str a = xy_jid_text(author), b = xy_jid_text(addressee);
    if (xy_service_host(addressee))
        return b;
    return xy_str_compare(a, b) < 0 ? xy_temp_printf(XY_FMT "\n" XY_FMT, XY_ARG(a), XY_ARG(b))
                                    : xy_temp_printf(XY_FMT "\n" XY_FMT, XY_ARG(b), XY_ARG(a));
}

static struct xy_str
within(struct xy_str talk, struct xy_str word)
{
    return xy_temp_printf(XY_FMT "\n\n" XY_FMT, XY_ARG(talk), XY_ARG(word));
}

/* An id that only its author may use: others can choose the same. */
static struct xy_str
his(const struct seen *seen, struct xy_str id)
{
    return xy_temp_printf(XY_FMT "\n\n" XY_FMT "\n" XY_FMT, XY_ARG(seen->talk),
                          XY_ARG(xy_jid_text(seen->author)), XY_ARG(id));
}

static struct xy_str
body_of(const struct xy_stanza *stanza)
{
    return xy_node_text(xy_stanza_child(stanza, XY_STR(XY_NS_CLIENT), XY_STR("body")));
}

xy_status
owner_of(const struct xy_jid *bare, xy_owner *owner)
{
    struct xy_account account;
    struct xy_room *room;
    *owner = 0;
    bool in_room = xy_service_host(bare);
    xy_status status = in_room ? xy_room_enter(bare, &room) : xy_account_find(bare, &account);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    if (!in_room) {
        *owner = account.owner;
        return XY_OK;
    }
    *owner = xy_room_identify(room, false) == XY_OK ? xy_room_owner(room) : 0;
    xy_room_leave(room);
    return XY_OK;
}

static xy_status
public_id(const struct xy_jid *addressee, xy_message_id id, struct xy_str *text)
{
    xy_owner room = 0;
    xy_status status = xy_service_host(addressee) ? owner_of(addressee, &room) : XY_OK;
    *text = room ? xy_stanza_id_make(room, id) : XY_NO_STR;
    return status;
}

xy_status
remember(struct pass *pass, struct known *known, const struct seen *seen,
         struct xy_str client_id)
{
    struct xy_str public, body = seen->stanza ? body_of(seen->stanza) : XY_NO_STR;
    xy_status status = public_id(seen->addressee, seen->id, &public);
    if (status != XY_OK)
        return status;
    *known = (struct known){seen->id, seen->author};
    (void)xy_map_put(pass->talks, seen->talk, known);
    if (client_id.len)
        (void)xy_map_put(pass->ids, his(seen, client_id), known);
    if (public.len)
        (void)xy_map_put(pass->ids, his(seen, public), known);
    if (public.len || client_id.len)
        (void)xy_map_put(pass->ids, within(seen->talk, public.len ? public : client_id), known);
    while (body.len) {
        struct xy_str line = xy_str_trim(xy_str_cut(&body, '\n'));
        if (line.len && !xy_str_starts(line, XY_STR(">")))
            (void)xy_map_put(pass->lines, within(seen->talk, line), known);
    }
    return XY_OK;
}

/* ---- what refers to them
 * --------------------------------------------------------------------- */

void
make_room(struct survey *survey, size_t more)
{
    if (survey->count + more <= survey->room)
        return;
    size_t room = (survey->count + more) * 2;
    struct item *items = xy_temp_alloc(room * sizeof(*items));
    if (survey->count)
        memcpy(items, survey->items, survey->count * sizeof(*items));
    survey->items = items;
    survey->room = room;
}

void
add_item(struct survey *survey, xy_message_id id, xy_message_id of, enum role role)
{
    survey->items[survey->count++] = (struct item){id, of, role};
}

static const struct known *
named(const struct pass *pass, struct xy_str id, struct xy_str key)
{
    return id.len ? xy_map_get(pass->ids, key) : NULL;
}

static const struct known *
quoted_by(const struct pass *pass, const struct seen *seen)
{
    struct xy_str body = body_of(seen->stanza);
    while (body.len) {
        struct xy_str line = xy_str_trim(xy_str_cut(&body, '\n'));
        if (!xy_str_starts(line, XY_STR(">")))
            continue;
        struct xy_str text = xy_str_trim(xy_str_of(line.at + 1, line.len - 1));
        const struct known *known =
            text.len ? xy_map_get(pass->lines, within(seen->talk, text)) : NULL;
        if (known)
            return known;
    }
    return NULL;
}

void
note_words(struct pass *pass, const struct seen *seen)
{
    const struct xy_node *reply = xy_stanza_child(seen->stanza, NS_REPLY, XY_STR("reply"));
    struct xy_str replies = reply ? xy_node_attr(reply, "id") : XY_NO_STR;
    const struct known *answered = named(pass, replies, within(seen->talk, replies)),
                       *quoted = quoted_by(pass, seen);
    if (answered)
        add_item(pass->survey, seen->id, answered->id, ROLE_REPLY);
    if (quoted)
        add_item(pass->survey, seen->id, quoted->id, ROLE_QUOTE);
}

void
note_references(struct pass *pass, const struct seen *seen)
{
    struct xy_str corrects = xy_stanza_corrects(seen->stanza),
                  reacts = xy_stanza_reacts_to(seen->stanza);
    const struct known *of = named(pass, corrects, his(seen, corrects));
    if (!of)
        of = named(pass, reacts, within(seen->talk, reacts));
    if (of)
        add_item(pass->survey, seen->id, of->id, ROLE_FOLLOWS);
    else
        note_words(pass, seen);
}
