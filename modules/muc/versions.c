/* SPDX-License-Identifier: MIT */
/*
 * Affiliation versions (XEP-0463 0.2): a newcomer that says which version of the lists it has
 * gets what changed since. Invariant: what is told is the lists as they stand and the asker may
 * read them; somebody who was taken off a list is not told of by name, the whole is sent
 * instead.
 */
#include "modules/muc/rows.h"
#include "modules/muc/rules.h"

#define NS_VERSIONS "urn:xmpp:muc:affiliations:1"
enum { PER_MESSAGE = 100 };

/* The room's number in it makes a room of the same name that was there before another one. */
static struct xy_str
version_text(const struct state *state, int64_t version)
{
    return xy_temp_printf("%llx-%llx", (unsigned long long)state->number,
                          (unsigned long long)version);
}

/* XY_NONE: not one of ours, or too old to say what changed since. */
static int64_t
version_of(const struct state *state, struct xy_str text)
{
    struct xy_str rest = text;
    int64_t version = 0;
    (void)xy_str_cut(&rest, '-');
    for (size_t i = 0; i < rest.len && i < 15; i++) {
        const char *digit = strchr("0123456789abcdef", rest.at[i]);
        version = version * 16 + (digit && *digit ? digit - "0123456789abcdef" : 0);
    }
    bool known = version >= state->removed && version <= state->version;
    return known && xy_str_equal(text, version_text(state, version)) ? version : XY_NONE;
}

static struct xy_node *
add_versions(const struct state *state, struct xy_node *x, int64_t since, int64_t until)
{
    struct xy_node *mav = xy_node_add(x, XY_STR(NS_VERSIONS), XY_STR("mav"));
    if (since != XY_NONE)
        xy_node_set(mav, "since", version_text(state, since));
    xy_node_set(mav, "until", version_text(state, until));
    return mav;
}

static bool
may_see(struct xy_room *room, struct xy_occupant *viewer)
{
    const struct person *person = muc_person(viewer);
    const struct settings *settings = muc_settings(room);
    struct standing is = {person->affiliation, person->role, true};
    return muc_may_list(settings, is, XY_MEMBER) && muc_may_list(settings, is, XY_ADMIN) &&
           muc_may_list(settings, is, XY_OWNER);
}

/* ---- to a newcomer ------------------------------------------------------------------- */

static void
refuse(struct xy_room *room, struct xy_occupant *newcomer)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_from(message, xy_room_jid(room));
    xy_stanza_set_to(message, xy_occupant_real(newcomer));
    xy_stanza_set_type(message, XY_STR("error"));
    struct xy_node *error = xy_node_add(xy_stanza_top(message), XY_NO_STR, XY_STR("error"));
    xy_node_set(error, "by", xy_jid_text(xy_room_jid(room)));
    xy_node_set(error, "type", XY_STR("auth"));
    xy_node_add(error, XY_STR("urn:ietf:params:xml:ns:xmpp-stanzas"), XY_STR("forbidden"));
    xy_occupant_send(newcomer, message);
}

static void
add_item(struct xy_node *x, const struct affiliated *is)
{
    struct xy_node *item = xy_node_add(x, XY_NO_STR, XY_STR("item"));
    xy_node_set(item, "jid", xy_jid_text(is->jid));
    xy_node_set(item, "affiliation", xy_str_from(muc_affiliation_name(is->affiliation)));
}

/* One message for each part; the version of one is what the next goes on from. */
static void
send_list(struct xy_room *room, struct xy_occupant *newcomer,
          const struct affiliation_row *list, size_t count, int64_t since)
{
    const struct state *state = muc_state(room);
    size_t at = 0;
    do {
        struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
        struct xy_node *x =
            xy_node_add(xy_stanza_top(message), XY_STR(NS_MUC_USER), XY_STR("x"));
        size_t end = count - at > PER_MESSAGE ? at + PER_MESSAGE : count;
        while (end < count && list[end].version == list[end - 1].version)
            end++;
        int64_t until = end < count ? list[end - 1].version : state->version;
        add_versions(state, x, since, until);
        for (; at < end; at++)
            add_item(x, &list[at].is);
        xy_stanza_set_from(message, xy_room_jid(room));
        xy_stanza_set_to(message, xy_occupant_real(newcomer));
        xy_occupant_send(newcomer, message);
        since = until;
    } while (at < count);
}

/* Bans are for those to know who may read the list of them; `count` shrinks to what is left. */
static void
leave_out_bans(struct affiliation_row *list, size_t *count)
{
    size_t left = 0;
    for (size_t i = 0; i < *count; i++)
        if (list[i].is.affiliation != XY_OUTCAST)
            list[left++] = list[i];
    *count = left;
}

static xy_status
read_since(struct xy_room *room, struct xy_occupant *newcomer, int64_t since,
           struct affiliation_row **list, size_t *count)
{
    const struct state *state = muc_state(room);
    xy_status status =
        affiliation_rows_read(state->number, XY_UNAFFILIATED, since, list, count);
    if (status == XY_OK && muc_person(newcomer)->affiliation < XY_ADMIN)
        leave_out_bans(*list, count);
    return status;
}

void
muc_show_affiliations(struct muc *self, struct xy_occupant *newcomer, const struct xy_node *x)
{
    struct xy_room *room = xy_occupant_room(newcomer);
    const struct xy_node *mav = x ? xy_node_child(x, XY_STR(NS_VERSIONS), XY_STR("mav")) : NULL;
    struct affiliation_row *list;
    size_t count;
    (void)self;
    if (!mav)
        return;
    if (!may_see(room, newcomer)) {
        refuse(room, newcomer);
        return;
    }
    int64_t since = version_of(muc_state(room), xy_node_attr(mav, "since"));
    if (since == muc_state(room)->version)
        return;
    xy_status status = read_since(room, newcomer, since, &list, &count);
    if (status == XY_OK && since != XY_NONE &&
        !count) { /* there is no empty answer of a part */
        since = XY_NONE;
        status = read_since(room, newcomer, since, &list, &count);
    }
    if (status == XY_OK)
        send_list(room, newcomer, list, count, since);
    else
        xy_warn("muc.no_versions", "a newcomer was not told the affiliations",
                XY_F_STR_AS("room", xy_jid_text(xy_room_jid(room))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

void
muc_add_version(struct xy_occupant *newcomer, struct xy_node *x)
{
    struct xy_room *room = xy_occupant_room(newcomer);
    if (may_see(room, newcomer))
        add_versions(muc_state(room), x, XY_NONE, muc_state(room)->version);
}

/* ---- of changes ---------------------------------------------------------------------- */

void
muc_add_change(struct xy_room *room, struct xy_node *x)
{
    const struct state *state = muc_state(room);
    if (state->told)
        add_versions(state, x, state->told - 1, state->told);
}

static bool
may_hear(void *argument, const struct xy_occupant *occupant)
{
    const bool *is_of_ban = argument;
    struct xy_room *room = xy_occupant_room(occupant);
    struct xy_occupant *viewer = xy_room_find(room, xy_occupant_real(occupant));
    return may_see(room, viewer) &&
           (!*is_of_ban || muc_person(viewer)->affiliation >= XY_ADMIN);
}

void
muc_tell_affiliation(struct xy_room *room, enum xy_affiliation from,
                     const struct affiliated *is)
{
    bool is_of_ban = from == XY_OUTCAST || is->affiliation == XY_OUTCAST;
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    struct xy_node *x = xy_node_add(xy_stanza_top(message), XY_STR(NS_MUC_USER), XY_STR("x"));
    xy_stanza_set_from(message, xy_room_jid(room));
    muc_add_change(room, x);
    struct xy_node *item = xy_node_add(x, XY_NO_STR, XY_STR("item"));
    xy_node_set(item, "affiliation", xy_str_from(muc_affiliation_name(is->affiliation)));
    xy_node_set(item, "jid", xy_jid_text(is->jid));
    xy_node_set(item, "role", XY_STR("none"));
    if (is->reason.len)
        xy_node_add_text(xy_node_add(item, XY_NO_STR, XY_STR("reason")), is->reason);
    if (xy_room_count(room))
        xy_room_send(room, message, may_hear, &is_of_ban);
}
