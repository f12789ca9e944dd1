/* SPDX-License-Identifier: MIT */
/*
 * Notes: small records modules attach to streams, sessions and users. The core owns them, so
 * they outlive the code that wrote them; a note is found by its name and version, never by
 * address.
 */
#include "core/route/note.h"

struct xyi_note {
    struct xyi_note *next;
    uint64_t key;
    size_t size;
    _Alignas(16) unsigned char bytes[];
};

static uint64_t
key_of(const struct xy_note *kind)
{
    return xyi_hash(xy_str_from(kind->name)) + kind->version * 0x9e3779b97f4a7c15u;
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

void *
xyi_note_resize(struct xyi_note **notes, const struct xy_note *kind, size_t size)
{
    uint64_t key = key_of(kind);
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
    return note->bytes;
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
