/* SPDX-License-Identifier: MIT */
/*
 * The messages of a plan and what refers to them: of one, in its conversation; of many, in one
 * pass over the store. That reads their text by privilege: the caller has recorded it. A notice
 * of a removal is never chosen, nor goes with anything: it would take the removal with it
 * (S1-2).
 */
#include "modules/retract_admin/survey.h"

#define PURPOSE XY_STR("what refers to messages that are to be removed")

enum { LOT = 500, PER_MESSAGE = 3 };

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
    add_item(survey, seen->id, seen->id, ROLE_CHOSEN);
    survey->live++;
    return remember(pass, known, seen, xy_stanza_id(stanza));
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

/* ---- one message: its conversation alone, along the archives' own indexes ------------------
 */

static bool
is_in(const struct survey *survey, xy_message_id id)
{
    for (size_t i = 0; i < survey->count; i++)
        if (survey->items[i].id == id)
            return true;
    return false;
}

static xy_status
look_at_page(struct pass *pass, const struct xy_message_record *record,
             struct xy_archive_query *query, bool *more)
{
    struct xy_archive_page page;
    make_room(pass->survey, (size_t)LOT * PER_MESSAGE);
    xy_temp_open();
    struct xy_str talk = talk_of(record->author, record->addressee);
    xy_status status = xy_archive_read(query, &page);
    for (size_t i = 0; status == XY_OK && i < page.count; i++) {
        struct seen seen = {.id = page.at[i].id, .talk = talk, .stanza = page.at[i].stanza};
        query->after = seen.id;
        if (page.at[i].state == XY_MESSAGE_LIVE && !is_in(pass->survey, seen.id))
            note_words(pass, &seen);
    }
    *more = status == XY_OK && page.more;
    xy_temp_close();
    return status;
}

static xy_status
look_at_archive(struct pass *pass, const struct xy_message_record *record, xy_owner owner,
                const struct xy_jid *with)
{
    struct xy_archive_query query = {
        .owner = owner, .after = record->id, .with = with, .limit = LOT};
    xy_status status = XY_OK;
    for (bool more = owner; status == XY_OK && more;)
        status = look_at_page(pass, record, &query, &more);
    return status;
}

static xy_status
add_followers(struct survey *survey, const struct xy_message_record *record)
{
    xy_message_id *ids;
    size_t count;
    xy_status status = xy_message_followers(record, &ids, &count);
    if (status != XY_OK)
        return status;
    make_room(survey, count);
    for (size_t i = 0; i < count; i++)
        add_item(survey, ids[i], record->id, ROLE_FOLLOWS);
    return XY_OK;
}

static xy_status
look_around(struct pass *pass, const struct xy_message_record *record)
{
    xy_owner author = 0, addressee = 0;
    bool in_room = xy_service_host(record->addressee);
    xy_status status = add_followers(pass->survey, record);
    if (status == XY_OK)
        status = owner_of(record->addressee, &addressee);
    if (status == XY_OK && !in_room)
        status = owner_of(record->author, &author);
    if (status == XY_OK)
        status = look_at_archive(pass, record, addressee, in_room ? NULL : record->author);
    return status == XY_OK ? look_at_archive(pass, record, author, record->addressee) : status;
}

static xy_status
look_at_one(struct pass *pass, struct known *known)
{
    struct survey *survey = pass->survey;
    struct xy_message_record record;
    xy_status status = xy_message_look(survey->choice->one, &record);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    struct seen seen = {
        .id = record.id, .author = record.author, .addressee = record.addressee};
    make_room(survey, 1);
    status = look_at(pass, known, &seen, record.state);
    return status == XY_OK && survey->live ? look_around(pass, &record) : status;
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
    struct known known;
    pass.chooses = true;
    xy_status status =
        survey->choice->one ? look_at_one(&pass, &known) : run(&pass, survey->choice->after);
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
