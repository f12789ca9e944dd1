/* SPDX-License-Identifier: MIT */
/*
 * Who has a message: archives that show it, devices that wait for it or have it, people of
 * other servers, whom nobody here can make forget (requirements S0-18, S0-20, N27).
 */
#include "modules/retract_admin/retract_admin.h"

enum { SPOKE_LATELY = 500 };

bool
jid_is_foreign(const struct xy_jid *jid)
{
    return !xy_host_find(jid) && !xy_service_host(jid);
}

/* ---- who
 * ------------------------------------------------------------------------------------- */

static struct party *
find(const struct parties *parties, const struct xy_jid *bare)
{
    for (size_t i = 0; i < parties->count; i++)
        if (parties->at[i].jid == bare)
            return &parties->at[i];
    return NULL;
}

static xy_status
add(struct parties *parties, const struct xy_jid *jid, bool archive)
{
    struct xy_account account;
    const struct xy_jid *bare = jid ? xy_jid_bare(jid) : NULL;
    struct party *former = bare ? find(parties, bare) : NULL;
    if (former)
        former->archive = former->archive || archive;
    if (!bare || former)
        return XY_OK;
    struct party party = {.jid = bare, .archive = archive, .local = !jid_is_foreign(bare)};
    if (party.local && xy_jid_local(bare).len) {
        xy_status status = xy_account_find(bare, &account);
        if (status != XY_OK && status != XY_ABSENT)
            return status;
        party.owner = status == XY_OK ? account.owner : 0;
    }
    if ((parties->count & (parties->count + 1)) == 0) { /* grows at 0, 1, 3, 7 … */
        struct party *more = xy_temp_alloc((parties->count * 2 + 1) * sizeof(*more));
        if (parties->count)
            memcpy(more, parties->at, parties->count * sizeof(*more));
        parties->at = more;
    }
    parties->at[parties->count++] = party;
    return XY_OK;
}

static xy_status
add_who_spoke(struct parties *parties, xy_owner room)
{
    struct xy_archive_query query = {.owner = room, .limit = SPOKE_LATELY, .newest = true};
    struct xy_archive_page page;
    xy_status status = xy_archive_read(&query, &page);
    if (status == XY_OK)
        status = xy_archive_authors(&page);
    for (size_t i = 0; status == XY_OK && i < page.count; i++)
        if (page.at[i].author && !xy_service_host(page.at[i].author))
            status = add(parties, page.at[i].author, false);
    return status;
}

static xy_status
add_affiliates(struct parties *parties)
{
    struct xy_rows *rows;
    xy_status status =
        xy_run_muc_affiliates(xy_service_host(parties->place), parties->place, &rows);
    while (status == XY_OK && xy_rows_next(rows))
        status = add(parties, xy_jid_parse(xy_rows_text(rows, 0)), false);
    return status == XY_UNSUPPORTED ? XY_OK : status;
}

static xy_status
add_occupants(struct parties *parties, xy_owner *owner)
{
    struct xy_room *room;
    xy_status status = xy_room_enter(parties->place, &room);
    if (status != XY_OK)
        return status == XY_ABSENT ? XY_OK : status;
    size_t count = 0;
    const struct xy_jid **there = xy_temp_alloc((xy_room_count(room) + 1) * sizeof(*there));
    for (const struct xy_occupant *o = xy_room_first(room); o; o = xy_occupant_next(o))
        there[count++] = xy_jid_parse(xy_temp_str(xy_jid_text(xy_occupant_real(o))));
    *owner = xy_room_identify(room, false) == XY_OK ? xy_room_owner(room) : 0;
    xy_room_leave(room);
    for (size_t i = 0; status == XY_OK && i < count; i++)
        status = add(parties, there[i], false);
    return status;
}

xy_status
parties_of(const struct xy_message_record *record, struct parties *parties)
{
    bool in_room = xy_service_host(record->addressee);
    xy_owner room = 0;
    *parties = (struct parties){.place = in_room ? record->addressee : NULL};
    xy_status status = add(parties, record->author, record->in_senders_archive && !in_room);
    if (status == XY_OK && !in_room)
        return add(parties, record->addressee, record->in_recipients_archive);
    if (status == XY_OK)
        status = add_occupants(parties, &room);
    if (status == XY_OK)
        status = add_affiliates(parties);
    return status == XY_OK && room ? add_who_spoke(parties, room) : status;
}

/* ---- shown
 * --------------------------------------------------------------------------------------- */

static void
put(struct xy_command *command, xy_message_id id, const char *what, const struct xy_jid *whose)
{
    xy_row(command);
    xy_put_int(command, "message", id);
    xy_put_str(command, "what", xy_str_from(what));
    xy_put_str(command, "whose", xy_jid_text(whose));
}

static xy_status
put_devices(struct xy_command *command, const struct xy_message_record *record,
            const struct party *party, bool in_room)
{
    struct xy_rows *rows;
    xy_status status = xy_message_devices(record->id, party->owner, &rows);
    while (status == XY_OK && xy_rows_next(rows)) {
        int64_t device = xy_rows_int(rows, 0), seen = xy_rows_int(rows, 1);
        put(command, record->id,
            xy_rows_int(rows, 2) ? "waits"
            : in_room            ? "device may have it"
                                 : "device has it",
            party->jid);
        xy_put_str(command, "device",
                   device ? xy_temp_printf("%016llx", (unsigned long long)device)
                          : XY_STR("unnamed"));
        xy_put_str(command, "last_seen", seen ? xy_time_format(seen) : XY_STR("never"));
    }
    return status;
}

xy_status
parties_show(struct xy_command *command, const struct xy_message_record *record,
             const struct parties *parties)
{
    xy_status status = XY_OK;
    if (parties->place && record->in_recipients_archive)
        put(command, record->id, "archive", parties->place);
    for (size_t i = 0; status == XY_OK && i < parties->count; i++) {
        const struct party *party = &parties->at[i];
        if (party->archive && party->owner)
            put(command, record->id, "archive", party->jid);
        if (!party->local)
            put(command, record->id, "foreign", party->jid);
        else if (party->owner)
            status = put_devices(command, record, party, parties->place);
    }
    return status;
}
