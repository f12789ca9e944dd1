/* SPDX-License-Identifier: MIT */
/*
 * The subject of a room (XEP-0045 7.3, 8.1). Invariant: what occupants were told is what the
 * next newcomer is told, also after a restart: it is saved first.
 */
#include "modules/muc/talk.h"

static const struct xy_node *
child(const struct xy_stanza *message, const char *name)
{
    return xy_stanza_child(message, XY_STR(XY_NS_CLIENT), xy_str_from(name));
}

bool
muc_is_subject(const struct xy_stanza *message)
{
    return child(message, "subject") && !child(message, "body") && !child(message, "thread");
}

/* TEXT_SUBJECT to TEXT_SUBJECT_ID. */
enum { PARTS = TEXT_SUBJECT_ID - TEXT_SUBJECT + 1 };
struct subject {
    struct xy_str part[PARTS];
};

static struct subject
as_it_is(struct xy_room *room)
{
    struct subject now;
    for (unsigned i = 0; i < PARTS; i++)
        now.part[i] = xy_temp_str(muc_text(room, TEXT_SUBJECT + i));
    return now;
}

static void
set(struct xy_room *room, const struct subject *subject)
{
    for (unsigned i = 0; i < PARTS; i++)
        muc_set_text(room, TEXT_SUBJECT + i, subject->part[i]);
}

static xy_status
save(struct xy_room *room, const struct subject *subject)
{
    struct subject former = as_it_is(room);
    set(room, subject);
    xy_status status = muc_save(room);
    if (status != XY_OK)
        set(room, &former); /* what is not saved is not so */
    return status;
}

struct refusal
muc_change_subject(struct muc *self, struct xy_room *room, struct xy_occupant *by,
                   const struct xy_stanza *message)
{
    struct xy_str text = xy_node_text(child(message, "subject"));
    if (muc_person(by)->role < XY_MODERATOR && !muc_settings(room)->change_subject)
        return muc_refusal(XY_FORBIDDEN, "Only moderators change the subject of this room");
    if (self->max_subject != XY_NONE && (int64_t)text.len > self->max_subject)
        return muc_refusal(XY_POLICY_VIOLATION, "The subject is too long");
    struct subject subject = {.part = {text, xy_jid_text(xy_occupant_nick(by)),
                                       xy_time_format(xy_now_ms()),
                                       muc_occupant_id(self, room, xy_occupant_real(by))}};
    xy_status status = save(room, &subject);
    if (status != XY_OK)
        return muc_refusal(xy_status_condition(status), "The subject could not be saved");
    struct xy_room_message told = {
        .stanza = muc_clean(self, by, message),
        .author = xy_occupant_real(by),
        .original = message,
    };
    status = xy_room_accept(room, &told);
    if (status != XY_OK)
        return muc_refusal_of(status);
    xy_count(&self->messages_accepted);
    return (struct refusal){0};
}
