/* SPDX-License-Identifier: MIT */
/*
 * What a room tells about itself: the form muc#roominfo (XEP-0045 15.3, XEP-0486, XEP-0500,
 * XEP-0317). Whoever would not be let in learns what the room is, not what is said there.
 */
#include "modules/muc/show.h"

#define INFO   "muc#roominfo_"
#define CONFIG "muc#roomconfig_"

xy_status
is_insider(struct muc *self, struct xy_room *room, const struct xy_jid *who, bool *insider)
{
    struct affiliated found;
    xy_status status = muc_affiliation(self, room, who, &found);
    if (status != XY_OK)
        return status;
    bool closed = muc_settings(room)->members_only || muc_text(room, TEXT_PASSWORD).len;
    *insider = found.affiliation >= XY_MEMBER || (!closed && found.affiliation != XY_OUTCAST);
    for (struct xy_occupant *at = xy_room_first(room); at && !*insider;
         at = xy_occupant_next(at))
        *insider = xy_jid_bare(xy_occupant_real(at)) == xy_jid_bare(who);
    return XY_OK;
}

static void
say_number(struct xy_node *form, const char *var, const char *label, int64_t number)
{
    form_say(form, "text-single", var, label, xy_temp_printf("%lld", (long long)number));
}

static void
say_bool(struct xy_node *form, const char *var, const char *label, bool value)
{
    form_say(form, "boolean", var, label, value ? XY_STR("1") : XY_STR("0"));
}

/* One value for each line; no field if there is none. */
static void
say_lines(struct xy_node *form, const char *type, const char *var, const char *label,
          struct xy_str lines)
{
    struct xy_node *field = NULL;
    while (lines.len) {
        struct xy_str line = xy_str_cut(&lines, '\n');
        if (!line.len)
            continue;
        if (!field)
            field = form_field(form, type, var, label);
        form_value(field, line);
    }
}

static void
say_texts(struct xy_node *form, struct xy_room *room)
{
    static const struct {
        enum text which;
        const char *type, *var, *label;
    } texts[] = {
        {TEXT_NAME, "text-single", CONFIG "roomname", "Name"},
        {TEXT_DESCRIPTION, "text-single", INFO "description", "Description"},
        {TEXT_LANGUAGE, "text-single", INFO "lang", "Language of the discussion"},
        {TEXT_LOGS, "text-single", INFO "logs", "Logs of the discussion"},
        {TEXT_PUBSUB, "text-single", INFO "pubsub", "Node of XEP-0060 that belongs to it"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        form_say(form, texts[i].type, texts[i].var, texts[i].label,
                 muc_text(room, texts[i].which));
    say_lines(form, "text-multi", INFO "avatarhash", "Hash of the avatar",
              muc_text(room, TEXT_AVATAR_HASH));
    say_lines(form, "jid-multi", INFO "contactjid", "Contact addresses",
              muc_text(room, TEXT_CONTACTS));
}

static void
say_settings(struct xy_node *form, const struct settings *set)
{
    static const char *const pms[] = {"anyone", "participants", "moderators", "none"};
    say_bool(form, CONFIG "changesubject", "Occupants may change the subject",
             set->change_subject);
    say_bool(form, INFO "subjectmod", "Occupants may change the subject", set->change_subject);
    say_bool(form, CONFIG "allowinvites", "Occupants may invite", set->allow_invites);
    form_say(form, "list-single", CONFIG "allowpm", "Who may send private messages",
             xy_str_from(pms[set->allow_pm]));
    say_number(form, "muc#maxhistoryfetch", "Messages newcomers are shown at most",
               set->history);
    say_number(form, INFO "slow_mode_duration", "Seconds between two messages of an occupant",
               set->slow_mode_s);
}

xy_status
muc_add_room_info(struct muc *self, struct xy_room *room, const struct xy_jid *asker,
                  struct xy_node *query)
{
    bool insider = false;
    xy_status status = is_insider(self, room, asker, &insider);
    if (status != XY_OK)
        return status;
    struct xy_str hats = hats_hash(room);
    struct xy_node *form = form_begin(query, "result", NS_MUC "#roominfo");
    say_texts(form, room);
    if (insider)
        form_say(form, "text-single", INFO "subject", "Subject", muc_text(room, TEXT_SUBJECT));
    say_number(form, INFO "occupants", "Number of occupants", count_occupants(room));
    say_settings(form, muc_settings(room));
    form_say(form, "text-single", "hats#hash", "Hash of the hats", hats);
    return XY_OK;
}
