/* SPDX-License-Identifier: MIT */
/*
 * Mediated invitations (XEP-0045 7.8.2, 7.9). Invariant: whoever is invited to a members-only
 * room is a member before he hears of it, and the room speaks for those alone who may invite.
 */
#include "modules/muc/talk.h"

enum {
    MOST_INVITED = 100,
    INVITED_MS = 60 * 1000
}; /* at once, and by one person in that time */

struct invited {
    const struct xy_node *node;
    const struct xy_jid *to;
};

/* ---- who may, and whom
 * --------------------------------------------------------------------------- */

static struct refusal
may_invite(struct muc *self, struct xy_room *room, const struct xy_jid *inviter)
{
    const struct settings *settings = muc_settings(room);
    struct affiliated found;
    xy_status status = muc_affiliation(self, room, inviter, &found);
    if (status != XY_OK)
        return muc_refusal_of(status);
    if (!xy_room_find(room, inviter) && found.affiliation < XY_MEMBER)
        return muc_no_occupant(room);
    enum xy_affiliation needed = !settings->members_only   ? XY_UNAFFILIATED
                                 : settings->allow_invites ? XY_MEMBER
                                                           : XY_ADMIN;
    if (found.affiliation < needed)
        return muc_refusal(XY_FORBIDDEN, "You may not invite others to this room");
    return (struct refusal){0};
}

/* An account of ours that there is not; of others nobody knows. */
static struct refusal
look_up(const struct xy_jid *invitee)
{
    struct xy_account account;
    if (!xy_jid_local(invitee).len || !xy_host_find(invitee))
        return (struct refusal){0};
    xy_status status = xy_account_find(xy_jid_bare(invitee), &account);
    if (status == XY_ABSENT)
        return muc_refusal(XY_ITEM_NOT_FOUND, "There is no such account");
    return status == XY_OK ? (struct refusal){0} : muc_refusal_of(status);
}

static struct refusal
read_invited(const struct xy_node *x, struct invited *invited, size_t *count)
{
    struct xy_str ns = XY_STR(NS_MUC_USER);
    *count = 0;
    for (const struct xy_node *at = xy_node_first(x); at; at = xy_node_next(at)) {
        if (!xy_node_is(at, ns, XY_STR("invite")))
            continue;
        const struct xy_jid *to = xy_jid_parse(xy_node_attr(at, "to"));
        if (!xy_node_attr(at, "to").len)
            return muc_refusal(XY_BAD_REQUEST, "An invitation says whom it is for");
        if (!to)
            return muc_refusal(XY_JID_MALFORMED, "An invitation is for a JID");
        if (*count == MOST_INVITED)
            return muc_refusal(XY_POLICY_VIOLATION, "Too many invitations at once");
        struct refusal why = look_up(to);
        if (why.text)
            return why;
        invited[(*count)++] = (struct invited){at, to};
    }
    return (struct refusal){0};
}

/* ---- letting them in
 * ------------------------------------------------------------------------------- */

static struct refusal
admit(struct muc *self, struct xy_room *room, const struct xy_jid *inviter,
      const struct invited *invited, size_t count)
{
    struct affiliated *changes = xy_temp_alloc(count * sizeof(*changes));
    size_t changed = 0;
    for (size_t i = 0; i < count; i++) {
        struct affiliated found;
        xy_status status = muc_affiliation(self, room, invited[i].to, &found);
        if (status != XY_OK)
            return muc_refusal_of(status);
        if (found.affiliation == XY_OUTCAST)
            return muc_refusal(XY_FORBIDDEN, "Banned from this room");
        if (found.affiliation == XY_UNAFFILIATED)
            changes[changed++] = (struct affiliated){
                .jid = xy_jid_bare(invited[i].to),
                .affiliation = XY_MEMBER,
                .nick = found.nick,
            };
    }
    if (!changed || !muc_settings(room)->members_only)
        return (struct refusal){0};
    xy_status status =
        muc_set_affiliations(self, room, changes, changed, xy_room_find(room, inviter));
    return status == XY_OK ? (struct refusal){0} : muc_refusal_of(status);
}

/* ---- telling them
 * ---------------------------------------------------------------------------------- */

static struct xy_stanza *
letter(struct xy_room *room, const struct xy_stanza *from, const struct xy_jid *to,
       struct xy_node **x)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_id(message, xy_stanza_id(from));
    xy_stanza_set_from(message, xy_room_jid(room));
    xy_stanza_set_to(message, to);
    xy_stanza_set_cause(message, from);
    *x = muc_add_user(message);
    return message;
}

static void
copy(struct xy_node *to, const struct xy_node *from, const char *name)
{
    const struct xy_node *found = xy_node_child(from, XY_STR(NS_MUC_USER), xy_str_from(name));
    if (found)
        (void)xy_node_add_copy(to, found);
}

static struct xy_stanza *
invitation(struct xy_room *room, const struct xy_stanza *message, const struct invited *invited)
{
    struct xy_node *x;
    struct xy_stanza *made = letter(room, message, invited->to, &x);
    struct xy_node *invite = xy_node_add(x, XY_NO_STR, XY_STR("invite"));
    xy_node_set(invite, "from", xy_jid_text(xy_jid_bare(xy_stanza_from(message))));
    copy(invite, invited->node, "reason");
    copy(invite, invited->node, "continue");
    struct xy_str password = muc_text(room, TEXT_PASSWORD);
    if (password.len)
        xy_node_add_text(xy_node_add(x, XY_NO_STR, XY_STR("password")), password);
    return made;
}

struct refusal
muc_invite(struct muc *self, struct xy_room *room, const struct xy_stanza *message,
           const struct xy_node *x, struct post *post)
{
    struct invited *invited = xy_temp_alloc(MOST_INVITED * sizeof(*invited));
    const struct xy_jid *inviter = xy_stanza_from(message);
    size_t count;
    struct refusal why = may_invite(self, room, inviter);
    if (!why.text)
        why = read_invited(x, invited, &count);
    for (size_t i = 0; !why.text && i < count; i++)
        if (!muc_take(self, "invite", xy_room_jid(room), inviter, MOST_INVITED, INVITED_MS))
            why = (struct refusal){XY_POLICY_VIOLATION, "wait", "Too many invitations"};
    if (!why.text)
        why = admit(self, room, inviter, invited, count);
    for (size_t i = 0; !why.text && i < count; i++)
        muc_post(post, invitation(room, message, &invited[i]));
    return why;
}

/* ---- no, thanks
 * ------------------------------------------------------------------------------------ */

/* Those who can have invited somebody; of all others the room would only be a way to reach
 * them. */
static bool
can_have_invited(struct muc *self, struct xy_room *room, const struct xy_jid *who)
{
    struct affiliated found;
    for (const struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at))
        if (xy_jid_bare(xy_occupant_real(at)) == xy_jid_bare(who))
            return true;
    return muc_affiliation(self, room, who, &found) == XY_OK && found.affiliation >= XY_MEMBER;
}

/* Who declines need not be anybody here, and learns nothing of who is. */
struct refusal
muc_decline(struct muc *self, struct xy_room *room, const struct xy_stanza *message,
            const struct xy_node *decline, struct post *post)
{
    enum { MOST = 10, PERIOD_MS = 60 * 1000 };
    const struct xy_jid *from = xy_stanza_from(message),
                        *to = xy_jid_parse(xy_node_attr(decline, "to"));
    if (!xy_node_attr(decline, "to").len)
        return muc_refusal(XY_BAD_REQUEST, "Who invited you?");
    if (!to)
        return muc_refusal(XY_JID_MALFORMED, "Who invited you has a JID");
    if (!muc_take(self, "decline", xy_room_jid(room), from, MOST, PERIOD_MS))
        return (struct refusal){XY_POLICY_VIOLATION, "wait", "Too much at once"};
    if (xy_jid_bare(to) == xy_room_jid(room)) {
        const struct xy_occupant *inviter = xy_room_find_nick(room, to);
        to = inviter ? xy_occupant_real(inviter) : NULL;
    }
    if (!to || !can_have_invited(self, room, to))
        return (struct refusal){0};
    struct xy_node *x;
    struct xy_stanza *made = letter(room, message, to, &x);
    struct xy_node *told = xy_node_add(x, XY_NO_STR, XY_STR("decline"));
    xy_node_set(told, "from", xy_jid_text(xy_jid_bare(from)));
    copy(told, decline, "reason");
    muc_post(post, made);
    return (struct refusal){0};
}
