/* SPDX-License-Identifier: MIT */
/*
 * An author takes back what he said in a room (XEP-0424 in group chats): from inside the room,
 * by the stanza-id the room gave it, whatever nick he has now: who he is says his real bare
 * JID, as the occupant-id does to others.
 */
#include "modules/retract_muc/retract_muc.h"

/* Also what was said a moment ago and is being committed. */
static xy_status
find(struct asked *asked, xy_message_id *id)
{
    struct xy_room *room;
    xy_status status = xy_room_enter(asked->room, &room);
    if (status != XY_OK)
        return status;
    xy_room_settle(room);
    status = xy_room_identify(room, false);
    if (status == XY_OK)
        status = xy_stanza_id_parse(xy_room_owner(room), asked->id, id);
    xy_room_leave(room);
    return status;
}

static xy_status
look(struct asked *asked)
{
    xy_message_id id;
    struct xy_host *host = xy_service_host(asked->room);
    xy_status status =
        xy_run_muc_access(host, asked->room, xy_session_jid(asked->session), &asked->access);
    if (status == XY_OK)
        status = find(asked, &id);
    if (status == XY_OK)
        status = xy_message_look(id, &asked->original);
    if (status == XY_OK &&
        (asked->original.addressee != asked->room || asked->original.only_held))
        status = XY_ABSENT;
    return status;
}

void
retract_muc_look(struct retract_muc *self, struct asked *asked)
{
    (void)self;
    xy_status status = asked->id.len ? look(asked) : XY_INVALID;
    if (status == XY_ABSENT)
        removals_deny(&asked->verdict, XY_ITEM_NOT_FOUND, "not-found",
                      "There is no such message in this room");
    else if (status != XY_OK)
        removals_deny(&asked->verdict, xy_status_condition(status), "failed",
                      "It could not be looked up");
    else if (asked->original.is_subject)
        removals_deny(&asked->verdict, XY_FORBIDDEN, "protected-class",
                      "A subject is changed, not taken back");
    else if (!asked->access.is_occupant)
        removals_deny(&asked->verdict, XY_NOT_ACCEPTABLE, "not-there",
                      "You are not in the room");
    else if (xy_session_class(asked->session) != XY_INTERACTIVE)
        removals_deny(&asked->verdict, XY_FORBIDDEN, "not-interactive",
                      "Only a person at a client may do that");
}

static struct quota
quota_of(const struct retract_muc *self)
{
    return (struct quota){self->count, self->per.ms};
}

static void
judge(struct retract_muc *self, struct asked *asked)
{
    retract_muc_look(self, asked);
    if (asked->verdict.why)
        return;
    if (asked->original.author != xy_jid_bare(xy_session_jid(asked->session))) {
        removals_deny(&asked->verdict, XY_FORBIDDEN, "not-author", "Somebody else said that");
        return;
    }
    xy_status status = removals_judge_author(&asked->original, asked->session, &asked->verdict);
    if (status == XY_OK && !asked->verdict.why)
        removals_judge(&asked->original, &self->classes, self->window.ms, &asked->verdict);
    if (status == XY_OK && !asked->verdict.why)
        status = removals_judge_count(&self->removals,
                                      xy_user_owner(xy_session_user(asked->session)),
                                      quota_of(self), 1, &asked->verdict);
    if (status != XY_OK)
        removals_deny(&asked->verdict, xy_status_condition(status), "failed",
                      "It could not be looked up");
}

static void
approve(struct retract_muc *self, struct asked *asked, const struct xy_stanza *message)
{
    struct approval *approval;
    struct approving approving = {
        .key = asked->id,
        .notice_id = xy_stanza_id(message),
        .room = asked->room,
        .session = asked->session,
        .state = XY_MESSAGE_RETRACTED,
        .kind = "retract",
        .counts = true,
        .quota = quota_of(self),
        .originals = &asked->original,
        .count = 1,
    };
    xy_status status = removals_approve(&self->removals, &approving, &approval);
    if (status != XY_OK)
        removals_deny(&asked->verdict, xy_status_condition(status), "failed",
                      "It could not be done just now");
}

void
retract_muc_asked(XY_SELF, struct xy_session *session, const struct xy_stanza *message,
                  enum xy_retraction *verdict)
{
    const struct xy_jid *to = xy_stanza_to(message);
    bool here = xy_service_host(to) == xy_host_of(self) && xy_jid_is_bare(to);
    if (*verdict != XY_RETRACTION_OFF || !here || !self->authors)
        return;
    struct asked asked = {.room = to, .session = session};
    removals_judge_form(message, true, &asked.id, &asked.verdict);
    if (!asked.verdict.why)
        judge(self, &asked);
    if (!asked.verdict.why)
        approve(self, &asked, message);
    *verdict = asked.verdict.why ? XY_RETRACTION_REFUSED : XY_RETRACTION_ALLOWED;
    if (!asked.verdict.why)
        return;
    removals_record_refusal(&self->removals, session, asked.original.id, asked.verdict.why);
    xy_retraction_refuse(message, asked.verdict.condition, asked.verdict.why,
                         xy_str_from(asked.verdict.text));
}
