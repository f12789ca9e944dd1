/* SPDX-License-Identifier: MIT */
/*
 * What a newcomer is shown (XEP-0045 7.2.13 to 7.2.16). Invariant: history, then the subject,
 * always, then what is said from now on: nobody else is inside meanwhile.
 */
#include "modules/muc/past.h"

/* ---- what was asked for
 * -------------------------------------------------------------------------- */

static int64_t
least(int64_t bound, struct xy_str wanted)
{
    int64_t number;
    if (xy_str_to_int(wanted, 0, INT64_MAX, &number) != XY_OK)
        return bound;
    return bound == XY_NONE || number < bound ? number : bound;
}

static int64_t
earliest(const struct xy_node *wanted)
{
    int64_t since = 0, seconds = least(XY_NONE, xy_node_attr(wanted, "seconds"));
    if (xy_time_parse(xy_node_attr(wanted, "since"), &since) != XY_OK)
        since = 0;
    int64_t now = xy_now_ms();
    if (seconds != XY_NONE && seconds < now / 1000 && now - seconds * 1000 > since)
        since = now - seconds * 1000;
    return since;
}

static struct xy_muc_history
bounds(struct muc *self, struct xy_room *room, const struct xy_node *x)
{
    const struct xy_node *wanted = x ? xy_node_child(x, XY_NO_STR, XY_STR("history")) : NULL;
    int64_t most = muc_settings(room)->history;
    struct xy_muc_history history = {
        .messages = most < self->max_history ? most : self->max_history,
        .characters = XY_NONE,
    };
    if (!wanted)
        return history;
    history.messages = least(history.messages, xy_node_attr(wanted, "maxstanzas"));
    history.characters = least(XY_NONE, xy_node_attr(wanted, "maxchars"));
    history.since_ms = earliest(wanted);
    return history;
}

/* ---- showing it
 * ---------------------------------------------------------------------------------- */

static void
show_messages(struct xy_room *room, struct xy_occupant *newcomer,
              struct xy_muc_history *history)
{
    if (history->messages <= 0 || history->characters == 0)
        return;
    history->sees_real_jids = muc_sees_jids(room, newcomer);
    xy_room_settle(room);
    xy_status status = xy_run_muc_history(xy_room_host(room), room, history);
    if (status == XY_ABSENT || status == XY_UNSUPPORTED)
        muc_recall(room, history);
    else if (status != XY_OK)
        xy_warn("muc.no_history", "a newcomer is shown no history",
                XY_F_STR_AS("room", xy_jid_text(xy_room_jid(room))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    for (size_t i = 0; i < history->count; i++)
        xy_occupant_send_of(newcomer, history->at[i], history->ids ? history->ids[i] : 0);
}

static void
show_subject(struct xy_room *room, struct xy_occupant *newcomer)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    const struct xy_jid *by = xy_jid_parse(muc_text(room, TEXT_SUBJECT_BY));
    int64_t at;
    xy_stanza_set_type(message, XY_STR("groupchat"));
    xy_stanza_set_id(message, muc_new_id());
    xy_stanza_set_from(message, by ? by : xy_room_jid(room));
    struct xy_node *subject = xy_node_add(xy_stanza_top(message), XY_NO_STR, XY_STR("subject"));
    xy_node_add_text(subject, muc_text(room, TEXT_SUBJECT));
    if (xy_time_parse(muc_text(room, TEXT_SUBJECT_AT), &at) == XY_OK)
        xy_stanza_add_delay(message, xy_room_jid(room), at);
    struct xy_str id = muc_text(room, TEXT_SUBJECT_ID);
    if (id.len)
        xy_node_set(
            xy_node_add(xy_stanza_top(message), XY_STR(NS_OCCUPANT_ID), XY_STR("occupant-id")),
            "id", id);
    xy_occupant_send(newcomer, message);
}

void
muc_show_past(struct muc *self, struct xy_occupant *newcomer, const struct xy_node *wanted)
{
    struct xy_room *room = xy_occupant_room(newcomer);
    struct xy_muc_history history = bounds(self, room, wanted);
    show_messages(room, newcomer, &history);
    show_subject(room, newcomer);
    muc_note_seen(self, room, newcomer);
}
