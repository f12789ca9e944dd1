/* SPDX-License-Identifier: MIT */
/*
 * The newest messages of a room that no archive has (XEP-0045 7.2.13), in a note of the room:
 * they go with it, and outlive a replacement of this code. Invariant: never more than
 * settings.history, nor more bytes than MOST_BYTES.
 */
#include "modules/muc/past.h"

enum { MOST_BYTES = 512 * 1024 };

static const struct xy_note past_note = {"muc.past", 2, 0};

/* One message: these bytes, then the author's bare JID and the stanza. */
struct head {
    int64_t ms;
    uint32_t jid, stanza;
};
struct record {
    struct head head;
    struct xy_str jid, stanza, whole;
};

/* Moves `rest` behind it; false: there is no more. */
static bool
next(struct xy_str *rest, struct record *record)
{
    struct head *head = &record->head;
    if (rest->len < sizeof(*head))
        return false;
    memcpy(head, rest->at, sizeof(*head));
    size_t whole = sizeof(*head) + head->jid + head->stanza;
    if (rest->len < whole)
        return false;
    record->whole = xy_str_of(rest->at, whole);
    record->jid = xy_str_of(rest->at + sizeof(*head), head->jid);
    record->stanza = xy_str_of(record->jid.at + head->jid, head->stanza);
    *rest = xy_str_of(rest->at + whole, rest->len - whole);
    return true;
}

static struct xy_str
all(struct xy_room *room)
{
    const char *at = xy_room_note_find(room, &past_note);
    return xy_str_of(at, at ? xy_room_note_size(room, &past_note) : 0);
}

static size_t
count_of(struct xy_str past)
{
    struct record record;
    size_t count = 0;
    while (next(&past, &record))
        count++;
    return count;
}

/* ---- keeping
 * ----------------------------------------------------------------------------------- */

/* Nobody here looks when the timer of an ephemeral message (XEP-0466) is over. */
static bool
is_history(const struct xy_stanza *message)
{
    struct xy_str hints = XY_STR(XY_NS_HINTS);
    if (xy_stanza_child(message, hints, XY_STR("no-store")) ||
        xy_stanza_child(message, hints, XY_STR("no-permanent-store")) ||
        xy_stanza_child(message, XY_STR("urn:xmpp:ephemeral:0"), XY_STR("ephemeral")))
        return false;
    return xy_stanza_child(message, XY_STR(XY_NS_CLIENT), XY_STR("body")) ||
           xy_stanza_child(message, XY_STR("urn:xmpp:eme:0"), XY_STR("encryption"));
}

/* What is left of `past` when one of `bytes` is to come: the newest that still fit. */
static struct xy_str
shorten(struct xy_str past, size_t most, size_t bytes)
{
    struct record oldest;
    size_t count = count_of(past);
    while ((count >= most || past.len + bytes > MOST_BYTES) && next(&past, &oldest))
        count--;
    return past;
}

void
muc_remember(struct muc *self, struct xy_room *room, const struct xy_occupant *author,
             const struct xy_stanza *sent)
{
    const struct settings *settings = muc_settings(room);
    int64_t most =
        settings->history < self->max_history ? settings->history : self->max_history;
    if (!is_history(sent) || most <= 0)
        return;
    struct xy_str stanza = xy_stanza_text(sent),
                  jid = xy_jid_text(xy_jid_bare(xy_occupant_real(author)));
    struct head head = {xy_now_ms(), (uint32_t)jid.len, (uint32_t)stanza.len};
    size_t bytes = sizeof(head) + jid.len + stanza.len;
    if (bytes > MOST_BYTES)
        return;
    struct xy_str past = all(room), kept = shorten(past, (size_t)most, bytes);
    if (past.len && kept.len != past.len) { /* they lie at its end */
        char *start = xy_room_note_find(room, &past_note);
        memmove(start, start + (past.len - kept.len), kept.len);
    }
    char *at = xy_room_note_resize(room, &past_note, kept.len + bytes);
    at += kept.len;
    memcpy(at, &head, sizeof(head));
    memcpy(at + sizeof(head), jid.at, jid.len);
    memcpy(at + sizeof(head) + jid.len, stanza.at, stanza.len);
}

/* ---- recalling
 * --------------------------------------------------------------------------------- */

static void
add_author(struct xy_stanza *stanza, struct xy_str jid)
{
    struct xy_node *addresses =
        xy_node_add(xy_stanza_top(stanza), XY_STR(NS_ADDRESS), XY_STR("addresses"));
    struct xy_node *address = xy_node_add(addresses, XY_NO_STR, XY_STR("address"));
    xy_node_set(address, "type", XY_STR("ofrom"));
    xy_node_set(address, "jid", jid);
}

static struct xy_stanza *
revive(struct xy_room *room, const struct record *record, bool with_author)
{
    struct xy_stanza *stanza = xy_stanza_parse(record->stanza);
    if (!stanza)
        return NULL;
    xy_stanza_add_delay(stanza, xy_room_jid(room), record->head.ms);
    if (with_author)
        add_author(stanza, record->jid);
    return stanza;
}

static int64_t
characters(const struct xy_stanza *stanza)
{
    struct xy_str text = xy_stanza_text(stanza);
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return count;
}

/* Newest first, until a bound is met; then turned round. */
void
muc_recall(struct xy_room *room, struct xy_muc_history *history)
{
    struct xy_str past = all(room);
    size_t count = count_of(past), at = 0;
    struct record *records = xy_temp_alloc((count + 1) * sizeof(*records));
    const struct xy_stanza **found = xy_temp_alloc((count + 1) * sizeof(*found));
    int64_t left = history->characters;
    while (next(&past, &records[at]))
        at++;
    history->count = 0;
    while (at-- > 0 && (int64_t)history->count < history->messages) {
        const struct record *record = &records[at];
        if (record->head.ms < history->since_ms)
            break;
        struct xy_stanza *stanza = revive(room, record, history->sees_real_jids);
        if (!stanza)
            continue;
        if (left != XY_NONE && (left -= characters(stanza)) < 0)
            break;
        found[count - ++history->count] = stanza;
    }
    history->at = found + count - history->count;
}
