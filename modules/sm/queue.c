/* SPDX-License-Identifier: MIT */
/*
 * The unacknowledged queue of a session as a row keeps it. Of a message the id, since the
 * message store has the content and knows what became of it; of a presence only that it counts,
 * since presence is asked for anew after a restart; an iq whole. A message that nobody stored
 * would be lost with the server's memory, so then the queue is not complete and the session
 * does not survive a restart.
 */
#include "modules/sm/sm.h"

/* Ids of messages are positive. WHOLE is followed by a length and the stanza's text. */
enum { COUNTS = 0, WHOLE = -1 };

/* Chat states are of the moment. */
static bool
is_fleeting(const struct xy_stanza *message)
{
    const struct xy_node *child = xy_node_first(xy_stanza_root(message));
    for (; child; child = xy_node_next(child))
        if (!xy_str_is(xy_node_ns(child), XY_NS_CHATSTATES) &&
            !xy_str_is(xy_node_ns(child), XY_NS_HINTS) &&
            !xy_node_is(child, XY_STR(XY_NS_CLIENT), XY_STR("thread")))
            return false;
    return true;
}

static bool
is_about_subscription(const struct xy_stanza *presence)
{
    struct xy_str type = xy_stanza_type(presence);
    return xy_str_starts(type, XY_STR("subscribe")) ||
           xy_str_starts(type, XY_STR("unsubscribe"));
}

bool
sm_only_counts(const struct xy_stanza *stanza)
{
    enum xy_kind kind = xy_stanza_kind(stanza);
    return (kind == XY_PRESENCE && !is_about_subscription(stanza)) ||
           (kind == XY_MESSAGE && is_fleeting(stanza));
}

struct saving {
    struct xy_buffer out;
    bool complete;
};

static void
save_number(struct saving *saving, int64_t number)
{
    xy_buffer_add(&saving->out, XY_KEY(number));
}

static void
save(void *argument, xy_message_id message, const struct xy_stanza *stanza)
{
    struct saving *saving = argument;
    if (message || !stanza || sm_only_counts(stanza)) {
        save_number(saving, message ? message : COUNTS);
    } else if (xy_stanza_kind(stanza) != XY_MESSAGE) {
        struct xy_str text = xy_stanza_text(stanza);
        save_number(saving, WHOLE);
        save_number(saving, (int64_t)text.len);
        xy_buffer_add(&saving->out, text);
    } else {
        saving->complete = false;
    }
}

struct xy_str
sm_queue_save(const struct xy_session *session, bool *complete)
{
    struct saving saving = {.complete = true};
    xy_session_queue_each(session, save, &saving);
    *complete = saving.complete;
    return xy_buffer_str(&saving.out);
}

static bool
load_number(struct xy_str *bytes, int64_t *number)
{
    if (bytes->len < sizeof(*number))
        return false;
    memcpy(number, bytes->at, sizeof(*number));
    *bytes = xy_str_of(bytes->at + sizeof(*number), bytes->len - sizeof(*number));
    return true;
}

static bool
load(struct xy_str *bytes, struct xy_kept *kept)
{
    int64_t number, size;
    if (!load_number(bytes, &number))
        return false;
    *kept = (struct xy_kept){.message = number > 0 ? number : 0};
    if (number != WHOLE)
        return true;
    if (!load_number(bytes, &size) || size < 0 || (size_t)size > bytes->len)
        return false;
    kept->stanza = xy_stanza_parse(xy_str_of(bytes->at, (size_t)size));
    *bytes = xy_str_of(bytes->at + size, bytes->len - (size_t)size);
    return true;
}

size_t
sm_queue_load(struct xy_str bytes, struct xy_kept **kept)
{
    size_t count = 0;
    *kept = xy_temp_alloc((bytes.len / sizeof(int64_t) + 1) * sizeof(struct xy_kept));
    while (load(&bytes, &(*kept)[count]))
        count++;
    return count;
}
