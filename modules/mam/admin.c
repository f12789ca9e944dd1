/* SPDX-License-Identifier: MIT */
/* xylemctl mam …: an account's preferences, its policy, how much there is. */
#include "mam.h"

enum { COUNT_MOST = 10000, KEEP_LEAST_MS = 60 * 1000 };

static xy_status
find_user(struct xy_command *command, struct xy_user **user)
{
    struct xy_str text = xy_arg(command, "JID");
    const struct xy_jid *jid = xy_jid_parse(text);
    if (!jid || !xy_jid_is_bare(jid))
        return xy_fail(command, XY_INVALID, "\"" XY_FMT "\" is not a bare JID", XY_ARG(text));
    xy_status status = xy_user_get(jid, user);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "there is no account " XY_FMT, XY_ARG(text));
    return status == XY_OK ? status : xy_fail(command, status, "the database does not answer");
}

/* ---- preferences ---- */

static void
put_list(struct xy_command *command, const char *archived, struct xy_str list)
{
    while (list.len) {
        xy_row(command);
        xy_put_str(command, "jid", xy_str_cut(&list, '\n'));
        xy_put_str(command, "archived", xy_str_from(archived));
    }
}

static void
show_preferences(XY_SELF, struct xy_command *command, const struct preferences *preferences)
{
    bool own = preferences->fallback != MAM_HOST;
    xy_put_str(command, "default",
               xy_str_from(mam_fallback_name(mam_fallback(self, preferences))));
    xy_put_str(command, "said_by", own ? XY_STR("account") : XY_STR("host"));
    put_list(command, "always", preferences->always);
    put_list(command, "never", preferences->never);
}

static xy_status
change_preferences(XY_SELF, struct xy_user *user, bool reset, bool set, int fallback)
{
    static const struct preferences none = {.fallback = MAM_HOST};
    xy_status status = reset ? mam_preferences_set_all(user, &none) : XY_OK;
    if (status == XY_OK && set)
        status = mam_preferences_set_default(user, fallback);
    if (status == XY_OK && (reset || set))
        xy_count(&self->changed);
    return status;
}

xy_status
mam_preferences_command(XY_SELF, struct xy_command *command)
{
    struct xy_user *user;
    struct preferences preferences;
    struct xy_str wanted = xy_arg(command, "default");
    int fallback = MAM_HOST;
    if (wanted.len && !mam_fallback_parse(wanted, &fallback))
        return xy_fail(command, XY_INVALID, "--default is always, never or roster");
    xy_status status = find_user(command, &user);
    if (status != XY_OK)
        return status;
    status = change_preferences(self, user, xy_flag(command, "reset"), wanted.len, fallback);
    if (status == XY_OK)
        status = mam_preferences_read(user, &preferences);
    if (status != XY_OK)
        return xy_fail(command, status, "preferences: %s", xy_status_name(status));
    show_preferences(self, command, &preferences);
    return XY_OK;
}

/* ---- policy ---- */

static void
put_keep(struct xy_command *command, const char *key, struct xy_str value, bool own)
{
    xy_put_str(command, key, value);
    xy_put_str(command, xy_temp_cstr(xy_temp_printf("%s_said_by", key)),
               own ? XY_STR("account") : XY_STR("host"));
}

static void
show_policy(XY_SELF, struct xy_command *command, const struct policy *own)
{
    struct policy policy = mam_policy_effective(self, own);
    put_keep(command, "keep_for",
             policy.keep_for == XY_NONE ? XY_STR("none") : xy_duration_text(policy.keep_for),
             own->keep_for != MAM_UNSET);
    put_keep(command, "keep_messages",
             policy.keep_messages == XY_NONE
                 ? XY_STR("none")
                 : xy_temp_printf("%lld", (long long)policy.keep_messages),
             own->keep_messages != MAM_UNSET);
}

/* Absent leaves it, `host` gives it back to the host. */
static xy_status
read_keep_for(struct xy_command *command, int64_t *keep_for)
{
    struct xy_str text = xy_arg(command, "keep-for"), error;
    if (xy_str_is(text, "none"))
        *keep_for = XY_NONE;
    else if (xy_str_is(text, "host"))
        *keep_for = MAM_UNSET;
    else if (text.len && xy_duration_parse(text, keep_for, &error) != XY_OK)
        return xy_fail(command, XY_INVALID, "--keep-for: " XY_FMT, XY_ARG(error));
    else if (text.len && *keep_for < KEEP_LEAST_MS)
        return xy_fail(command, XY_INVALID, "--keep-for: at least 1 min");
    return XY_OK;
}

static xy_status
read_keep_messages(struct xy_command *command, int64_t *keep_messages)
{
    struct xy_str text = xy_arg(command, "keep-messages");
    if (xy_str_is(text, "none"))
        *keep_messages = XY_NONE;
    else if (xy_str_is(text, "host"))
        *keep_messages = MAM_UNSET;
    else if (text.len && xy_str_to_int(text, 1, INT64_MAX, keep_messages) != XY_OK)
        return xy_fail(command, XY_INVALID, "--keep-messages: a number from 1, none or host");
    return XY_OK;
}

static xy_status
change_policy(struct xy_command *command, xy_owner owner, struct policy *own)
{
    if (xy_flag(command, "reset"))
        *own = (struct policy){MAM_UNSET, MAM_UNSET};
    xy_status status = read_keep_for(command, &own->keep_for);
    if (status == XY_OK)
        status = read_keep_messages(command, &own->keep_messages);
    if (status != XY_OK)
        return status;
    status = mam_policy_write(owner, own);
    return status == XY_OK
               ? status
               : xy_fail(command, status, "not written: %s", xy_status_name(status));
}

xy_status
mam_policy_command(XY_SELF, struct xy_command *command)
{
    struct xy_user *user;
    struct policy own;
    xy_status status = find_user(command, &user);
    if (status != XY_OK)
        return status;
    status = mam_policy_read(xy_user_owner(user), &own);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer");
    if (xy_flag(command, "reset") || xy_arg(command, "keep-for").len ||
        xy_arg(command, "keep-messages").len)
        status = change_policy(command, xy_user_owner(user), &own);
    if (status == XY_OK)
        show_policy(self, command, &own);
    return status;
}

/* ---- how much there is ---- */

/* Counts no further than COUNT_MOST: halves the numbers it may be, each question a walk of at
 * most that many keys. */
static xy_status
count(xy_owner owner, int64_t *messages, bool *more)
{
    int64_t least = 0, most = COUNT_MOST;
    xy_message_id beyond;
    xy_status status = xy_archive_nth(owner, COUNT_MOST, &beyond);
    *more = beyond;
    if (*more)
        least = COUNT_MOST;
    while (status == XY_OK && least < most) {
        int64_t middle = least + (most - least) / 2;
        status = xy_archive_nth(owner, middle, &beyond);
        if (beyond)
            least = middle + 1;
        else
            most = middle;
    }
    *messages = least;
    return status;
}

xy_status
mam_count_command(XY_SELF, struct xy_command *command)
{
    struct xy_user *user;
    int64_t messages;
    bool more;
    xy_message_id oldest, newest;
    xy_status status = find_user(command, &user);
    if (status != XY_OK)
        return status;
    status = count(xy_user_owner(user), &messages, &more);
    if (status == XY_OK)
        status = xy_archive_bounds(xy_user_owner(user), 0, &oldest, &newest);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer");
    xy_put_int(command, "messages", messages);
    xy_put_bool(command, "more", more);
    if (newest) {
        xy_put_str(command, "oldest", xy_time_format(xy_message_id_ms(oldest)));
        xy_put_str(command, "newest", xy_time_format(xy_message_id_ms(newest)));
    }
    return XY_OK;
}
