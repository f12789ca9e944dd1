/* SPDX-License-Identifier: MIT */
/*
 * Presence (RFC 6121 section 4): a client's presence goes to those who may see it, probes are
 * answered, and whoever was shown a presence directly is told when it ends. Nobody else ever
 * learns anything (S3-1).
 */
#include <xylem/xylem.h>

/* JIDs a session sent directed presence to, each followed by NUL (4.6.3). */
static const struct xy_note directed = {"presence.directed", 1, 0};
enum { MOST_DIRECTED_BYTES = 64 * 1024 };

static bool
lists(struct xy_str list, struct xy_str jid)
{
    while (list.len)
        if (xy_str_equal(xy_str_cut(&list, '\0'), jid))
            return true;
    return false;
}

static struct xy_str
directed_list(struct xy_session *session)
{
    const char *at = xy_session_note_find(session, &directed);
    return at ? xy_temp_str(xy_str_of(at, xy_session_note_size(session, &directed)))
              : XY_NO_STR;
}

static void
remember(struct xy_session *session, struct xy_str jid)
{
    struct xy_str list = directed_list(session);
    if (lists(list, jid) || list.len + jid.len >= MOST_DIRECTED_BYTES)
        return;
    char *note = xy_session_note_resize(session, &directed, list.len + jid.len + 1);
    memcpy(note + list.len, jid.at, jid.len);
    note[list.len + jid.len] = '\0';
}

static void
forget(struct xy_session *session, struct xy_str jid)
{
    struct xy_str list = directed_list(session);
    struct xy_buffer rest = {0};
    while (list.len) {
        struct xy_str entry = xy_str_cut(&list, '\0');
        if (xy_str_equal(entry, jid))
            continue;
        xy_buffer_add(&rest, entry);
        xy_buffer_add(&rest, xy_str_of("", 1));
    }
    xy_session_note_drop(session, &directed);
    if (rest.len)
        memcpy(xy_session_note_resize(session, &directed, rest.len), rest.text, rest.len);
}

static void
send_to(const struct xy_stanza *presence, const struct xy_jid *to)
{
    struct xy_stanza *copy = xy_stanza_edit(presence);
    xy_stanza_set_to(copy, to);
    xy_route(copy);
}

static void
probe(const struct xy_session *session, const struct xy_jid *contact)
{
    struct xy_stanza *presence = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
    xy_stanza_set_type(presence, XY_STR("probe"));
    xy_stanza_set_from(presence, xy_session_jid(session));
    xy_stanza_set_to(presence, contact);
    xy_route(presence);
}

/* All of the account's own resources see each other (4.2.2, 4.5.2). */
static void
show_own(struct xy_session *session, const struct xy_stanza *presence, bool first)
{
    struct xy_user *user = xy_session_user(session);
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s)) {
        if (!xy_session_is_available(s))
            continue;
        struct xy_stanza *copy = xy_stanza_edit(presence);
        xy_stanza_set_to(copy, xy_user_jid(user));
        (void)xy_session_send(s, copy);
        if (first && s != session)
            (void)xy_session_send(session, xy_session_presence(s));
    }
}

static void
show_contacts(struct xy_session *session, const struct xy_stanza *presence, bool first)
{
    struct xy_user *user = xy_session_user(session);
    struct xy_roster_item *items;
    size_t count = 0;
    xy_status status = xy_run_roster_list(xy_user_host(user), user, &items, &count);
    if (status != XY_OK) {
        if (status != XY_UNSUPPORTED)
            xy_warn("presence.not_shown", "no roster: contacts were not told",
                    XY_F_CSTR_AS("status", xy_status_name(status)));
        return;
    }
    bool ends = xy_str_is(xy_stanza_type(presence), "unavailable");
    for (size_t i = 0; i < count; i++) {
        if (!ends && !xy_session_is_available(session))
            return; /* it ended while we waited, and that was shown */
        if ((items[i].subscription & XY_SUB_FROM) &&
            xy_run_presence_hidden(xy_user_host(user), user, items[i].contact) == XY_PASS)
            send_to(presence, items[i].contact);
        if (first && (items[i].subscription & XY_SUB_TO) && xy_session_is_available(session))
            probe(session, items[i].contact);
    }
}

/* `whom` is a copy of the list: routing may wait. */
static void
end_directed(struct xy_session *session, const struct xy_stanza *unavailable)
{
    struct xy_str whom = directed_list(session);
    xy_session_note_drop(session, &directed);
    while (whom.len) {
        const struct xy_jid *to = xy_jid_parse(xy_str_cut(&whom, '\0'));
        if (to)
            send_to(unavailable, to);
    }
}

static void
broadcast(XY_SELF, struct xy_session *session, const struct xy_stanza *presence, bool first)
{
    bool ends = xy_str_is(xy_stanza_type(presence), "unavailable");
    show_own(session, presence, first);
    show_contacts(session, presence, first);
    if (ends)
        end_directed(session, presence);
}

/* A session that was never available may still have shown itself to a room, and says that it is
 * gone (4.6.3). */
static xy_verdict
leave_unseen(XY_SELF, struct xy_session *session, const struct xy_stanza *stanza)
{
    if (xy_stanza_kind(stanza) == XY_PRESENCE && !xy_stanza_to(stanza) &&
        xy_str_is(xy_stanza_type(stanza), "unavailable") && !xy_session_is_available(session))
        end_directed(session, stanza);
    return XY_PASS;
}

static void
close_session(XY_SELF, struct xy_session *session)
{
    if (!xy_session_note_find(session, &directed))
        return;
    struct xy_stanza *presence = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
    xy_stanza_set_type(presence, XY_STR("unavailable"));
    xy_stanza_set_from(presence, xy_session_jid(session));
    end_directed(session, presence);
}

static xy_verdict
note_directed(XY_SELF, struct xy_session *session, const struct xy_stanza *presence)
{
    struct xy_str type = xy_stanza_type(presence), to = xy_jid_text(xy_stanza_to(presence));
    if (type.len == 0)
        remember(session, to);
    else if (xy_str_is(type, "unavailable"))
        forget(session, to);
    return XY_PASS;
}

static void
answer_nothing(struct xy_user *user, const struct xy_jid *asker, const char *type)
{
    struct xy_stanza *presence = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
    xy_stanza_set_type(presence, xy_str_from(type));
    xy_stanza_set_from(presence, xy_user_jid(user));
    xy_stanza_set_to(presence, asker);
    xy_route(presence);
}

/* For certain: a database that does not answer must not end a subscription. */
static bool
is_stranger(struct xy_user *user, const struct xy_jid *asker)
{
    struct xy_roster_item item;
    xy_status status = xy_run_roster_item(xy_user_host(user), user, xy_jid_bare(asker), &item);
    return status == XY_ABSENT || (status == XY_OK && !(item.subscription & XY_SUB_FROM));
}

/* RFC 6121 4.3.2 */
static xy_verdict
answer_probe(XY_SELF, struct xy_user *user, const struct xy_stanza *presence)
{
    if (!xy_str_is(xy_stanza_type(presence), "probe"))
        return XY_PASS;
    const struct xy_jid *asker = xy_stanza_from(presence);
    if (!xy_user_shows(user, asker)) {
        if (is_stranger(user, asker))
            answer_nothing(user, asker, "unsubscribed");
        return XY_DONE;
    }
    size_t count = 0, at = 0;
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        count++;
    struct xy_stanza **all = xy_temp_alloc((count + 1) * sizeof(struct xy_stanza *));
    for (struct xy_session *s = xy_user_first(user); s; s = xy_session_next(s))
        if (xy_session_is_available(s))
            all[at++] = xy_stanza_edit(xy_session_presence(s));
    if (at == 0)
        answer_nothing(user, asker, "unavailable");
    for (size_t i = 0; i < at; i++) {
        xy_stanza_set_to(all[i], asker);
        xy_route(all[i]);
    }
    return XY_DONE;
}

static const struct xy_hook hooks[] = {
    XY_ON(session_presence, broadcast),      XY_ON(session_closed, close_session),
    XY_ON(presence_directed, note_directed), XY_ON(stanza_out, leave_unseen),
    XY_ON(presence_in, answer_probe),
};

XY_MODULE(presence, .about = "Shows presence to those who may see it (RFC 6121 section 4).",
          XY_TABLE(hooks, hooks));
