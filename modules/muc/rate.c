/* SPDX-License-Identifier: MIT */
/*
 * How often an occupant may send (options messages, presences and queries, XEP-0500). What an
 * occupant has used is a note of his; what counts by account, so that another session or
 * another nick is no way round it, is in a map. A refusal is answered here, from inside the
 * room.
 */
#include "modules/muc/talk.h"

/* When all that was taken will have come back (the generic cell rate algorithm). */
struct used {
    int64_t messages_us, presences_us, queries_us, answers_us; /* monotonic */
};
static const struct xy_note used_note = {"muc.used", 2, sizeof(struct used)};

static bool
take(int64_t *back_us, xy_rate rate)
{
    if (rate.per_second_milli <= 0)
        return true; /* none */
    int64_t each_us = INT64_C(1000000000) / rate.per_second_milli;
    int64_t now_us = xy_monotonic_ms() * 1000;
    int64_t burst = rate.burst > 0 ? rate.burst : 1;
    int64_t back = (*back_us > now_us ? *back_us : now_us) + each_us;
    if (back > now_us + burst * each_us)
        return false;
    *back_us = back;
    return true;
}

static void
refuse(struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *stanza,
       struct xy_str text)
{
    struct refusal why = {XY_POLICY_VIOLATION, "wait", xy_temp_cstr(text)};
    struct xy_stanza *error = muc_error(self, stanza, &why);
    if (error)
        xy_occupant_send(occupant, error);
}

bool
muc_take(struct muc *self, const char *what, const struct xy_jid *room,
         const struct xy_jid *who, int64_t most, int64_t period_ms)
{
    struct xy_str key =
        xy_temp_printf("%s " XY_FMT " " XY_FMT, what, XY_ARG(xy_jid_text(xy_jid_bare(room))),
                       XY_ARG(xy_jid_text(xy_jid_bare(who))));
    if (!self->throttles)
        self->throttles = xy_map_new(self);
    return xy_throttle_take(self->throttles, key, most, period_ms);
}

/* XEP-0500 section 5: texts to all, of anybody but moderators. */
static bool
is_too_early(struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *stanza)
{
    struct xy_room *room = xy_occupant_room(occupant);
    const struct person *person = muc_person(occupant);
    int64_t seconds = muc_settings(room)->slow_mode_s;
    if (seconds <= 0 || person->role == XY_MODERATOR || person->affiliation >= XY_ADMIN ||
        !xy_str_is(xy_stanza_type(stanza), "groupchat") ||
        !xy_stanza_child(stanza, XY_STR(XY_NS_CLIENT), XY_STR("body")))
        return false;
    return !muc_take(self, "slow", xy_room_jid(room), xy_occupant_real(occupant), 1,
                     seconds * 1000);
}

/* One who is asked by all in a room answers all of them. */
static xy_rate
for_answers(xy_rate queries)
{
    enum { TIMES = 10 };
    return (xy_rate){.per_second_milli = TIMES * queries.per_second_milli,
                     .burst = TIMES * queries.burst};
}

static bool
take_for(const struct muc *self, struct used *used, const struct xy_stanza *stanza)
{
    struct xy_str type = xy_stanza_type(stanza);
    if (xy_stanza_kind(stanza) == XY_MESSAGE)
        return take(&used->messages_us, self->messages);
    if (xy_stanza_kind(stanza) == XY_PRESENCE)
        return take(&used->presences_us, self->presences);
    if (xy_str_is(type, "result") || xy_str_is(type, "error"))
        return take(&used->answers_us, for_answers(self->queries));
    return take(&used->queries_us, self->queries);
}

bool
muc_may_send(struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *stanza)
{
    struct used *used = xy_occupant_note(occupant, &used_note);
    bool message = xy_stanza_kind(stanza) == XY_MESSAGE;
    if (!take_for(self, used, stanza)) {
        refuse(self, occupant, stanza, XY_STR("Too much at once. Please try again later."));
        return false;
    }
    if (message && is_too_early(self, occupant, stanza)) {
        refuse(self, occupant, stanza,
               xy_temp_printf("This room is in slow mode: wait %d seconds between messages.",
                              (int)muc_settings(xy_occupant_room(occupant))->slow_mode_s));
        return false;
    }
    return true;
}
