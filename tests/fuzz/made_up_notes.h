/* SPDX-License-Identifier: MIT */
/*
 * Notes of a made-up stream, each in a block of exactly its size, so that an overrun shows. A
 * `struct xy_stream` has a member `notes`; MADE_UP_NOTES defines the functions of session.h.
 */
#ifndef MADE_UP_NOTES_H
#define MADE_UP_NOTES_H

#include <xylem/session.h>
#include "core/xml/xml.h"

enum { NOTES = 4 };
struct made_up_notes {
    struct {
        const char *name;
        void *bytes;
        size_t size;
    } at[NOTES];
};

static int
place_of(const struct made_up_notes *notes, const struct xy_note *note)
{
    for (int i = 0; i < NOTES; i++)
        if (notes->at[i].bytes && strcmp(notes->at[i].name, note->name) == 0)
            return i;
    return -1;
}

static void *
resize_note(struct made_up_notes *notes, const struct xy_note *note, size_t size)
{
    int at = place_of(notes, note);
    for (int i = 0; at < 0 && i < NOTES; i++)
        at = notes->at[i].bytes ? -1 : i;
    xy_assert(at >= 0);
    void *bytes = xyi_alloc(size);
    size_t former = notes->at[at].bytes ? notes->at[at].size : 0;
    memcpy(bytes, notes->at[at].bytes ? notes->at[at].bytes : "",
           former < size ? former : size);
    xyi_free(notes->at[at].bytes);
    notes->at[at].name = note->name;
    notes->at[at].bytes = bytes;
    notes->at[at].size = size;
    return bytes;
}

static void
free_notes(struct made_up_notes *notes)
{
    for (int i = 0; i < NOTES; i++)
        xyi_free(notes->at[i].bytes);
}

#define MADE_UP_NOTES                                                                        \
    void *xy_stream_note_find(struct xy_stream *stream, const struct xy_note *note)          \
    {                                                                                        \
        int at = place_of(&stream->notes, note);                                             \
        return at < 0 ? NULL : stream->notes.at[at].bytes;                                   \
    }                                                                                        \
    size_t xy_stream_note_size(struct xy_stream *stream, const struct xy_note *note)         \
    {                                                                                        \
        int at = place_of(&stream->notes, note);                                             \
        return at < 0 ? 0 : stream->notes.at[at].size;                                       \
    }                                                                                        \
    void *xy_stream_note_resize(struct xy_stream *stream, const struct xy_note *note,        \
                                size_t size)                                                 \
    {                                                                                        \
        return resize_note(&stream->notes, note, size);                                      \
    }                                                                                        \
    void *xy_stream_note(struct xy_stream *stream, const struct xy_note *note)               \
    {                                                                                        \
        void *found = xy_stream_note_find(stream, note);                                     \
        return found ? found : xy_stream_note_resize(stream, note, note->size);              \
    }                                                                                        \
    void xy_stream_note_drop(struct xy_stream *stream, const struct xy_note *note)           \
    {                                                                                        \
        int at = place_of(&stream->notes, note);                                             \
        if (at < 0)                                                                          \
            return;                                                                          \
        xyi_free(stream->notes.at[at].bytes);                                                \
        stream->notes.at[at].bytes = NULL;                                                   \
    }

#endif
