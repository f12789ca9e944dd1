/* SPDX-License-Identifier: MIT */
/*
 * Which messages an archive shows (XEP-0313 6.1.1, XEP-0441 2). Asked for each message on
 * either side; without a wait once preferences and the contact are known.
 */
#include "mam.h"

/* Whether contacts asked about lately are in the roster: '+' or '-', the JID, a line feed,
 * each. `changes` tells that an answer read from the database is older than the last change. */
struct seen {
    int64_t changes;
    char answers[];
};
static const struct xy_note seen_kind = {"mam.roster", 1, sizeof(struct seen)};
enum { SEEN_MOST = 4096 };

static struct xy_str
answers_of(struct xy_user *user)
{
    struct seen *seen = xy_user_note(user, &seen_kind);
    return xy_str_of(seen->answers, xy_user_note_size(user, &seen_kind) - sizeof(*seen));
}

static bool
recall(struct xy_user *user, const struct xy_jid *contact, bool *listed)
{
    struct xy_str text = xy_jid_text(contact), rest = answers_of(user);
    while (rest.len) {
        struct xy_str line = xy_str_cut(&rest, '\n');
        if (xy_str_equal(xy_str_of(line.at + 1, line.len - 1), text)) {
            *listed = line.at[0] == '+';
            return true;
        }
    }
    return false;
}

static void
remember(struct xy_user *user, const struct xy_jid *contact, bool listed)
{
    struct xy_str text = xy_jid_text(contact);
    size_t len = answers_of(user).len, more = text.len + 2;
    if (len + more > SEEN_MOST)
        len = 0;
    struct seen *seen = xy_user_note_resize(user, &seen_kind, sizeof(*seen) + len + more);
    seen->answers[len] = listed ? '+' : '-';
    memcpy(seen->answers + len + 1, text.at, text.len);
    seen->answers[len + more - 1] = '\n';
}

void
mam_roster_changed(XY_SELF, struct xy_user *user, const struct xy_roster_item *item)
{
    (void)item;
    if (!xy_user_note_find(user, &seen_kind))
        return;
    struct seen *seen = xy_user_note_resize(user, &seen_kind, sizeof(*seen));
    seen->changes++;
}

/* Listed: who only asked for a subscription is not in the roster. */
static xy_status
is_contact(struct xy_user *user, const struct xy_jid *peer, bool *listed)
{
    const struct xy_jid *bare = xy_jid_bare(peer);
    *listed = bare == xy_user_jid(user);
    if (*listed || recall(user, bare, listed))
        return XY_OK;
    struct xy_roster_item item;
    int64_t changes = ((struct seen *)xy_user_note(user, &seen_kind))->changes;
    xy_status status = xy_run_roster_item(xy_user_host(user), user, bare, &item);
    if (status == XY_UNSUPPORTED || status == XY_ABSENT)
        item.listed = false;
    else if (status != XY_OK)
        return status;
    *listed = item.listed;
    if (((struct seen *)xy_user_note(user, &seen_kind))->changes == changes)
        remember(user, bare, *listed);
    return XY_OK;
}

static bool
matches(const struct preferences *preferences, const struct xy_jid *jid, bool *wanted)
{
    *wanted = !mam_lists(preferences->never, jid);
    return !*wanted || mam_lists(preferences->always, jid);
}

/* An entry with this very resource counts before one for all resources, and of equals `never`.
 */
static bool
is_listed(const struct preferences *preferences, const struct xy_jid *peer, bool *wanted)
{
    return matches(preferences, peer, wanted) ||
           (!xy_jid_is_bare(peer) && matches(preferences, xy_jid_bare(peer), wanted));
}

static xy_status
decide(const struct mam *self, struct xy_user *owner, const struct xy_jid *peer, bool *wanted)
{
    struct preferences preferences;
    xy_status status = mam_preferences_read(owner, &preferences);
    if (status != XY_OK || is_listed(&preferences, peer, wanted))
        return status;
    int fallback = mam_fallback(self, &preferences);
    if (fallback == MAM_ROSTER)
        return is_contact(owner, peer, wanted);
    *wanted = fallback == MAM_ALWAYS;
    return XY_OK;
}

void
mam_keep(XY_SELF, struct xy_user *owner, const struct xy_stanza *message, bool outgoing,
         unsigned *keep)
{
    if (!xy_message_is_archivable(message))
        return;
    const struct xy_jid *peer = outgoing ? xy_stanza_to(message) : xy_stanza_from(message);
    bool wanted = false;
    xy_status status = decide(self, owner, peer ? peer : xy_user_jid(owner), &wanted);
    if (status != XY_OK) {
        /* The message is refused if the database fails it too; one too many can be told apart
         * later, one too few cannot. */
        wanted = self->fallback.index != MAM_NEVER;
        xy_warn("mam.undecided", "preferences cannot be read, the host's default is taken",
                XY_F_STR_AS("account", xy_jid_text(xy_user_jid(owner))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    }
    xy_count(wanted ? &self->archived : &self->left_out);
    if (wanted)
        *keep |= XY_KEEP_ARCHIVED;
}
