/* SPDX-License-Identifier: MIT */
/*
 * A configuration taken into use (XEP-0045 10.2), whoever asked for it. Invariant: it is stored
 * before anybody is told or put out; what the service forbids never becomes a room's setting.
 */
#include "modules/muc/admin.h"

void
muc_configuration(struct xy_room *room, struct configuration *now)
{
    now->settings = *muc_settings(room);
    for (unsigned i = 0; i < TEXTS; i++)
        now->texts[i] = xy_temp_str(muc_text(room, i));
}

/* ---- what the service allows --------------------------------------------------------- */

static bool
is_language(struct xy_str tag)
{
    for (size_t i = 0; i < tag.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-",
                    tag.at[i]))
            return false;
    return true;
}

static bool
are_jids(struct xy_str lines)
{
    while (lines.len) {
        struct xy_str line = xy_str_cut(&lines, '\n');
        if (line.len && !xy_jid_parse(line))
            return false;
    }
    return true;
}

static xy_status
check_texts(const struct configuration *wanted, struct xy_str *error)
{
    for (size_t i = 0; i < muc_settings_count; i++) {
        const struct setting *setting = &muc_settings_table[i];
        if (setting->kind != SETTING_TEXT)
            continue;
        if ((int64_t)wanted->texts[setting->offset].len <= setting->max)
            continue;
        *error =
            xy_temp_printf("%s: at most %lld bytes", setting->label, (long long)setting->max);
        return XY_INVALID;
    }
    if (!is_language(wanted->texts[TEXT_LANGUAGE]))
        *error = XY_STR("Language: must be a tag such as en or pt-BR");
    else if (!are_jids(wanted->texts[TEXT_CONTACTS]))
        *error = XY_STR("Addresses of those who answer for the room: each must be a JID");
    else
        return XY_OK;
    return XY_INVALID;
}

/* What a room has had since the service allowed more may stay. */
static xy_status
check(const struct muc *self, const struct settings *now, const struct configuration *wanted,
      struct xy_str *error)
{
    const struct settings *settings = &wanted->settings;
    if (settings->max_users > self->max_users && settings->max_users != now->max_users) {
        *error = xy_temp_printf("Occupants at most: the service allows %lld",
                                (long long)self->max_users);
        return XY_INVALID;
    }
    if (settings->history > self->max_history && settings->history != now->history) {
        *error = xy_temp_printf("Messages that a newcomer is shown: the service allows %lld",
                                (long long)self->max_history);
        return XY_INVALID;
    }
    return check_texts(wanted, error);
}

/* ---- what is told -------------------------------------------------------------------- */

static bool
same_but_privacy(const struct configuration *a, const struct configuration *b)
{
    struct settings like = b->settings;
    like.archived = a->settings.archived;
    like.whois = a->settings.whois;
    for (size_t i = 0; i < muc_settings_count; i++) {
        const struct setting *setting = &muc_settings_table[i];
        bool text = setting->kind == SETTING_TEXT;
        if (text && !xy_str_equal(a->texts[setting->offset], b->texts[setting->offset]))
            return false;
        if (!text && !xy_str_equal(muc_setting_text(setting, &a->settings),
                                   muc_setting_text(setting, &like)))
            return false;
    }
    return true;
}

/* 10.2.1 */
static void
tell(struct muc *self, struct xy_room *room, const struct configuration *was,
     const struct configuration *is)
{
    int codes[4] = {0}, count = 0;
    if (was->settings.archived != is->settings.archived)
        codes[count++] = is->settings.archived ? 170 : 171;
    if (was->settings.whois != is->settings.whois)
        codes[count++] = is->settings.whois == WHOIS_ANYONE ? 172 : 173;
    if (!same_but_privacy(was, is))
        codes[count++] = 104;
    if (count)
        muc_tell_config_changed(self, room, codes);
}

/* ---- what it means for those who are there ------------------------------------------- */

/* Out of a room that has become members-only. */
static void
throw_out_strangers(struct muc *self, struct xy_room *room, const struct xy_jid *actor)
{
    static const int codes[] = {322, 0};
    struct xy_occupant *at = xy_room_first(room);
    while (at) {
        if (muc_person(at)->affiliation >= XY_MEMBER) {
            at = xy_occupant_next(at);
            continue;
        }
        muc_eject(self, at, codes, actor ? xy_room_find(room, actor) : NULL, XY_NO_STR, NULL);
        at = xy_room_first(room);
    }
}

/* Those without an affiliation have the voice that goes with the room; moderators stay such. */
static void
adapt_roles(struct muc *self, struct xy_room *room)
{
    enum xy_role usual = muc_default_role(room, XY_UNAFFILIATED);
    for (struct xy_occupant *at = xy_room_first(room); at; at = xy_occupant_next(at)) {
        struct person *person = muc_person(at);
        if (!person->shown || person->affiliation >= XY_MEMBER ||
            person->role == XY_MODERATOR || person->role == usual)
            continue;
        person->role = usual;
        muc_changed(self, at, NULL, XY_NO_STR);
    }
}

static void
enforce(struct muc *self, struct xy_room *room, const struct settings *was,
        const struct xy_jid *actor)
{
    const struct settings *is = muc_settings(room);
    bool voice_was = !was->moderated || was->members_by_default;
    bool voice_is = !is->moderated || is->members_by_default;
    if (is->members_only && !was->members_only)
        throw_out_strangers(self, room, actor);
    muc_review(self, room);
    if (voice_is != voice_was)
        adapt_roles(self, room);
}

static void
put(struct xy_room *room, const struct configuration *configuration)
{
    *muc_settings(room) = configuration->settings;
    for (unsigned i = 0; i < TEXTS; i++)
        if (!xy_str_equal(muc_text(room, i), configuration->texts[i]))
            muc_set_text(room, i, configuration->texts[i]);
}

xy_status
muc_configure(struct muc *self, struct xy_room *room, const struct configuration *wanted,
              const struct xy_occupant *actor, struct xy_str *error)
{
    struct configuration was;
    const struct xy_jid *by = actor ? xy_occupant_real(actor) : NULL;
    bool was_locked = muc_state(room)->locked;
    xy_status status = check(self, muc_settings(room), wanted, error);
    if (status != XY_OK)
        return status;
    muc_configuration(room, &was);
    put(room, wanted);
    muc_state(room)->locked = false;
    status = muc_save(room);
    if (status != XY_OK) {
        put(room, &was);
        muc_state(room)->locked = was_locked;
        return status;
    }
    if (!was_locked) /* the first configuration is no change */
        tell(self, room, &was, wanted);
    enforce(self, room, &was.settings, by);
    return XY_OK;
}
