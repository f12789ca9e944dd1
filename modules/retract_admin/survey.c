/* SPDX-License-Identifier: MIT */
/*
 * The messages of a plan and what refers to them, in one pass over the store, which reads their
 * text by privilege: the caller has recorded it. What corrects or reacts goes with a message; a
 * reply or a quote is somebody's own and is only listed (requirement S1-17). A notice of a
 * removal is never chosen, nor goes with anything: it would take the removal with it (S1-2).
 */
#include "modules/retract_admin/retract_admin.h"

#define PURPOSE  XY_STR("what refers to messages that are to be removed")
#define NS_REPLY XY_STR("urn:xmpp:reply:0")

enum { LOT = 500, PER_MESSAGE = 3 };

struct known { /* a chosen message */
    xy_message_id id;
    const struct xy_jid *author;
};
struct pass {
    struct survey *survey;
    struct xy_map *talks, *ids, *lines; /* conversations; their messages by id and by text */
    bool chooses;
};
struct seen {
    xy_message_id id;
    const struct xy_jid *author, *addressee;
    struct xy_str talk;
    const struct xy_stanza *stanza;
};

/* ---- remembering ----------------------------------------------------------------------------
 */

static struct xy_str
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

static xy_status
public_id(const struct xy_jid *addressee, xy_message_id id, struct xy_str *text)
{
    struct xy_room *room;
    *text = XY_NO_STR;
    if (!xy_service_host(addressee))
        return XY_OK;
    xy_status status = xy_room_enter(addressee, &room);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    if (xy_room_identify(room, false) == XY_OK)
        *text = xy_stanza_id_make(xy_room_owner(room), id);
    xy_room_leave(room);
    return XY_OK;
}

static xy_status
remember(struct pass *pass, struct known *known, struct seen *seen, struct xy_str client_id)
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

static void
add(struct survey *survey, xy_message_id id, xy_message_id of, enum role role)
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

static void
note_references(struct pass *pass, const struct seen *seen)
{
    const struct xy_node *reply = xy_stanza_child(seen->stanza, NS_REPLY, XY_STR("reply"));
    struct xy_str corrects = xy_stanza_corrects(seen->stanza),
                  reacts = xy_stanza_reacts_to(seen->stanza),
                  replies = reply ? xy_node_attr(reply, "id") : XY_NO_STR;
    const struct known *of = named(pass, corrects, his(seen, corrects));
    if (!of)
        of = named(pass, reacts, within(seen->talk, reacts));
    if (of) {
        add(pass->survey, seen->id, of->id, ROLE_FOLLOWS);
        return;
    }
    const struct known *answered = named(pass, replies, within(seen->talk, replies)),
                       *quoted = quoted_by(pass, seen);
    if (answered)
        add(pass->survey, seen->id, answered->id, ROLE_REPLY);
    if (quoted)
        add(pass->survey, seen->id, quoted->id, ROLE_QUOTE);
}

/* ---- the pass
 * ---------------------------------------------------------------------------------- */

static xy_status
look_at(struct pass *pass, struct known *known, struct seen *seen, enum xy_message_state state)
{
    struct survey *survey = pass->survey;
    bool is_chosen =
        pass->chooses && chosen(survey->choice, seen->id, seen->author, seen->addressee);
    struct xy_stanza *stanza;
    seen->talk = talk_of(seen->author, seen->addressee);
    survey->already += is_chosen && state != XY_MESSAGE_LIVE;
    if (state != XY_MESSAGE_LIVE || (!is_chosen && !xy_map_get(pass->talks, seen->talk)))
        return XY_OK;
    xy_status status = xy_privileged_read(seen->id, PURPOSE, &stanza);
    if (status == XY_ABSENT || status == XY_GONE)
        return XY_OK; /* since */
    if (status != XY_OK)
        return status;
    seen->stanza = stanza;
    if (xy_stanza_is_notice(stanza)) { /* devices that were away learn of a removal by it */
        survey->notices += is_chosen;
        return XY_OK;
    }
    if (!is_chosen) {
        note_references(pass, seen);
        return XY_OK;
    }
    add(survey, seen->id, seen->id, ROLE_CHOSEN);
    survey->live++;
    return remember(pass, known, seen, xy_stanza_id(stanza));
}

static void
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

/* *after 0: that was all. */
static xy_status
look_at_lot(struct pass *pass, xy_message_id *after)
{
    const struct xy_message_scope range = {.after = *after};
    struct xy_message_found *found;
    size_t count;
    struct known *known = xy_temp_alloc(LOT * sizeof(*known));
    make_room(pass->survey, (size_t)LOT * PER_MESSAGE);
    xy_temp_open();
    xy_status status = xy_scope_read(&range, LOT, &found, &count, after);
    for (size_t i = 0; status == XY_OK && i < count; i++) {
        struct seen seen = {.id = found[i].id,
                            .author = xy_jid_parse(found[i].author),
                            .addressee = xy_jid_parse(found[i].addressee)};
        if (seen.author && seen.addressee)
            status = look_at(pass, &known[i], &seen, found[i].state);
    }
    xy_temp_close();
    return status;
}

static xy_status
run(struct pass *pass, xy_message_id after)
{
    xy_status status = XY_OK;
    do
        status = look_at_lot(pass, &after);
    while (status == XY_OK && after);
    return status;
}

static struct pass
begin(void *self, struct survey *survey)
{
    return (struct pass){
        .survey = survey,
        .talks = xy_map_new(self),
        .ids = xy_map_new(self),
        .lines = xy_map_new(self),
    };
}

static void
end(struct pass *pass)
{
    xy_map_free(pass->talks);
    xy_map_free(pass->ids);
    xy_map_free(pass->lines);
}

xy_status
survey_make(void *self, struct survey *survey)
{
    struct pass pass = begin(self, survey);
    pass.chooses = true;
    xy_status status =
        run(&pass, survey->choice->one ? survey->choice->one - 1 : survey->choice->after);
    end(&pass);
    return status;
}

static xy_status
recall(struct pass *pass, struct known *known, xy_message_id id)
{
    struct xy_message_record record;
    xy_status status = xy_message_look(id, &record);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    struct seen seen = {.id = id,
                        .author = record.author,
                        .addressee = record.addressee,
                        .talk = talk_of(record.author, record.addressee)};
    return remember(pass, known, &seen, record.client_id);
}

xy_status
survey_again(void *self, struct survey *survey, const xy_message_id *ids, size_t count,
             xy_message_id after)
{
    struct pass pass = begin(self, survey);
    struct known *known = xy_temp_alloc((count + 1) * sizeof(*known));
    xy_status status = XY_OK;
    for (size_t i = 0; status == XY_OK && i < count; i++) {
        xy_temp_open();
        status = recall(&pass, &known[i], ids[i]);
        xy_temp_close();
    }
    if (status == XY_OK)
        status = run(&pass, after);
    end(&pass);
    return status;
}
