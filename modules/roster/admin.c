/* SPDX-License-Identifier: MIT */
/* xylemctl roster …: look, set, remove, provision many at once, find and mend halves (S3-19,
 * S3-23). */
#include "roster.h"

static xy_status
find_user(struct xy_command *command, struct xy_str text, struct xy_user **user)
{
    const struct xy_jid *jid = xy_jid_parse(text);
    if (!jid || !xy_jid_is_bare(jid))
        return xy_fail(command, XY_INVALID, "\"" XY_FMT "\" is not a bare JID", XY_ARG(text));
    xy_status status = xy_user_get(jid, user);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "there is no account " XY_FMT, XY_ARG(text));
    return status == XY_OK ? status : xy_fail(command, status, "the database does not answer");
}

static void
put_item(struct xy_command *command, const struct item *item, const struct xy_jid *contact)
{
    struct xy_roster_item public = roster_public_item(item, contact);
    xy_row(command);
    xy_put_str(command, "contact", xy_jid_text(contact));
    xy_put_str(command, "name", item->name);
    xy_put_str(command, "subscription", xy_str_from(roster_subscription_name(item->state)));
    xy_put_bool(command, "asked", item->state & OUT);
    xy_put_bool(command, "asks", item->state & IN);
    xy_put_bool(command, "approved", item->state & APPROVED);
    xy_put_bool(command, "listed", item->listed == LISTED);
    xy_put_str(command, "groups", xy_temp_join(public.groups, public.group_count, ", "));
}

xy_status
roster_show_command(XY_SELF, struct xy_command *command)
{
    struct xy_user *user;
    struct xy_rows *rows;
    xy_status status = find_user(command, xy_arg(command, "JID"), &user);
    if (status != XY_OK)
        return status;
    status = roster_load_all(user, 0, &rows);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer");
    while (xy_rows_next(rows)) {
        const struct xy_jid *contact;
        struct item item = roster_row_item(rows, &contact);
        if (contact && item.listed != REMOVED)
            put_item(command, &item, contact);
    }
    return XY_OK;
}

static xy_status
read_state(struct xy_command *command, struct xy_str word, unsigned *state)
{
    static const char *const words[] = {"none", "to", "from", "both"};
    for (unsigned i = 0; i < 4; i++)
        if (xy_str_equal(word, xy_str_from(words[i]))) {
            *state = i;
            return XY_OK;
        }
    return xy_fail(command, XY_INVALID,
                   "a subscription is none, to, from or both, not \"" XY_FMT "\"",
                   XY_ARG(word));
}

static unsigned
mirrored(unsigned state)
{
    return (state & TO ? FROM : 0u) | (state & FROM ? TO : 0u);
}

/* Both sides of a local pair, our side alone otherwise. */
static xy_status
add_pair(struct xy_command *command, struct xy_str account, struct xy_str other, unsigned state,
         struct roster_pair *pairs, size_t *count)
{
    struct xy_user *user, *peer;
    xy_status status = find_user(command, account, &user);
    if (status != XY_OK)
        return status;
    const struct xy_jid *contact = xy_jid_parse(other);
    if (!contact || xy_jid_bare(contact) == xy_user_jid(user))
        return xy_fail(command, XY_INVALID, "\"" XY_FMT "\" cannot be a contact",
                       XY_ARG(other));
    contact = xy_jid_bare(contact);
    pairs[(*count)++] = (struct roster_pair){.user = user, .contact = contact, .state = state};
    if (!xy_host_find(contact) || state == 0)
        return XY_OK;
    status = find_user(command, xy_jid_text(contact), &peer);
    if (status == XY_OK)
        pairs[(*count)++] = (struct roster_pair){
            .user = peer, .contact = xy_user_jid(user), .state = mirrored(state)};
    return status;
}

static xy_status
carry_out(XY_SELF, struct xy_command *command, const struct roster_pair *pairs, size_t count)
{
    xy_status status = roster_provision(self, pairs, count);
    if (status != XY_OK)
        return xy_fail(command, status, "nothing was changed: %s", xy_status_name(status));
    xy_put_int(command, "items", (int64_t)count);
    return XY_OK;
}

xy_status
roster_add_command(XY_SELF, struct xy_command *command)
{
    struct roster_pair pairs[2];
    size_t count = 0;
    unsigned state;
    struct xy_str subscription = xy_arg(command, "subscription");
    xy_status status =
        read_state(command, subscription.len ? subscription : XY_STR("both"), &state);
    if (status == XY_OK)
        status = add_pair(command, xy_arg(command, "JID"), xy_arg(command, "CONTACT"), state,
                          pairs, &count);
    if (status != XY_OK)
        return status;
    struct xy_str group = xy_arg(command, "group");
    pairs[0].name = xy_arg(command, "name");
    if (group.len)
        pairs[0].groups = xy_str_of(xy_temp_str(group).at, group.len + 1);
    return carry_out(self, command, pairs, count);
}

xy_status
roster_provision_command(XY_SELF, struct xy_command *command)
{
    struct xy_str input = xy_command_input(command);
    size_t lines = 2, count = 0, line = 0;
    for (size_t i = 0; i < input.len; i++)
        lines += input.at[i] == '\n';
    struct roster_pair *pairs = xy_temp_alloc(2 * lines * sizeof(*pairs));
    while (input.len) {
        struct xy_str rest = xy_str_trim(xy_str_cut(&input, '\n'));
        line++;
        if (rest.len == 0)
            continue;
        struct xy_str account = xy_str_cut(&rest, '\t'), contact = xy_str_cut(&rest, '\t');
        unsigned state;
        xy_status status = read_state(command, rest.len ? rest : XY_STR("both"), &state);
        if (status == XY_OK)
            status = add_pair(command, account, contact, state, pairs, &count);
        if (status != XY_OK) {
            xy_say(command, "line %zu is wrong; nothing was changed", line);
            return status;
        }
    }
    return carry_out(self, command, pairs, count);
}

xy_status
roster_remove_command(XY_SELF, struct xy_command *command)
{
    struct xy_user *user;
    xy_status status = find_user(command, xy_arg(command, "JID"), &user);
    if (status != XY_OK)
        return status;
    const struct xy_jid *contact = xy_jid_parse(xy_arg(command, "CONTACT"));
    if (!contact)
        return xy_fail(command, XY_INVALID, "the contact is not a JID");
    status = roster_remove(self, user, xy_jid_bare(contact));
    if (status == XY_ABSENT)
        return xy_fail(command, status, "the roster has no such contact");
    return status == XY_OK
               ? status
               : xy_fail(command, status, "not removed: %s", xy_status_name(status));
}

/* What both sides agree on. */
static unsigned
agreed(unsigned state, unsigned peer)
{
    unsigned keep = state & (mirrored(peer) | IN);
    return keep | ((state & OUT) && (peer & IN) ? OUT : 0u);
}

struct finding {
    struct xy_str account, contact;
    unsigned state, peer;
};

static xy_status
mend(XY_SELF, struct xy_command *command, const struct finding *found, size_t count)
{
    struct roster_pair *pairs = xy_temp_alloc((count + 1) * sizeof(*pairs));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        struct xy_user *user;
        const struct xy_jid *jid = xy_jid_parse(found[i].account),
                            *contact = xy_jid_parse(found[i].contact);
        if (!jid || !contact || xy_user_get(jid, &user) != XY_OK)
            continue;
        pairs[at++] =
            (struct roster_pair){.user = user,
                                 .contact = contact,
                                 .state = agreed(found[i].state, found[i].peer) & (TO | FROM)};
    }
    xy_status status = roster_provision(self, pairs, at);
    if (status != XY_OK)
        return xy_fail(command, status, "nothing was mended: %s", xy_status_name(status));
    xy_say(command, "%zu items now show what both sides agree on", at);
    return XY_OK;
}

xy_status
roster_doctor_command(XY_SELF, struct xy_command *command)
{
    struct xy_rows *rows;
    struct xy_host *host = xy_host_of(self);
    xy_status status = roster_asymmetric(xy_jid_text(xy_host_jid(host)), &rows);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer");
    struct finding *found = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(*found));
    size_t count = 0;
    while (xy_rows_next(rows)) {
        struct finding *f = &found[count++];
        *f = (struct finding){xy_rows_text(rows, 0), xy_rows_text(rows, 1),
                              (unsigned)xy_rows_int(rows, 2), (unsigned)xy_rows_int(rows, 3)};
        xy_row(command);
        xy_put_str(command, "account", f->account);
        xy_put_str(command, "contact", f->contact);
        xy_put_str(command, "has", xy_str_from(roster_subscription_name(f->state)));
        xy_put_bool(command, "asked", f->state & OUT);
        xy_put_str(command, "contact_has", xy_str_from(roster_subscription_name(f->peer)));
    }
    if (count == 0)
        xy_say(command, "all local pairs agree");
    return count && xy_flag(command, "repair") ? mend(self, command, found, count) : XY_OK;
}
