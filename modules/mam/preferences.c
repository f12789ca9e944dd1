/* SPDX-License-Identifier: MIT */
/*
 * What an account wants archived (XEP-0441): one row, kept in a note of the user. A change is
 * one statement that depends on nothing read before, so of two at once none undoes half of the
 * other; and the note counts for as long as no change began or ended since it was read.
 */
#include "mam.h"

const struct xy_statement mam_preferences_find =
    XY_SQL("select fallback, always, never from mam_preferences where owner = ?");
const struct xy_statement mam_preferences_replace =
    XY_SQL("insert into mam_preferences (owner, fallback, always, never) values (?, ?, ?, ?)"
           " on conflict (owner) do update set fallback = excluded.fallback,"
           " always = excluded.always, never = excluded.never");
const struct xy_statement mam_preferences_default =
    XY_SQL("insert into mam_preferences (owner, fallback, always, never) values (?, ?, '', '')"
           " on conflict (owner) do update set fallback = excluded.fallback");
const struct xy_statement mam_preferences_drop =
    XY_SQL("delete from mam_preferences where owner = ?");

struct held {
    int64_t changes; /* begun and ended */
    int64_t as_of;   /* `changes` when it was read, plus one; 0: never */
    int32_t fallback;
    uint32_t always, never; /* bytes in `lists`, in this order */
    char lists[];
};
static const struct xy_note held_kind = {"mam.preferences", 1, sizeof(struct held)};

static void
hold(struct xy_user *user, const struct preferences *preferences, int64_t as_of)
{
    size_t always = preferences->always.len, never = preferences->never.len;
    struct held *held =
        xy_user_note_resize(user, &held_kind, sizeof(struct held) + always + never);
    held->as_of = as_of;
    held->fallback = preferences->fallback;
    held->always = (uint32_t)always;
    held->never = (uint32_t)never;
    if (always)
        memcpy(held->lists, preferences->always.at, always);
    if (never)
        memcpy(held->lists + always, preferences->never.at, never);
}

static xy_status
load(struct xy_user *user, struct preferences *preferences)
{
    struct xy_rows *rows;
    int64_t as_of = ((struct held *)xy_user_note(user, &held_kind))->changes + 1;
    xy_status status = xy_sql_read(&mam_preferences_find, &rows, XY_INT(xy_user_owner(user)));
    if (status != XY_OK)
        return status;
    *preferences = (struct preferences){.fallback = MAM_HOST};
    if (xy_rows_next(rows))
        *preferences = (struct preferences){(int)xy_rows_int(rows, 0), xy_rows_text(rows, 1),
                                            xy_rows_text(rows, 2)};
    if (((struct held *)xy_user_note(user, &held_kind))->as_of < as_of)
        hold(user, preferences, as_of);
    return XY_OK;
}

xy_status
mam_preferences_read(struct xy_user *user, struct preferences *preferences)
{
    const struct held *held = xy_user_note_find(user, &held_kind);
    if (!held || held->as_of != held->changes + 1)
        return load(user, preferences);
    *preferences = (struct preferences){held->fallback, xy_str_of(held->lists, held->always),
                                        xy_str_of(held->lists + held->always, held->never)};
    return XY_OK;
}

static void
note_change(struct xy_user *user)
{
    struct held *held = xy_user_note(user, &held_kind);
    held->changes++;
}

static xy_status
write(struct xy_user *user, const struct xy_statement *statement, struct xy_values values)
{
    note_change(user);
    xy_status status = xy_sql_write_values(statement, values);
    note_change(user);
    return status;
}

xy_status
mam_preferences_set_all(struct xy_user *user, const struct preferences *preferences)
{
    return write(user, &mam_preferences_replace,
                 XY_VALUES(XY_INT(xy_user_owner(user)), XY_INT(preferences->fallback),
                           XY_TEXT(preferences->always), XY_TEXT(preferences->never)));
}

xy_status
mam_preferences_set_default(struct xy_user *user, int fallback)
{
    return write(user, &mam_preferences_default,
                 XY_VALUES(XY_INT(xy_user_owner(user)), XY_INT(fallback)));
}

bool
mam_lists(struct xy_str list, const struct xy_jid *jid)
{
    struct xy_str text = xy_jid_text(jid);
    while (list.len)
        if (xy_str_equal(xy_str_cut(&list, '\n'), text))
            return true;
    return false;
}

size_t
mam_list_count(struct xy_str list)
{
    size_t count = 0;
    for (size_t i = 0; i < list.len; i++)
        count += list.at[i] == '\n';
    return count;
}

int
mam_fallback(const struct mam *self, const struct preferences *preferences)
{
    return preferences->fallback == MAM_HOST ? self->fallback.index : preferences->fallback;
}

static const char *const names[MAM_CHOICES] = {"always", "never", "roster"};

const char *
mam_fallback_name(int fallback)
{
    return names[fallback];
}

bool
mam_fallback_parse(struct xy_str name, int *fallback)
{
    for (int i = 0; i < MAM_CHOICES; i++)
        if (xy_str_equal(name, xy_str_from(names[i]))) {
            *fallback = i;
            return true;
        }
    return false;
}
