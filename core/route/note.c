/* SPDX-License-Identifier: MIT */
/*
 * Notes: small records modules attach to streams, sessions and users. The core owns them, so
 * they outlive the code that wrote them; a note is found by its name and version, never by
 * address.
 */
#include "core/route/objects.h"

struct xyi_note {
    struct xyi_note *next;
    uint64_t key;
    size_t size;
    _Alignas(16) unsigned char bytes[];
};

/* The same in every run: notes of sessions that wait for their clients survive a restart. The
 * names are ours, so nobody can make two of them meet. */
static uint64_t
key_of(const struct xy_note *kind)
{
    static const uint64_t key[2] = {0x78796c656d206e6f, 0x7465732076657231};
    return xyi_siphash13(key, xy_str_from(kind->name)) + kind->version * 0x9e3779b97f4a7c15u;
}

static struct xyi_note **
place(struct xyi_note **notes, uint64_t key)
{
    while (*notes && (*notes)->key != key)
        notes = &(*notes)->next;
    return notes;
}

void *
xyi_note_find(struct xyi_note **notes, const struct xy_note *kind)
{
    if (!*notes)
        return NULL;
    struct xyi_note *note = *place(notes, key_of(kind));
    return note ? note->bytes : NULL;
}

static struct xyi_note *
resize(struct xyi_note **notes, uint64_t key, size_t size)
{
    struct xyi_note **at = place(notes, key);
    struct xyi_note *old = *at;
    size_t former = old ? old->size : 0;
    struct xyi_note *note = xyi_resize(old, sizeof(*note) + size);
    if (!old)
        note->next = NULL;
    note->key = key;
    note->size = size;
    if (size > former)
        memset(note->bytes + former, 0, size - former);
    *at = note;
    return note;
}

void *
xyi_note_resize(struct xyi_note **notes, const struct xy_note *kind, size_t size)
{
    return resize(notes, key_of(kind), size)->bytes;
}

void *
xyi_note_get(struct xyi_note **notes, const struct xy_note *kind)
{
    void *found = xyi_note_find(notes, kind);
    return found ? found : xyi_note_resize(notes, kind, kind->size);
}

size_t
xyi_note_size(struct xyi_note **notes, const struct xy_note *kind)
{
    struct xyi_note *note = *place(notes, key_of(kind));
    return note ? note->size : 0;
}

void
xyi_note_drop(struct xyi_note **notes, const struct xy_note *kind)
{
    struct xyi_note **at = place(notes, key_of(kind));
    struct xyi_note *note = *at;
    if (!note)
        return;
    *at = note->next;
    xyi_free(note);
}

void
xyi_notes_free(struct xyi_note **notes)
{
    while (*notes) {
        struct xyi_note *note = *notes;
        *notes = note->next;
        xyi_free(note);
    }
}

/* ---- as bytes: key, size, content of each, in this machine's order ----------------------  */

struct head {
    uint64_t key, size;
};

/* Which login it was goes the way of the notes. */
static const struct xy_note login_kind = {"xylem.login", 1, sizeof(struct xyi_login_record)};

static void
put(struct xy_buffer *out, uint64_t key, struct xy_str content)
{
    struct head head = {key, content.len};
    xy_buffer_add(out, XY_KEY(head));
    xy_buffer_add(out, content);
}

static void
take_login(struct xy_session *session, struct xy_str content)
{
    struct xyi_login_record record;
    if (content.len != sizeof(record))
        return;
    memcpy(&record, content.at, sizeof(record));
    xyi_login_restore(session, &record);
}

struct xy_str
xy_session_notes(const struct xy_session *session)
{
    struct xy_buffer out = {0};
    if (session->login) {
        struct xyi_login_record login = xyi_login_save(session->login);
        put(&out, key_of(&login_kind), XY_KEY(login));
    }
    for (const struct xyi_note *note = session->notes; note; note = note->next)
        put(&out, note->key, xy_str_of((const char *)note->bytes, note->size));
    return xy_buffer_str(&out);
}

static bool
take_head(struct xy_str *bytes, struct head *head)
{
    if (bytes->len < sizeof(*head))
        return false;
    memcpy(head, bytes->at, sizeof(*head));
    *bytes = xy_str_of(bytes->at + sizeof(*head), bytes->len - sizeof(*head));
    return head->size <= bytes->len;
}

static bool
are_notes(struct xy_str bytes)
{
    struct head head;
    while (bytes.len) {
        if (!take_head(&bytes, &head))
            return false;
        bytes = xy_str_of(bytes.at + head.size, bytes.len - head.size);
    }
    return true;
}

xy_status
xy_session_set_notes(struct xy_session *session, struct xy_str bytes)
{
    struct head head;
    if (!are_notes(bytes))
        return XY_INVALID;
    while (bytes.len && take_head(&bytes, &head)) {
        if (head.key == key_of(&login_kind))
            take_login(session, xy_str_of(bytes.at, head.size));
        else
            memcpy(resize(&session->notes, head.key, head.size)->bytes, bytes.at, head.size);
        bytes = xy_str_of(bytes.at + head.size, bytes.len - head.size);
    }
    return XY_OK;
}
