/* SPDX-License-Identifier: MIT */
/*
 * Room activity indicators (XEP-0437): a session that sends the service a presence with <rai/>
 * hears, once for each room, that something was said in rooms its user is affiliated with and
 * it is not in. What was said before it asked is read from the table muc_behind. Invariant:
 * nobody hears of a room that he would not be let into.
 */
#include "modules/muc/unread.h"

enum { MOST_WATCHERS = 100000, MOST_OF_ONE = 20 };

struct watcher {
    struct watcher *next;
    const struct xy_jid *session; /* full */
    struct xy_map *told;          /* rooms, by JID; the value is not NULL */
};
/* self->watchers: bare JID -> the first of its watchers. */

bool
muc_is_watched(const struct muc *self)
{
    return self->watchers && xy_map_count(self->watchers) > 0;
}

static struct watcher *
first_of(const struct muc *self, const struct xy_jid *jid)
{
    return self->watchers ? xy_map_get(self->watchers, xy_jid_text(xy_jid_bare(jid))) : NULL;
}

static struct watcher *
find(const struct muc *self, const struct xy_jid *session)
{
    struct watcher *at = first_of(self, session);
    while (at && at->session != session)
        at = at->next;
    return at;
}

/* ---- coming and going
 * ----------------------------------------------------------------------------- */

static struct watcher *
watch(struct muc *self, const struct xy_jid *session)
{
    size_t count = 0;
    struct xy_str bare = xy_jid_text(xy_jid_bare(session));
    if (!self->watchers)
        self->watchers = xy_map_new(self);
    for (const struct watcher *at = first_of(self, session); at; at = at->next)
        count++;
    if (count >= MOST_OF_ONE || xy_map_count(self->watchers) >= MOST_WATCHERS)
        return NULL;
    struct watcher *watcher = xy_keep_alloc(self, sizeof(*watcher));
    watcher->session = xy_jid_keep(session);
    watcher->told = xy_map_new(self);
    watcher->next = first_of(self, session);
    xy_map_put(self->watchers, bare, watcher);
    return watcher;
}

static void
unwatch(struct muc *self, const struct xy_jid *session)
{
    struct xy_str bare = xy_jid_text(xy_jid_bare(session));
    struct watcher *first = first_of(self, session), **at = &first;
    while (*at && (*at)->session != session)
        at = &(*at)->next;
    struct watcher *gone = *at;
    if (!gone)
        return;
    *at = gone->next;
    if (first)
        xy_map_put(self->watchers, bare, first);
    else
        xy_map_remove(self->watchers, bare);
    xy_map_free(gone->told);
    xy_jid_drop(gone->session);
    xy_keep_free(self, gone);
}

/* ---- telling
 * --------------------------------------------------------------------------------------- */

/* Remembers it; false: it has been told already. */
static bool
is_news(struct watcher *watcher, struct xy_str room)
{
    return xy_map_put(watcher->told, room, watcher) == NULL;
}

static struct xy_stanza *
notice(const struct muc *self, const struct xy_jid *to, struct xy_node **rai)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_from(message, xy_service_jid((void *)(uintptr_t)self));
    xy_stanza_set_to(message, to);
    *rai = xy_node_add(xy_stanza_top(message), XY_STR(NS_RAI), XY_STR("rai"));
    return message;
}

static void
add_room(struct xy_node *rai, struct xy_str room)
{
    xy_node_add_text(xy_node_add(rai, XY_NO_STR, XY_STR("activity")), room);
}

/* To a session of ours it goes at once; others are no business of a room's. */
static void
send(const struct xy_jid *to, struct xy_stanza *message)
{
    struct xy_session *session = xy_session_find(to);
    if (session)
        (void)xy_session_send(session, message);
}

static void
tell_all(struct muc *self, struct xy_room *room, struct watcher *watcher)
{
    struct xy_str jid = xy_jid_text(xy_room_jid(room));
    struct xy_node *rai;
    for (; watcher; watcher = watcher->next) {
        if (xy_room_find(room, watcher->session) || !is_news(watcher, jid))
            continue;
        struct xy_stanza *message = notice(self, watcher->session, &rai);
        add_room(rai, jid);
        send(watcher->session, message);
    }
}

void
muc_tell_watchers(struct muc *self, struct xy_room *room, const struct hints *hints)
{
    for (size_t i = 0; i < hints->count; i++)
        tell_all(self, room, first_of(self, hints->members[i].jid));
}

/* What comes behind is news again. */
void
muc_watcher_sees(struct muc *self, struct xy_room *room, const struct xy_jid *real)
{
    struct watcher *watcher = find(self, real);
    if (watcher)
        (void)xy_map_remove(watcher->told, xy_jid_text(xy_room_jid(room)));
}

/* ---- what came before
 * ------------------------------------------------------------------------------ */

static bool
is_in(const struct xy_jid *room, const struct xy_jid *session)
{
    struct xy_room *known = xy_room_known(room);
    if (!known || xy_room_enter(room, &known) != XY_OK)
        return false;
    bool found = xy_room_find(known, session) != NULL;
    xy_room_leave(known);
    return found;
}

static void
tell_missed(void *instance, void *argument)
{
    struct muc *self = instance;
    const struct xy_jid *session = argument;
    struct xy_rows *rows;
    struct xy_node *rai;
    struct xy_stanza *message = notice(self, session, &rai);
    bool any = false;
    xy_status status =
        xy_sql_read(&muc_sql_behind, &rows, XY_TEXT(xy_jid_text(xy_jid_bare(session))),
                    XY_TEXT(xy_jid_text(xy_service_jid(self))));
    while (status == XY_OK && xy_rows_next(rows)) {
        struct xy_str text = xy_rows_text(rows, 0);
        const struct xy_jid *room = xy_jid_parse(text);
        bool in = !room || is_in(room, session);
        struct watcher *watcher = find(self, session); /* it may have gone meanwhile */
        if (in || !watcher || !is_news(watcher, text))
            continue;
        add_room(rai, text);
        any = true;
    }
    if (any)
        send(session, message);
    if (status != XY_OK)
        xy_warn("muc.missed_not_read", "a session is not told where something was said",
                XY_F_STR_AS("session", xy_jid_text(session)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
    xy_jid_drop(session);
}

void
muc_watch(struct muc *self, const struct xy_stanza *presence)
{
    const struct xy_jid *session = xy_stanza_from(presence);
    struct xy_str type = xy_stanza_type(presence);
    if (xy_str_is(type, "unavailable")) {
        unwatch(self, session);
        return;
    }
    if (type.len || !xy_stanza_child(presence, XY_STR(NS_RAI), XY_STR("rai")) ||
        !xy_session_find(session))
        return;
    unwatch(self, session); /* a new subscription begins */
    if (!watch(self, session)) {
        xy_bounce(presence, XY_RESOURCE_CONSTRAINT, XY_NO_STR);
        return;
    }
    muc_errand(self, tell_missed, (void *)(uintptr_t)xy_jid_keep(session));
}

void
muc_unwatch(XY_SELF, struct xy_session *session)
{
    unwatch(self, xy_session_jid(session));
}

/* ---- handing over
 * ----------------------------------------------------------------------------------- */

/* A session and the rooms it was told of, each followed by LF, then an empty line. */
struct xy_str
muc_watchers_save(const struct muc *self)
{
    struct xy_buffer out = {0};
    struct xy_str key, room;
    size_t at = 0;
    void *value, *mark;
    while (self->watchers && xy_map_next(self->watchers, &at, &key, &value))
        for (const struct watcher *one = value; one; one = one->next) {
            size_t in = 0;
            xy_buffer_printf(&out, XY_FMT "\n", XY_ARG(xy_jid_text(one->session)));
            while (xy_map_next(one->told, &in, &room, &mark))
                xy_buffer_printf(&out, XY_FMT "\n", XY_ARG(room));
            xy_buffer_add(&out, XY_STR("\n"));
        }
    return xy_buffer_str(&out);
}

void
muc_drop_watchers(struct muc *self)
{
    struct xy_str key;
    size_t at = 0;
    void *value;
    while (self->watchers && xy_map_next(self->watchers, &at, &key, &value)) {
        struct watcher *next = NULL;
        for (struct watcher *one = value; one; one = next) {
            next = one->next;
            unwatch(self, one->session);
        }
    }
}

void
muc_watchers_load(struct muc *self, struct xy_str saved)
{
    struct watcher *watcher = NULL;
    muc_drop_watchers(self);
    while (saved.len) {
        struct xy_str line = xy_str_cut(&saved, '\n');
        const struct xy_jid *jid = line.len ? xy_jid_parse(line) : NULL;
        if (!line.len) {
            watcher = NULL;
        } else if (watcher) {
            (void)is_news(watcher, line);
        } else if (jid) {
            watcher = watch(self, jid);
        }
    }
}
